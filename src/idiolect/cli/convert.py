"""`idiolect convert`: one form of a student into another, proven to say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.opening import good_examples
from idiolect.cli.report import GATE_FAILED, USAGE, stop


def convert(
    source: Annotated[
        str, typer.Argument(help="A run, a student's folder, a base, or an okm archive.", show_default=False)
    ],
    to: Annotated[
        str, typer.Option("--to", help="adapter, safetensors, gguf, onnx or okm.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File or folder to write.", show_default=False)],
    gguf_type: Annotated[str, typer.Option(help="f32, f16, q8_0, q4_0, q4_k_m or q5_k_m.")] = "f16",
    onnx_type: Annotated[str, typer.Option(help="fp32, int8 or int4.")] = "fp32",
    examples: Annotated[
        Path | None,
        typer.Option(help="JSONL of examples to compare the two forms on.", show_default=False),
    ] = None,
) -> None:
    """Write a student in another form, after its own runtime was found to say what the student says.

    Exit codes: 0 written, 1 something is wrong, 3 it would say something else, and is not written.
    """
    from idiolect.student.trouble import StudentError

    try:
        from idiolect.ship.convert import FORMS, Kinds, convert_to, described
        from idiolect.ship.gguf.types import FILE_TYPES
        from idiolect.ship.onnx_export import KINDS
    except ModuleNotFoundError as error:
        stop(f'error: exports need {error.name}\n   help: pip install "idiolect[train,export]"')
    for option, value, allowed in (
        ("--to", to, FORMS), ("--gguf-type", gguf_type, FILE_TYPES), ("--onnx-type", onnx_type, KINDS)
    ):  # fmt: skip
        if value not in allowed:
            stop(f'error: {option} "{value}" is not known\n   help: write {", ".join(allowed)}', USAGE)
    from idiolect.ship.okm import BadArchive
    from idiolect.ship.sealing import CantUnseal

    try:
        found = convert_to(
            source, to, out, root=Path(), kinds=Kinds(gguf_type, onnx_type), examples=_examples(examples)
        )
    except StudentError as error:
        help = f"\n   help: {error.help}" if error.help else ""
        stop(f"error: {error.problem.code}: {error.problem.message}{help}")
    except (BadArchive, CantUnseal) as error:
        stop(f"error: {error}")
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")
    if not found.delivered:
        stop(f"error: {out} is not written: {found.why}", GATE_FAILED)
    typer.echo(f"wrote {out} ({found.bytes:,} bytes): {described(found)}")
    if found.parity and found.why:
        typer.echo(f"note: {found.why}", err=True)


def _examples(path: Path | None) -> tuple[object, ...]:
    if path is None:
        return ()
    from itertools import islice

    return tuple(islice(good_examples(path), 64))
