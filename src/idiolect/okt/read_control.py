"""Statements and conditions of the tree to the records of `control`; faults are told.

`scope` says what the rules act on: training (CONTROL) or an answer (INFERENCE.CONTROL).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Literal

from idiolect.okt.blocks.train import Train
from idiolect.okt.control import Act, Answer, Change, Comparison, Every, Save, Say, Set, Statement, When
from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.fields import specs
from idiolect.okt.syntax import (
    BlockNode,
    Compare,
    ConditionEntry,
    Entry,
    Field,
    Flag,
    Missing,
    Number,
    StatementNode,
    String,
    Unread,
    Value,
    Word,
)
from idiolect.okt.vocab import (
    CONTROL_EVENTS,
    CONTROL_PARAMETERS,
    CONTROL_WORDS,
    INFERENCE_SIGNALS,
    LIVE_PARAMETERS,
    METRICS,
    MONITOR_METRICS,
    TRAINING_SIGNALS,
)
from idiolect.source import SourceText, Span
from idiolect.text_hints import nearest

Scope = Literal["training", "inference"]

_ONLY_TRAINING = {"SAVE", "STOP_TRAINING", "DECREASE", "INCREASE"}
_ONLY_INFERENCE = {"RETRY", "REGENERATE", "REPLACE", "RETURN"}
TRAIN_FIELDS = {spec.name: spec for spec in specs(Train)}
SIGNALS = (*TRAINING_SIGNALS, *INFERENCE_SIGNALS, *METRICS, *MONITOR_METRICS)


class ControlReader:
    """Reads the statements and conditions of one block."""

    def __init__(self, source: SourceText, reporter: Reporter, scope: Scope) -> None:
        self.source = source
        self.reporter = reporter
        self.scope = scope

    # --- conditions

    def conditions(self, entries: Iterable[Entry], block: str) -> tuple[tuple[Comparison, ...], ...]:
        """A block of conditions, one a line; each is one comparison or several joined by AND."""
        found: list[tuple[Comparison, ...]] = []
        for entry in entries:
            if isinstance(entry, ConditionEntry):
                found.append(self.comparisons(entry.comparisons))
            elif not isinstance(entry, Unread):
                self.reporter.error(
                    "L107",
                    entry.span,
                    f"{block} holds comparisons only",
                    f"write {block} {{ gpu_usage > 90% }}",
                )
        return tuple(condition for condition in found if condition)

    def comparisons(self, nodes: Iterable[Compare]) -> tuple[Comparison, ...]:
        return tuple(found for node in nodes if (found := self.comparison(node)) is not None)

    def comparison(self, node: Compare) -> Comparison | None:
        self._signal(node)
        if node.operator == "=":
            self.reporter.error(
                "L017",
                node.span,
                'a comparison is written with "==", not "="',
                f"write {node.signal} == ...",
            )
            return None
        made = self._constant(node.value)
        if made is None:
            return None
        value, unit = made
        return Comparison.model_construct(
            signal=node.signal, operator=node.operator, value=value, unit=unit, line=self._line(node.span)
        )

    def _signal(self, node: Compare) -> None:
        if node.signal in SIGNALS:
            return
        near = nearest(node.signal, SIGNALS, cutoff=0.8)
        if near is not None:
            self.reporter.warning(
                "L208",
                node.signal_span,
                f'unknown signal "{node.signal}"; it is taken for a custom metric',
                f'did you mean "{near}"?',
                edits=(Edit(f'Write "{near}"', node.signal_span, near),),
            )

    def _constant(self, value: Value) -> tuple[bool | int | float | str, str] | None:
        if isinstance(value, String):
            return value.text, ""
        if isinstance(value, Word):
            return ({"true": True, "false": False}.get(value.text, value.text)), ""
        if isinstance(value, Number):
            return self._measure(value)
        if not isinstance(value, Missing):
            self.reporter.error("L201", value.span, "a number, a text, true or false is wanted here")
        return None

    def _measure(self, value: Number) -> tuple[int | float, str] | None:
        sizes = {"KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
        if value.unit == "":
            return value.number, ""
        if value.unit == "%":
            return value.number, "percent"
        if value.unit.upper() in sizes:
            return value.number * sizes[value.unit.upper()], "bytes"
        self.reporter.error("L206", value.span, f'unknown unit "{value.unit}"', "units here: %, MB, GB, TB")
        return None

    # --- statements

    def statements(self, entries: Iterable[Entry]) -> tuple[Statement, ...]:
        return tuple(self._each(entries))

    def _each(self, entries: Iterable[Entry]) -> Iterator[Statement]:
        for entry in entries:
            if isinstance(entry, StatementNode):
                self._check_scope(entry)
                made = self._makers[entry.keyword](self, entry)
                if made is not None:
                    yield made
            elif not isinstance(entry, Unread):
                self._not_a_statement(entry)

    def _not_a_statement(self, entry: Entry) -> None:
        if isinstance(entry, Flag):
            self.unknown_word(entry.word, entry.span)
        elif isinstance(entry, BlockNode):
            if entry.keyword in CONTROL_EVENTS:
                self.reporter.error(
                    "L107",
                    entry.keyword_span,
                    f"event {entry.keyword} stands at the top of CONTROL, not inside a body",
                )
            else:
                self.unknown_word(entry.keyword, entry.keyword_span)
        elif isinstance(entry, Field):
            self.unknown_word(entry.name, entry.name_span)
        else:
            self.reporter.error(
                "L107", entry.span, "a comparison stands behind IF or WHEN", "write IF ... { ... }"
            )

    def unknown_word(self, word: str, span: Span) -> None:
        near = nearest(word, (*CONTROL_WORDS, *CONTROL_EVENTS, "validate_every"))
        listed = f"CONTROL knows {', '.join(CONTROL_WORDS)} and the events {', '.join(CONTROL_EVENTS)}"
        self.reporter.error(
            "V016",
            span,
            f'unknown word "{word}" in CONTROL',
            f'write "{near}"' if near else listed,
            edits=(Edit(f"Write {near}", span, near),) if near else (),
        )

    def _check_scope(self, node: StatementNode) -> None:
        if self.scope == "inference" and (
            node.keyword in _ONLY_TRAINING or (node.keyword == "EVERY" and node.name == "epochs")
        ):
            self.reporter.warning(
                "L325",
                node.keyword_span,
                f"{node.keyword} acts on training; inside INFERENCE it does nothing",
            )

    def _act(self, node: StatementNode) -> Statement:
        return Act.model_construct(do=node.keyword, line=self._line(node.span))

    def _when(self, node: StatementNode) -> Statement:
        assert node.body is not None
        return When.model_construct(
            do=node.keyword,
            conditions=self.comparisons(node.conditions),
            body=self.statements(node.body.entries),
            line=self._line(node.span),
        )

    def _every(self, node: StatementNode) -> Statement | None:
        assert node.body is not None
        assert node.name_span is not None
        body = self.statements(node.body.entries)
        count = node.value
        if (
            not isinstance(count, Number)
            or count.unit
            or count.number != int(count.number)
            or count.number < 1
        ):
            self.reporter.error(
                "V010", node.keyword_span, "EVERY wants a whole count above 0", "write EVERY 500 steps"
            )
            return None
        unit = {"step": "steps", "epoch": "epochs"}.get(node.name or "", node.name)
        if unit not in ("steps", "epochs"):
            near = nearest(node.name or "", ("steps", "epochs")) or "steps"
            self.reporter.error(
                "V016",
                node.name_span,
                f'EVERY counts steps or epochs, not "{node.name}"',
                f"write EVERY {count.raw} {near}",
                edits=(Edit(f"Write {near}", node.name_span, near),),
            )
            return None
        return Every.model_construct(
            count=int(count.number), unit=unit, body=body, line=self._line(node.span)
        )

    def _set(self, node: StatementNode) -> Statement | None:
        name = self._parameter(node)
        made = self._constant(node.value) if node.value is not None else None
        if made is None:
            return None
        self._in_range(node, name, made[0])
        return Set.model_construct(parameter=name, value=made[0], line=self._line(node.span))

    def _in_range(self, node: StatementNode, name: str, value: object) -> None:
        """What a field of TRAIN does not take is refused when the rule fires, and told here."""
        spec = TRAIN_FIELDS.get(name)
        if self.scope != "training" or name not in LIVE_PARAMETERS or spec is None or node.value is None:
            return
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(value, int | float) or not is_number or not spec.bounds.hold(value):
            self.reporter.warning(
                "V010",
                node.value.span,
                f"{name} can't be set to {value}; the rule will change nothing",
                f"{name} is a number, {spec.bounds}" if spec.bounds else f"{name} is a number",
            )

    def _change(self, node: StatementNode) -> Statement | None:
        name = self._parameter(node)
        value = node.value
        if not isinstance(value, Number) or value.unit not in ("", "%") or value.number <= 0:
            if not isinstance(value, Missing):
                span = value.span if value is not None else node.span
                self.reporter.error(
                    "V010",
                    span,
                    f"{node.keyword} takes a number above 0",
                    f"write {node.keyword} {name} BY 0.5",
                )
            return None
        percent = value.unit == "%"
        amount = value.number / 100 if percent else float(value.number)
        return Change.model_construct(
            do=node.keyword,
            parameter=name,
            amount=amount,
            relative=percent or value.number < 1,
            line=self._line(node.span),
        )

    def _parameter(self, node: StatementNode) -> str:
        name = node.name or ""
        if name in CONTROL_PARAMETERS:
            return CONTROL_PARAMETERS[name]
        if self.scope == "training" and name in TRAIN_FIELDS:
            span = node.name_span or node.span
            self.reporter.warning(
                "L342",
                span,
                f"{name} can't change while running; {node.keyword} {name} does nothing",
                f"what can change: {', '.join(LIVE_PARAMETERS)}",
            )
            return name
        near = nearest(name, CONTROL_PARAMETERS, cutoff=0.75)
        if near is not None and node.name_span is not None:
            self.reporter.warning(
                "L208",
                node.name_span,
                f'unknown parameter "{name}"; it is taken for a custom one',
                f'did you mean "{near}"?',
                edits=(Edit(f"Write {near}", node.name_span, near),),
            )
        return name

    def _log(self, node: StatementNode) -> Statement | None:
        if node.name is not None:
            return Say.model_construct(metric=node.name, text=None, line=self._line(node.span))
        if isinstance(node.value, String):
            return Say.model_construct(metric=None, text=node.value.text, line=self._line(node.span))
        return self._wants_text(node, 'LOG loss or LOG "text"')

    def _save(self, node: StatementNode) -> Statement | None:
        if node.name in ("model", "checkpoint"):
            return Save.model_construct(what=node.name, name=None, line=self._line(node.span))
        if isinstance(node.value, String) and node.value.text:
            return Save.model_construct(what="named", name=node.value.text, line=self._line(node.span))
        if node.name is not None and node.name_span is not None:
            near = nearest(node.name, ("model", "checkpoint"))
            self.reporter.error(
                "V016",
                node.name_span,
                f'SAVE knows model and checkpoint, not "{node.name}"',
                f"write SAVE {near or 'model'}",
                edits=(Edit(f"Write {near}", node.name_span, near),) if near else (),
            )
            return None
        return self._wants_text(node, 'SAVE model, SAVE checkpoint or SAVE "name_{epoch}"')

    def _answer(self, node: StatementNode) -> Statement | None:
        if isinstance(node.value, String):
            return Answer.model_construct(do=node.keyword, text=node.value.text, line=self._line(node.span))
        return self._wants_text(node, f'{node.keyword} "text"')

    def _wants_text(self, node: StatementNode, form: str) -> Statement | None:
        if not isinstance(node.value, Missing):
            span = node.value.span if node.value is not None else node.span
            self.reporter.error("L201", span, f"{node.keyword} wants a text", f"write {form}")
        return None

    def _line(self, span: Span) -> int:
        return self.source.place(span.start).line

    _makers: ClassVar[dict[str, Callable[[ControlReader, StatementNode], Statement | None]]] = {
        "STOP": _act,
        "STOP_TRAINING": _act,
        "RETRY": _act,
        "REGENERATE": _act,
        "IF": _when,
        "WHEN": _when,
        "EVERY": _every,
        "SET": _set,
        "DECREASE": _change,
        "INCREASE": _change,
        "LOG": _log,
        "SAVE": _save,
        "REPLACE": _answer,
        "RETURN": _answer,
    }
