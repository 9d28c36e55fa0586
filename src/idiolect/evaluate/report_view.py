"""What a report shows, in the order in which it is shown: rows and sentences, made of the collected data.

Both the page and the Markdown are made of it, so that they say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.evaluate.comparison import compare
from idiolect.evaluate.records import Judged
from idiolect.evaluate.report_data import Evaluation, ReportData, Training
from idiolect.evaluate.results import headline_block
from idiolect.evaluate.summary import Block, Rate
from idiolect.text_hints import shortened

_MOST_SAMPLES = 12
_MOST_FAULTS = 20
_MOST_GROUP_ROWS = 30
_LONGEST = 4_000  # characters of a shown text

NAMES: Mapping[str, str] = {
    "parsed_rate": "parses",
    "schema_valid_rate": "valid",
    "exact_match_rate": "equals the reference to the letter",
    "teacher_accept_rate": "accepted by the teacher",
    "semantic_pass_rate": "does what was asked",
    "policy_rate": "keeps the policy",
    "dsl_parse_rate": "embedded blocks parse",
    "mixed_compliance_rate": "host and embedded blocks parse",
    "test_pass_rate": "test vectors passed",
    "unparsed_rate": "does not parse",
    "unknown_name_rate": "uses a name that does not exist",
    "refusal_rate": "is a refusal",
    "finished_rate": "ended within its length",
    "token_f1": "words shared with the reference (F1)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a table."""

    name: str
    rate: Rate

    @property
    def value(self) -> str:
        return percent(self.rate.value)

    @property
    def interval(self) -> str:
        return f"{percent(self.rate.low)} to {percent(self.rate.high)}"

    @property
    def tasks(self) -> str:
        return f"{self.rate.tasks:,}"

    @property
    def not_judged(self) -> str:
        return f"{self.rate.not_judged:,}" if self.rate.not_judged else ""


@dataclass(frozen=True, slots=True)
class BlockView:
    title: str
    rows: tuple[Row, ...]
    note: str


@dataclass(frozen=True, slots=True)
class SampleView:
    asked: str
    context: str
    expected: str
    got: str
    outcome: str
    passed: bool


@dataclass(frozen=True, slots=True)
class EvaluationView:
    title: str
    blocks: tuple[BlockView, ...]
    comparisons: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    faults: tuple[tuple[str, int, SampleView | None], ...]
    samples: tuple[SampleView, ...]


def percent(value: float) -> str:
    """A share as people read it."""
    return f"{100 * value:.1f} %"


def tiles(data: ReportData) -> list[tuple[str, str]]:
    """The figures that a reader looks for first."""
    found = []
    for evaluation in data.evaluations:
        block = headline_block(evaluation.blocks, evaluation.facts.get("of", {}).get("mode", "constrained"))
        for name in ("semantic_pass_rate", "schema_valid_rate"):
            if name in block.rates:
                found.append((percent(block.rates[name].value), f"{NAMES[name]}, {evaluation.title}"))
    return found


def honesty(data: ReportData) -> list[str]:
    """Who made the data, who judged, and how much the figures stand on."""
    plan = data.plan
    lines = []
    model, lora = plan.get("model") or {}, plan.get("ft_lora") or {}
    if model.get("base"):
        how = f"an adapter of rank {lora['lora_rank']}" if lora.get("lora_rank") else "all weights trained"
        lines.append(f"Base model: {model['base']}; {how}.")
    if plan.get("dialect"):
        lines.append(f"Language: {plan['dialect'].get('name')}.")
    lines += [_taught(plan)]
    for evaluation in data.evaluations:
        judge = evaluation.facts.get("judge", "rules")
        who = (
            "by rules: the dialect's own equality with the reference, and test vectors where there are any"
            if judge == "rules"
            else f"by the teacher {judge}"
        )
        lines.append(
            f"{evaluation.title.capitalize()}: {evaluation.facts.get('tasks', 0):,} tasks were asked, "
            f"and judged {who}."
        )
        dropped = [
            f"{number:,} {reason}"
            for one in evaluation.facts.get("counts", ())
            for reason, number in one["rejected"].items()
        ]
        if dropped:
            lines.append(f"Rows that were not asked: {', '.join(dropped)}.")
    if not data.evaluations:
        lines.append("Nothing has been evaluated yet, so nothing is known about its quality.")
    return lines


def _taught(plan: Mapping[str, Any]) -> str:
    teacher, synth = plan.get("teacher"), plan.get("synthesize")
    if not synth:
        return "No examples were made up: all come from files."
    if not teacher or teacher.get("offline"):
        return f"Examples were made by rules ({synth.get('recipe')}); no language model took part."
    return f"Examples were made with the teacher {teacher.get('model')} ({synth.get('recipe')})."


def counts(data: ReportData) -> list[tuple[str, str, str, str, str]]:
    """What came in, what was kept, what was left out and why, by stage."""
    return [
        (
            stage.name,
            one.of,
            f"{one.read:,}",
            f"{one.kept:,}",
            ", ".join(f"{number:,} {reason}" for reason, number in one.rejected.items()),
        )
        for stage in data.stages
        for one in stage.counts
    ]


def training_points(training: Training, name: str) -> list[tuple[float, float]]:
    """The points of one curve."""
    return [
        (float(line["step"]), float(line[name]))
        for line in training.lines
        if isinstance(line.get(name), int | float) and isinstance(line.get("step"), int | float)
    ]


def training_rows(training: Training) -> list[tuple[str, str]]:
    """First and last figures of a training."""
    rows = []
    for name in ("loss", "eval_loss", "chosen_logp"):
        points = training_points(training, name)
        if points:
            rows.append(
                (f"{name}, step {points[0][0]:.0f} and step {points[-1][0]:.0f}",
                 f"{points[0][1]:.4f} → {points[-1][1]:.4f}")
            )  # fmt: skip
    return rows


def evaluation_view(evaluation: Evaluation) -> EvaluationView:
    """One evaluation as it is shown."""
    mode = evaluation.facts.get("of", {}).get("mode", "constrained")
    first = headline_block(evaluation.blocks, mode)
    shown = [
        one for one in evaluation.judged
        if one.mode == first.mode and one.temperature == first.temperature and one.sample == 0
    ]  # fmt: skip
    return EvaluationView(
        evaluation.title,
        tuple(map(_block, evaluation.blocks)),
        tuple(_modes_compared(evaluation.judged)),
        tuple(_groups(first)),
        tuple(_faults(shown, evaluation)),
        tuple(_samples(shown, evaluation)),
    )


def _block(block: Block) -> BlockView:
    rows = [Row(NAMES.get(name, name), rate) for name, rate in block.rates.items()]
    rows += [Row(f"pass@{k}", rate) for k, rate in block.pass_at.items() if k > 1]
    if block.best_of:
        rows.append(Row(f"best of {block.samples}, chosen by verdict", block.best_of))
    note = f"{block.tasks:,} tasks, {block.samples} answer{'s' if block.samples > 1 else ''} each, "
    note += f"{block.mean_tokens:.0f} tokens an answer"
    if block.forced_share:
        note += f", {percent(block.forced_share)} of them forced by the grammar"
    how = "under the grammar" if block.mode == "constrained" else "without the grammar"
    return BlockView(f"Suite {block.suite}, {how}, temperature {block.temperature:g}", tuple(rows), note)


def _modes_compared(judged: Sequence[Judged]) -> Iterable[str]:
    """What the grammar is worth, task by task."""
    free = [one for one in judged if one.mode == "free"]
    bound = [one for one in judged if one.mode == "constrained"]
    recast = [_as_constrained(one) for one in free]
    for one in compare(recast, bound):
        certain = f"p = {one.p:.2g}" if one.significant else f"no clear difference, p = {one.p:.2g}"
        yield (
            f"Suite {one.suite}, temperature {one.temperature:g}: without the grammar {percent(one.left)}, "
            f"under it {percent(one.right)} of {one.tasks:,} tasks; {len(one.better)} became right, "
            f"{len(one.worse)} wrong ({certain})."
        )


def _as_constrained(one: Judged) -> Judged:
    from dataclasses import replace

    return replace(one, mode="constrained")


def _groups(block: Block) -> Iterable[tuple[str, tuple[Row, ...]]]:
    titles = {"level": "By difficulty", "kind": "By kind of task", "language": "By language of the request"}
    for name, title in titles.items():
        if len(block.groups.get(name, {})) > 1:
            yield title, tuple(Row(key, rate) for key, rate in block.groups[name].items())
    productions = block.groups.get("production", {})
    if productions:
        worst = sorted(productions.items(), key=lambda pair: (pair[1].value, -pair[1].tasks, pair[0]))
        rows = tuple(Row(key, rate) for key, rate in worst[:_MOST_GROUP_ROWS])
        yield f"By what the reference uses, worst first ({len(rows)} of {len(productions)})", rows


def _faults(shown: Sequence[Judged], evaluation: Evaluation) -> Iterable[tuple[str, int, SampleView | None]]:
    classes: dict[str, list[Judged]] = {}
    for one in shown:
        if one.semantic_pass is not True:
            for code in classes_of(one):
                classes.setdefault(code, []).append(one)
    ordered = sorted(classes.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    for code, found in ordered[:_MOST_FAULTS]:
        yield code, len(found), _sample(found[0], evaluation)


def classes_of(one: Judged) -> tuple[str, ...]:
    """The classes of what is wrong with an answer: its faults, or that it means something else."""
    if one.verdict.not_judged is not None:
        return ("could not be judged",)
    if one.verdict.errors:
        return one.verdict.errors
    if not one.finished:
        return ("cut at its longest length",)
    if one.refused:
        return ("refused what could be done",)
    return ("valid, but means something else",)


def _samples(shown: Sequence[Judged], evaluation: Evaluation) -> Iterable[SampleView]:
    """Some that failed and some that passed, evenly from each."""
    failed = [one for one in shown if one.semantic_pass is not True]
    passed = [one for one in shown if one.semantic_pass is True]
    half = _MOST_SAMPLES // 2
    left = _spread(failed, max(half, _MOST_SAMPLES - len(passed)))
    right = _spread(passed, _MOST_SAMPLES - len(left))
    mixed = [one for pair in zip(right, left, strict=False) for one in pair]
    rest = [*right[len(left) :], *left[len(right) :]]
    return (_sample(one, evaluation) for one in [*mixed, *rest])


def _spread(found: Sequence[Judged], most: int) -> list[Judged]:
    if len(found) <= most:
        return list(found)
    return [found[number * len(found) // most] for number in range(most)]


def _sample(one: Judged, evaluation: Evaluation) -> SampleView:
    example = evaluation.tasks.get(one.task)
    outcome = {True: "right", False: "wrong", None: "not judged"}[one.semantic_pass]
    if one.semantic_pass is False:
        outcome += f" ({', '.join(classes_of(one)[:2])})"
    return SampleView(
        shortened(example.instruction, 400) if example else one.task,
        example.context[:_LONGEST] if example else "",
        one.expected[:_LONGEST],
        one.student_output[:_LONGEST],
        outcome,
        one.semantic_pass is True,
    )
