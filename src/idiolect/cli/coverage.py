"""`idiolect data coverage`: which productions and symbols examples use, and which none of them does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.opening import open_dialect, open_plan_dialect, read_context
from idiolect.cli.report import USAGE, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.data.coverage import Coverage
    from idiolect.data.example import Example
    from idiolect.dialects.contract import Context, Dialect

_MOST_NAMES = 40


def coverage(
    paths: Annotated[
        list[Path], typer.Argument(help="Datasets, or one run's folder or script, whose splits are compared.")
    ],
    dialect: Annotated[
        str | None, typer.Option("--dialect", "-d", help="A dialect's name or folder; a run has its own.")
    ] = None,
    catalog: Annotated[Path | None, typer.Option(help="The symbols that may be used (JSON).")] = None,
    schema: Annotated[Path | None, typer.Option(help="The JSON Schema of all targets.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Forbidden words and required lines (TOML).")] = None,
    near: Annotated[float, typer.Option(min=0.3, max=1, help="Likeness of near repeats.")] = 0.8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of the dialect.")
    ] = False,
) -> None:
    """Count what examples use of the grammar and the catalog, and what held-out files share with the first.

    The first dataset is what a model learns from, the others are what it is measured on.
    """
    from idiolect.data.coverage import coverage_data, coverage_of
    from idiolect.data.leakage import find_leaks
    from idiolect.data.split_files import shared

    run = _run_of(paths[0]) if len(paths) == 1 else None
    if run is not None:
        if dialect or catalog or schema or policy:
            stop("error: a run has its own dialect; leave the other options out", USAGE)
        sets, (opened, context) = _splits(run), _of_run(run, allow_code)
    elif dialect is None:
        stop("error: name the examples' dialect by --dialect, or a run", USAGE)
    else:
        opened, context = open_dialect(dialect, allow_code=allow_code), read_context(catalog, schema, policy)
        sets = {path.stem: _examples(path) for path in paths}
        if len(sets) < len(paths):
            stop("error: two of the files have one name", USAGE)
    found = coverage_of(opened, context, sets)
    first, *others = sets
    leaks = {name: shared(tuple(find_leaks(sets[first], sets[name], near=near))) for name in others}
    if as_json:
        data = {**coverage_data(found, first), "shared_with_first": leaks}
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        _print(found, leaks)


def _run_of(path: Path) -> Path | None:
    """The folder of the run that a folder or a script names; None for a dataset."""
    if path.suffix == ".okt" and path.is_file():
        from idiolect.cli.load import load_plan
        from idiolect.plan.paths import project_root

        return project_root(path)[0] / load_plan(path).project.run_folder
    return path if path.is_dir() else None


def _splits(run: Path) -> dict[str, list[Example]]:
    from idiolect.data.example import SPLITS

    folder = run / "split"
    if not (folder / "train.jsonl").is_file():
        stop(f"error: {run} has no splits\n   help: idiolect run SCRIPT --until split")
    places = [folder / f"{split}.jsonl" for split in SPLITS]
    places += sorted((folder / "suites").glob("*.jsonl"))
    return {path.stem: _examples(path) for path in places}


def _of_run(run: Path, allow_code: bool) -> tuple[Dialect, Context]:
    from pydantic import ValidationError

    from idiolect.plan.plan import Plan
    from idiolect.runs.folder import PLAN

    try:
        plan = Plan.model_validate_json((run / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        stop(f"error: the plan of {run} can't be read: {str(error).splitlines()[0]}")
    return open_plan_dialect(plan, run.absolute().parent.parent, allow_code=allow_code)


def _examples(path: Path) -> list[Example]:
    from idiolect.data.example import Rejected
    from idiolect.data.forms import UnknownForm
    from idiolect.data.importing import import_rows
    from idiolect.files import Unreadable

    try:
        found = list(import_rows(path))
    except Unreadable as reason:
        stop(f"error: {path} {reason}")
    except UnknownForm as error:
        stop(f"error: {path}: {error}")
    broken = [one for one in found if isinstance(one, Rejected)]
    if broken:
        typer.echo(f"{path}: {len(broken):,} rows could not be read: {broken[0].detail}", err=True)
    return [one for one in found if not isinstance(one, Rejected)]


def _print(found: Coverage, leaks: dict[str, dict[str, int]]) -> None:
    for what in ("productions", "symbols"):
        known = getattr(found, what)
        if not known:
            if what == "productions" and found.why_none:
                print(f"no productions: {found.why_none}\n")
            continue
        rows = []
        for one in found.sets:
            used = len(getattr(one, what))
            looked = one.looked_at if what == "productions" else one.texts
            rows.append((one.name, f"{used:,} of {len(known):,}", f"{looked:,} of {one.texts:,}"))
        print_table(["", f"{what} in use", "texts looked at"], rows)
        missing = found.missing(what)
        if missing:
            more = f", and {len(missing) - _MOST_NAMES:,} more" if len(missing) > _MOST_NAMES else ""
            print(f"in no example ({len(missing):,}): {', '.join(missing[:_MOST_NAMES])}{more}")
        print()
    if leaks:
        kinds = next(iter(leaks.values()))
        shares = [(kind, *(leaks[name][kind] for name in leaks)) for kind in kinds]
        print_table(["shared with the first", *leaks], shares)
