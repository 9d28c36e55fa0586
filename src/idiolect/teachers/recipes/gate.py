"""The gate that every synthetic example passes: its target verifies, and decoding could write it.

Where nothing is decoded under a grammar (DIALECT.enforce is false), the second is not asked. A negative
must be refused by the verifier. The verdict found is written into the example. One grammar is made for each
context. It does **not** mend anything.
"""

from __future__ import annotations

import json
from dataclasses import replace

from idiolect.data.contexts import context_of
from idiolect.data.example import WORDS, Example, Rejected, VerdictSummary, summary_of
from idiolect.dialects.contract import Context, Dialect, NotOffered
from idiolect.dialects.verdict import Verdict, could_not_judge
from idiolect.grammar.form import Grammar
from idiolect.grammar.replay import NotCompiled, replay
from idiolect.text_hints import shortened

_KEPT = 64  # grammars of contexts


class Gate:
    """Judges examples of one dialect."""

    def __init__(self, dialect: Dialect, project: Context, *, enforced: bool = True) -> None:
        self._dialect = dialect
        self._enforced = enforced
        self._project = project
        self._grammars: dict[str, Grammar | str | None] = {}  # a text says why there is none

    def judge(self, example: Example) -> Example | Rejected:
        """The example with its verdict, or why it is left out."""
        if not example.target.strip():
            return rejected(example, "empty", "the target is empty")
        if example.task in WORDS:
            return example
        context = context_of(example, self._project)
        verdict = self._verdict(example.target, context)
        summary = summary_of(verdict)
        if not verdict.judged:
            return rejected(example, "not judged", verdict.not_judged or "", summary)
        if not example.valid:
            if verdict.ok:
                return rejected(example, "negative that verifies", "it was to be broken", summary)
            return replace(example, verdict=summary)
        if not verdict.ok:
            fault = next(iter(verdict.faults), None)
            detail = f"{fault.code}: {fault.message}" if fault else "refused without a fault"
            return rejected(example, "not valid", detail, summary)
        refusal = self.refusal(example.target, self._key(example), context)
        if refusal is not None:
            return rejected(example, "not writable", refusal, summary)
        return replace(example, verdict=summary)

    def refusal(self, target: str, key: str, context: Context) -> str | None:
        """Why the context's grammar can't write a target; None where it can, or where nothing is constrained.

        `key` stands for the context: equal keys, equal grammars.
        """
        grammar = self._grammar(key, context)
        if grammar is None or isinstance(grammar, str):
            return grammar
        try:
            outcome = replay(grammar, target)
        except NotCompiled as error:
            return f"the grammar could not be compiled: {error}"
        if outcome.accepted:
            return None
        if outcome.refused_at is None:
            return f"its end is refused: expected {outcome.expected}"
        found = target[outcome.refused_at : outcome.refused_at + 12]
        return f"{found!r} at {outcome.refused_at} is refused: expected {outcome.expected}"

    def trouble(self, key: str, context: Context) -> str | None:
        """Why a context has no grammar; None where it has one, or where nothing is constrained."""
        grammar = self._grammar(key, context)
        return grammar if isinstance(grammar, str) else None

    def _grammar(self, key: str, context: Context) -> Grammar | str | None:
        if key not in self._grammars:
            if len(self._grammars) >= _KEPT:
                self._grammars.pop(next(iter(self._grammars)))
            self._grammars[key] = self._made(context)
        return self._grammars[key]

    def _made(self, context: Context) -> Grammar | str | None:
        """The grammar, why there is none, or None where the dialect constrains nothing."""
        if not self._enforced:
            return None
        try:
            return self._dialect.constraint(context)
        except NotOffered:
            return None
        except Exception as error:  # a dialect may be a user's code, and a schema anything
            return f"no grammar for its context: {shortened(f'{type(error).__name__}: {error}', 200)}"

    def _verdict(self, text: str, context: Context) -> Verdict:
        try:
            return self._dialect.verify(text, context)
        except Exception as error:  # a fault of the dialect, not of the text; the reason is kept
            return could_not_judge(f"{self._dialect.name} failed: {type(error).__name__}: {error}")

    @staticmethod
    def _key(example: Example) -> str:
        own = example.metadata.get("catalog")
        # What stands behind a schema (the current day) does not change its grammar.
        # A context that is no schema is for reading, and changes nothing.
        head = example.context.split("\n", 1)[0] if example.context.startswith("{") else ""
        return f"{head}\0{json.dumps(own, sort_keys=True)}" if own is not None else head


def rejected(example: Example, reason: str, detail: str, verdict: VerdictSummary | None = None) -> Rejected:
    """An example that is left out."""
    place = example.provenance.source or example.provenance.recipe or ""
    return Rejected(
        reason=reason,
        detail=shortened(detail, 300),
        source=place,
        line=example.provenance.line,
        verdict=verdict,
        text=example.target,
    )
