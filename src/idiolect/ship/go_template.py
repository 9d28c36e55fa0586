"""Renders the few words of Go's templates that our Modelfiles are written in, to prove them without Ollama.

Known: `if`, `else if`, `else`, `end`, `range .Messages`, fields, variables, `eq` of two, strings. Everything
else is refused, so that no template is taken as proven that was not understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[$.]?[A-Za-z_]\w*|:=|=|\S')


class NotUnderstood(Exception):
    """A template with a word that is not of the subset."""


@dataclass(slots=True)
class _Node:
    """A text, an action, or a block with its branches."""

    kind: str  # text, do, if, range
    words: list[str]
    branches: list[tuple[list[str], list[_Node]]] = field(default_factory=list)
    body: list[_Node] = field(default_factory=list)


def render_go(template: str, system: str, messages: Sequence[Mapping[str, str]]) -> str:
    """A template's text for a conversation, as Ollama's runner would fill it."""
    given = [{"Role": turn["role"], "Content": turn["content"]} for turn in messages]
    nodes, rest = _parsed(list(_pieces(template)), 0)
    if rest:
        raise NotUnderstood("an end without its beginning")
    return "".join(_filled(nodes, {"System": system, "Messages": given}, {}))


def quoted(text: str) -> str:
    """A text as a string of Go's."""
    return json.dumps(text, ensure_ascii=False)


def _pieces(template: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in _ACTION.finditer(template):
        if found.start() > at:
            yield "text", template[at : found.start()]
        inner = found[1]
        if inner.startswith("-") or inner.endswith("-"):
            raise NotUnderstood("marks that trim spaces")
        yield "do", inner.strip()
        at = found.end()
    if at < len(template):
        yield "text", template[at:]


def _parsed(pieces: list[tuple[str, str]], depth: int) -> tuple[list[_Node], list[str]]:
    """Nodes up to the `else` or `end` that closes them, whose words come second; pieces are used up."""
    nodes: list[_Node] = []
    while pieces:
        kind, text = pieces.pop(0)
        if kind == "text":
            nodes.append(_Node("text", [text]))
            continue
        words = _WORD.findall(text)
        match words[:1]:
            case ["end"] | ["else"]:
                return nodes, words
            case ["if"]:
                nodes.append(_branches(words[1:], pieces, depth))
            case ["range"]:
                body, closing = _parsed(pieces, depth + 1)
                if closing != ["end"]:
                    raise NotUnderstood("a range with else")
                nodes.append(_Node("range", words[1:], body=body))
            case _:
                nodes.append(_Node("do", words))
    if depth:
        raise NotUnderstood("a block that does not end")
    return nodes, []


def _branches(words: list[str], pieces: list[tuple[str, str]], depth: int) -> _Node:
    node, condition = _Node("if", []), words
    while True:
        body, closing = _parsed(pieces, depth + 1)
        node.branches.append((condition, body))
        if closing == ["end"]:
            return node
        condition = closing[2:] if closing[1:2] == ["if"] else ["true"]


def _filled(nodes: list[_Node], dot: Any, names: dict[str, Any]) -> Iterator[str]:
    for node in nodes:
        match node.kind:
            case "text":
                yield node.words[0]
            case "if":
                found = next((body for words, body in node.branches if _value(words, dot, names)), [])
                yield from _filled(found, dot, names)
            case "range":
                for one in _value(node.words, dot, names):
                    yield from _filled(node.body, one, names)
            case _ if len(node.words) > 2 and node.words[1] in (":=", "="):
                names[node.words[0]] = _value(node.words[2:], dot, names)
            case _:
                yield str(_value(node.words, dot, names))


def _value(words: list[str], dot: Any, names: Mapping[str, Any]) -> Any:
    match words:
        case ["true"]:
            return True
        case ["eq", left, right]:
            return _value([left], dot, names) == _value([right], dot, names)
        case [one] if one.startswith('"'):
            return json.loads(one)
        case [one] if one.startswith("$") and one in names:
            return names[one]
        case [one] if one.startswith(".") and one[1:] in dot:
            return dot[one[1:]]
    raise NotUnderstood(f"{{{{ {' '.join(words)} }}}}")
