"""The teacher that is no model: rules of a dialect or a recipe answer, the same from the same seed.

It needs no server and no journal. Its name is "rules" in every record and report, so that what rules
wrote is never taken for a model's work.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from idiolect.teachers.chain import pursue
from idiolect.teachers.journal import Reply
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Ending, Request, TeacherReport, Verify
from idiolect.teachers.tally import Tally
from idiolect.teachers.wire import CallFailed
from idiolect.text_hints import did_you_mean

NAME = "rules"
# What a rule makes of a request: text, a JSON value, or None where it has no answer.
Rule = Callable[[Request, random.Random], str | Mapping[str, Any] | list[Any] | None]


class RuleTeacher:
    """Answers each purpose by its rule, with a generator drawn from the seed and the request alone."""

    name = NAME

    def __init__(self, rules: Mapping[str, Rule], seed: int, retries: int = 5) -> None:
        self._rules = rules
        self._seed = seed
        self._retries = retries
        self._tally = Tally(NAME)

    def report(self) -> TeacherReport:
        """The counts so far."""
        return self._tally.report()

    def answer(self, requests: Iterable[Request], verify: Verify | None = None) -> Iterator[Ending]:
        """One ending for each request, in order; an answer that does not verify is drawn anew."""
        for request in requests:
            bound = request.bound_to(NAME, None)
            ending, _ = pursue(bound, self._ask, verify, self._retries, NAME, self._fault)
            self._tally.ended(ending, cached=True)
            yield ending

    def _fault(self, _key: str, _kind: str, reason: str, _detail: str) -> None:
        self._tally.fault(reason)

    def _ask(self, request: Request) -> tuple[Reply, bool]:
        rule = self._rules.get(request.purpose)
        if rule is None:
            raise TeacherProblem(
                f'no rule answers "{request.purpose}"',
                hint=did_you_mean(request.purpose, sorted(self._rules), "rules there are"),
            )
        value = rule(request, random.Random(f"{self._seed}:{request.key}"))
        if value is None:
            raise CallFailed("no rule applies", f'the rule for "{request.purpose}" has no answer to this')
        return Reply(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)), True
