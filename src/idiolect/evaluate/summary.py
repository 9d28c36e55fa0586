"""What judged answers amount to: rates with intervals, whole and by group, pass@k, classes of faults.

A rate counts each task once: with several samples a task, its share of right ones. Answers that could not be
judged are in no rate, and their number stands beside it. Knows no files and no student.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from idiolect.evaluate.intervals import Interval, mean_interval
from idiolect.evaluate.pass_at_k import pass_at_k
from idiolect.evaluate.records import Judged, Mode

Value = Callable[[Judged], float | None]


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


def _dsl_parsed(one: Judged) -> float | None:
    """Whether all embedded blocks keep their grammar; None where there are none."""
    blocks = one.details.get("dsl_blocks")
    if not isinstance(blocks, Mapping) or not blocks.get("found"):
        return None
    return float(not blocks.get("invalid"))


def _mixed(one: Judged) -> float | None:
    dsl = _dsl_parsed(one)
    return None if dsl is None or one.parsed is None else float(one.parsed and dsl == 1.0)


def _names(one: Judged) -> float | None:
    return None if one.parsed is None else float(bool(one.unknown_names))


def _tests(one: Judged) -> float | None:
    total = one.verdict.tests_total
    return one.verdict.tests_passed / total if total else None


# Rates of an answer, in the order in which they are shown. The first four carry the names of seed pipelines.
RATES: Mapping[str, Value] = {
    "parsed_rate": lambda one: _flag(one.parsed),
    "schema_valid_rate": lambda one: _flag(one.valid),
    "exact_match_rate": lambda one: None if one.parsed is None else float(one.exact_match),
    "teacher_accept_rate": lambda one: _flag(one.teacher_accept),
    "semantic_pass_rate": lambda one: _flag(one.semantic_pass),
    "policy_rate": lambda one: _flag(one.policy),
    "dsl_parse_rate": _dsl_parsed,
    "mixed_compliance_rate": _mixed,
    "test_pass_rate": _tests,
    "unparsed_rate": lambda one: None if one.parsed is None else float(not one.parsed),
    "unknown_name_rate": _names,
    "refusal_rate": lambda one: None if one.parsed is None else float(one.refused),
    "finished_rate": lambda one: float(one.finished),
    "token_f1": lambda one: one.token_f1,
}
GROUPS: Mapping[str, Callable[[Judged], Iterable[str]]] = {
    "level": lambda one: [one.level] if one.level else [],
    "kind": lambda one: [one.kind] if one.kind else [],
    "language": lambda one: [one.language] if one.language else [],
    "production": lambda one: one.productions,
}
_MOST_GROUPS = 400


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean over tasks, with the interval that it is known to."""

    value: float
    low: float
    high: float
    tasks: int  # that it stands on
    not_judged: int = 0  # answers that are in no rate


@dataclass(frozen=True, slots=True)
class Block:
    """The figures of one suite in one mode at one temperature."""

    suite: str
    mode: Mode
    temperature: float
    tasks: int
    samples: int  # a task
    rates: Mapping[str, Rate]
    pass_at: Mapping[int, Rate]
    best_of: Rate | None  # the best of a task's answers, chosen by verdict, then by likelihood
    groups: Mapping[str, Mapping[str, Rate]]  # semantic pass by level, kind, language, production
    faults: Mapping[str, int]  # fault code to how many answers have it
    mean_tokens: float
    forced_share: float
    steps_per_token: float | None


def summarize(judged: Sequence[Judged], *, seed: int = 0) -> tuple[Block, ...]:
    """One block for each suite, mode and temperature, in the order of appearance, then one for all suites."""
    parts: dict[tuple[str, Mode, float], list[Judged]] = defaultdict(list)
    for one in judged:
        parts[one.suite, one.mode, one.temperature].append(one)
    suites = {suite for suite, _, _ in parts}
    if len(suites) > 1:
        for one in judged:
            parts["all", one.mode, one.temperature].append(one)
    return tuple(_block(*key, part, seed) for key, part in parts.items())


def by_task(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    """The answers to each task, in the order of their samples."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        found[one.task].append(one)
    for answers in found.values():
        answers.sort(key=lambda one: one.sample)
    return dict(found)


def best_of(answers: Sequence[Judged]) -> Judged:
    """The answer that would be delivered: by verdict, then by likelihood a token, then the first."""

    def worth(one: Judged) -> tuple[bool, bool, bool, float, int]:
        likelihood = one.log_likelihood if one.log_likelihood is not None else float("-inf")
        verdict = one.verdict
        return (verdict.ok, bool(one.valid), bool(one.parsed), likelihood / max(1, one.tokens), -one.sample)

    return max(answers, key=worth)


def rate(groups: Mapping[str, Sequence[Judged]], value: Value, seed: int) -> Rate | None:
    """The mean over tasks of each task's mean; None where no answer has the value."""
    means: list[float] = []
    missing = 0
    for answers in groups.values():
        values = [found for one in answers if (found := value(one)) is not None]
        missing += len(answers) - len(values)
        if values:
            means.append(sum(values) / len(values))
    return _rate(mean_interval(means, seed=seed), len(means), missing) if means else None


def _rate(interval: Interval, tasks: int, missing: int) -> Rate:
    return Rate(interval.value, interval.low, interval.high, tasks, missing)


def _block(suite: str, mode: Mode, temperature: float, judged: Sequence[Judged], seed: int) -> Block:
    groups = by_task(judged)
    samples = max(len(answers) for answers in groups.values())
    rates = {name: found for name, value in RATES.items() if (found := rate(groups, value, seed))}
    best = {task: [best_of(answers)] for task, answers in groups.items()}
    tokens = sum(one.tokens for one in judged)
    steps = sum(one.steps for one in judged)
    return Block(
        suite,
        mode,
        temperature,
        tasks=len(groups),
        samples=samples,
        rates=rates,
        pass_at=_pass_at(groups, samples, seed),
        best_of=rate(best, RATES["semantic_pass_rate"], seed) if samples > 1 else None,
        groups=_groups(judged, seed),
        faults=dict(Counter(code for one in judged for code in one.verdict.errors).most_common()),
        mean_tokens=tokens / len(judged),
        forced_share=sum(one.forced for one in judged) / tokens if tokens else 0.0,
        steps_per_token=steps / tokens if tokens and steps else None,
    )


def _pass_at(groups: Mapping[str, Sequence[Judged]], samples: int, seed: int) -> dict[int, Rate]:
    """pass@1, 2, 4 ... and pass@k by the unbiased estimator, over tasks whose every sample was judged."""
    whole = {
        task: [one.semantic_pass for one in answers]
        for task, answers in groups.items()
        if len(answers) == samples and all(one.semantic_pass is not None for one in answers)
    }
    sizes = sorted({k for k in (1, 2, 4, 8, 16, 32, 64) if k <= samples} | {samples})
    found = {}
    for k in sizes if whole else ():
        chances = [pass_at_k(len(passes), sum(map(bool, passes)), k) for passes in whole.values()]
        found[k] = _rate(mean_interval(chances, seed=seed), len(chances), len(groups) - len(whole))
    return found


def _groups(judged: Sequence[Judged], seed: int) -> dict[str, dict[str, Rate]]:
    made: dict[str, dict[str, Rate]] = {}
    for name, keys in GROUPS.items():
        parts: dict[str, list[Judged]] = defaultdict(list)
        for one in judged:
            for key in keys(one):
                parts[key].append(one)
        rates = {
            key: found
            for key in sorted(parts)[:_MOST_GROUPS]
            if (found := rate(by_task(parts[key]), RATES["semantic_pass_rate"], seed))
        }
        if rates:
            made[name] = rates
    return made
