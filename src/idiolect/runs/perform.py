"""Doing one stage: its function is called with a folder of its own, and what it made is written down.

It does **not** decide whether the stage shall run, and moves nothing into place.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from idiolect import __version__
from idiolect.plan.plan import Plan
from idiolect.runs.decide import Decision
from idiolect.runs.digest import Digester
from idiolect.runs.folder import RESERVED, RunFolder, names_in
from idiolect.runs.inputs import seed_of
from idiolect.runs.manifest import CountsRecord, OutputRecord, StageRecord
from idiolect.runs.stage import Stage, StageError, StageFunction, StageResult, StageWork, Watch


def perform(
    stage: Stage, decision: Decision, plan: Plan, root: Path, run: RunFolder, watch: Watch
) -> tuple[Path, StageResult]:
    """Call the stage's function; the folder that it filled, and what it says."""
    assert decision.found is not None
    made = run.scratch(stage.name)
    work = StageWork(
        plan=plan,
        root=root,
        folder=made,
        kept=run.journal(stage.name),
        inputs=decision.found.inputs,
        seed=seed_of(stage, plan),
        watch=watch,
    )
    return made, _function(stage)(work)


def _function(stage: Stage) -> StageFunction:
    module, _, name = stage.function.partition(":")
    try:
        function: StageFunction = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise StageError(
            f"{stage.name} needs the library {error.name}, which is not installed",
            'idiolect doctor FILE names the extra that brings it, such as pip install "idiolect[train]"',
        ) from error
    return function


def record_of(
    stage: Stage, decision: Decision, result: StageResult, made: Path, digester: Digester
) -> StageRecord:
    """A finished stage, with hashes of all that it made."""
    assert decision.found is not None
    outputs = tuple(
        OutputRecord(name=name, content=None if stage.always else digester.content(made / name))
        for name in names_in(made)
    )
    return StageRecord(
        name=stage.name,
        ending=result.ending,
        reasons=result.reasons,
        key=decision.found.key,
        basis=decision.found.basis,
        outputs=outputs,
        counts=tuple(
            CountsRecord(of=one.of, read=one.read, kept=one.kept, rejected=dict(one.rejected))
            for one in result.counts
        ),
        numbers=dict(result.numbers),
        warnings=result.warnings,
        made_with=__version__,
    )


def check_names(stage: Stage, made: Path, stages: set[str]) -> None:
    """Refuse names that are the run's own, where a stage's files lie beside them."""
    taken = [name for name in names_in(made) if name in RESERVED or name in stages or name.startswith(".")]
    if stage.at_root and taken:
        raise ValueError(f"the stage {stage.name} wrote {', '.join(taken)}: these names are the run's own")
