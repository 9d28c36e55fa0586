"""Judges one answer: by the dialect's verdict, by the reference, and by what a refusal is.

Rules only. A teacher's opinion is added by `teacher_judge.py`. What crashes is "could not be judged", and
never a wrong answer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from idiolect.data.contexts import context_of
from idiolect.data.example import WORDS, summary_of
from idiolect.decode.documents import words
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.dialects.refusal import refusal_reason
from idiolect.dialects.unknown_names import names_nothing
from idiolect.dialects.verdict import Verdict, could_not_judge
from idiolect.evaluate.records import Judged, Mode, Task, Written
from idiolect.evaluate.text_scores import token_f1

RULES = "rules"
_ENOUGH = 0.5  # of the words of a reference's reason


class Judge(Protocol):
    """Whoever judges an answer; `asked` is the text that the student was shown."""

    def __call__(
        self, task: Task, written: Written, *, mode: Mode, temperature: float, sample: int, asked: str = ""
    ) -> Judged: ...


@dataclass(frozen=True, slots=True)
class Reference:
    """What an answer to a task is compared with, worked out once a task."""

    context: Context
    canonical: str
    refusal: str | None  # its reason, where the reference refuses
    productions: tuple[str, ...] = ()


@dataclass(slots=True)
class RuleJudge:
    """Judges answers by a dialect and a project's context."""

    dialect: Dialect
    project: Context = EMPTY
    _references: dict[str, Reference] = field(default_factory=dict)

    def __call__(
        self, task: Task, written: Written, *, mode: Mode, temperature: float, sample: int, asked: str = ""
    ) -> Judged:
        """The judged answer."""
        common = _common(task, written, mode, temperature, sample, asked)
        if task.example.task in WORDS:
            return _in_words(task.example.target, written.text, common)
        reference = self.reference(task)
        common |= {"expected": reference.canonical, "productions": reference.productions}
        return self._text(task, reference, written.text, common)

    def reference(self, task: Task) -> Reference:
        """The reference of a task."""
        known = self._references.get(task.id)
        if known is None:
            context = context_of(task.example, self.project)
            canonical = _canonical(self.dialect, task.example.target, context)
            verdict = _verdict(self.dialect, task.example.target, replace(context, tests=()))
            made = tuple(task.example.metadata.get("productions", ()))
            reason = _refusal(task.example.target, verdict)
            known = Reference(context, canonical or task.example.target, reason, made)
            self._references[task.id] = known
        return known

    def _text(self, task: Task, reference: Reference, text: str, common: dict[str, Any]) -> Judged:
        context = reference.context
        verdict = _verdict(self.dialect, text, context)
        canonical = _canonical(self.dialect, text, context) if verdict.parsed else None
        refused = _refusal(text, verdict)
        equal = self._equal(task, reference, canonical, refused)
        summary = summary_of(verdict)
        return Judged(
            **common,
            student_canonical=canonical,
            verdict=summary,
            parsed=verdict.parsed if verdict.judged else None,
            valid=_known(verdict, verdict.valid),
            policy=verdict.policy,
            exact_match=canonical is not None and canonical == reference.canonical,
            equal=equal,
            refused=refused is not None,
            unknown_names=tuple(code for code in summary.errors if names_nothing(code)),
            semantic_pass=_passes(verdict, equal, tested=bool(context.tests) and reference.refusal is None),
            details=_kept(verdict),
        )

    def _equal(
        self, task: Task, reference: Reference, canonical: str | None, refused: str | None
    ) -> bool | None:
        """Whether an answer means the same as the reference; a refusal is right if it names what lacks."""
        if canonical is None:
            return False
        if refused is not None or reference.refusal is not None:
            return (
                refused is not None
                and reference.refusal is not None
                and same_reason(refused, reference.refusal)
            )
        try:
            return self.dialect.equal(canonical, reference.canonical, reference.context)
        except Exception:  # an equality that fails says nothing about the answer
            return None


class WordJudge:
    """Judges answers where no dialect is named: only how near they are to the reference can be said."""

    def __call__(
        self, task: Task, written: Written, *, mode: Mode, temperature: float, sample: int, asked: str = ""
    ) -> Judged:
        """The judged answer."""
        common = _common(task, written, mode, temperature, sample, asked)
        return _in_words(task.example.target, written.text, common)


def _common(
    task: Task, written: Written, mode: Mode, temperature: float, sample: int, asked: str
) -> dict[str, Any]:
    """What is said of every answer."""
    example = task.example
    return {
        "task": task.id,
        "suite": task.suite,
        "mode": mode,
        "temperature": temperature,
        "sample": sample,
        "level": example.level,
        "kind": example.task,
        "language": example.metadata.get("language"),
        "group": example.group,
        "prompt_text": asked,
        "student_output": written.text,
        "expected": example.target,
        "finished": written.finished,
        "tokens": written.tokens,
        "log_likelihood": written.log_likelihood,
        "forced": written.forced,
        "steps": written.steps,
        "judge": RULES,
    }


def _in_words(expected: str, text: str, common: dict[str, Any]) -> Judged:
    nothing = could_not_judge("an answer in words, which no dialect judges")
    return Judged(
        **{**common, "judge": "none"},
        verdict=summary_of(nothing),
        parsed=None,
        valid=None,
        exact_match=text.strip() == expected.strip(),
        equal=None,
        semantic_pass=None,
        token_f1=token_f1(text, expected),
    )


def _verdict(dialect: Dialect, text: str, context: Context) -> Verdict:
    try:
        return dialect.verify(text, context)
    except Exception as error:  # a fault of the dialect, not of the answer
        return could_not_judge(f"{dialect.name} failed: {type(error).__name__}: {error}")


def _canonical(dialect: Dialect, text: str, context: Context) -> str | None:
    try:
        return dialect.canonical(text, context)
    except Exception:  # a text without a canonical form is compared with nothing
        return None


def _refusal(text: str, verdict: Verdict) -> str | None:
    """The reason that a text refuses with; None where it is no refusal, or not a valid one."""
    if not verdict.ok:
        return None
    told = verdict.details.get("refusal")
    return str(told) if told is not None else refusal_reason(text)


def same_reason(text: str, reference: str) -> bool:
    """Whether a reason names most of what the reference's does, common words apart, in any order."""
    own, wanted = Counter(words(text)), Counter(words(reference))
    if not wanted:
        return True
    return (own & wanted).total() >= _ENOUGH * wanted.total()


def _known(verdict: Verdict, level: bool | None) -> bool | None:
    """A level that was not reached because an earlier one is broken is broken."""
    if not verdict.judged:
        return None
    return bool(level) if verdict.parsed else False


def _passes(verdict: Verdict, equal: bool | None, *, tested: bool) -> bool | None:
    """Tests decide where there are tests, the reference where there are none."""
    if not verdict.judged:
        return None
    if not verdict.ok:
        return False
    return verdict.tests_passed == verdict.tests_total > 0 if tested else equal


def _kept(verdict: Verdict) -> dict[str, Any]:
    """What of a verdict's details reports use."""
    return {name: verdict.details[name] for name in ("refusal", "dsl_blocks") if name in verdict.details}
