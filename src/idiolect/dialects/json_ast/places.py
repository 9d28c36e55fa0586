"""The tree of a text that is known to be good JSON, several times faster than a careful reading.

It takes the value that the strict reader made, and only looks for where its parts stand.
"""

from __future__ import annotations

import json
import re
from typing import Any

from idiolect.dialects.json_ast.document import Node
from idiolect.source import Span

TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:]|[^\s\[\]{}:,"]++', re.DOTALL)


def tree_of(text: str, value: Any) -> Node:
    """The tree of a good text and its value."""
    root: Node | None = None
    parents: list[Node] = []
    name: str | None = None  # the key that was read, until its value stands
    key: Span | None = None
    for found in TOKEN.finditer(text):
        piece = found[0]
        span = Span(found.start(), found.end())
        if piece == ":":
            continue
        if piece in ("]", "}"):
            closed = parents.pop()
            closed.span = Span(closed.span.start, span.end)
            continue
        parent = parents[-1] if parents else None
        if parent is None:
            node = root = _node(value, span, ())
        elif parent.items is not None:
            index = len(parent.items)
            node = _node(parent.value[index], span, (*parent.path, index))
            parent.items.append(node)
        elif name is None:
            name = json.loads(piece) if "\\" in piece else piece[1:-1]
            key = span
            continue
        else:
            assert parent.members is not None
            node = _node(parent.value[name], span, (*parent.path, name))
            node.key = key
            parent.members[name] = node
            name = None
        if piece in ("[", "{"):
            parents.append(node)
    assert root is not None, "a good text holds a value"
    return root


def _node(value: Any, span: Span, path: tuple[str | int, ...]) -> Node:
    if isinstance(value, dict):
        return Node(value, span, path, members={})
    return Node(value, span, path, items=[] if isinstance(value, list) else None)
