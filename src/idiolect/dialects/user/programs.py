"""The last two levels of a verdict: the folder's command, and tests in its simulator.

Both run only on texts that are right so far, and what may not or can't run is "could not judge".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from idiolect.dialects.command import judge_by_command, split_command, suffix_of
from idiolect.dialects.simulate import SimulationFailed
from idiolect.dialects.user.parts import Parts
from idiolect.dialects.user.settings import CommandSettings
from idiolect.dialects.verdict import Fault, Level, Verdict, verdict_of


def run_programs(text: str, verdict: Verdict, parts: Parts, tests: Sequence[Mapping[str, Any]]) -> Verdict:
    """The verdict after the folder's command and the tests that were asked for."""
    command = parts.settings.command
    if verdict.ok and command is not None:
        verdict = _after_command(text, verdict, parts, command)
    if verdict.ok and tests:
        verdict = _after_tests(text, verdict, parts, tests)
    return verdict


def _after_command(text: str, verdict: Verdict, parts: Parts, command: CommandSettings) -> Verdict:
    if parts.not_run:
        return replace(verdict, not_judged="; ".join(parts.not_run))
    settings = parts.settings
    suffix = suffix_of(settings.suffixes)
    outside = judge_by_command(text, split_command(command.run), command, settings.name, suffix)
    if not outside.judged:
        return replace(verdict, not_judged=outside.not_judged)
    # The grammar took the text, so what the program refuses breaks a rule, not the form.
    found = [replace(fault, level=Level.VALID) for fault in outside.faults]
    asked = verdict.policy is not None
    return verdict_of([*verdict.faults, *found], policy_asked=asked, details=verdict.details)


def _after_tests(text: str, verdict: Verdict, parts: Parts, tests: Sequence[Mapping[str, Any]]) -> Verdict:
    if parts.simulator is None:
        reason = "; ".join(parts.not_run) or f"dialect {parts.settings.name} has no simulator.py"
        return replace(verdict, not_judged=f"tests were asked for: {reason}")
    if any(set(test) != {"input", "expected"} for test in tests):
        return replace(verdict, not_judged='a test is not of the form {"input": ..., "expected": ...}')
    try:
        passed, wrong = parts.simulator.passed(text, tests)
    except SimulationFailed as error:
        return replace(verdict, not_judged=f"the simulator gave no answer: {error}")
    code = f"{parts.settings.name}.tests.failed"
    faults = [Fault(code, message, level=Level.TESTS) for message in wrong]
    return replace(verdict, tests_passed=passed, tests_total=len(tests), faults=(*verdict.faults, *faults))
