"""`idiolect corpus build`: sources to examples, with a report whose counts close."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idiolect.cli.opening import code_allowed, open_dialect, plan_dialect_source
from idiolect.cli.report import USAGE, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.data.corpus import Job
    from idiolect.data.corpus_result import CorpusResult
    from idiolect.data.dialect_source import DialectSource
    from idiolect.okt.blocks.extension import Corpus
    from idiolect.plan.plan import Plan

app = typer.Typer(no_args_is_help=True, help="Turn raw sources into verified examples.")

_DAMAGED = frozenset({"unreadable", "encoding", "broken row", "row too long", "unknown row", "too large"})


@app.callback()
def _group() -> None: ...


@app.command()
def build(
    file: Annotated[Path | None, typer.Argument(help="A .okt file with a CORPUS block.")] = None,
    input_dir: Annotated[
        list[str] | None, typer.Option("--input-dir", help="A folder, file or glob of sources; repeatable.")
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", help="Where to write the corpus.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="The sources' dialect: a name or a folder.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="A documentation table (csv); repeatable.")
    ] = None,
    metadata: Annotated[str | None, typer.Option(help="A table of titles and categories by file.")] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Comma-separated: reference, describe, complete, repair, explain.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="messages, prompt_completion or instruction.")
    ] = None,
    val_ratio: Annotated[float | None, typer.Option(min=0, max=1, help="Share held for validation.")] = None,
    test_ratio: Annotated[float | None, typer.Option(min=0, max=1, help="Share held for the test.")] = None,
    near_dedup: Annotated[
        float | None, typer.Option(min=0, max=1, help="Likeness of near repeats; 0 turns it off.")
    ] = None,
    invalid: Annotated[str | None, typer.Option(help="quarantine, drop or keep.")] = None,
    includes: Annotated[str | None, typer.Option(help="ignore, warn or require.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the split.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: all cores.")
    ] = None,
    ray: Annotated[bool, typer.Option("--ray", help="Judge over Ray Data, here or on a cluster.")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of a dialect folder.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Build a corpus from a script's CORPUS block, or from folders named here.

    Exit code 1 says that a source could not be read, or that nothing was kept; the rest is written.
    """
    from idiolect.data.corpus_files import report_data, write_corpus

    options = {
        "sources": input_dir,
        "reference": reference,
        "metadata": metadata,
        "tasks": [task.strip() for task in tasks.split(",")] if tasks else None,
        "format": form,
        "split": _shares(val_ratio, test_ratio),
        "near_dedup": near_dedup,
        "invalid": invalid,
        "includes": includes,
        "seed": seed,
    }
    if file is not None:
        job, folder, title = _of_script(file, options, output_dir, dialect, jobs, allow_code)
    elif not input_dir or output_dir is None or dialect is None:
        stop("error: name a .okt file, or give --input-dir, --output-dir and --dialect", USAGE)
    else:
        open_dialect(dialect, allow_code=allow_code)
        settings = _settings(options)
        job = _job(settings, _source(dialect, allow_code), Path.cwd(), jobs)
        folder, title = output_dir, f"Corpus of {', '.join(Path(name).name for name in input_dir)}"
    result = _build(job, ray)
    written = write_corpus(result, folder, job.settings.format, title)
    if as_json:
        import json

        typer.echo(json.dumps(report_data(result, title), indent=2, ensure_ascii=False))
    else:
        _print(result, written)
    damaged = sum(one.reason in _DAMAGED for one in result.rejected)
    if damaged:
        plural = "source" if damaged == 1 else "sources"
        stop(f"{damaged} {plural} could not be read; {folder / 'quarantine.jsonl'} names them")


def _build(job: Job, ray: bool) -> CorpusResult:
    from dataclasses import replace

    from idiolect.data.corpus import build_corpus
    from idiolect.data.corpus_result import NothingKept
    from idiolect.data.dialect_source import BadContext
    from idiolect.data.judging_ray import NoRay, judge_over_ray, ray_is_asked
    from idiolect.files import Unreadable

    if ray or ray_is_asked():
        job = replace(job, judge=judge_over_ray)
    try:
        return build_corpus(job)
    except (NothingKept, BadContext, NoRay) as error:
        stop(f"error: {error}")
    except Unreadable as reason:
        stop(f"error: {job.metadata} {reason}")


def _shares(validation: float | None, test: float | None) -> list[float] | None:
    if validation is None and test is None:
        return None
    held = (0.1 if validation is None else validation, 0.1 if test is None else test)
    if sum(held) >= 1:
        stop(f"error: --val-ratio {held[0]} and --test-ratio {held[1]} leave nothing to train on", USAGE)
    return [round(100 * share, 6) for share in (1 - sum(held), *held)]


def _settings(options: dict[str, Any], base: Corpus | None = None) -> Corpus:
    from pydantic import ValidationError

    from idiolect.data.encodings import known_encoding
    from idiolect.okt.blocks.extension import Corpus

    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Corpus.model_validate({**(base.model_dump(exclude_unset=True) if base else {}), **given})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0])
        stop(f"error: {name}: {fault['msg']}; found {fault['input']!r}", USAGE)
    if not known_encoding(settings.encoding):
        stop(
            f'error: encoding "{settings.encoding}" is not known; write "auto" or a name such as "utf-8"',
            USAGE,
        )
    return settings


def _source(name: str, allow_code: bool) -> DialectSource:
    from idiolect.data.dialect_source import DialectSource

    return DialectSource(name, Path(), allow_code=code_allowed(name, asked=allow_code))


def _of_plan(plan: Plan, root: Path, name: str, allow_code: bool) -> DialectSource:
    """The script's own dialect; another name that was given here takes the place of the whole block."""
    if plan.dialect is None or plan.dialect.name != name:
        return _source(name, allow_code)
    return plan_dialect_source(plan, root, allow_code=allow_code)


def _job(settings: Corpus, source: DialectSource, root: Path, jobs: int | None, system: str = "") -> Job:
    from idiolect.data.corpus import Job, default_workers

    return Job(
        settings=settings,
        load=source,
        root=root,
        sources=tuple(settings.sources or ()),
        reference=tuple(root / name for name in settings.reference or ()),
        metadata=root / settings.metadata if settings.metadata else None,
        system=system,
        workers=jobs or default_workers(),
    )


def _of_script(
    file: Path,
    options: dict[str, Any],
    output: Path | None,
    dialect: str | None,
    jobs: int | None,
    allow_code: bool,
) -> tuple[Job, Path, str]:
    from idiolect.cli.load import load_plan
    from idiolect.plan.paths import project_root

    plan = load_plan(file)
    root = project_root(file)[0].resolve()
    if plan.corpus is None and not options["sources"]:
        stop(f'error: {file} has no CORPUS block\n   help: add CORPUS {{ sources: ["scripts/**/*"] }}')
    block = plan.dialect
    name = dialect or (block.name if block else None)
    if name is None:
        stop(
            f'error: {file} has no DIALECT block\n   help: add DIALECT {{ name: "ahk2" }}, or pass --dialect'
        )
    settings = _settings(options, plan.corpus)
    system = plan.dataset.system if plan.dataset and plan.dataset.system else ""
    job = _job(settings, _of_plan(plan, root, name, allow_code), root, jobs, system)
    return job, output or root / plan.project.run_folder / "corpus", f"Corpus of {plan.project.name}"


def _print(result: CorpusResult, written: tuple[Path, ...]) -> None:
    rows = []
    for one in result.counts:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in one.rejected.items())
        rows.append((one.of, one.read, one.kept, sum(one.rejected.values()), reasons))
    print_table(["", "read", "kept", "left out", "by reason"], rows)
    print()
    splits = [(split, number) for split, number in result.by_split.items()]
    print_table(["split", "examples"], splits)
    print()
    print_table(["task", "examples"], list(result.by_task.items()))
    if result.codes:
        print()
        print_table(["fault in refused texts", "texts"], list(result.codes.items())[:12])
    if result.negatives:
        print(f"\nnegatives: {result.negatives:,}; they are in examples.jsonl alone")
    if result.secrets:
        print(f"\nmasked: {len(result.secrets):,} secrets; report.json lists the places")
    if result.unresolved:
        print(f"\nincludes not found: {len(result.unresolved):,}; report.json lists them")
    for note, number in result.notes.items():
        print(f"\nnote: {number:,} x {note}")
    print()
    for path in written:
        print(f"wrote {path}")
