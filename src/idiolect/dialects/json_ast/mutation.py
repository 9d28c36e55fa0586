"""Good texts broken on purpose, each break with its kind.

Breaks of form work on the text; breaks of the schema work on the parsed value and the schema's own
faults. Every mutant is verified by the caller and dropped where it is still good.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from idiolect.dialects.json_ast.document import Node, show
from idiolect.dialects.json_ast.repairs import written
from idiolect.dialects.json_ast.resources import subschemas
from idiolect.source import Span


@dataclass(frozen=True, slots=True)
class Break:
    """One way to break a text: put `text` in place of `span`."""

    span: Span
    text: str
    note: str


Offered = dict[str, list[Any]]
Finder = Callable[[str, Node, random.Random], Iterator[Break]]


def applied(text: str, one: Break) -> str:
    return text[: one.span.start] + one.text + text[one.span.end :]


def _shuffled(found: list[Node], rng: random.Random) -> list[Node]:
    rng.shuffle(found)
    return found


def _nodes(root: Node, rng: random.Random, kind: type | tuple[type, ...]) -> list[Node]:
    """The nodes of a Python type, in random order; true is no number."""
    found = [one for one in root.walk() if isinstance(one.value, kind) and not isinstance(one.value, bool)]
    return _shuffled(found, rng)


def _named(root: Node, rng: random.Random) -> list[Node]:
    return _shuffled([node for node in root.walk() if node.key is not None], rng)


def _cut(start: int, end: int, note: str) -> Break:
    return Break(Span(start, end), "", note)


def missing_closer(text: str, root: Node, rng: random.Random, kind: type) -> Iterator[Break]:
    for node in _nodes(root, rng, kind):
        yield _cut(node.span.end - 1, node.span.end, f"closing {text[node.span.end - 1]} removed")


def missing_bracket(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    return missing_closer(text, root, rng, list)


def missing_brace(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    return missing_closer(text, root, rng, dict)


def wrong_bracket(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, (dict, list)):
        end = node.span.end
        yield Break(Span(end - 1, end), "]" if text[end - 1] == "}" else "}", "closed by the other bracket")


def missing_quote(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, str) + _named(root, rng):
        span = node.key or node.span
        at = rng.choice((span.start, span.end - 1))
        if text[at] == '"':
            yield _cut(at, at + 1, "quote removed")


def missing_comma(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, (dict, list)):
        children = list(node.children())
        for left, right in pairwise(children):
            at = text.find(",", left.span.end, right.name_span.start)
            if at >= 0:
                yield Break(Span(at, at + 1), " ", "comma removed")


def missing_colon(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _named(root, rng):
        assert node.key is not None
        at = text.find(":", node.key.end, node.span.start)
        if at >= 0:
            yield Break(Span(at, at + 1), " ", "colon removed")


def trailing_comma(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, (dict, list)):
        if node.value:
            at = node.span.end - 1
            yield Break(Span(at, at), ",", "comma before the closing bracket")


def unquoted_key(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _named(root, rng):
        assert node.key is not None
        name = str(node.path[-1])
        if name.isidentifier():
            yield Break(node.key, name, f"quotes of the key {name} removed")


def single_quotes(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, str):
        if "'" not in node.value and "\\" not in node.value:
            yield Break(node.span, f"'{node.value}'", "single quotes")


def duplicate_key(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _named(root, rng):
        assert node.key is not None
        member = text[node.key.start : node.span.end]
        yield Break(Span(node.span.end, node.span.end), f",{member}", f"key {show(node.path[-1])} twice")


def truncated(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    end = len(text.rstrip())
    for _ in range(8):
        if end > 1:
            at = rng.randint(max(1, end // 2), end - 1)
            yield _cut(at, len(text), f"cut after {at} characters")


EXTRAS = ("}", "]", " {}", "\nThis is the tree you asked for.", ' "done"', ",", "\n```")


def extra_after(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for extra in rng.sample(EXTRAS, len(EXTRAS)):
        yield Break(Span(len(text), len(text)), extra, f"{show(extra)} after the value")


def python_word(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    words = {True: "True", False: "False", None: "None"}
    found = [node for node in root.walk() if node.value is None or isinstance(node.value, bool)]
    for node in _shuffled(found, rng):
        yield Break(node.span, words[node.value], "a word of Python")


def not_a_number(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, (int, float)):
        yield Break(node.span, rng.choice(("NaN", "Infinity", "+1", "01", "1.", ".5")), "no JSON number")


# Breaks of the schema


def _values(root: Node, rng: random.Random, makes: Callable[[Node], list[Any]]) -> Iterator[Break]:
    for node in _shuffled(list(root.walk()), rng):
        for value in makes(node):
            yield Break(node.span, written(value), f"{show(node.value, 30)} became {show(value, 30)}")


def wrong_type(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    def makes(node: Node) -> list[Any]:
        value = node.value
        if isinstance(value, str):
            return [len(value), [value], None]
        if isinstance(value, bool | int | float):
            return [written(value), None]
        return ["none", 0]

    return _values(root, rng, makes)


def misspelt(word: str, rng: random.Random) -> str:
    """A word with one letter doubled, dropped or swapped."""
    at = rng.randrange(len(word)) if word else 0
    head, letter, tail = word[:at], word[at : at + 1], word[at + 1 :]
    return rng.choice([head + letter * 2 + tail, head + tail, head + tail[:1] + letter + tail[1:]])


def unknown_value(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    return _values(
        root,
        rng,
        lambda node: [misspelt(node.value, rng), "unheard_of"] if isinstance(node.value, str) else [],
    )


def bad_date(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    def makes(node: Node) -> list[Any]:
        value = node.value
        if not isinstance(value, str) or len(value) < 10 or value[4:5] != "-":
            return []
        rest = value[10:]
        return [f"{value[:4]}-02-30{rest}", f"{value[:4]}-13-01{rest}", value[:10].replace("-", "/") + rest]

    return _values(root, rng, makes)


def out_of_range(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    def makes(node: Node) -> list[Any]:
        if isinstance(node.value, bool):
            return []
        if isinstance(node.value, int | float):
            return [-1 - abs(node.value), 10**9, node.value + 0.5]
        if isinstance(node.value, str):
            return ["", "x" * 5_000]
        return [[], node.value * 3] if isinstance(node.value, list) and node.value else []

    return _values(root, rng, makes)


def misspelt_key(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _named(root, rng):
        assert node.key is not None
        name = misspelt(str(node.path[-1]), rng)
        yield Break(node.key, json.dumps(name, ensure_ascii=False), f"key {show(node.path[-1])} misspelt")


def unknown_key(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, dict):
        name = rng.choice(("comment", "extra", "note", "x_debug"))
        at = node.span.end - 1
        yield Break(Span(at, at), f'{"," if node.value else ""}"{name}":1', f'key "{name}" added')


def missing_key(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _named(root, rng):
        assert node.key is not None
        after = text.find(",", node.span.end)
        start, end = node.key.start, node.span.end
        if after >= 0 and not text[end:after].strip():
            end = after + 1
        else:
            before = text.rfind(",", 0, start)
            start = before if before >= 0 and not text[before + 1 : start].strip() else start
        yield _cut(start, end, f"key {show(node.path[-1])} removed")


def repeated_item(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    for node in _nodes(root, rng, list):
        for item in _shuffled(list(node.items or ()), rng)[:3]:
            again = text[item.span.start : item.span.end]
            yield Break(Span(item.span.end, item.span.end), f",{again}", f"{show(item.value, 30)} twice")


def other_value(text: str, root: Node, rng: random.Random, offered: Offered) -> Iterator[Break]:
    """Put another value that the schema offers under the same key: wrong branches, broken conditions."""
    for node in _named(root, rng):
        values = [one for one in offered.get(str(node.path[-1]), ()) if one != node.value]
        for value in rng.sample(values, len(values)):
            yield Break(node.span, written(value), f"{show(node.value, 30)} became {show(value, 30)}")


def exchanged(text: str, root: Node, rng: random.Random) -> Iterator[Break]:
    """Exchange neighbours, or push a value out of its bounds: what rules between values forbid."""
    for node in _nodes(root, rng, (dict, list)):
        scalars = [child for child in node.children() if isinstance(child.value, str | int | float)]
        for left, right in pairwise(scalars):
            if type(left.value) is type(right.value) and left.value != right.value:
                first, second = (text[one.span.start : one.span.end] for one in (left, right))
                swapped = second + text[left.span.end : right.span.start] + first
                note = f"{show(left.value, 30)} and {show(right.value, 30)} exchanged"
                yield Break(Span(left.span.start, right.span.end), swapped, note)
    yield from out_of_range(text, root, rng)


def offered_values(document: Any) -> Offered:
    """The values that a schema names under each key."""
    found: dict[str, list[Any]] = {}
    waiting = [document]
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, dict):
            continue
        waiting.extend(part for _, part in subschemas(schema))
        for name, part in schema.get("properties", {}).items():
            if isinstance(part, dict):
                values = [part["const"]] if "const" in part else part.get("enum", [])
                known = found.setdefault(name, [])
                known += [value for value in values if value not in known]
    return found


SYNTAX: dict[str, Finder] = {
    "missing_bracket": missing_bracket,
    "missing_brace": missing_brace,
    "wrong_bracket": wrong_bracket,
    "missing_quote": missing_quote,
    "missing_comma": missing_comma,
    "missing_colon": missing_colon,
    "trailing_comma": trailing_comma,
    "unquoted_key": unquoted_key,
    "single_quotes": single_quotes,
    "duplicate_key": duplicate_key,
    "truncated": truncated,
    "extra_text": extra_after,
    "python_word": python_word,
    "not_a_number": not_a_number,
}

LIMIT_CODES = frozenset(
    f"json.schema.{keyword}"
    for keyword in (
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength"),
        *("maxLength", "minItems", "maxItems", "items", "additionalItems"),
    )
)
UNKNOWN_CODES = frozenset(
    f"json.schema.{keyword}" for keyword in ("additionalProperties", "unevaluatedProperties", "propertyNames")
)
MISSING_CODES = frozenset(f"json.schema.{keyword}" for keyword in ("required", "dependentRequired"))
# Each break of the schema, and the codes one of which shows that it is the break that it says.
SCHEMA: dict[str, tuple[Finder, frozenset[str]]] = {
    "wrong_type": (wrong_type, frozenset({"json.schema.type"})),
    "unknown_value": (unknown_value, frozenset({"json.schema.enum", "json.schema.const"})),
    "bad_date": (bad_date, frozenset({"json.schema.format"})),
    "out_of_range": (out_of_range, LIMIT_CODES),
    "misspelt_key": (misspelt_key, UNKNOWN_CODES | MISSING_CODES),
    "unknown_key": (unknown_key, UNKNOWN_CODES),
    "missing_key": (missing_key, MISSING_CODES),
    "repeated_item": (repeated_item, frozenset({"json.schema.uniqueItems"})),
}
FROM_OFFERED = ("wrong_branch", "broken_condition")
BROKEN_RULE = "broken_rule"
# Two equal keys keep JSON's grammar, and no grammar of open objects can forbid them.
KEEPS_FORM = ("duplicate_key",)
