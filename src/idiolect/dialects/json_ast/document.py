"""A JSON text as a tree that knows where each of its values and keys stands.

Built only when a fault has to be placed, or when texts are compared. It does not read text (that
is `scan`) and does not judge values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from idiolect.source import Span

Path = tuple[str | int, ...]

# Deep enough for any syntax tree a model can write; the validator's own stack stays far away.
MAX_DEPTH = 200


@dataclass(slots=True, eq=False)
class Node:
    """One value: what it is, where it stands, and what is in it."""

    value: Any
    span: Span
    path: Path = ()
    key: Span | None = None  # the span of the key that names it, quotes included
    members: dict[str, Node] | None = None  # of an object
    items: list[Node] | None = None  # of an array

    @property
    def name_span(self) -> Span:
        return self.key or self.span

    def child(self, step: str | int) -> Node | None:
        """The member or item that one step leads to."""
        if self.members is not None and isinstance(step, str):
            return self.members.get(step)
        if self.items is not None and isinstance(step, int) and -len(self.items) <= step < len(self.items):
            return self.items[step]
        return None

    def find(self, path: Path) -> Node | None:
        """The node that a path leads to."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node is not None else None
        return node

    def children(self) -> Iterator[Node]:
        if self.members is not None:
            yield from self.members.values()
        elif self.items is not None:
            yield from self.items

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first, in text order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(list(node.children())))


def pointer(path: Path) -> str:
    """A path as a JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def show(value: Any, limit: int = 60) -> str:
    """A value as it would stand in a message: JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def type_name(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"
