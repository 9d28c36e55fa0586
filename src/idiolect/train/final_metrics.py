"""The metrics of a finished training: what validation measured, and what METRICS asks for besides.

A metric of written answers (exact match, BLEU, a custom one) is taken on some held-out examples, which the
student answers freely. Where the run has a stage `eval`, that one takes them, on more examples.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from idiolect.data.example import Example
from idiolect.evaluate.metrics import Answers, Measured, bare_name, measure, numbers
from idiolect.plan.plan import Plan
from idiolect.train.answering import StudentAnswers
from idiolect.train.hooks import HookRunner, custom_metrics
from idiolect.train.job import Trained

_MOST_ASKED = 64


def final_metrics(
    trained: Trained, plan: Plan, held: Sequence[Example], hooks: HookRunner | None
) -> tuple[dict[str, Any], list[str]]:
    """Metrics by name, and one line for each that can't be had."""
    metrics: dict[str, Any] = dict(trained.metrics)
    if plan.metrics is None:
        return metrics, []
    known = {bare_name(name) for name in metrics}
    builtin = [name for name in plan.metrics.builtin if bare_name(name) not in known]
    custom = list(plan.metrics.custom)
    if not builtin and not custom:
        return metrics, []
    if plan.stage("eval").runs:
        return metrics, [f"METRICS: {', '.join([*builtin, *custom])} are measured by the stage eval"]
    asked = [example for example in held if example.valid]
    if why := _no_answers(trained, asked):
        return metrics, [f"METRICS: {name} is not available: {why}" for name in (*builtin, *custom)]
    rng = random.Random(f"{trained.settings.seed}/metrics")
    if len(asked) > _MOST_ASKED:
        asked = rng.sample(asked, _MOST_ASKED)
    predictions, references = _answers(trained, asked), [example.target for example in asked]
    measured = measure(builtin, Answers(predictions=predictions, references=references))
    metrics |= numbers(measured)
    told = [f"METRICS: {one.name} is not available: {one.why_not}" for one in measured if not one.available]
    told += [_note(one) for one in measured if one.available and one.note]
    if custom:
        found, missing = _custom(hooks, tuple(custom), predictions, references)
        metrics |= found
        told += [f"METRICS: {name} is not available: {why}" for name, why in missing.items()]
    return metrics, told


def _no_answers(trained: Trained, asked: Sequence[Example]) -> str:
    """Why the student can't be asked; empty where it can."""
    if not asked:
        return "nothing is held out"
    if trained.settings.task != "language":
        return f"a {trained.settings.task} writes no answers"
    return "each process holds a part of the model" if trained.weights is not None else ""


def _answers(trained: Trained, asked: Sequence[Example]) -> list[str]:
    longest = max(len(trained.student.tokenizer(example.target)["input_ids"]) for example in asked)
    return StudentAnswers(trained.student, max_new_tokens=2 * longest + 8)(asked)


def _note(one: Measured) -> str:
    return f"METRICS: {one.name} is {one.note}"


def _custom(
    hooks: HookRunner | None, names: tuple[str, ...], predictions: list[str], references: list[str]
) -> tuple[dict[str, float], dict[str, str]]:
    if hooks is None or not hooks.has("custom_metric"):
        return {}, dict.fromkeys(names, "HOOKS names no custom_metric")
    return custom_metrics(
        hooks.call("custom_metric", {"predictions": predictions, "references": references}), names
    )
