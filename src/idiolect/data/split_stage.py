"""The stage `split` of a run: examples of all origins verified, mixed, dealt to splits, and reported on.

The deciding is `split.py`'s. Negatives stand apart, in negatives.jsonl: nothing learns them as right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from idiolect.data.corpus import default_workers
from idiolect.data.corpus_files import EXAMPLES
from idiolect.data.corpus_result import told_reasons
from idiolect.data.coverage import Coverage, coverage_of
from idiolect.data.dataset_rows import RowSettings, read_dataset
from idiolect.data.dialect_source import DialectSource
from idiolect.data.example import SPLITS, WORDS, Example, Rejected
from idiolect.data.jsonl import read_examples
from idiolect.data.leakage import Leak, find_leaks
from idiolect.data.mixing import BadMix
from idiolect.data.split import Kind, Origin, Settings, SplitResult, split_examples
from idiolect.data.split_files import SplitReport, write_split
from idiolect.data.suite_choice import SUITES, suites_of
from idiolect.data.verified import verified
from idiolect.dialects.contract import Context, Dialect
from idiolect.files import Unreadable
from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.runs.dialect_of import dialect_source, opened, script_of
from idiolect.runs.stage import StageError, StageResult, StageWork

VAL_SPLIT = 0.05  # where there is no TRAIN block to say it
TEST_SPLIT = 0.1  # what CORPUS.split holds out by default


def run_split(work: StageWork) -> StageResult:
    """Make the run's splits in the stage's folder."""
    source = dialect_source(work.plan, work.root, work.inputs) if work.plan.dialect else None
    rejected: list[Rejected] = []
    origins = list(_origins(work, source, rejected))
    settings = _settings(work, origins)
    try:
        result = split_examples(origins, settings, _step(work))
    except BadMix as error:
        told = told_reasons(origin.tally.closed() for origin in origins if origin.tally.read)
        raise StageError(str(error), "look at what became of the rows:\n" + told) from error
    _check(work.plan, result)
    dialect, context = opened(source) if source else (None, None)
    report = _report(work, result, dialect, context, rejected)
    write_split(result, report, work.folder)
    return _result(result, report)


def shares_of(plan: Plan, *, validation: bool, test: bool) -> tuple[float, float]:
    """The shares of validation and test to hold out of what has no split, given whether there are files."""
    val = plan.train.val_split if plan.train is not None else VAL_SPLIT
    held_out = plan.corpus.split[2] / sum(plan.corpus.split) if plan.corpus is not None else TEST_SPLIT
    measured = plan.evaluate is not None and not test
    return (0.0 if validation else val), (held_out if measured else 0.0)


def _settings(work: StageWork, origins: Sequence[Origin]) -> Settings:
    plan = work.plan
    kinds = {origin.kind for origin in origins}
    validation, test = shares_of(plan, validation="validation file" in kinds, test="test file" in kinds)
    dataset = plan.dataset
    return Settings(
        validation=validation,
        test=test,
        sampling=dataset.sampling if dataset else "weighted",
        shuffle=dataset.shuffle if dataset else True,
        percent=plan.data.percent if plan.data else 100,
        seed=work.seed,
    )


def _origins(work: StageWork, source: DialectSource | None, rejected: list[Rejected]) -> Iterator[Origin]:
    """Everything that the run has, read and verified."""
    plan, dataset = work.plan, work.plan.dataset
    files: tuple[tuple[str, Kind], ...] = (("validation", "validation file"), ("test", "test file"))
    for setting, kind in files:
        for path in work.inputs.of(f"dataset.{setting}"):
            yield _of_file(work, path, kind, None, source, rejected)
    stages: tuple[Kind, ...] = ("corpus", "synth")
    for name in stages:
        folder = work.inputs.stage(name)
        if folder is not None and (folder / EXAMPLES).is_file():
            yield _of_stage(work, folder / EXAMPLES, name)
    script = script_of(plan, work.root)
    for one in plan.data.sources if plan.data and dataset else ():
        found = locate(one.path, script)
        yield _of_file(work, found.path, "dataset", one.weight, source, rejected)


def _of_file(
    work: StageWork,
    path: Path,
    kind: Kind,
    weight: int | None,
    source: DialectSource | None,
    rejected: list[Rejected],
) -> Origin:
    """The examples of a data file, those of them that hold."""
    shown = work.shown(path)
    origin = Origin(kind, f"rows of {shown}", weight=weight)

    def leave_out(one: Rejected) -> None:
        origin.tally.reasons[one.reason] += 1
        rejected.append(one)

    read: list[Example] = []
    try:
        for number, found in enumerate(read_dataset(path, _row_settings(work.plan), shown), 1):
            if number % 1000 == 0:
                work.progress(number, None, f"reading {shown}")
                work.stop_if_asked()
            origin.tally.read += 1
            if isinstance(found, Rejected):
                leave_out(found)
            else:
                read.append(found)
    except Unreadable as reason:
        raise StageError(f"{shown} {reason}") from reason
    if source is None:
        origin.examples = read
        return origin
    canonical = work.plan.dialect is not None and work.plan.dialect.enforce
    for number, one in enumerate(verified(read, source, canonical=canonical, workers=default_workers()), 1):
        work.progress(number, len(read), f"verifying {shown}")
        work.stop_if_asked()
        if isinstance(one, Rejected):
            leave_out(one)
        else:
            origin.examples.append(one)
    return origin


def _row_settings(plan: Plan) -> RowSettings:
    dataset = plan.dataset
    if dataset is None:
        return RowSettings()
    return RowSettings(
        format=dataset.format,
        type=dataset.type,
        input_field=dataset.input_field,
        output_field=dataset.output_field,
        context_fields=tuple(dataset.context_fields or ()),
    )


def _of_stage(work: StageWork, path: Path, name: Kind) -> Origin:
    """The examples that a stage before this one made, and verified."""
    origin = Origin(name, f"{'synthesized' if name == 'synth' else name} examples")
    for example in read_examples(path):
        origin.tally.read += 1
        origin.examples.append(example)
    work.progress(origin.tally.read, origin.tally.read, f"read {origin.name}")
    return origin


def _step(work: StageWork) -> Callable[[str], None]:
    def step(doing: str) -> None:
        work.progress(0, None, doing)
        work.stop_if_asked()

    return step


def _check(plan: Plan, result: SplitResult) -> None:
    learned = result.of("train")
    trains = plan.train is not None or plan.ft_lora is not None
    if learned or (result.examples and not trains):
        return
    told = told_reasons(result.counts)
    what = "no example is left to train on" if trains else "no example is left"
    raise StageError(f"{what}\n{told or 'no source has any'}", "name data in DATASET, CORPUS or SYNTHESIZE")


def _report(
    work: StageWork,
    result: SplitResult,
    dialect: Dialect | None,
    context: Context | None,
    rejected: Sequence[Rejected],
) -> SplitReport:
    """Suites, coverage, and what the splits still share."""
    train, test = result.of("train"), result.of("test")
    step = _step(work)
    coverage: Coverage | None = None
    uses: dict[str, tuple[str, ...]] = {}
    if dialect is not None and context is not None:
        sets: dict[str, list[Example]] = {split: result.of(split) for split in SPLITS}
        coverage = coverage_of(dialect, context, sets, step, uses=uses)
    suites = suites_of(test, uses)
    step("comparing splits")
    leaks: dict[str, list[Leak]] = {}
    for split in SPLITS[1:]:
        held = result.of(split)
        leaks[split] = find_leaks(train, held) if train and held else []
    asked = work.plan.evaluate.suites if work.plan.evaluate else []
    absent = [name for name in asked if name in SUITES and name not in suites]
    warnings = list(result.warnings)
    if absent:
        warnings.append(f"no test example is of the suite {' or '.join(absent)}")
    if work.plan.evaluate is not None and "test" in asked and not test:
        warnings.append("no example is held out for the suite test")
    return SplitReport(
        title=f"Splits of {work.plan.project.name}",
        rejected=(*rejected, *result.rejected),
        suites=suites,
        coverage=coverage,
        leaks={split: tuple(found) for split, found in leaks.items()},
        words=sum(example.task in WORDS for example in result.examples),
        warnings=tuple(warnings),
    )


def _result(result: SplitResult, report: SplitReport) -> StageResult:
    numbers: dict[str, int | float] = {}
    for split in SPLITS:
        numbers[f"{split}_examples"] = len(result.of(split))
        numbers[f"{split}_groups"] = result.groups[split]
    numbers["negatives"] = sum(not example.valid for example in result.examples)
    numbers |= {f"{name}_suite": len(examples) for name, examples in report.suites.items()}
    return StageResult(counts=result.counts, numbers=numbers, warnings=report.warnings)
