"""`idiolect check`: judge texts by their dialect and print what is wrong, as a compiler would."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idiolect.cli.opening import open_dialect, open_package_dialect, read_context
from idiolect.cli.report import USAGE, WRONG_INPUT, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.dialects.checking import Checked, Totals
    from idiolect.dialects.contract import Context, Dialect

MAX_SHOWN = 100  # files with faults whose rows are printed; all of them are counted, and in --json


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files, folders, .jsonl files with a text column, or - for the input."),
    ],
    dialect: Annotated[
        str,
        typer.Option("--dialect", "-d", help="A built-in dialect's name, a dialect folder, or a package."),
    ],
    catalog: Annotated[Path | None, typer.Option(help="The symbols that may be used (JSON).")] = None,
    schema: Annotated[Path | None, typer.Option(help="The JSON Schema of the texts, for json_ast.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Forbidden words and required lines (TOML).")] = None,
    column: Annotated[str | None, typer.Option(help="The column of .jsonl rows that holds the text.")] = None,
    hints: Annotated[bool, typer.Option("--hints", help="Print a repair hint for each fault.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=256, help="Processes to judge with.")] = 1,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of the dialect's folder.")
    ] = False,
) -> None:
    """Check texts: exit code 0 if all are right, 1 if any is wrong, unreadable or could not be judged."""
    from idiolect.dialects.checking import Totals, gather, judge_all, summary

    opened, context = _load(dialect, allow_code, catalog, schema, policy)
    items = list(gather(paths, opened.suffixes, column))
    if not items:
        stop("error: nothing to check", USAGE)
    many = len(items) > 1 or paths[0].is_dir()
    if jobs > 1 and many:
        results = judge_all(partial(_load, dialect, allow_code, catalog, schema, policy), items, jobs)
    else:
        results = judge_all(lambda: (opened, context), items, 1)
    totals = Totals()
    summaries: list[dict[str, Any]] = []
    rows: list[tuple[str, str, str]] = []  # of what is not right
    for checked in results:
        totals.add(checked)
        if hints:
            _print_hints(checked, as_json=as_json)
        elif not many:
            _print_one(checked, as_json=as_json)
        elif as_json:
            summaries.append(summary(checked))
        elif checked.outcome != "ok":
            rows.append((checked.item.name, checked.outcome, _first_fault(checked)))
    if hints:
        _tell_unhinted(totals)
    elif many and as_json:
        _print_json(summaries, totals)
    elif many:
        _print_many(rows, totals)
    raise typer.Exit(0 if totals.all_good else WRONG_INPUT)


def _load(
    name: str, allow_code: bool, catalog: Path | None, schema: Path | None, policy: Path | None
) -> tuple[Dialect, Context]:
    """The dialect and context, loaded again in a worker process; a package brings both."""
    from dataclasses import replace

    from idiolect.ship.packaged import is_package

    given = read_context(catalog, schema, policy)
    if not is_package(Path(name)):
        return open_dialect(name, allow_code=allow_code), given
    opened, context = open_package_dialect(Path(name), allow_code=allow_code)
    return opened, replace(
        context,
        schema=given.schema if given.schema is not None else context.schema,
        catalog=given.catalog or context.catalog,
        policy=given.policy or context.policy,
    )


def _print_one(checked: Checked, *, as_json: bool) -> None:
    from idiolect.dialects.checking import blocks_valid, summary
    from idiolect.dialects.verdict import render_fault
    from idiolect.source import SourceText

    if as_json:
        print(json.dumps(summary(checked), indent=2, ensure_ascii=False))
        return
    verdict = checked.verdict
    if verdict is None:
        print(f"{checked.item.name}: can't be read: {checked.item.unreadable}")
        return
    source = SourceText(checked.item.text, checked.item.name)
    for fault in verdict.faults:
        print(render_fault(fault, source))
    print(
        f"{checked.item.name}: {checked.outcome}" + (f": {verdict.not_judged}" if verdict.not_judged else "")
    )
    print(f"  valid_syntax      {_told(verdict.parsed)}")
    print(f"  valid_DSL_blocks  {_told(blocks_valid(verdict))}")
    print(f"  policy            {_told(verdict.policy)}")
    print(f"  details           {_details(checked)}")


def _print_json(summaries: list[dict[str, Any]], totals: Totals) -> None:
    data = {
        "texts": totals.count,
        "outcomes": dict(sorted(totals.outcomes.items())),
        "codes": dict(totals.codes.most_common()),
        "results": summaries,
    }
    print(json.dumps(data, indent=2, ensure_ascii=False))


def _print_many(rows: list[tuple[str, str, str]], totals: Totals) -> None:
    if rows:
        print_table(["text", "outcome", "first fault"], rows[:MAX_SHOWN])
        if len(rows) > MAX_SHOWN:
            print(f"... and {len(rows) - MAX_SHOWN} more; --json lists all")
        print()
    if totals.codes:
        print_table(["code", "count"], totals.codes.most_common())
        print()
    counts = ", ".join(f"{count} {outcome}" for outcome, count in totals.outcomes.most_common())
    print(f"{totals.count} texts: {counts}")


def _print_hints(checked: Checked, *, as_json: bool) -> None:
    from idiolect.dialects.checking import repair_hints
    from idiolect.source import SourceText

    if checked.verdict is None or not checked.verdict.judged:
        reason = checked.item.unreadable or (checked.verdict and checked.verdict.not_judged)
        typer.echo(f"{checked.item.name}: {checked.outcome}: {reason}", err=True)
    source = SourceText(checked.item.text, checked.item.name)
    for hint in repair_hints(checked):
        if as_json:
            print(json.dumps(hint, ensure_ascii=False))
            continue
        place = source.place(hint["span"][0]) if hint["span"] else None
        where = f"{checked.item.name}:{place.line}:{place.column}" if place else checked.item.name
        print(f"{where}: {hint['code']}")
        print(f"  fault      {hint['fault']}")
        print(f"  hint       {hint['hint'] or 'none'}")
        print(f"  span       {hint['span'] or 'the whole text'}")
        corrected = hint["corrected"]
        if corrected is None:
            print("  corrected  not known")
        else:
            print("  corrected")
            print("\n".join(f"    | {line}" for line in corrected.splitlines()))


def _tell_unhinted(totals: Totals) -> None:
    if totals.all_good:
        typer.echo(f"{totals.count} of {totals.count} texts are right: nothing to hint at", err=True)


def _first_fault(checked: Checked) -> str:
    from idiolect.source import SourceText

    verdict = checked.verdict
    if verdict is None:
        return checked.item.unreadable or ""
    if not verdict.faults:
        return verdict.not_judged or ""
    fault = min(verdict.faults, key=lambda one: one.severity.value != "error")
    if fault.span is None:
        return f"{fault.code}: {fault.message}"
    place = SourceText(checked.item.text).place(fault.span.start)
    return f"{place.line}:{place.column} {fault.code}: {fault.message}"


def _details(checked: Checked) -> str:
    assert checked.verdict is not None
    faults = checked.verdict.faults
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for word in ("error", "warning", "note")
        if (count := sum(fault.severity.value == word for fault in faults))
    ]
    verdict = checked.verdict
    if verdict.tests_total:
        counts.append(f"{verdict.tests_passed} of {verdict.tests_total} tests passed")
    return ", ".join(counts) or "no faults"


def _told(level: bool | None) -> str:
    return "-" if level is None else "yes" if level else "no"
