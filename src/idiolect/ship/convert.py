"""Turns one form of a student into another: a run, a folder, a base or an okm archive into any format.

    convert_to("export/filters.okm", "gguf", Path("filters.gguf"), root=Path())

It is an export of one format, with the same proof, put where the caller says.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idiolect.problem import problem
from idiolect.ship.archives import is_archive, secret_for
from idiolect.ship.export import check_formats, export
from idiolect.ship.export_stage import publish
from idiolect.ship.exported import Exported, ExportJob
from idiolect.ship.okm import read_okm
from idiolect.ship.security import OPEN, Protection
from idiolect.ship.writers import WRITERS
from idiolect.student.trouble import StudentError

FORMS = (*WRITERS, "adapter")


@dataclass(frozen=True, slots=True)
class Kinds:
    """The number types of the formats that have several."""

    gguf: str = "f16"
    onnx: str = "fp32"


def convert_to(
    source: str,
    form: str,
    out: Path,
    *,
    root: Path,
    kinds: Kinds = Kinds(),
    protection: Protection = OPEN,
    examples: tuple[Any, ...] = (),
) -> Exported:
    """Write one form at `out`; what was not proven to be the same is not written, and its `why` says so."""
    format = "safetensors" if form == "adapter" else form
    check_formats([format])
    if out.exists() and (out.is_dir() or form in ("safetensors", "onnx", "adapter")):
        raise StudentError(
            problem("L641", f"{out} is there already", help="name a place that is not there yet")
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        job = ExportJob(
            source=source,
            root=root,
            into=Path(place),
            formats=(format,),
            name=out.name.partition(".")[0] or "student",
            gguf_type=kinds.gguf,
            onnx_type=kinds.onnx,
            merged=form != "adapter",
            examples=examples,
            facts=_facts(source, root),
            protection=protection,
        )
        done = export(job)
        found = next((one for one in done if one.format == form), None)
        if found is None:
            what = f"{source} has no adapter"
            raise StudentError(problem("L641", what, help="write --to safetensors for the whole model"))
        if found.path is not None:
            publish(Path(place) / found.path, out)
        return found


def _facts(source: str, root: Path) -> dict[str, Any]:
    """What an archive said stays with what is made of it."""
    for path in (Path(source), root / source):
        if is_archive(path):
            return dict(read_okm(path, secret=secret_for(path)).manifest.facts)
    return {}


def described(found: Exported) -> str:
    """How a form was proven, in one line."""
    return str(found.parity) if found.parity else found.why or "not asked"
