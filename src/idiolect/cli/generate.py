"""`idiolect generate` and `infer`: one request, one answer that its dialect has checked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.answering import end_with, opened, text_or_file, told
from idiolect.cli.report import GATE_FAILED, stop

if TYPE_CHECKING:
    from idiolect.decode.pipeline import Outcome

Model = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A run, a student's folder, or a base model.", show_default=False),
]
Script = Annotated[
    Path | None, typer.Option("--script", help="The .okt file; default: the run's own.", show_default=False)
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", "--max_tokens", min=1, help="Tokens of an answer at most.", show_default=False
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        min=0, max=2, help="0 takes the likeliest token; default: the script's.", show_default=False
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of the random numbers.")]
DialectOption = Annotated[
    str | None, typer.Option("--dialect", "-d", help="In place of the script's dialect.", show_default=False)
]
SchemaOption = Annotated[Path | None, typer.Option(help="The JSON Schema of the answer.", show_default=False)]
CatalogOption = Annotated[Path | None, typer.Option(help="The symbols that may be used.", show_default=False)]
PolicyOption = Annotated[
    Path | None, typer.Option(help="Forbidden words, required lines.", show_default=False)
]
Server = Annotated[
    str | None,
    typer.Option(help="An OpenAI-compatible server that writes in the student's place.", show_default=False),
]
ServerModel = Annotated[str | None, typer.Option(help="The model's name there.", show_default=False)]
ServerKind = Annotated[
    str | None,
    typer.Option(
        help="vllm, vllm-guidance, sglang, sglang-llguidance, llama.cpp, ollama, openai; default: asked."
    ),
]
Gguf = Annotated[
    Path | None, typer.Option(help="A GGUF file of this student, run by llama.cpp.", show_default=False)
]
AllowCode = Annotated[bool, typer.Option("--allow-code", help="Run the code of the dialect's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer with its verdict as JSON.")]


def generate(
    instruction: Annotated[
        str, typer.Option("--instruction", "-i", help="What is wanted: a text, a file, or - for the input.")
    ],
    model: Model = None,
    context: Annotated[
        str | None,
        typer.Option(help="What it is about: a text or a file; default: what the catalog has for it."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: print.", show_default=False)
    ] = None,
    max_tokens: MaxTokens = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=256, help="Candidates; the best is kept.")] = 1,
    temperature: Temperature = None,
    seed: Seed = 0,
    script: Script = None,
    dialect: DialectOption = None,
    schema: SchemaOption = None,
    catalog: CatalogOption = None,
    policy: PolicyOption = None,
    server: Server = None,
    server_model: ServerModel = None,
    server_kind: ServerKind = None,
    gguf: Gguf = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say how the answer came about.")] = False,
    allow_code: AllowCode = False,
) -> None:
    """Write a text of the language: find the context, decode under the grammar, check, save.

    Exit codes: 0 a valid text was written, 1 something is wrong with the call's files, 3 nothing valid came.
    """
    if k > 1 and temperature is None:
        temperature = 0.3  # k copies of the likeliest text would be one text
    found = opened(
        model, script=script, dialect=dialect, schema=schema, catalog=catalog, policy=policy,
        allow_code=allow_code, server=server, server_model=server_model, server_kind=server_kind, gguf=gguf,
        device=device, max_tokens=max_tokens, temperature=temperature, seed=seed,
    )  # fmt: skip
    outcome = asked(
        found.pipeline, text_or_file(instruction), text_or_file(context) if context else None, candidates=k
    )
    if verbose or outcome.valid is False:
        for line in told(outcome):
            typer.echo(line, err=True)
    if outcome.valid is False or not outcome.text:
        _tell_faults(outcome)
        if as_json:
            _print_json(outcome)
        where = f"; {out} is left as it was" if out else ""
        tried = f"{outcome.candidates} candidates" if outcome.candidates > 1 else "the answer"
        stop(
            f"error: nothing valid came of {tried}, {outcome.repairs} repairs among them{where}", GATE_FAILED
        )
    if out is not None:
        _save(out, outcome.text)
    if as_json:
        _print_json(outcome)
    elif out is None:
        sys.stdout.write(outcome.text if outcome.text.endswith("\n") else outcome.text + "\n")
    else:
        typer.echo(f"wrote {out}", err=True)


def infer(
    text: Annotated[str, typer.Option("--text", "-t", help="The question, a file, or - for the input.")],
    model: Model = None,
    context: Annotated[str | None, typer.Option(help="What it is about: a text or a file.")] = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    seed: Seed = 0,
    script: Script = None,
    server: Server = None,
    server_model: ServerModel = None,
    gguf: Gguf = None,
    as_json: AsJson = False,
    allow_code: AllowCode = False,
) -> None:
    """Answer once, with the script's INFERENCE, CONTROL, GUARD and BEHAVIOR."""
    found = opened(
        model, script=script, allow_code=allow_code, server=server, server_model=server_model, gguf=gguf,
        max_tokens=max_tokens, temperature=temperature, seed=seed,
    )  # fmt: skip
    outcome = asked(found.pipeline, text_or_file(text), text_or_file(context) if context else None)
    for line in told(outcome):
        typer.echo(line, err=True)
    if as_json:
        _print_json(outcome)
    else:
        print(outcome.text)
    if outcome.valid is False:
        _tell_faults(outcome)
        raise typer.Exit(GATE_FAILED)


def asked(pipeline: object, instruction: str, context: str | None, *, candidates: int = 1) -> Outcome:
    """The outcome of one question; the command ends here where it can't be asked."""
    from idiolect.decode.pipeline import Pipeline, Question
    from idiolect.decode.trouble import DecodeError

    assert isinstance(pipeline, Pipeline)
    if not instruction.strip():
        stop("error: the instruction is empty", 2)
    try:
        return pipeline.ask(Question(instruction, context, candidates=candidates))
    except DecodeError as error:
        end_with(error.problem)


def _tell_faults(outcome: Outcome) -> None:
    from idiolect.dialects.verdict import render_fault
    from idiolect.source import SourceText

    if outcome.verdict is None:
        return
    source = SourceText(outcome.text, "answer")
    for fault in outcome.verdict.faults[:5]:
        typer.echo(render_fault(fault, source), err=True)
    if outcome.verdict.not_judged:
        typer.echo(f"answer: could not be judged: {outcome.verdict.not_judged}", err=True)


def _print_json(outcome: Outcome) -> None:
    from idiolect.decode.told import record_of

    print(json.dumps(record_of(outcome), indent=2, ensure_ascii=False))


def _save(path: Path, text: str) -> None:
    from idiolect.files import write_beside

    try:
        write_beside(path, text)
    except OSError as error:
        stop(f"error: {error.filename or path}: {error.strerror}")
