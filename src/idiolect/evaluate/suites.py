"""Loads the tasks of an evaluation: the suites that a run made, and JSONL files of the user's own.

Tasks that training has seen are taken out of a user's file and counted; a run's suites were parted from
training when they were made. Negatives are no tasks: nobody is asked to write a wrong text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from idiolect.data.example import Example, Rejected
from idiolect.data.importing import import_rows
from idiolect.data.leakage import find_leaks
from idiolect.evaluate.records import Task
from idiolect.runs.stage import Counts
from idiolect.text_hints import did_you_mean

MADE = ("test", "validation", "syntax", "unit", "scenario")  # by a run


class NoTasks(Exception):
    """A suite that can't be found or that has no task; `help` says what to write instead."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Suite:
    """The tasks of one suite, and how many rows were none, by reason."""

    name: str
    tasks: tuple[Task, ...]
    counts: Counts
    notes: tuple[str, ...] = field(default=())


def load_suite(
    name: str, *, made: Path | None, root: Path, train: Sequence[Example] = (), most: int | None = None
) -> Suite:
    """A suite by its name or by its file. `made` is the folder in which a run keeps its splits."""
    path, own = _place(name, made, root)
    rejected: Counter[str] = Counter()
    examples = list(_positives(import_rows(path), rejected))
    read = len(examples) + rejected.total()
    examples = _once(examples, rejected)
    if own:
        examples = _unseen(examples, train, rejected)
    if not examples:
        why = ", ".join(f"{number:,} {reason}" for reason, number in rejected.items()) or "the file is empty"
        raise NoTasks(f'suite "{name}" has no task: {why}', "name another suite in EVALUATE.suites")
    kept = spread(examples, most) if most else examples
    if len(kept) < len(examples):
        rejected["beyond max_samples"] = len(examples) - len(kept)
    title = path.stem if own else name
    tasks = tuple(Task(suite=title, example=example) for example in kept)
    return Suite(title, tasks, Counts(f"{title} tasks", read, len(tasks), dict(rejected)))


def spread(examples: Sequence[Example], most: int) -> list[Example]:
    """At most so many, evenly from the whole, in their order: files are sorted by group and level."""
    if len(examples) <= most:
        return list(examples)
    return [examples[number * len(examples) // most] for number in range(most)]


def _place(name: str, made: Path | None, root: Path) -> tuple[Path, bool]:
    """The file of a suite, and whether it is the user's own."""
    if name in MADE:
        for path in () if made is None else (made / f"{name}.jsonl", made / "suites" / f"{name}.jsonl"):
            if path.is_file():
                return path, False
        where = "there is no run with splits" if made is None else "the run's splits have none of that name"
        raise NoTasks(
            f'no suite "{name}": {where}', "run the stages before eval, or name a JSONL file instead"
        )
    path = root / name
    if path.is_file():
        return path, True
    hint = (
        did_you_mean(name, MADE) if "/" not in name and "." not in name else "write the path of a JSONL file"
    )
    raise NoTasks(f'no suite "{name}"', hint)


def _positives(rows: Iterable[Example | Rejected], rejected: Counter[str]) -> Iterator[Example]:
    for row in rows:
        if isinstance(row, Rejected):
            rejected[row.reason] += 1
        elif not row.valid:
            rejected["negative"] += 1
        else:
            yield row


def _once(examples: Sequence[Example], rejected: Counter[str]) -> list[Example]:
    found: dict[str, Example] = {}
    for example in examples:
        if found.setdefault(example.id, example) is not example:
            rejected["repeat"] += 1
    return list(found.values())


def _unseen(examples: list[Example], train: Sequence[Example], rejected: Counter[str]) -> list[Example]:
    seen = {leak.test: leak.kind for leak in find_leaks(train, examples)} if train else {}
    for kind in seen.values():
        rejected[f"seen in training: {kind}"] += 1
    return [example for example in examples if example.id not in seen]
