"""`idiolect constraint`: does decoding agree with the verifier, and its grammar for other engines."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idiolect.cli.opening import open_dialect, read_context, told
from idiolect.cli.report import USAGE, WRONG_INPUT, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.dialects.contract import Context, Dialect
    from idiolect.grammar.form import Grammar

app = typer.Typer(no_args_is_help=True, help="Look at what constrained decoding accepts.")


@app.callback()
def _front() -> None: ...


@app.command("export")
def export_constraint(
    file: Annotated[
        Path, typer.Argument(help="A .okt script, a JSON Schema, a .lark grammar, or a dialect's folder.")
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to", help="lark (llguidance), ebnf (XGrammar), gbnf (llama.cpp) or json-schema (Ollama)."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: print.", show_default=False)
    ] = None,
    dialect: Annotated[
        str | None, typer.Option("--dialect", "-d", help="Of a catalog's texts.", show_default=False)
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="The JSON Schema, for a script of json_ast.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="The symbols that may be used (JSON).")] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code of the dialect's folder.")
    ] = False,
) -> None:
    """Write what decoding is held to for vLLM, SGLang, llama.cpp or Ollama."""
    from idiolect.cli.answering import end_with
    from idiolect.decode.export import FORMS, export_grammar, export_schema
    from idiolect.decode.trouble import DecodeError
    from idiolect.files import write_beside

    form = next((one for one in FORMS if one == to), None)
    if form is None:
        stop(f'error: no form "{to}"\n   help: write {", ".join(FORMS)}', USAGE)
    try:
        if form == "json-schema":
            text = export_schema(_schema_for(file, schema))
        else:
            text = export_grammar(_grammar_for(file, dialect, schema, catalog, allow_code), form)
    except DecodeError as error:
        end_with(error.problem)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        write_beside(out, text)
    except OSError as error:
        stop(f"error: {error.filename or out}: {error.strerror}")
    typer.echo(f"wrote {out}", err=True)


def _schema_for(file: Path, schema: Path | None) -> dict[str, Any]:
    """The schema that a file is, or that was given for a script."""
    given = schema or (file if file.suffix == ".json" else None)
    found = read_context(None, given, None).schema if given else None
    if found is None:
        stop(
            "error: json-schema is for languages that are JSON, and no JSON Schema was given\n"
            "   help: name the schema's file, or take lark, ebnf or gbnf",
            USAGE,
        )
    return dict(found)


def _grammar_for(
    file: Path, dialect: str | None, schema: Path | None, catalog: Path | None, allow_code: bool
) -> Grammar:
    """The grammar that a file leads to; DecodeError or an end where there is none."""
    from idiolect.decode.trouble import trouble

    try:
        if file.suffix == ".lark":
            from idiolect.grammar.from_lark import lower_lark

            return lower_lark(file.read_text("utf-8-sig"))
        language, context = _language(file, dialect, schema, catalog, allow_code)
        return language.constraint(context)
    except OSError as error:
        stop(f"error: {error.filename or file}: {error.strerror}")
    except typer.Exit:
        raise
    except Exception as error:  # whatever keeps a grammar from being made is what is told of it
        raise trouble("L710", f"no grammar can be made of {file}: {error}") from error


def _language(
    file: Path, dialect: str | None, schema: Path | None, catalog: Path | None, allow_code: bool
) -> tuple[Dialect, Context]:
    if file.is_dir():
        return open_dialect(str(file), allow_code=allow_code), read_context(catalog, schema, None)
    if file.suffix == ".okt":
        from idiolect.cli.load import load_plan
        from idiolect.plan.paths import project_root
        from idiolect.runs.dialect_of import dialect_of
        from idiolect.runs.stage import StageError

        try:
            language, context = dialect_of(load_plan(file), project_root(file)[0], allow_code=allow_code)
        except StageError as error:
            stop(told(error))
        given = read_context(catalog, schema, None)
        own_schema = context.schema if given.schema is None else given.schema
        return language, replace(context, schema=own_schema, catalog=given.catalog or context.catalog)
    if dialect is None:
        return open_dialect("json_ast", allow_code=False), read_context(None, schema or file, None)
    return open_dialect(dialect, allow_code=allow_code), read_context(catalog or file, schema, None)


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
