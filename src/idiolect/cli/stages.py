"""`idiolect eval` and `export`: one stage of a script each, in its run folder; and `merge` of any adapter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import USAGE, stop
from idiolect.cli.run import run_stages

if TYPE_CHECKING:
    from idiolect.plan.plan import Plan

_File = Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)]
_Force = Annotated[bool, typer.Option("--force", help="Do it though nothing changed.")]
_AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Let the code and commands of the script's dialect run.")
]
_Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the run's log.")]


def evaluate(
    file: _File,
    suite: Annotated[
        list[str] | None, typer.Option("--suite", help="A suite or a JSONL file; repeatable.")
    ] = None,
    k: Annotated[int | None, typer.Option(min=1, help="Answers a task, for pass@k.")] = None,
    max_samples: Annotated[int | None, typer.Option(min=1, help="Most tasks of a suite.")] = None,
    judge: Annotated[str | None, typer.Option(help="rules, teacher or none.")] = None,
    force: _Force = False,
    allow_code: _AllowCode = False,
    verbose: _Verbose = False,
) -> None:
    """Evaluate a script's student: the same as `run --only eval`, with options that win over EVALUATE.

    What was answered before is not asked again. Exit codes: 0 done, 1 something is wrong, 3 the gate
    failed, 130 stopped.
    """
    from idiolect.runs.decide import Wanted
    from idiolect.runs.placed import changed

    if judge not in (None, "rules", "teacher", "none"):
        stop(f'error: no judge "{judge}"\n   help: write --judge rules, teacher or none', USAGE)

    def change(plan: Plan) -> Plan:
        given = {
            "suites": (suite, "--suite"),
            "k": (k, "--k"),
            "max_samples": (max_samples, "--max-samples"),
            "judge": (judge, "--judge"),
        }
        if plan.evaluate is not None:
            return changed(plan, "evaluate", given)
        if any(value is not None for value, _ in given.values()):
            stop(f'error: {file} has no EVALUATE block\n   help: add EVALUATE {{ suites: ["test"] }} to it')
        return plan

    forced = frozenset({"eval"}) if force else frozenset()
    run_stages(file, Wanted("eval", "eval", forced), change, allow_code=allow_code, verbose=verbose)


def export(
    file: _File,
    format: Annotated[
        list[str] | None, typer.Option("--format", help="safetensors, gguf, onnx or okm; repeatable.")
    ] = None,
    gguf_type: Annotated[str | None, typer.Option(help="f16, q8_0, q4_0, q4_k_m or q5_k_m.")] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Holds the key that SECURITY seals with; default: OKTO_KEY."),
    ] = None,
    force: _Force = False,
    allow_code: _AllowCode = False,
    verbose: _Verbose = False,
) -> None:
    """Export a script's student: the same as `run --only export`, with options that win over EXPORT.

    Exit codes: 0 done, 1 something is wrong, 3 an export does not say what the student says.
    """
    from idiolect.runs.decide import Wanted
    from idiolect.runs.placed import changed

    def change(plan: Plan) -> Plan:
        if plan.export is None:
            stop(
                f'error: {file} has no EXPORT block\n   help: add EXPORT {{ format: ["safetensors"] }} to it'
            )
        return changed(
            plan, "export", {"format": (format, "--format"), "gguf_type": (gguf_type, "--gguf-type")}
        )

    if key_file is not None:
        from idiolect.ship.security import KEY_FILE_VARIABLE

        os.environ[KEY_FILE_VARIABLE] = str(key_file)  # a key's place is no part of the plan
    forced = frozenset({"export"}) if force else frozenset()
    run_stages(file, Wanted("export", "export", forced), change, allow_code=allow_code, verbose=verbose)


def merge(
    adapter: Annotated[
        Path, typer.Option("--adapter", help="The adapter's folder or file.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", help="Where the model goes.", show_default=False)],
    base: Annotated[
        str | None, typer.Option("--base", help="The base model; default: the one that the adapter names.")
    ] = None,
) -> None:
    """Fold an adapter into its base in full precision, and show that the model still says the same."""
    from idiolect.student.trouble import StudentError

    if output.exists() and not (output / "config.json").is_file():
        stop(f"error: {output} is there and holds no model\n   help: name a folder that is not there yet")
    try:
        from idiolect.ship.merge import load_for_merge, save_merged
        from idiolect.ship.merge import merge as merged
        from idiolect.ship.probes import plain_probes

        if base is None and adapter.is_file():
            stop(f"error: {adapter} is an adapter alone\n   help: give its base: --base MODEL", USAGE)
        if base is None:
            student = load_for_merge(adapter, root=Path())
        else:
            student = load_for_merge(base, root=Path(), adapter=adapter)
        found = merged(student, plain_probes(student.tokenizer))
        save_merged(found, output)
    except StudentError as error:
        help = f"\n   help: {error.help}" if error.help else ""
        stop(f"error: {error.problem.code}: {error.problem.message}{help}")
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")
    typer.echo(
        f"wrote {output}: {found.positions} positions compared, largest difference of a logit "
        f"{found.difference:.1e}"
    )
