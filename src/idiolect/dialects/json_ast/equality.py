"""When two JSON values mean the same: objects in any order, sets in any order, numbers by value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from idiolect.dialects.json_ast.document import Node, Path
from idiolect.source import Span

NOWHERE = Span(0, 0)


def node_of(value: Any, path: Path = ()) -> Node:
    """A tree for a value that was never text; all its spans are empty."""
    root = Node(value, NOWHERE, path)
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node.value, dict):
            node.members = {
                name: Node(part, NOWHERE, (*node.path, name)) for name, part in node.value.items()
            }
        elif isinstance(node.value, list):
            node.items = [Node(part, NOWHERE, (*node.path, i)) for i, part in enumerate(node.value)]
        stack.extend(node.children())
    return root


def image(root: Node, sets: frozenset[int] = frozenset()) -> str:
    """A text that two trees share exactly if they mean the same; `sets` are ids of unordered arrays."""
    images: dict[int, str] = {}
    for node in reversed(list(root.walk())):
        if node.members is not None:
            parts = (f"{json.dumps(name)}:{images.pop(id(part))}" for name, part in node.members.items())
            made = "{" + ",".join(sorted(parts)) + "}"
        elif node.items is not None:
            listed = [images.pop(id(item)) for item in node.items]
            made = "[" + ",".join(sorted(listed) if id(node) in sets else listed) + "]"
        else:
            made = scalar_image(node.value)
        images[id(node)] = made
    return images[id(root)]


def image_of_value(value: Any) -> str:
    """The image of a plain value."""
    return image(node_of(value)) if isinstance(value, dict | list) else scalar_image(value)


def scalar_image(value: Any) -> str:
    """A scalar in the one form of its value: 1, 1.0 and 10e-1 alike, true apart from 1."""
    if isinstance(value, bool | str) or value is None:
        return json.dumps(value)
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if not number:
        return "0"
    sign, digits, exponent = number.as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    assert isinstance(exponent, int), "the parser lets no infinity through"
    return f"{'-' * sign}{figures}e{exponent + len(digits) - len(figures)}"
