"""CONTROL in training: decides which rules fire, has them carried out, and says why.

The engine is told what happened (a step ended, a validation came, a NaN showed up) with the signals at that
moment. It knows no trainer: what rules act on is a `Loop`.

- Statements inside an event (`on_epoch_end { ... }`) are looked at each time the event comes.
- IF and WHEN at the top of CONTROL fire when their condition becomes true, and again only after it was false:
  a DECREASE does not repeat on every step. A plain statement at the top runs once, when training begins.
- EVERY n fires at multiples of n.
- STOP_TRAINING lets the body that it stands in finish first.

A condition on a signal that is not known does not hold; which signals never came is told at the end. Rules at
the top that only try an answer again or replace it are for inference, and are not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from idiolect.okt.blocks.answer import Control
from idiolect.okt.control import Change, Every, Save, Say, Set, Statement, When
from idiolect.train.parameters import CantChange, changed_value
from idiolect.train.rule_text import condition_text, statement_text
from idiolect.train.signals import Signals, Value, all_hold, of_machine, signal_of

Event = Literal["train_begin", "step_end", "validated", "epoch_end", "memory_low", "nan", "plateau"]
_BLOCKS: Mapping[Event, str] = {
    "step_end": "on_step_end",
    "epoch_end": "on_epoch_end",
    "memory_low": "on_memory_low",
    "nan": "on_nan",
    "plateau": "on_plateau",
}
# At these moments signals are new, so that the rules at the top are looked at.
_LOOKS: frozenset[Event] = frozenset({"train_begin", "step_end", "validated", "epoch_end"})


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened, and when: `epoch` is 1.0 when the first epoch has ended."""

    event: Event
    step: int
    epoch: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that a rule did, and the values that led to it: a record of control_decisions.json."""

    step: int
    epoch: float
    rule: str  # where it stands: "CONTROL.on_epoch_end, line 12"
    condition: str  # empty where nothing was asked
    values: Mapping[str, Value | None]
    action: str
    result: str


class Loop(Protocol):
    """What rules act on. Each method returns, in a few words, what came of it."""

    def get(self, parameter: str) -> float | None:
        """The value of a parameter now; None where there is none of this name."""
        ...

    def set(self, parameter: str, value: float) -> None:
        """Change a parameter from the next step on; CantChange says why not."""
        ...

    def save(self, what: Literal["model", "checkpoint", "named"], name: str) -> str: ...

    def say(self, text: str) -> None: ...

    def stop(self, reason: str) -> str: ...

    def validate(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk through the rules stands, and what was true on the way there."""

    path: str
    rule: str
    conditions: tuple[str, ...] = ()
    values: Mapping[str, Value | None] = field(default_factory=dict)

    def inside(self, statement: Statement, values: Mapping[str, Value | None], path: str) -> _Place:
        text = (
            condition_text(statement.conditions) if isinstance(statement, When) else statement_text(statement)
        )
        return _Place(path, self.rule, (*self.conditions, text), {**self.values, **values})


class ControlEngine:
    """The rules of one training, and which of them have fired."""

    def __init__(self, control: Control, loop: Loop, *, can_validate: bool = True) -> None:
        self._control = control
        self._rules = tuple(rule for rule in control.rules if not _of_answers(rule))
        self._loop = loop
        self._validate_every = control.validate_every if can_validate else None
        self._was_true: dict[str, bool] = {}  # rules at the top, by path
        self._last_count: dict[str, int] = {}  # EVERY, by path: how many times n had passed
        self._changed: dict[str, float] = {}  # parameters that rules have changed
        self._unknown: set[str] = set()  # signals asked for that never had a value
        self._known: set[str] = set()
        self._begun = False

    @property
    def asks_machine(self) -> bool:
        """Whether a rule looks at the machine, or waits for its memory to run low."""
        asked = any(of_machine(name) for name in self.asked_signals())
        return asked or self._control.on_memory_low is not None

    def asked_signals(self) -> set[str]:
        """Every signal that a rule names."""
        bodies = [self._rules, *(self._event_body(name) for name in _BLOCKS)]
        return {name for body in bodies for name in _signals_of(body)}

    def happened(self, moment: Moment, signals: Signals) -> list[Decision]:
        """Let the rules that this concerns act; the decisions in the order in which they were made."""
        decisions: list[Decision] = []
        if moment.event == "step_end":
            decisions += self._validate(moment)
        if moment.event in _LOOKS:
            at_begin = moment.event == "train_begin" and not self._begun
            self._begun = True
            decisions += self._edges(self._rules, _Place("top", "CONTROL"), moment, signals, True, at_begin)
        body = self._event_body(moment.event)
        if body:
            name = _BLOCKS[moment.event]
            decisions += self._each(body, _Place(name, f"CONTROL.{name}"), moment, signals)
        return decisions

    def silent_signals(self) -> list[str]:
        """Signals that rules asked for and that never had a value: those rules could not fire."""
        return sorted(self._unknown - self._known)

    def _event_body(self, event: Event) -> Sequence[Statement]:
        name = _BLOCKS.get(event)
        return (getattr(self._control, name) or ()) if name else ()

    def _validate(self, moment: Moment) -> Iterator[Decision]:
        if self._validate_every and moment.step % self._validate_every == 0:
            place = _Place("", "CONTROL.validate_every", (f"EVERY {self._validate_every} steps",))
            yield _decision(moment, place, 0, "VALIDATE", self._loop.validate())

    def _edges(
        self,
        body: Iterable[Statement],
        place: _Place,
        moment: Moment,
        signals: Signals,
        holds: bool,
        rose: bool,
    ) -> Iterator[Decision]:
        """Rules at the top. `holds`: all conditions around are true; `rose`: they have become so just now."""
        for number, statement in enumerate(body):
            path = f"{place.path}.{number}"
            if isinstance(statement, When):
                true, values = self._ask(statement, signals)
                true = holds and true
                newly = true and not self._was_true.get(path, False)
                self._was_true[path] = true
                inside = place.inside(statement, values, path)
                yield from self._edges(statement.body, inside, moment, signals, true, newly)
            elif isinstance(statement, Every):
                due = self._due(statement, path, moment)
                if holds and due:
                    yield from self._each(statement.body, place.inside(statement, {}, path), moment, signals)
            elif rose:
                yield self._act(statement, place, moment, signals)

    def _each(
        self, body: Iterable[Statement], place: _Place, moment: Moment, signals: Signals
    ) -> Iterator[Decision]:
        """Statements of an event or a period: looked at each time."""
        for number, statement in enumerate(body):
            path = f"{place.path}.{number}"
            if isinstance(statement, When):
                true, values = self._ask(statement, signals)
                if true:
                    inside = place.inside(statement, values, path)
                    yield from self._each(statement.body, inside, moment, signals)
            elif isinstance(statement, Every):
                if self._due(statement, path, moment):
                    yield from self._each(statement.body, place.inside(statement, {}, path), moment, signals)
            else:
                yield self._act(statement, place, moment, signals)

    def _ask(self, statement: When, signals: Signals) -> tuple[bool, dict[str, Value | None]]:
        true, values = all_hold(statement.conditions, signals)
        for name, value in values.items():
            (self._unknown if value is None else self._known).add(name)
        return true, values

    def _due(self, statement: Every, path: str, moment: Moment) -> bool:
        # The step that ends an epoch may leave its number a hair below the whole.
        at = moment.step if statement.unit == "steps" else int(moment.epoch + 1e-6)
        count = at // statement.count
        due = count > self._last_count.get(path, 0)
        self._last_count[path] = count
        return due

    def _act(self, statement: Statement, place: _Place, moment: Moment, signals: Signals) -> Decision:
        action = statement_text(statement)
        because = f"{place.rule}, line {statement.line}" + (
            f": {' AND '.join(place.conditions)}" if place.conditions else ""
        )
        match statement:
            case Say(metric=None):
                result = ""
                self._loop.say(str(statement.text))
            case Say():
                value = signal_of(signals, str(statement.metric))
                result = "not available" if value is None else _shown(value)
                self._loop.say(f"{statement.metric}: {result}")
            case Set() | Change():
                result = self._change(statement)
            case Save():
                name = (statement.name or "").replace("{epoch}", f"{int(moment.epoch + 1e-6)}")
                result = self._loop.save(statement.what, name.replace("{step}", str(moment.step)))
            case _ if statement.do in ("STOP", "STOP_TRAINING"):
                result = self._loop.stop(because)
            case _:
                result = "acts on answers only; nothing was done in training"
        return _decision(moment, place, statement.line, action, result)

    def _change(self, statement: Set | Change) -> str:
        old = self._loop.get(statement.parameter)
        try:
            new = changed_value(statement, old)
            self._loop.set(statement.parameter, new)
        except CantChange as reason:
            return f"not changed: {reason}"
        self._changed[statement.parameter] = new
        return f"{_shown(new)}" if old is None else f"{_shown(old)} -> {_shown(new)}"

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, as plain JSON."""
        return {
            "begun": self._begun,
            "was_true": dict(self._was_true),
            "last_count": dict(self._last_count),
            "changed": dict(self._changed),
            "unknown": sorted(self._unknown),
            "known": sorted(self._known),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken, with the parameters as rules had left them."""
        self._begun = state["begun"]
        self._was_true = dict(state["was_true"])
        self._last_count = dict(state["last_count"])
        self._changed = dict(state["changed"])
        self._unknown, self._known = set(state["unknown"]), set(state["known"])
        for name, value in self._changed.items():
            # The learning rate of now is the optimizer's own state; what a rule once set is older.
            if name != "learning_rate":
                self._loop.set(name, value)


def _decision(moment: Moment, place: _Place, line: int, action: str, result: str) -> Decision:
    rule = f"{place.rule}, line {line}" if line else place.rule
    return Decision(
        moment.step,
        round(moment.epoch, 4),
        rule,
        " AND ".join(place.conditions),
        place.values,
        action,
        result,
    )


def _of_answers(statement: Statement) -> bool:
    """Whether a rule is for answers alone: it does nothing but try again, replace and return."""
    if isinstance(statement, When | Every):
        return bool(statement.body) and all(map(_of_answers, statement.body))
    return statement.do in ("RETRY", "REGENERATE", "REPLACE", "RETURN")


def _signals_of(body: Iterable[Statement]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, When):
            yield from (one.signal for one in statement.conditions)
            yield from _signals_of(statement.body)
        elif isinstance(statement, Every):
            yield from _signals_of(statement.body)
        elif isinstance(statement, Say) and statement.metric:
            yield statement.metric


def _shown(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
