"""Preference tuning of a student: pairs in token ids, the reference taken once, the trainer of texts.

    aligned = align(job, pairs, student=student, block=plan.align)

The loop is TRAIN's with ALIGN's numbers in it. Rules, hooks and monitors belong to the training before.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from idiolect.okt.blocks.extension import Align
from idiolect.okt.blocks.train import Train
from idiolect.plan.plan import Plan
from idiolect.problem import problem
from idiolect.runs.stage import Counts
from idiolect.student.fitting import LONG_PROMPT
from idiolect.student.load import Student
from idiolect.student.row import Pair
from idiolect.student.tokens import NoRow, make_pair
from idiolect.train.feed import Feed
from idiolect.train.job import UNSHARED, Lesson, Trained, TrainingJob
from idiolect.train.loop import run
from idiolect.train.objectives import PreferenceObjective
from idiolect.train.pairs import Preference
from idiolect.train.rows import longest_row
from idiolect.train.settings import LoopSettings, settings_of
from idiolect.train.training import sharing_way
from idiolect.train.trouble import TrainingError

_EPOCHS = 3  # at most, where the script writes no max_steps: pairs are few, and are soon known by heart
_HELD_FROM = 20  # pairs from which some are held out to be scored
_HELD_SHARE = 0.1
_OVER = 10  # steps whose mean is held against the limit


def align(job: TrainingJob, pairs: Sequence[Preference], *, student: Student, block: Align) -> Trained:
    """Tune a trainable student on pairs."""
    settings = align_settings(job.plan, block, len(pairs))
    way, _ = sharing_way(student, settings)
    objective = PreferenceObjective(
        beta=block.beta,
        shared=settings.sharing and way not in UNSHARED,
        nll_weight=block.nll_weight,
        name=f"dpo {block.beta} {block.nll_weight} {block.max_chosen_drop} ",
    )
    rows, counts = pair_rows(pairs, student, settings)
    if not rows:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.rejected.items())
        what = f"none of {counts.read:,} pairs can be trained on: {reasons}"
        raise TrainingError(problem("L622", what, help="raise TRAIN.max_seq_length"))
    learned, held = held_out(rows, settings.seed)

    def prepare(model: Any, feed: Feed) -> None:
        """The reference's log-probabilities, of the pairs that will be seen."""
        every = [*learned, *held]
        dealer = objective.dealer(every, feed.budget, len(every), settings.seed)
        batches = [batch for step in dealer.epoch(0) for batch in step.batches]
        for done, batch in enumerate(batches):
            job.watch.progress(done, len(batches), "the reference's log-probabilities")
            objective.remember(model, [every[at] for at in batch])

    watching = job.callbacks

    class WithDropWatch:
        """The callbacks of the job, and the stop rule of the chosen answers."""

        def __call__(self, fitted: Any) -> Sequence[Any]:
            made = list(watching(fitted)) if watching else []
            return [*made, drop_watch(block.max_chosen_drop, job.watch.log, self.ended)]

        def ended(self, reason: str) -> None:
            if watching is not None and hasattr(watching, "ended"):
                watching.ended(reason)

    lesson = Lesson(
        job=replace(job, callbacks=WithDropWatch()),
        settings=settings,
        student=student,
        objective=objective,
        rows=learned,
        held=held,
        counts=(counts,),
        notes=student.notes,
        way=way,
    )
    return run(lesson, prepare=prepare)


def align_settings(plan: Plan, block: Align, pairs: int) -> LoopSettings:
    """TRAIN's loop with ALIGN's numbers."""
    changed: dict[str, Any] = {
        "epochs": _EPOCHS,
        "max_steps": max_steps_of(plan, block, pairs),
        "batch_size": block.batch_size,
        "gradient_accumulation": block.gradient_accumulation,
        "learning_rate": block.learning_rate,
        "warmup_steps": block.warmup_steps,
        "logging_steps": block.logging_steps,
        "loss": None,
        "curriculum": False,
        "hard_examples": None,
        "early_stopping": False,
    }
    train = (plan.train or Train()).model_copy(update=changed)
    without = {"control": None, "hooks": None, "monitor": None, "logging": None, "validate_": None}
    settings = settings_of(plan.model_copy(update={"train": train, **without}))
    if settings.task != "language":
        what = f"ALIGN compares answers, and a {settings.task} has none"
        raise TrainingError(problem("L650", what, help="leave ALIGN out"))
    steps = settings.max_steps or 1
    looking = replace(settings.looking, every_steps=max(1, steps // 10), every_epochs=None, on_train=False)
    return replace(settings, looking=looking, warmup_steps=min(settings.warmup_steps, steps // 2))


def max_steps_of(plan: Plan, block: Align, pairs: int) -> int:
    """ALIGN.max_steps as written; the default of it for no more than some epochs."""
    setting = plan.settings.get("ALIGN.max_steps")
    if setting is not None and setting.origin.kind not in ("default", "proposed"):
        return block.max_steps
    a_step = block.batch_size * block.gradient_accumulation
    return min(block.max_steps, max(1, -(-pairs // a_step)) * _EPOCHS)


def pair_rows(
    pairs: Sequence[Preference], student: Student, settings: LoopSettings
) -> tuple[list[Pair], Counts]:
    """Pairs in token ids, and what became of those that are none."""
    limit = longest_row(student, settings)
    kept: dict[str, Pair] = {}
    reasons: Counter[str] = Counter()
    for one in pairs:
        try:
            row = make_pair(one.example, one.rejected, student.tokenizer, student.form, weight=one.weight)
        except NoRow as error:
            reasons[error.reason] += 1
            continue
        if row.length > limit:
            reasons[LONG_PROMPT] += 1
        elif row.chosen == row.rejected:
            reasons["same tokens"] += 1
        elif one.id in kept:
            reasons["repeat"] += 1
        else:
            kept[one.id] = replace(row, id=one.id)
    return list(kept.values()), Counts("pairs", len(pairs), len(kept), dict(sorted(reasons.items())))


def held_out(rows: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """Some pairs to be scored, of many; pairs of one prompt stay together."""
    if len(rows) < _HELD_FROM:
        return list(rows), []
    prompts = sorted({row.prompt for row in rows})
    random.Random(f"{seed}/align").shuffle(prompts)
    held: set[tuple[int, ...]] = set(prompts[: max(1, int(_HELD_SHARE * len(prompts)))])
    if len(held) == len(prompts):
        return list(rows), []
    return [row for row in rows if row.prompt not in held], [row for row in rows if row.prompt in held]


def drop_watch(limit: float, say: Callable[[str], None], ended: Callable[[str], None]) -> Any:
    """A callback that ends training when the chosen answers become less likely than they may."""
    from transformers import TrainerCallback
    from transformers.trainer_callback import ExportableState

    class DropWatch(TrainerCallback, ExportableState):  # type: ignore[misc]
        """Looks at the mean change of the chosen answers' log-probability."""

        def __init__(self) -> None:
            self.trainer: Any = None
            self._changes: deque[float] = deque(maxlen=_OVER)

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            kept = (state.stateful_callbacks or {}).get(type(self).__name__)
            if state.global_step and isinstance(kept, Mapping):
                self._changes.extend(kept["attributes"]["changes"])

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            sums = self.trainer.last_sums
            self._changes.append(sums.get("chosen_change", 0.0) / (sums.get("pairs") or 1.0))
            mean = sum(self._changes) / len(self._changes)
            if len(self._changes) == _OVER and mean < -limit:
                control.should_training_stop = True
                reason = (
                    f"the chosen answers' log-probability has fallen by {-mean:.3g} nats a token, "
                    f"and max_chosen_drop is {limit:g}"
                )
                say(reason)
                ended(reason)

        def state(self) -> dict[str, Any]:
            return {"args": {}, "attributes": {"changes": list(self._changes)}}

    return DropWatch()
