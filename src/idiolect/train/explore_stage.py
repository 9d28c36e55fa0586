"""The stage `explore` of a run: EXPLORER's trials, each a short training, and the winner's settings.

    explore/
      best.json       the winner's settings, which the stage `train` uses
      trials.jsonl    every trial with its settings, outcome and metrics
      trials.md       the same as a table
      trials.svg      the same as a plot

Trials outlive a killed attempt: those that are done are not done again, and one that was at work goes on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.data.example import Example
from idiolect.data.jsonl import write_rows
from idiolect.files import write_beside
from idiolect.plan.plan import Plan
from idiolect.runs.stage import Counts, NobodyWatches, StageError, StageResult, StageWork
from idiolect.train.explored import BEST, trial_plan
from idiolect.train.explorer import Report, Search, Settings, Trial, best_of, explore, score_in, search_of

if TYPE_CHECKING:
    from idiolect.train.job import Fitted, MakesCallbacks

_JOURNAL = "trials.jsonl"


def run_explore(work: StageWork) -> StageResult:
    """Search, and write down what was found."""
    plan = work.plan
    assert plan.explorer is not None
    assert plan.explorer.try_ is not None
    from idiolect.train.settings import settings_of
    from idiolect.train.train_stage import split_examples
    from idiolect.train.trouble import told_as_stage

    with told_as_stage():  # what is wrong with all trials alike is told before the first
        settings_of(plan)
    train, validation = split_examples(work)
    if not validation and plan.explorer.pick_best_by != "loss":
        raise StageError(
            f"EXPLORER picks by {plan.explorer.pick_best_by}, and nothing is held out to measure it on",
            'name DATASET.validation, raise val_split, or write pick_best_by: "loss"',
        )
    search = search_of(
        plan.explorer.try_,
        metric=plan.explorer.pick_best_by,
        most=plan.explorer.max_tests,
        seed=work.seed,
        basis=_basis(plan, train, validation),
    )
    work.log(f"explore: {search.size} combinations, {search.trials} trials, by {search.way}")
    trials = explore(
        search,
        TrialRun(work, train, validation, search),
        work.journal() / _JOURNAL,
        told=lambda trial: work.log(f"explore: {sentence(trial, search)}"),
        stopping=work.stopping,
    )
    return _written(work, search, trials)


def _basis(plan: Plan, *examples: Sequence[Example]) -> str:
    """A hash of all besides the candidates that decides a score: when it changes, trials are done again."""
    sections = (plan.train, plan.ft_lora, plan.model, plan.stability, plan.validate_, plan.inference)
    said = [one.model_dump(mode="json") if one is not None else None for one in sections]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for some in examples:
        digest.update(b"|")
        for example in some:
            digest.update(repr(example).encode())
    return digest.hexdigest()[:16]


@dataclass(slots=True)
class TrialRun:
    """An attempt of the search: trains by a trial's plan, in a folder of the stage's journal."""

    work: StageWork
    train: Sequence[Example]
    validation: Sequence[Example]
    search: Search

    def __call__(self, number: int, settings: Settings, report: Report) -> tuple[Mapping[str, float], int]:
        """Train; the metrics and the steps."""
        from idiolect.train.job import TrainingJob
        from idiolect.train.training import train

        home = self.work.journal() / f"trial-{number}"
        plan = trial_plan(self.work.plan, settings, f"EXPLORER, trial {number}")
        done = train(
            TrainingJob(
                plan=plan,
                root=self.work.root,
                train=self.train,
                home=home,
                validation=self.validation,
                watch=_TrialWatch(self.work, number, self.search.trials),
                warn=self.work.log,
                callbacks=_reporting(report, self.search.metric),
            )
        )
        shutil.rmtree(home, ignore_errors=True)
        return done.metrics, done.steps


class _TrialWatch(NobodyWatches):
    """Passes on what a trial says, with its number, and whether the user wants it to end."""

    def __init__(self, work: StageWork, number: int, trials: int) -> None:
        self._work, self._number, self._trials = work, number, trials

    def progress(self, done: int, total: int | None, text: str) -> None:
        step = f"step {done} of {total}" if total else f"step {done}"
        self._work.progress(self._number, self._trials, f"trial {self._number + 1}: {step}, {text}")

    def stopping(self) -> bool:
        return self._work.stopping()


def _reporting(report: Report, metric: str) -> MakesCallbacks:
    """Callbacks that tell the search each validation, end a trial that is worse, and show progress."""
    from idiolect.student.quiet import quiet

    with quiet():  # what it loads has a word about kernels that a hub would have
        from transformers import TrainerCallback

    from idiolect.train.live_line import LiveLine, Progress

    class Reporting(TrainerCallback):  # type: ignore[misc]
        def __init__(self, fitted: Fitted) -> None:
            self._fitted = fitted
            self._line = LiveLine(fitted.job.watch.progress)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            facts = self._fitted.facts
            self._line.show(
                Progress(
                    state.global_step, state.max_steps, 0, state.epoch or 0.0, facts.loss, tokens=facts.tokens
                )
            )

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any
        ) -> None:
            value = score_in(metrics or {}, metric)
            if value is not None and report(state.global_step, float(value)):
                control.should_training_stop = True

    return lambda fitted: [Reporting(fitted)]


def _written(work: StageWork, search: Search, trials: Sequence[Trial]) -> StageResult:
    write_rows(work.folder / "trials.jsonl", (asdict(trial) for trial in trials))
    write_beside(work.folder / "trials.md", table(search, trials))
    undrawn = _drawn(work.folder / "trials.svg", search, trials)
    best = best_of(search, trials)
    failed = [trial for trial in trials if trial.how == "failed"]
    if best is None or best.score is None:
        reasons = "; ".join(dict.fromkeys(trial.reason for trial in failed[:3]))
        raise StageError(
            f"none of {len(trials)} trials came to an end: {reasons}", "mend EXPLORER.try, or remove EXPLORER"
        )
    said = {
        "settings": dict(best.settings),
        "metric": search.metric,
        "direction": search.direction,
        "score": best.score,
        "trial": best.number + 1,
        "trials": len(trials),
        "combinations": search.size,
        "way": search.way,
        "seed": search.seed,
    }
    write_beside(work.folder / BEST, json.dumps(said, indent=2) + "\n")
    work.log(f"explore: best is {sentence(best, search)}")
    lost = {how: sum(trial.how == how for trial in trials) for how in ("pruned", "failed")}
    kept = len(trials) - sum(lost.values())
    return StageResult(
        counts=(Counts("trials", len(trials), kept, {how: count for how, count in lost.items() if count}),),
        numbers={"best_score": best.score, "best_trial": best.number + 1},
        warnings=undrawn + tuple(f"trial {trial.number + 1} failed: {trial.reason}" for trial in failed),
    )


def _drawn(path: Path, search: Search, trials: Sequence[Trial]) -> tuple[str, ...]:
    try:
        from idiolect.train.trials_plot import trials_svg

        write_beside(path, trials_svg(search, trials))
    except ModuleNotFoundError:
        return ('the trials are not drawn: pip install "idiolect[tune]"',)
    return ()


def sentence(trial: Trial, search: Search) -> str:
    """A trial in one line."""
    settings = ", ".join(f"{name} {value}" for name, value in trial.settings.items())
    score = f"{search.metric} {trial.score:.4g}" if trial.score is not None else trial.reason
    return f"trial {trial.number + 1} of {search.trials} ({settings}) {trial.how}: {score}"


def table(search: Search, trials: Sequence[Trial]) -> str:
    """The trials as a table in Markdown, the best first, then the pruned, then the failed."""
    sign = 1 if search.direction == "min" else -1
    order = ("completed", "pruned", "failed")
    ranked = sorted(trials, key=lambda one: (order.index(one.how), sign * (one.score or 0.0), one.number))
    names = list(search.candidates)
    better = "lower" if search.direction == "min" else "higher"
    lines = [
        f"# {len(trials)} trials by {search.way}, {search.metric} ({better} is better)",
        "",
        "| trial | " + " | ".join(names) + f" | {search.metric} | steps | outcome |",
        "|---" * (len(names) + 4) + "|",
    ]
    for trial in ranked:
        values = [f"{trial.settings[name]}" for name in names]
        score = f"{trial.score:.6g}" if trial.score is not None else ""
        outcome = trial.how + (f": {trial.reason}" if trial.reason else "")
        cells = [str(trial.number + 1), *values, score, str(trial.steps), outcome.replace("|", "\\|")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
