"""One evaluation: every task asked, every answer judged, in each mode and at each temperature.

Data goes one way: tasks to answers to judged answers. It knows no file names and no student, only a Writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from idiolect.evaluate.answers import Answers, key_of
from idiolect.evaluate.judging import Judge
from idiolect.evaluate.records import MODES, Judged, Mode, Task, Writer, Written

_BATCH = 16  # tasks given to the writer at a time; a kill costs one batch at most


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSettings:
    """What is asked of a student."""

    k: int = 1
    temperatures: tuple[float, ...] = (0.0,)
    max_new_tokens: int = 512
    modes: tuple[Mode, ...] = MODES
    seed: int = 0

    def samples(self, temperature: float) -> int:
        """Greedy answers are all alike, so one is asked for."""
        return self.k if temperature > 0 else 1


Step = Callable[[int, int, str], None]  # done, total, what


def evaluate(
    tasks: Sequence[Task],
    writer: Writer,
    judge: Judge,
    settings: EvaluationSettings,
    *,
    answers: Answers | None = None,
    student: str = "",
    step: Step = lambda done, total, text: None,
    asked: Callable[[Task], str] = lambda task: "",
) -> Iterator[Judged]:
    """The judged answers: by mode, by temperature, then in the order of the tasks."""
    rounds = [(mode, temperature) for mode in settings.modes for temperature in settings.temperatures]
    total = len(rounds) * len(tasks)
    for number, (mode, temperature) in enumerate(rounds):
        for start in range(0, len(tasks), _BATCH):
            batch = tasks[start : start + _BATCH]
            step(number * len(tasks) + start, total, f"{batch[0].suite}, {mode}, temperature {temperature:g}")
            for task, written in zip(
                batch, _written(batch, writer, mode, temperature, settings, answers, student), strict=True
            ):
                text = asked(task)
                for sample, one in enumerate(written):
                    yield judge(task, one, mode=mode, temperature=temperature, sample=sample, asked=text)
    step(total, total, "")


def _written(
    batch: Sequence[Task],
    writer: Writer,
    mode: Mode,
    temperature: float,
    settings: EvaluationSettings,
    answers: Answers | None,
    student: str,
) -> list[tuple[Written, ...]]:
    """The answers to a batch; those that are kept already are not asked for again."""
    how = {
        "mode": mode,
        "k": settings.samples(temperature),
        "temperature": temperature,
        "seed": settings.seed,
        "max_new_tokens": settings.max_new_tokens,
    }
    keys = [key_of(student, task, **how) for task in batch]  # type: ignore[arg-type]
    found = {key: answers.get(key) for key in keys} if answers else {}
    missing = [(key, task) for key, task in zip(keys, batch, strict=True) if found.get(key) is None]
    made = writer.write([task for _, task in missing], **how) if missing else iter(())  # type: ignore[arg-type]
    for (key, _), written in zip(missing, made, strict=True):
        found[key] = tuple(written)
        if answers:
            answers.put(key, written)
    return [found[key] or () for key in keys]
