"""`idiolect validate`: every fault of a script, and of what it points to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import WRONG_INPUT, print_diagnostics, summary

if TYPE_CHECKING:
    from idiolect.okt.check import Checked
    from idiolect.okt.diagnostics import Diagnostic


def validate(
    files: Annotated[list[Path], typer.Argument(help="Scripts to check.", show_default=False)],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show notes too.")] = False,
    dataset_only: Annotated[
        bool, typer.Option("--dataset-only", help="Of what the script points to, look at the data only.")
    ] = False,
    model_only: Annotated[
        bool, typer.Option("--model-only", help="Of what the script points to, look at the models only.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Treat every warning as an error.")] = False,
    pedantic: Annotated[
        bool, typer.Option("--pedantic", help="Refuse blocks and fields that are not OktoScript's own.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Report every fault of .okt files, without training anything.

    First the script itself is checked, then the files, models and machine that it points to.
    Exit code 1 says that there was an error.
    """
    if dataset_only and model_only:
        raise typer.BadParameter("choose one of --dataset-only and --model-only")
    results = []
    for path in files:
        from idiolect.okt.check import check_file
        from idiolect.okt.text import UnreadableScript

        try:
            checked = check_file(path, pedantic=pedantic, strict=strict)
        except UnreadableScript as error:
            results.append(_unreadable(error, as_json))
            continue
        found = _all_faults(checked, path, strict, data=not model_only, model=not dataset_only)
        results.append(_report(checked, found, verbose, as_json))
    if as_json:
        import json

        typer.echo(json.dumps({"files": results}, indent=2, ensure_ascii=False))
    if not all(result["ok"] for result in results):
        raise typer.Exit(WRONG_INPUT)


def _all_faults(checked: Checked, path: Path, strict: bool, *, data: bool, model: bool) -> list[Diagnostic]:
    from idiolect.okt.diagnostics import hardened, order
    from idiolect.plan.preflight.run import preflight

    pointed = preflight(checked, path, data=data, model=model)
    if strict:
        pointed = [hardened(item) for item in pointed]
    return order([*checked.diagnostics, *pointed])


def _unreadable(error: Exception, as_json: bool) -> dict[str, object]:
    if not as_json:
        typer.echo(str(error))
    return {"file": str(getattr(error, "path", "")), "ok": False, "unreadable": str(error), "diagnostics": []}


def _report(checked: Checked, found: list[Diagnostic], verbose: bool, as_json: bool) -> dict[str, object]:
    from idiolect.okt.diagnostics import Severity
    from idiolect.okt.diagnostics import as_json as to_json

    ok = not any(item.severity is Severity.ERROR for item in found)
    if not as_json:
        print_diagnostics(found, checked.source, verbose=verbose)
        verdict = "ok" if ok else "not ok"
        typer.echo(f"{checked.source.name}: {verdict}: {summary(found, verbose=verbose)}")
    return {
        "file": checked.source.name,
        "ok": ok,
        "diagnostics": [to_json(item, checked.source) for item in found],
    }
