"""The one layout of a script: its tree written out anew, with every comment in its place.

It presumes a script without syntax errors, and it does **not** reorder, rename or rewrite anything: strings
and numbers stand as they were written. Whether the result still means the same is checked by `format`.

A *unit* is what ends up on one line. Each unit claims the comments inside it and the one behind it on its
line; if it claims several, the last stays behind it and the others go on lines of their own above it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from idiolect.okt.syntax import (
    BlockNode,
    Body,
    Compare,
    ConditionEntry,
    Entry,
    Field,
    Flag,
    Item,
    List,
    Number,
    Scalar,
    Script,
    StatementNode,
    String,
    Unread,
    Value,
    Word,
)
from idiolect.source import Span

INDENT = "    "
WIDTH = 100


class NoLayout(Exception):
    """A construct that parses but has no place in any script, so that no layout is known for it."""

    def __init__(self, span: Span, what: str) -> None:
        super().__init__(what)
        self.span = span


def lay_out(script: Script) -> str:
    """The text of a script in the one layout; `NoLayout` where there is none."""
    writer = _Writer(script)
    writer.items(script.items)
    return "".join(f"{line}\n" for line in writer.lines)


class _Writer:
    """Writes units in the order of the source, and hands out the comments between them."""

    def __init__(self, script: Script) -> None:
        self.tokens = script.tokens
        self.comments = script.comments
        self.token_starts = [token.span.start for token in script.tokens]
        self.comment_starts = [comment.span.start for comment in script.comments]
        self.next_comment = 0
        self.lines: list[str] = []
        self.fresh = True  # at the start of the file or of a body, where no blank line is kept

    # --- the file

    def items(self, items: Sequence[Item]) -> None:
        previous: Item | None = None
        for item in items:
            if isinstance(item, Unread):
                continue
            apart = previous is not None and not (isinstance(previous, Scalar) and isinstance(item, Scalar))
            self.before(item.span.start, 0, apart=apart)
            if isinstance(item, Scalar):
                colon = "" if isinstance(item.value, String | List) else ":"
                self.valued(f"{item.keyword}{colon} ", item.span.start, item.value, 0)
            else:
                self.block(item, 0)
            previous = item
        self.before(self.tokens[-1].span.start, 0)

    # --- comments and blank lines

    def before(self, start: int, depth: int, *, apart: bool = False) -> None:
        """The comments before an offset, on lines of their own; `apart` asks for a blank line somewhere."""
        last = bisect_left(self.comment_starts, start)
        starts = [*self.comment_starts[self.next_comment : last], start]
        if apart and not any(self.blank_before(offset) for offset in starts):
            self.lines.append("")
            self.fresh = True
        for comment in self.comments[self.next_comment : last]:
            self.line(comment.text, depth, blank=self.blank_before(comment.span.start))
        self.next_comment = max(self.next_comment, last)

    def blank_before(self, offset: int) -> bool:
        """Whether the author left a line empty before what stands at an offset."""
        token = bisect_left(self.token_starts, offset)
        comment = bisect_left(self.comment_starts, offset)
        if comment < len(self.comments) and self.comment_starts[comment] == offset:
            line = self.comments[comment].line
        else:
            line = self.tokens[token].line
        above = max(
            self.tokens[token - 1].line if token else 0, self.comments[comment - 1].line if comment else 0
        )
        return line - above > 1

    def line(self, text: str, depth: int, *, blank: bool) -> None:
        if blank and not self.fresh:
            self.lines.append("")
        self.fresh = False
        self.lines.append(INDENT * depth + text)

    def unit(self, text: str, start: int, end: int, depth: int, *, closes: bool = False) -> None:
        """One line for the source between two offsets."""
        above, behind = self.claimed(end)
        blank = self.blank_before(start)
        for comment in above:
            self.line(comment, depth + closes, blank=blank)
            blank = False
        self.line(f"{text}  {behind}" if behind else text, depth, blank=blank)

    def claimed(self, end: int) -> tuple[list[str], str]:
        """The comments of a unit that ends here: those that go above it, and the one behind it."""
        follower = bisect_left(self.token_starts, end)
        while self.tokens[follower].text == ",":
            follower += 1
        first = stop = self.next_comment
        for index in range(first, bisect_left(self.comment_starts, self.token_starts[follower])):
            if not self.comments[index].own_line or self.comment_starts[index] < end:
                stop = index + 1
        self.next_comment = stop
        texts = [comment.text for comment in self.comments[first:stop]]
        if texts and not self.comments[stop - 1].own_line:
            return texts[:-1], texts[-1]
        return texts, ""

    def has_comment(self, span: Span) -> bool:
        index = bisect_left(self.comment_starts, span.start)
        return index < len(self.comments) and self.comment_starts[index] < span.end

    # --- blocks and entries

    def block(self, node: BlockNode, depth: int) -> None:
        label = f" {node.label.raw}" if node.label else ""
        self.braced(f"{node.keyword}{label} ", node.span.start, node.body, depth)

    def braced(self, head: str, start: int, body: Body, depth: int, *, after: str = "") -> None:
        """Braces, with each entry on a line of its own. Entries of an object are separated by commas."""
        entries = [entry for entry in body.entries if not isinstance(entry, Unread)]
        if not entries and not self.has_comment(body.span):
            self.unit(f"{head}{{}}{after}", start, body.span.end, depth)
            return
        self.unit(f"{head}{{", start, body.span.start + 1, depth)
        self.fresh = True
        for entry in entries:
            self.before(entry.span.start, depth + 1)
            self.entry(entry, depth + 1)
        self.close("}" + after, body.span.end, depth)

    def close(self, text: str, end: int, depth: int) -> None:
        """The bracket that closes a body or a list."""
        self.before(end - 1, depth + 1)
        self.fresh = True
        self.unit(text, end - 1, end, depth, closes=True)

    def entry(self, entry: Entry, depth: int) -> None:
        start, end = entry.span.start, entry.span.end
        if isinstance(entry, Field):
            self.valued(f"{entry.name}: ", start, entry.value, depth)
        elif isinstance(entry, BlockNode):
            self.block(entry, depth)
        elif isinstance(entry, StatementNode) and entry.body is not None:
            self.braced(f"{_statement_head(entry)} ", start, entry.body, depth)
        elif isinstance(entry, StatementNode):
            self.unit(_statement_head(entry), start, end, depth)
        elif isinstance(entry, ConditionEntry):
            self.unit(_conditions(entry.comparisons), start, end, depth)
        elif isinstance(entry, Flag):
            argument = f" {entry.argument.raw}" if entry.argument else ""
            self.unit(entry.word + argument, start, end, depth)

    # --- values

    def valued(self, head: str, start: int, value: Value, depth: int, *, after: str = "") -> None:
        """A value with what stands before and behind it, on one line if it is short enough."""
        if isinstance(value, List | Body) and not self.fits_inline(head, value, depth, after):
            if isinstance(value, List):
                self.long_list(head, start, value, depth, after)
            elif _is_object(value):
                self.long_object(head, start, value, depth, after)
            else:
                self.braced(head, start, value, depth, after=after)
            return
        self.unit(f"{head}{_flat(value)}{after}", start, value.span.end, depth)

    def fits_inline(self, head: str, value: List | Body, depth: int, after: str) -> bool:
        if self.has_comment(value.span) or not _may_be_inline(value):
            return False
        room = WIDTH - len(INDENT) * depth - len(head) - len(after)
        # What is much longer in the source can't fit; this spares writing out huge values twice.
        return value.span.end - value.span.start <= 20 * WIDTH and len(_flat(value)) <= room

    def long_list(self, head: str, start: int, value: List, depth: int, after: str) -> None:
        """One item a line."""
        self.unit(f"{head}[", start, value.span.start + 1, depth)
        self.fresh = True
        for item, comma in zip(value.items, _commas(len(value.items)), strict=False):
            self.before(item.span.start, depth + 1)
            self.valued("", item.span.start, item, depth + 1, after=comma)
        self.close("]" + after, value.span.end, depth)

    def long_object(self, head: str, start: int, value: Body, depth: int, after: str) -> None:
        """One field a line, with commas between."""
        self.unit(f"{head}{{", start, value.span.start + 1, depth)
        self.fresh = True
        fields = _fields(value)
        for field, comma in zip(fields, _commas(len(fields)), strict=True):
            self.before(field.span.start, depth + 1)
            self.valued(f"{field.name}: ", field.span.start, field.value, depth + 1, after=comma)
        self.close("}" + after, value.span.end, depth)


def _commas(count: int) -> list[str]:
    """What stands behind each of so many items: a comma, and nothing behind the last."""
    return [","] * (count - 1) + [""]


def _fields(body: Body) -> list[Field]:
    return [entry for entry in body.entries if isinstance(entry, Field)]


def _is_object(body: Body) -> bool:
    return all(isinstance(entry, Field | Unread) for entry in body.entries) and bool(_fields(body))


def _may_be_inline(value: Value) -> bool:
    if isinstance(value, List):
        objects = sum(isinstance(item, Body) for item in value.items)
        return objects < 2 and all(_may_be_inline(item) for item in value.items)
    if isinstance(value, Body):
        return all(isinstance(entry, Unread) for entry in value.entries) or (
            _is_object(value) and all(_may_be_inline(field.value) for field in _fields(value))
        )
    return True


def _flat(value: Value) -> str:
    """A value on one line."""
    if isinstance(value, String | Number):
        return value.raw
    if isinstance(value, Word):
        return value.text
    if isinstance(value, List):
        return "[" + ", ".join(_flat(item) for item in value.items) + "]"
    if isinstance(value, Body) and all(isinstance(entry, Field | Unread) for entry in value.entries):
        inner = ", ".join(f"{field.name}: {_flat(field.value)}" for field in _fields(value))
        return f"{{ {inner} }}" if inner else "{}"
    raise NoLayout(value.span, "a block can't stand where a single value is expected")


def _conditions(comparisons: Iterable[Compare]) -> str:
    return " AND ".join(f"{one.signal} {one.operator} {_flat(one.value)}" for one in comparisons)


def _statement_head(node: StatementNode) -> str:
    """A statement up to its body."""
    value = "" if node.value is None else _flat(node.value)
    match node.keyword:
        case "IF" | "WHEN":
            return f"{node.keyword} {_conditions(node.conditions)}"
        case "EVERY":
            return f"EVERY {value} {node.name}"
        case "SET":
            return f"SET {node.name} = {value}"
        case "DECREASE" | "INCREASE":
            return f"{node.keyword} {node.name} BY {value}"
        case "REPLACE":
            return f"REPLACE WITH {value}"
        case _:
            return " ".join(part for part in (node.keyword, node.name, value) if part)
