"""The stage `corpus` of a run: what the block CORPUS says, done, and written into the run.

The work is `corpus.py`'s. Code of a dialect folder runs only if it was allowed before.
"""

from __future__ import annotations

from idiolect.data.corpus import Job, Progress, build_corpus, default_workers
from idiolect.data.corpus_files import write_corpus
from idiolect.data.corpus_result import CorpusResult, NothingKept
from idiolect.data.judging import judge_all
from idiolect.data.judging_ray import ASK, NoRay, judge_over_ray, ray_is_asked
from idiolect.data.sources import base_of
from idiolect.files import Unreadable
from idiolect.runs.dialect_of import dialect_source, faults_told
from idiolect.runs.stage import StageError, StageResult, StageWork


def run_corpus(work: StageWork) -> StageResult:
    """Build the corpus into the stage's folder."""
    settings = work.plan.corpus
    if settings is None:
        raise StageError("the script has no CORPUS block", 'add CORPUS { sources: ["scripts/**/*"] }')
    patterns = settings.sources or []
    job = Job(
        settings=settings,
        load=dialect_source(work.plan, work.root, work.inputs),
        root=work.root,
        sources=work.inputs.of("corpus.sources"),
        bases=tuple(base_of(work.root / pattern) for pattern in patterns),
        reference=work.inputs.of("corpus.reference"),
        metadata=next(iter(work.inputs.of("corpus.metadata")), None),
        system=(work.plan.dataset.system or "") if work.plan.dataset else "",
        workers=default_workers(),
        progress=_progress(work),
        judge=judge_over_ray if ray_is_asked() else judge_all,
    )
    try:
        with faults_told():
            result = build_corpus(job)
    except NoRay as error:
        raise StageError(str(error), f"or take {ASK} out of the environment") from error
    except NothingKept as error:
        raise StageError(str(error), "look at the sources with idiolect check") from error
    except Unreadable as reason:
        raise StageError(f"{settings.metadata} {reason}", "correct CORPUS.metadata") from reason
    write_corpus(result, work.folder, settings.format, f"Corpus of {work.plan.project.name}")
    return _result(result)


def _progress(work: StageWork) -> Progress:
    def step(done: int, total: int | None, text: str) -> None:
        work.progress(done, total, text)
        work.stop_if_asked()

    return step


def _result(result: CorpusResult) -> StageResult:
    warnings = []
    if result.unresolved:
        warnings.append(f"{len(result.unresolved):,} includes were not found; report.json lists them")
    if result.secrets:
        warnings.append(f"{len(result.secrets):,} secrets were masked; report.json lists the places")
    empty = [split for split, number in result.by_split.items() if not number]
    if empty:
        warnings.append(f"no example in {' and '.join(empty)}: too few groups to split")
    numbers: dict[str, int | float] = {f"{split}_examples": n for split, n in result.by_split.items()}
    return StageResult(
        counts=result.counts, numbers={**numbers, "groups": result.groups}, warnings=tuple(warnings)
    )
