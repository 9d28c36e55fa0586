"""EXPLORER: a small search over settings. Which candidate comes next, what became of each, and who wins.

A grid when every combination fits `max_tests`, else Optuna's TPE with median pruning. Candidate k follows
from the k outcomes before it and the seed alone, so that a search that was killed goes on as if it had not
been: the journal is a file with one line a trial. A trial that failed has a reason and no score. Knows no
trainer: a trial is a function.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from idiolect.files import write_beside
from idiolect.okt.blocks.watch import Try
from idiolect.okt.vocab import METRICS, watched_metric_name
from idiolect.runs.stage import StageStopped
from idiolect.text_hints import shortened

Scalar = bool | int | float | str
Settings = Mapping[str, Scalar]
Direction = Literal["min", "max"]
MOST_TESTS = 50
_STARTS = 3  # trials before pruning begins; before TPE believes its own model there are a third, 3 at least


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one candidate."""

    number: int
    settings: Settings
    how: Literal["completed", "pruned", "failed"]
    score: float | None = None  # None where it failed; a pruned one's last value
    steps: int = 0
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    reported: tuple[tuple[int, float], ...] = ()  # steps and values of the deciding metric


class Report(Protocol):
    """Is told the deciding metric as a trial goes."""

    def __call__(self, step: int, value: float) -> bool:
        """Whether the trial shall end here, as it is worse than others were."""
        ...


class Attempt(Protocol):
    """Trains with some settings; the metrics, and how many steps it took. An exception is a failed trial."""

    def __call__(
        self, number: int, settings: Settings, report: Report
    ) -> tuple[Mapping[str, float], int]: ...


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched."""

    candidates: Mapping[str, Sequence[Scalar]]
    metric: str
    direction: Direction
    most: int
    seed: int
    basis: str = ""  # stands for everything else that decides a score: another basis is another search

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return math.prod(len(values) for values in self.candidates.values())

    @property
    def way(self) -> Literal["grid", "tpe"]:
        return "grid" if self.size <= self.most else "tpe"

    @property
    def trials(self) -> int:
        return min(self.size, self.most)

    def combinations(self) -> Iterator[dict[str, Scalar]]:
        """All of them, in the order of the script: the last name changes fastest."""
        for values in itertools.product(*self.candidates.values()):
            yield dict(zip(self.candidates, values, strict=True))


def search_of(tried: Try, *, metric: str, most: int | None, seed: int, basis: str = "") -> Search:
    """The search that EXPLORER asks for."""
    listed: dict[str, Sequence[Scalar]] = {
        "learning_rate": tried.lr or (),
        "batch_size": tried.batch_size or (),
        "optimizer": tried.optimizer or (),
        "scheduler": tried.scheduler or (),
        **tried.others,
    }
    candidates = {name: tuple(dict.fromkeys(values)) for name, values in listed.items() if values}
    return Search(candidates, metric, direction_of(metric), min(most or MOST_TESTS, MOST_TESTS), seed, basis)


def direction_of(metric: str) -> Direction:
    """Whether less is better. A custom metric is better when it is more, unless its name says what it is."""
    bare = watched_metric_name(metric)
    known = METRICS.get(bare)
    if known is not None:
        return "max" if known.direction == "max" else "min"
    return "min" if any(word in bare for word in ("loss", "error", "wer", "cer", "perplexity")) else "max"


def explore(
    search: Search,
    attempt: Attempt,
    journal: Path,
    *,
    told: Callable[[Trial], None] = lambda trial: None,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Trial, ...]:
    """Carry out the trials that the journal does not hold yet; all of them, in order.

    StageStopped ends the search with the journal as far as it is.
    """
    trials = list(_read(search, journal))
    for number in range(len(trials), search.trials):
        if stopping():
            raise StageStopped
        trial = _carried_out(search, trials, number, attempt)
        trials.append(trial)
        _write(search, journal, trials)
        told(trial)
    return tuple(trials)


def best_of(search: Search, trials: Sequence[Trial]) -> Trial | None:
    """The best of the completed trials, the earlier of two that are equal; None where all failed."""
    done = [trial for trial in trials if trial.how == "completed" and trial.score is not None]
    sign = 1 if search.direction == "min" else -1
    return min(done, key=lambda trial: (sign * (trial.score or 0.0), trial.number), default=None)


def _carried_out(search: Search, before: Sequence[Trial], number: int, attempt: Attempt) -> Trial:
    chooser = _Chooser(search, before)
    settings = chooser.settings(number)
    reported: list[tuple[int, float]] = []
    pruned = False

    def report(step: int, value: float) -> bool:
        nonlocal pruned
        reported.append((step, value))
        pruned = pruned or chooser.should_prune(step, value)
        return pruned

    try:
        metrics, steps = attempt(number, settings, report)
    except StageStopped:
        raise
    except Exception as error:  # whatever a setting breaks: it is this trial's outcome, and others go on
        reason = shortened(f"{type(error).__name__}: {error}", 300)
        return Trial(number, settings, "failed", reason=reason, reported=tuple(reported))
    numbers = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
    common: dict[str, Any] = {"steps": steps, "metrics": numbers, "reported": tuple(reported)}
    if pruned:
        return Trial(number, settings, "pruned", reported[-1][1], reason="worse than the median", **common)
    score = score_in(metrics, search.metric)
    if score is None:
        measured = ", ".join(sorted(metrics)) or "nothing"
        return Trial(
            number, settings, "failed", reason=f"{search.metric} was not measured: {measured}", **common
        )
    if not math.isfinite(score):
        return Trial(number, settings, "failed", reason=f"{search.metric} is {score}", **common)
    return Trial(number, settings, "completed", score, **common)


def score_in(metrics: Mapping[str, float], name: str) -> float | None:
    """The deciding metric among those of a training, which calls `val_loss` `eval_loss`.

    `loss` alone is the training's own; other metrics without a prefix are those of the validation.
    """
    bare = watched_metric_name(name)
    validated = metrics.get(f"eval_{bare}", metrics.get(f"val_{bare}"))
    if name.startswith(("val_", "eval_")):
        return validated
    own = metrics.get(bare)
    first, second = (own, validated) if bare == "loss" else (validated, own)
    return first if first is not None else second


class _Chooser:
    """The settings of the next trial, and whether it shall be pruned."""

    def __init__(self, search: Search, before: Sequence[Trial]) -> None:
        self._search = search
        self._before = before
        self._trial: Any = None

    def settings(self, number: int) -> Settings:
        if self._search.way == "grid":
            return next(itertools.islice(self._search.combinations(), number, None))
        return self._suggested(number)

    def should_prune(self, step: int, value: float) -> bool:
        if self._trial is None or not math.isfinite(value):
            return False  # a value that is no number makes the trial fail in the end
        self._trial.report(value, step)
        return bool(self._trial.should_prune())

    def _suggested(self, number: int) -> Settings:
        """What TPE suggests, or where that was tried before, one at random that was not."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        distributions = {
            name: optuna.distributions.CategoricalDistribution(tuple(values))
            for name, values in self._search.candidates.items()
        }
        study = optuna.create_study(
            direction="minimize" if self._search.direction == "min" else "maximize",
            # Seeded anew for each trial: the sampler's own state would be lost with a killed process.
            sampler=optuna.samplers.TPESampler(
                seed=self._search.seed + number, n_startup_trials=max(_STARTS, self._search.most // 3)
            ),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_STARTS),
        )
        for trial in self._before:
            study.add_trial(_remembered(trial, distributions))
        asked = study.ask(distributions)
        known = {tuple(trial.settings[name] for name in distributions) for trial in self._before}
        chosen = {name: asked.params[name] for name in distributions}
        if tuple(chosen.values()) in known:
            rest = [one for one in self._search.combinations() if tuple(one.values()) not in known]
            chosen = random.Random(f"{self._search.seed}/{number}").choice(rest)
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
            study.enqueue_trial(chosen)
            asked = study.ask(distributions)
        self._trial = asked
        return chosen


def _remembered(trial: Trial, distributions: Mapping[str, Any]) -> Any:
    import optuna

    states = optuna.trial.TrialState
    state = {"completed": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[trial.how]
    values = {step: value for step, value in trial.reported if math.isfinite(value)}
    return optuna.trial.create_trial(
        state=state,
        params=dict(trial.settings),
        distributions=dict(distributions),
        value=trial.score if trial.how == "completed" else None,
        intermediate_values=values if trial.how != "failed" else {},
    )


# --- the journal


def _head(search: Search) -> str:
    said = {"search": asdict(search), "version": 1}
    return json.dumps(json.loads(json.dumps(said)), sort_keys=True)


def _read(search: Search, journal: Path) -> Iterator[Trial]:
    """The trials of an earlier attempt at the same search; those of another one are not looked at."""
    try:
        head, *lines = journal.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    if head != _head(search):
        return
    for line in lines:
        said = json.loads(line)
        said["reported"] = tuple((step, value) for step, value in said["reported"])
        yield Trial(**said)


def _write(search: Search, journal: Path, trials: Sequence[Trial]) -> None:
    lines = [_head(search), *(json.dumps(asdict(trial)) for trial in trials)]
    write_beside(journal, "\n".join(lines) + "\n")
