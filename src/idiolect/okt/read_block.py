"""One block of the tree to its reading: fields by their kind, nested blocks, words and statements."""

from __future__ import annotations

from typing import Any

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.fields import FieldSpec, Kind
from idiolect.okt.language import BLOCKS, block_named
from idiolect.okt.read_control import ControlReader
from idiolect.okt.reading import BlockReading, Written
from idiolect.okt.syntax import (
    BlockNode,
    Body,
    ConditionEntry,
    Entry,
    Field,
    Flag,
    List,
    Script,
    Unread,
    Value,
    Word,
)
from idiolect.okt.values import BAD, ValueReader
from idiolect.okt.vocab import known_metric
from idiolect.source import Span
from idiolect.text_hints import nearest


class BlockReader:
    """Reads the entries of one block into its reading."""

    def __init__(self, script: Script, reporter: Reporter, block: BlockReading) -> None:
        self.script = script
        self.reporter = reporter
        self.block = block
        self.spec = block.spec
        self.values = ValueReader(block.path, reporter)
        self.seen: dict[str, Span] = {}

    def entries(self, body: Body) -> None:
        """Read all entries."""
        if self.spec.form == "words":
            self._words(body)
            return
        if self.spec.form == "statements":
            self._control(body)
            return
        for entry in body.entries:
            self._entry(entry)

    def _entry(self, entry: Entry) -> None:
        if isinstance(entry, Field):
            spec = self.spec.by_name.get(entry.name)
            if spec is None or spec.implicit:
                self._unknown_field(entry)
            else:
                self.field(spec, entry.name, entry.name_span, entry.value)
        elif isinstance(entry, BlockNode):
            self._nested(entry)
        elif isinstance(entry, Flag):
            self._flag(entry)
        elif not isinstance(entry, Unread):
            what = "a condition" if isinstance(entry, ConditionEntry) else "a statement"
            self.reporter.error(
                "L107", entry.span, f"{what} has no place in {self.spec.path}", "statements stand in CONTROL"
            )

    # --- fields

    def field(self, spec: FieldSpec, name: str, name_span: Span, value: Value) -> None:
        """Read one field, and keep it if it can be used."""
        self._note_repeat(spec, name, name_span)
        made = self._value(spec, name, name_span, value)
        if made is BAD:
            self.block.broken.add(spec.name)
            return
        spans = tuple(item.span for item in value.items) if isinstance(value, List) else ()
        self.block.fields[spec.name] = Written(made, value.span, name, name_span, spans)

    def _note_repeat(self, spec: FieldSpec, name: str, name_span: Span) -> None:
        earlier = self.seen.get(spec.name)
        self.seen[spec.name] = name_span
        if earlier is None:
            return
        written = self.block.fields.get(spec.name)
        if written is not None and written.name != name:
            message = f'"{written.name}" and "{name}" are two spellings of one field; the later one wins'
        else:
            message = f'"{name}" stands twice in {self.spec.path}; the later one wins'
        self.reporter.warning(
            "L104", name_span, message, "keep one", related=((earlier, "the first one is here"),)
        )

    def _value(self, spec: FieldSpec, name: str, name_span: Span, value: Value) -> Any:
        if isinstance(value, Body) and spec.kind in (
            Kind.BLOCK,
            Kind.CONDITIONS,
            Kind.STATEMENTS,
            Kind.FLAGS,
        ):
            self.reporter.info(
                "L316", name_span, f'"{name}" is a block and needs no ":"', f"write {name} {{ ... }}"
            )
            self._body_of(spec, name_span, value)
            return BAD  # kept as a nested block already
        if spec.kind is Kind.LIST or (spec.kind is Kind.FLAGS and isinstance(value, List)):
            return self._list(spec, value)
        if spec.kind in (Kind.BLOCK, Kind.CONDITIONS, Kind.STATEMENTS, Kind.FLAGS):
            form = spec.form or f"{name} {{ ... }}"
            self.reporter.error("L107", value.span, f'"{name}" is a block, not a value', f"write {form}")
            return BAD
        return self.values.read(spec, value)

    def _list(self, spec: FieldSpec, value: Value) -> Any:
        if not isinstance(value, List):
            if isinstance(value, Body) and spec.item is not Kind.BLOCK:
                return self.values.read_item(spec, value)
            made = self._item(spec, value)
            if made is not BAD:
                raw = self.script.source.text[value.span.start : value.span.end]
                self.reporter.warning(
                    "L202",
                    value.span,
                    f'"{spec.name}" is a list; the single value is taken for a list of one',
                    f"write [{raw}]" if len(raw) < 60 else None,
                    edits=(Edit("Make it a list", value.span, f"[{raw}]"),),
                )
            return BAD if made is BAD else [made]
        items = [self._item(spec, item) for item in value.items]
        good = [item for item in items if item is not BAD]
        if spec.length and not spec.length.hold(len(value.items)):
            self.reporter.error(
                "V010",
                value.span,
                f'"{spec.name}" has {len(value.items)} items',
                f"it takes {spec.length} items",
            )
            return BAD
        return good if good or not items else BAD

    def _item(self, spec: FieldSpec, value: Value) -> Any:
        if spec.item is not Kind.BLOCK:
            return self.values.read_item(spec, value)
        if not isinstance(value, Body):
            example = f"write {spec.example}" if spec.example else None
            self.reporter.error(
                "L201", value.span, f'each item of "{spec.name}" is an object in braces', example
            )
            return BAD
        made = BlockReading(self.spec.nested(spec), value.span, value.span)
        BlockReader(self.script, self.reporter, made).entries(value)
        return made

    # --- nested blocks

    def _nested(self, node: BlockNode) -> None:
        spec = self.spec.by_name.get(node.keyword)
        if spec is None or spec.implicit:
            top = block_named(node.keyword)
            if top is not None:
                self.reporter.error(
                    "L107",
                    node.keyword_span,
                    f"block {node.keyword} stands inside {self.spec.path}",
                    f"move it to the top; a brace of {self.spec.path} may be missing before it",
                )
                return
            self._unknown(node.keyword, node.keyword_span, "block")
            return
        if spec.kind not in (Kind.BLOCK, Kind.CONDITIONS, Kind.STATEMENTS, Kind.FLAGS):
            self.reporter.error(
                "L107",
                node.keyword_span,
                f'"{node.keyword}" is a field, not a block',
                f"write {node.keyword}: ...",
            )
            return
        self._note_repeat(spec, node.keyword, node.keyword_span)
        self._body_of(spec, node.keyword_span, node.body)

    def _body_of(self, spec: FieldSpec, name_span: Span, body: Body) -> None:
        if spec.kind is Kind.BLOCK:
            nested = self.block.blocks.get(spec.name)
            if nested is None:
                nested = BlockReading(self.spec.nested(spec), name_span.to(body.span), name_span)
                self.block.blocks[spec.name] = nested
            BlockReader(self.script, self.reporter, nested).entries(body)
            return
        made: Any
        if spec.kind is Kind.FLAGS:
            made, spans = self._flags(spec, body)
        else:
            scope = "inference" if self.spec.path == "INFERENCE" else "training"
            control = ControlReader(self.script.source, self.reporter, scope)  # type: ignore[arg-type]
            spans = ()
            if spec.kind is Kind.CONDITIONS:
                made = control.conditions(body.entries, spec.name)
            else:
                made = control.statements(body.entries)
                if not body.entries:
                    self._empty_control(spec.name, name_span)
        self.block.fields[spec.name] = Written(made, body.span, spec.name, name_span, spans)

    def _flags(self, spec: FieldSpec, body: Body) -> tuple[list[str], tuple[Span, ...]]:
        """Bare words; the values of a closed set."""
        words: list[str] = []
        spans: list[Span] = []
        for entry in body.entries:
            if isinstance(entry, Flag):
                made = self.values.read_flag(spec, Word(entry.word, entry.span))
                if made is not BAD:
                    words.append(made)
                    spans.append(entry.span)
            elif not isinstance(entry, Unread):
                self.reporter.error(
                    "L107", entry.span, f"{spec.name} holds bare words only", f"write {spec.form}"
                )
        return words, tuple(spans)

    def _empty_control(self, name: str, span: Span) -> None:
        self.reporter.warning("V015", span, f"{name} holds nothing", "add a directive, or remove it")

    # --- words

    def _flag(self, flag: Flag) -> None:
        implicit = next((spec for spec in self.spec.fields if spec.implicit and spec.kind is Kind.ENUM), None)
        if implicit is not None:
            made = self.values.read_flag(implicit, Word(flag.word, flag.span))
            if made is BAD:
                self.block.broken.add(implicit.name)
            else:
                self.block.fields[implicit.name] = Written(made, flag.span, implicit.name, flag.span)
            return
        if flag.word in self.spec.by_name:
            self.reporter.error(
                "L005", flag.span, f'"{flag.word}" has no value', f"write {flag.word}: and its value"
            )
            return
        self.reporter.error(
            "L107",
            flag.span,
            f'the word "{flag.word}" stands alone in {self.spec.path}',
            "a field is written name: value",
        )

    def _words(self, body: Body) -> None:
        """METRICS: metric names, and custom "name"."""
        names: dict[str, Span] = {}
        custom: dict[str, Span] = {}
        for entry in body.entries:
            if isinstance(entry, Flag) and entry.word == "custom" and entry.argument is not None:
                custom.setdefault(entry.argument.text, entry.span)
            elif isinstance(entry, Flag) and entry.argument is None:
                name = self.values.metric_text(entry.word, Word(entry.word, entry.span))
                self._repeated_metric(entry.word, name, entry.span, names)
                target = names if known_metric(name) else custom
                target.setdefault(name, entry.span)
            elif not isinstance(entry, Unread):
                self.reporter.error(
                    "L107",
                    entry.span,
                    "METRICS holds bare metric names, one a line",
                    'write accuracy, or custom "name" for your own',
                )
        for field, found in (("builtin", names), ("custom", custom)):
            if found:
                spans = tuple(found.values())
                self.block.fields[field] = Written(list(found), spans[0], field, spans[0], spans)

    def _repeated_metric(self, word: str, name: str, span: Span, names: dict[str, Span]) -> None:
        if name in names:
            self.reporter.info(
                "L104", span, f'metric "{word}" is listed twice', related=((names[name], "first here"),)
            )

    # --- statements

    def _control(self, body: Body) -> None:
        """CONTROL: events and validate_every, and the statements between them."""
        loose: list[Entry] = []
        for entry in body.entries:
            name = entry.name if isinstance(entry, Field) else getattr(entry, "keyword", "")
            spec = self.spec.by_name.get(name)
            if spec is not None and not spec.implicit and isinstance(entry, (Field, BlockNode)):
                self._entry(entry)
            else:
                loose.append(entry)
        control = ControlReader(self.script.source, self.reporter, "training")
        rules = control.statements(loose)
        if rules:
            self.block.fields["rules"] = Written(rules, body.span, "rules", body.span)
        if not body.entries:
            self._empty_control("CONTROL", self.block.keyword_span)

    # --- unknown names

    def _unknown_field(self, field: Field) -> None:
        catch_all = next(
            (spec for spec in self.spec.fields if spec.implicit and spec.kind is Kind.OBJECT), None
        )
        self.block.unknown[field.name] = Written(field.value, field.value.span, field.name, field.name_span)
        if catch_all is None:
            self._unknown(field.name, field.name_span, "field")

    def _unknown(self, name: str, span: Span, what: str) -> None:
        names = [spec.name for spec in self.spec.fields if not spec.implicit]
        near = nearest(
            name, [spelling for spec in self.spec.fields if not spec.implicit for spelling in spec.all_names]
        )
        elsewhere = [
            spec.keyword
            for spec in BLOCKS.values()
            if spec.form == "block" and name in spec.by_name and spec.keyword != self.spec.keyword
        ]
        if near:
            help = f'did you mean "{near}"?'
        elif elsewhere:
            help = f"{name} is a field of {', '.join(elsewhere)}"
        else:
            listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
            help = f"{self.spec.path} takes {listed}"
        self.reporter.warning(
            "L102",
            span,
            f'unknown {what} "{name}" in {self.spec.path}; it has no effect',
            help,
            edits=(Edit(f"Write {near}", span, near),) if near else (),
        )
