"""Preflight of a script: its data, its student, its loop and its dialect, as the plan has them.

The training data are those of the run's stage `split` where it has run, else what DATASET or FT_LORA name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from idiolect.data.example import Example, Rejected
from idiolect.data.forms import Columns
from idiolect.data.importing import import_rows
from idiolect.data.jsonl import read_examples
from idiolect.data.mixing import Source, mix, share_of
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.ship.dry_run import export_dry_run
from idiolect.student.fitting import LongPrompts
from idiolect.student.from_plan import student_for, trainable_student
from idiolect.student.load import Student
from idiolect.train.preflight.check import Wanted, preflight
from idiolect.train.preflight.needs import Loop
from idiolect.train.preflight.record import Preflight

SPLIT = "split/train.jsonl"  # below the run's folder


def preflight_plan(
    plan: Plan,
    root: Path,
    records: Iterable[Example | Rejected],
    *,
    student: Student | None = None,
    dialect: Dialect | None = None,
    project: Context = EMPTY,
    probe_s: float = 3.0,
    long_prompts: LongPrompts = "reject",
) -> Preflight:
    """Preflight of what a plan trains; the student is loaded unless it is given, trainable already."""
    if student is None:
        student = trainable_student(student_for(plan, root), plan, root)
    wanted = Wanted(
        loop=loop_of(plan),
        limit=_asked_limit(plan),
        long_prompts=long_prompts,
        probe_s=probe_s,
        available=available_memory(student.device, root),
    )
    enforced = dialect if plan.dialect is None or plan.dialect.enforce else None
    found = preflight(student, records, wanted, dialect=enforced, project=project)
    return replace(found, problems=(*found.problems, *export_dry_run(plan, root)))


def _asked_limit(plan: Plan) -> int:
    """The longest row that the script asks for; what the model takes is looked at apart."""
    wanted = plan.train.max_seq_length if plan.train else 2048
    return min(wanted, (plan.model.context_window if plan.model else None) or wanted)


def loop_of(plan: Plan) -> Loop:
    """The loop as preflight counts it."""
    train = plan.train
    if train is None:
        return Loop(1)
    return Loop(
        batch_size=train.batch_size or 1,
        accumulation=train.gradient_accumulation,
        epochs=train.epochs or 1,
        max_steps=train.max_steps,
        optimizer=train.optimizer,
        checkpointing=train.gradient_checkpointing,
        sharing=train.prefix_sharing,
        budget=train.tokens_per_batch or Loop.budget_of(train.max_seq_length),
        seed=train.seed,
    )


def training_records(plan: Plan, root: Path) -> tuple[list[Example | Rejected], str]:
    """What a plan trains on, rows that can't be read among it, and where it came from."""
    split = root / plan.project.run_folder / SPLIT
    if split.is_file():
        return list(read_examples(split)), split.relative_to(root).as_posix()
    if plan.data is None:
        return [], "no data"
    data = plan.dataset
    columns = Columns(
        data.input_field if data else None,
        data.output_field if data else None,
        tuple(data.context_fields or ()) if data else (),
    )
    if columns.input is None or columns.output is None:
        columns = Columns(None, None, columns.context)
    read = [list(import_rows(_place(one.path, plan, root), None, columns)) for one in plan.data.sources]
    broken: list[Example | Rejected] = [one for rows in read for one in rows if isinstance(one, Rejected)]
    good = [[one for one in rows if isinstance(one, Example)] for rows in read]
    return [*_mixed(plan, good), *broken], plan.data.given_by


def _place(written: str, plan: Plan, root: Path) -> Path:
    """Where a path of the script leads: below the project root, the current folder, or the script's."""
    named = (root / plan.script, Path(plan.script))  # as it was called, or relative to the root
    script = next((path for path in named if path.is_file()), named[0])
    found = locate(written, script)
    return found.path if found.exists else root / written


def _mixed(plan: Plan, sources: list[list[Example]]) -> list[Example]:
    assert plan.data is not None
    weights = [one.weight for one in plan.data.sources]
    if any(weight is None for weight in weights):
        pooled = [example for rows in sources for example in rows]
        return pooled[: share_of(len(pooled), plan.data.percent)]
    named = zip(plan.data.sources, sources, strict=True)
    return mix(
        [Source(one.path, one.weight or 0, rows) for one, rows in named],
        sampling=plan.dataset.sampling if plan.dataset else "weighted",
        shuffle=plan.dataset.shuffle if plan.dataset else True,
        percent=plan.data.percent,
        seed=plan.train.seed if plan.train else 0,
    )


def available_memory(device: str, root: Path) -> int | None:
    """Bytes that training may take on a device; None where that can't be told."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[1])
    from idiolect.machine.survey import survey

    return survey(root).memory_total
