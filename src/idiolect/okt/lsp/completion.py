"""What can be written at the cursor: blocks, fields, values, paths and the words of CONTROL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from os import scandir
from pathlib import Path

from lsprotocol import types as lsp

from idiolect.dialects.registry import BUILT_IN
from idiolect.okt.fields import FieldSpec, Kind, Status
from idiolect.okt.language import BLOCKS, BlockSpec
from idiolect.okt.lexer import Token, TokenKind, encode_string
from idiolect.okt.lsp import cards
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.slots import Frame, Mode, Slot, What
from idiolect.okt.pages import STATUS_TEXT
from idiolect.okt.read_control import SIGNALS
from idiolect.okt.vocab import (
    CONTROL_PARAMETERS,
    CONTROL_WORDS,
    INFERENCE_SIGNALS,
    METRICS,
    MONITOR_METRICS,
    OPERATORS,
    TRAINING_SIGNALS,
)
from idiolect.plan.paths import project_root
from idiolect.source import Span

_QUOTED = {Kind.STRING, Kind.PATH, Kind.MODEL, Kind.METRIC, Kind.HOOK, Kind.TEMPLATE, Kind.ENUM, Kind.SIZE}
_BRACED = {Kind.BLOCK, Kind.FLAGS, Kind.CONDITIONS, Kind.STATEMENTS}
_PATHS = {Kind.PATH, Kind.MODEL, Kind.HOOK}
_LAST = {Status.LEGACY, Status.UNDOCUMENTED, Status.PROPOSED, Status.PLANNED}
MOST_FILES = 500  # of a folder; more help nobody to choose

_Kind = lsp.CompletionItemKind


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to offer. `text` may be a snippet."""

    label: str
    text: str
    kind: lsp.CompletionItemKind
    detail: str = ""
    card: str | None = None
    snippet: bool = False
    rank: int = 1  # lower ones are listed first


def complete(analysis: Analysis, position: lsp.Position, *, snippets: bool = True) -> lsp.CompletionList:
    """The choices at a position."""
    offset = analysis.positions.offset(position)
    if analysis.too_large or analysis.in_comment(offset):
        return lsp.CompletionList(False, [])
    cursor = _Cursor(analysis, offset, snippets)
    whole = analysis.positions.range(cursor.replaced)
    items = [_item(index, choice, whole) for index, choice in enumerate(cursor.choices())]
    return lsp.CompletionList(is_incomplete=False, items=items)


def _item(index: int, choice: Choice, range: lsp.Range) -> lsp.CompletionItem:
    return lsp.CompletionItem(
        label=choice.label,
        kind=choice.kind,
        detail=choice.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, choice.card) if choice.card else None,
        sort_text=f"{choice.rank}{index:04}",
        filter_text=choice.label,
        text_edit=lsp.TextEdit(range, choice.text),
        insert_text_format=(
            lsp.InsertTextFormat.Snippet if choice.snippet else lsp.InsertTextFormat.PlainText
        ),
    )


class _Cursor:
    """The place of the cursor: the slot, the token that is being typed, and what stands behind it."""

    def __init__(self, analysis: Analysis, offset: int, snippets: bool) -> None:
        self.analysis = analysis
        self.snippets = snippets
        slots = analysis.slots
        index = slots.touching(offset)
        token = slots.tokens[index] if index is not None else None
        self.typed: Token | None = None
        self.slot: Slot
        self.replaced = Span(offset, offset)
        if index is not None and token is not None and _is_typed(token, offset):
            self.typed = token
            self.slot = slots.taken[index]
            self.replaced = _replaced(token, offset)
        else:
            self.slot = slots.gap(offset, analysis.source.place(offset).line)
        self.behind = self._text_behind(self.replaced.end)
        self.before = analysis.text[self.replaced.start : offset]

    @property
    def in_string(self) -> bool:
        return self.typed is not None and self.typed.kind in (TokenKind.STRING, TokenKind.OPEN_STRING)

    def _text_behind(self, end: int) -> str:
        """The next character on the line that is not a space."""
        source = self.analysis.source
        place = source.place(end)
        return source.line(place.line)[place.column - 1 :].lstrip(" \t")[:1]

    def choices(self) -> Iterator[Choice]:
        slot = self.slot
        match slot.what:
            case What.BLOCK:
                return self._blocks() if not self.in_string else iter(())
            case What.NAME:
                return self._names(slot.frame)
            case What.VALUE:
                return self._values(slot.field)
            case What.FLAG:
                return self._flags(slot)
            case What.METRIC:
                return self._metrics(METRICS, slot.frame.names)
            case What.STATEMENT:
                return self._statements(slot.frame)
            case What.SIGNAL:
                return self._signals(slot.frame)
            case What.LOGGED:
                return self._metrics(dict.fromkeys((*TRAINING_SIGNALS, *METRICS)))
            case _:
                return self._words(slot)

    # --- blocks and fields

    def _blocks(self) -> Iterator[Choice]:
        used = self.slot.frame.names - ({self.typed.text} if self.typed else set())
        for block in BLOCKS.values():
            if block.keyword in used and not block.repeatable:
                continue
            text = block.keyword if self.behind in ("{", '"') else self._block_text(block)
            rank = 0 if block.required else 2 if block.status in _LAST else 1
            detail = _with_status(block.help, block.status)
            yield self._choice(block.keyword, text, _Kind.Module, detail, cards.block_card(block), rank)

    def _block_text(self, block: BlockSpec) -> str:
        if block.form == "scalar":
            return f"{block.keyword} {_value_snippet(block.fields[0], 1)[0]}"
        return f"{block.keyword} {_body_snippet(block)}"

    def _names(self, frame: Frame) -> Iterator[Choice]:
        if frame.block is None or self.in_string:
            return
        typed = self.typed.text if self.typed else ""
        for field in frame.block.fields:
            if field.implicit:
                if field.kind is Kind.ENUM:
                    yield from (Choice(word, word, _Kind.EnumMember, field.name) for word in field.values)
            elif not (frame.names - {typed}) & set(field.all_names):
                yield self._name(frame.block, field)

    def _name(self, block: BlockSpec, field: FieldSpec) -> Choice:
        if self.behind in (":", "{"):
            text = field.name
        elif field.kind in _BRACED:
            inner = _body_snippet(block.nested(field)) if field.block else "{\n    $1\n}"
            text = f"{field.name} {inner}"
        else:
            text = f"{field.name}: {_value_snippet(field, 1)[0]}"
        default = cards.default_text(field).replace("`", "")
        detail = f"{field.type_text}, default {default}" if default else field.type_text
        detail = _with_status(detail, field.status)
        kind = _Kind.Struct if field.kind in _BRACED else _Kind.Field
        rank = 0 if field.required else 2 if field.status in _LAST else 1
        return self._choice(field.name, text, kind, detail, cards.field_card(field, block), rank)

    def _choice(
        self, label: str, text: str, kind: lsp.CompletionItemKind, detail: str, card: str, rank: int
    ) -> Choice:
        """A choice whose text is a snippet; an editor that knows none gets its first word."""
        snippet = "$" in text
        if snippet and not self.snippets:
            snippet = False
            text = f"{label}: " if text.startswith(f"{label}:") else f"{label} "
        return Choice(label, text, kind, detail, card, snippet, rank)

    # --- values

    def _values(self, field: FieldSpec | None) -> Iterator[Choice]:
        if field is None:
            return
        kind = field.item if field.kind is Kind.LIST and field.item is not None else field.kind
        if kind is Kind.BOOL and not self.in_string:
            yield from (Choice(word, word, _Kind.Value, field.name) for word in ("true", "false"))
        block = self.slot.frame.block
        place = f"{block.path}.{field.name}" if block is not None else field.name
        for value in self._known(field, kind, place):
            yield self._quoted(value, _Kind.EnumMember, field)
        if kind in _PATHS or place == "DIALECT.name":
            yield from self._files(field)
        if not self.in_string and kind not in (Kind.BOOL, Kind.BLOCK) and field.kind is not Kind.LIST:
            yield from self._default(field)

    def _known(self, field: FieldSpec, kind: Kind, place: str) -> Iterable[str]:
        """Texts that the field takes, as far as they can be listed."""
        if field.values:
            return field.values
        if kind is Kind.METRIC:
            return MONITOR_METRICS if place.startswith("MONITOR.") else METRICS
        if place == "MODEL.inherit":
            return self.analysis.checked.reading.parents
        return sorted(BUILT_IN) if place == "DIALECT.name" else ()

    def _quoted(self, value: str, kind: lsp.CompletionItemKind, field: FieldSpec) -> Choice:
        default = field.default == value
        return Choice(
            value, self._in_quotes(value, field), kind, "default" if default else "", rank=0 if default else 1
        )

    def _in_quotes(self, value: str, field: FieldSpec) -> str:
        """A text with the quotes and brackets that are still missing."""
        if self.in_string:
            assert self.typed is not None
            return encode_string(value)[1:-1] + ("" if self.typed.kind is TokenKind.STRING else '"')
        quoted = encode_string(value)
        outside = field.kind is Kind.LIST and self.slot.frame.mode is not Mode.LIST
        return f"[{quoted}]" if outside else quoted

    def _default(self, field: FieldSpec) -> Iterator[Choice]:
        """The default of a field whose values can't be listed, and its example."""
        if field.values or field.kind in _QUOTED:
            return
        if field.default is not None and field.shown_default:
            yield Choice(field.shown_default, field.shown_default, _Kind.Value, "default", rank=0)
        example = field.example.partition(":")[2].strip()
        if example and example != field.shown_default:
            yield Choice(example, example, _Kind.Value, "example")

    def _files(self, field: FieldSpec) -> Iterator[Choice]:
        """Files and folders below the project root, of the folder that is typed so far."""
        if self.analysis.path is None or not self.in_string:
            return
        root = project_root(self.analysis.path)[0]
        typed = self.before.rpartition("/")[0]
        prefix = f"{typed}/" if "/" in self.before else ""
        for name, is_folder in _listed(root / prefix):
            if is_folder:
                # Its closing quote comes later: a "/" goes on into the folder.
                yield Choice(f"{prefix}{name}/", encode_string(prefix + name)[1:-1], _Kind.Folder, rank=2)
            else:
                yield Choice(prefix + name, self._in_quotes(prefix + name, field), _Kind.File, rank=2)

    # --- words

    def _flags(self, slot: Slot) -> Iterator[Choice]:
        if slot.frame.mode is Mode.FIELDS:  # an entry that may be a field as well
            yield from self._names(slot.frame)
        elif slot.field is not None:
            typed = self.typed.text if self.typed else ""
            for word in slot.field.values:
                if word == typed or word not in slot.frame.names:
                    yield Choice(word, word, _Kind.EnumMember, slot.field.name)

    def _metrics(self, names: Iterable[str], used: Iterable[str] = ()) -> Iterator[Choice]:
        skipped = set(used) - ({self.typed.text} if self.typed else set())
        for name in names:
            if name not in skipped and not self.in_string:
                yield Choice(name, name, _Kind.Variable, "metric", cards.metric_card(name))

    def _statements(self, frame: Frame) -> Iterator[Choice]:
        if frame.block is not None:
            yield from self._names(frame)
        for word in CONTROL_WORDS:
            text = _STATEMENT_SNIPPETS.get(word, word)
            card = cards.statement_card(word) or word
            yield self._choice(word, text, _Kind.Keyword, "statement", card, 1)

    def _signals(self, frame: Frame) -> Iterator[Choice]:
        near = INFERENCE_SIGNALS if frame.inference else TRAINING_SIGNALS
        for name in dict.fromkeys((*near, *SIGNALS)):
            rank = 0 if name in near else 1
            yield Choice(name, name, _Kind.Variable, "signal", cards.metric_card(name), rank=rank)

    def _words(self, slot: Slot) -> Iterator[Choice]:
        words: Iterable[str] = {
            What.OPERATOR: ("=",) if slot.name == "SET" else OPERATORS,
            What.JOINER: ("AND",),
            What.PARAMETER: CONTROL_PARAMETERS,
            What.BY: ("BY",),
            What.UNIT: ("steps", "epochs"),
            What.SAVED: ("model", "checkpoint"),
            What.WITH: ("WITH",),
        }.get(slot.what, ())
        if slot.what is What.CONSTANT and slot.name in ("IF", "WHEN", "SET", ""):
            words = ("true", "false")
        if not self.in_string:
            yield from (Choice(word, word, _Kind.Keyword) for word in words)


# How a statement goes on behind its keyword.
_STATEMENT_SNIPPETS = {
    "IF": "IF ${1:loss} ${2:>} ${3:2.0} {\n    $0\n}",
    "WHEN": "WHEN ${1:gpu_memory} ${2:<} ${3:2GB} {\n    $0\n}",
    "EVERY": "EVERY ${1:500} ${2:steps} {\n    $0\n}",
    "SET": "SET ${1:LR} = $0",
    "DECREASE": "DECREASE ${1:LR} BY ${0:0.5}",
    "INCREASE": "INCREASE ${1:LR} BY ${0:0.5}",
    "LOG": "LOG $0",
    "SAVE": "SAVE $0",
    "REPLACE": 'REPLACE WITH "$0"',
    "RETURN": 'RETURN "$0"',
}


def _is_typed(token: Token, offset: int) -> bool:
    """Whether the cursor is in a token that completion goes on with."""
    if token.kind is TokenKind.STRING:
        return token.span.start < offset < token.span.end
    return token.kind in (TokenKind.WORD, TokenKind.NUMBER, TokenKind.OPEN_STRING)


def _replaced(token: Token, offset: int) -> Span:
    """What a choice takes the place of: a word, or what stands between the quotes."""
    if token.kind is TokenKind.STRING:
        return Span(token.span.start + 1, token.span.end - 1)
    if token.kind is TokenKind.OPEN_STRING:
        return Span(token.span.start + 1, offset)
    return token.span


def _with_status(detail: str, status: Status) -> str:
    return f"{detail} ({STATUS_TEXT[status]})" if status in STATUS_TEXT else detail


def _value_snippet(field: FieldSpec, hole: int) -> tuple[str, int]:
    """A hole for a value, with its quotes and brackets, and the number of the next hole."""
    inner = field.item if field.kind is Kind.LIST else field.kind
    if field.kind is Kind.LIST and inner is Kind.BLOCK:
        return f"[\n    {{ ${hole} }}\n]", hole + 1
    quotes = '"' if inner in _QUOTED else ""
    known = ("true", "false") if inner is Kind.BOOL else () if field.open_values else field.values
    if field.default in known:
        known = (field.default, *(word for word in known if word != field.default))
    wanted = f"${{{hole}|{','.join(known)}|}}" if known else f"${hole}"
    text = f"{quotes}{wanted}{quotes}"
    return (f"[{text}]" if field.kind is Kind.LIST else text), hole + 1


def _body_snippet(block: BlockSpec) -> str:
    """Braces with the required fields in them."""
    lines: list[str] = []
    hole = 1
    for field in block.fields:
        if not field.required:
            continue
        if field.implicit:
            lines.append(f"${{{hole}:{field.values[0] if field.values else field.form}}}")
            hole += 1
        elif field.kind in _BRACED:
            lines.append(f"{field.name} {{ ${hole} }}")
            hole += 1
        else:
            value, hole = _value_snippet(field, hole)
            lines.append(f"{field.name}: {value}")
    inner = "".join(f"\n    {line}" for line in lines)
    return f"{{{inner}\n    $0\n}}"


def _listed(folder: Path) -> list[tuple[str, bool]]:
    """The names in a folder, each with whether it is a folder, those first; none where it can't be read."""
    try:
        with scandir(folder) as entries:
            found = [(entry.name, entry.is_dir()) for entry in islice(entries, 10 * MOST_FILES)]
    except (OSError, ValueError):
        return []
    # A name that is not UTF-8 holds surrogates, which are not printable: a script can't name it.
    shown = [one for one in found if not one[0].startswith(".") and one[0].isprintable()]
    return sorted(shown, key=lambda one: (not one[1], one[0]))[:MOST_FILES]
