"""`idiolect constraint test`: does what decoding may write agree with what the verifier accepts?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.opening import open_dialect, read_context
from idiolect.cli.report import USAGE, WRONG_INPUT, stop
from idiolect.cli.tables import print_table

app = typer.Typer(no_args_is_help=True, help="Look at what constrained decoding accepts.")


@app.callback()
def _front() -> None: ...


@app.command("test")
def compare_texts(
    texts: Annotated[list[Path], typer.Argument(help=".jsonl files with a text column, files or folders.")],
    dialect: Annotated[
        str, typer.Option("--dialect", "-d", help="A built-in dialect's name, or a dialect folder.")
    ],
    schema: Annotated[Path | None, typer.Option(help="The JSON Schema of the texts, for json_ast.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="The symbols that may be used (JSON).")] = None,
    column: Annotated[str | None, typer.Option(help="The column of .jsonl rows that holds the text.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many disagreements to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines, one a text.")] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of the dialect's folder.")
    ] = False,
) -> None:
    """Replay texts through the constraint and the verifier: exit code 1 where they disagree."""
    from idiolect.dialects.agreement import compare
    from idiolect.dialects.checking import gather
    from idiolect.dialects.contract import offers

    opened = open_dialect(dialect, allow_code=allow_code)
    if not offers(opened, "constraint"):
        stop(f"error: dialect {opened.name} has no grammar, so nothing constrains decoding")
    context = read_context(catalog, schema, None)
    counts: Counter[str] = Counter()
    shown = wrong = 0
    for item in gather(texts, opened.suffixes, column):
        if item.unreadable:
            counts["unreadable"] += 1
            wrong += 1
            typer.echo(f"{item.name}: can't be read: {item.unreadable}", err=True)
            continue
        found = compare(opened, item.text, item.within(context))
        counts[found.agreement.value] += 1
        wrong += found.agreement.is_wrong
        if as_json:
            data = {"text": item.name, "agreement": found.agreement.value}
            print(json.dumps(data | {"verifier": found.verifier, "constraint": found.constraint}))
        elif found.agreement.is_wrong and shown < limit:
            shown += 1
            print(f"{item.name}: {found.agreement}")
            print(f"  verifier    {found.verifier}")
            print(f"  constraint  {found.constraint}\n")
    if not counts:
        stop("error: no texts to replay", USAGE)
    if not as_json:
        print_table(["outcome", "texts"], counts.most_common())
    raise typer.Exit(WRONG_INPUT if wrong else 0)
