"""Replays every target through the grammar that decoding is held to: what it can't write, it must not learn.

The very tokens of a row are replayed; where the tokenizer can't be followed, its text is. One grammar is made
for each context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from idiolect.data.contexts import CATALOG, context_of
from idiolect.data.example import WORDS, Example
from idiolect.dialects.contract import Context, Dialect
from idiolect.grammar.form import Grammar
from idiolect.grammar.replay import NotCompiled, Replay, replay
from idiolect.problem import Problem, problem
from idiolect.student.load import Student
from idiolect.student.row import Row
from idiolect.student.tokens import stop_ids
from idiolect.text_hints import counted, shortened
from idiolect.train.preflight.record import Writable

_SHOWN = 5
_CURE = "correct the targets, or the grammar; idiolect check FILE --dialect NAME explains a text"


@dataclass(slots=True)
class Refusals:
    """What became of the targets."""

    by: Literal["tokens", "text"]
    checked: int = 0
    words: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # id, and where the grammar leaves it
    not_judged: list[tuple[str, str]] = field(default_factory=list)

    def summary(self) -> Writable:
        """The counts."""
        return Writable(self.checked, len(self.refused), len(self.not_judged), self.words, self.by)

    def problems(self) -> Iterator[Problem]:
        """One problem for each kind, with the first of them."""
        if self.refused:
            count = counted(len(self.refused), "target")
            what = f"{count} could not be written under the dialect's grammar: {self.refused[0][1]}"
            yield problem("L623", what, help=_CURE, where=_ids(self.refused))
        if self.not_judged:
            count = counted(len(self.not_judged), "target")
            what = f"{count} could not be held against the grammar: {self.not_judged[0][1]}"
            yield problem("L630", what, where=_ids(self.not_judged))


def check_targets(
    pairs: Iterable[tuple[Example, Row]], dialect: Dialect, project: Context, student: Student
) -> Refusals:
    """Hold the targets of examples against the grammars of their contexts."""
    vocabulary = _vocabulary(student)
    found = Refusals("text" if vocabulary is None else "tokens")
    # One context after the other, so that one grammar is held at a time: there may be as many as rows.
    known = ""
    grammar: Grammar | str = ""
    for example, row in sorted(pairs, key=lambda pair: _key(pair[0])):
        if example.task in WORDS:
            found.words += 1
            continue
        found.checked += 1
        if _key(example) != known or not grammar:
            known, grammar = _key(example), _grammar(example, dialect, project)
        if isinstance(grammar, str):
            found.not_judged.append((example.id, grammar))
            continue
        try:
            fault = _fault(grammar, example.target, row.answer, vocabulary)
        except NotCompiled as reason:
            found.not_judged.append((example.id, str(reason)))
            continue
        if fault:
            found.refused.append((example.id, fault))
    return found


def _fault(grammar: Grammar, target: str, answer: Sequence[int], vocabulary: Any) -> str | None:
    """Why a target could not be written, or None where it could."""
    at = None if vocabulary is None else _leaves_at(grammar, answer, vocabulary)
    if at == len(answer):
        return None
    result = replay(grammar, target)
    if not result.accepted:
        return _where(target, result)
    if at is None:
        return None
    return f"the grammar takes its text, but not token {at + 1} of it as this tokenizer cuts it"


def _leaves_at(grammar: Grammar, answer: Sequence[int], vocabulary: Any) -> int:
    """How many of an answer's tokens decoding could write; all of them if it could also end there."""
    from idiolect.decode.constraint import constrain
    from idiolect.decode.trouble import DecodeError

    try:
        matcher = constrain(grammar, vocabulary).begin().matcher
    except DecodeError as error:
        raise NotCompiled(str(error)) from error
    ids = list(answer[:-1])
    taken = int(matcher.try_consume_tokens(ids))
    if taken < len(ids):
        return taken
    return len(answer) if matcher.is_accepting() else taken


def _vocabulary(student: Student) -> Any:
    """The student's tokens as the decoder knows them; None where only texts can be replayed."""
    from idiolect.decode.trouble import DecodeError
    from idiolect.decode.vocabulary import vocabulary_of

    if student.form.closing not in ("", student.form.stop):
        return None  # an answer ends with text that belongs to the template
    try:
        stops = stop_ids(student.tokenizer, student.form)
        return vocabulary_of(student.tokenizer, stops=stops)
    except DecodeError:
        return None


def _key(example: Example) -> str:
    """Equal for examples of one context."""
    return f"{example.context}\0{example.metadata.get(CATALOG)!r}"


def _grammar(example: Example, dialect: Dialect, project: Context) -> Grammar | str:
    """The grammar of an example's context, or why there is none."""
    try:
        return dialect.constraint(context_of(example, project))
    except Exception as error:  # a dialect may be a user's code, and a schema anything
        return f"the dialect gives no grammar for its context: {shortened(str(error), 160)}"


def _where(target: str, result: Replay) -> str:
    if result.refused_at is None:
        return f"it is not whole; {result.expected} is missing at its end"
    line = target.count("\n", 0, result.refused_at) + 1
    column = result.refused_at - target.rfind("\n", 0, result.refused_at)
    found = target[result.refused_at : result.refused_at + 12]
    return f"{found!r} at {line}:{column} of the target can't stand there; {result.expected} could"


def _ids(found: list[tuple[str, str]]) -> str:
    shown = ", ".join(one for one, _ in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"examples {shown}{more}"
