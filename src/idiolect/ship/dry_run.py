"""Tries out, before a training, whether what EXPORT asks for can be made of the base: nothing is written.

A training of hours that ends in "this tokenizer can't be written as GGUF" helps nobody. Configuration,
tokenizer, adapter settings, libraries and keys are looked at; weights are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from idiolect.machine.requirements import install_command
from idiolect.plan.plan import Plan
from idiolect.problem import Problem, problem
from idiolect.ship.gguf.architectures import read_shape
from idiolect.ship.gguf.vocabulary import CantConvert, read_vocabulary
from idiolect.ship.onnx_export import check_onnx
from idiolect.ship.security import NoKey, protection_of
from idiolect.ship.writers import NOT_SUPPORTED, WRITERS
from idiolect.student.base import find_base
from idiolect.student.from_plan import base_of
from idiolect.student.trouble import StudentError

_LIBRARIES = {"gguf": ("gguf",), "onnx": ("onnx", "onnxruntime", "onnxscript")}


def export_dry_run(plan: Plan, root: Path) -> tuple[Problem, ...]:
    """What would keep the exports of a plan from being made; empty where nothing is exported."""
    if plan.export is None:
        return ()
    found: list[Problem] = []
    try:
        protection_of(plan.security, root)
    except NoKey as error:
        found.append(problem("L653", str(error), help=error.help))
    formats = plan.export.format or []
    found += [one for format in formats for one in _of_libraries(format)]
    try:
        folder = find_base(base_of(plan), root, offline=plan.env.network == "offline").folder
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (StudentError, OSError, ValueError):
        return tuple(found)  # loading the student says it better
    for format in formats:
        try:
            _try(format, folder, config, plan)
        except CantConvert as error:
            what = f"the base can't be exported as {format}: {error}"
            found.append(problem("L653", what, help=error.help or f'take "{format}" out of EXPORT.format'))
    return tuple(found)


def _of_libraries(format: str) -> Iterator[Problem]:
    if format not in WRITERS:
        what = f'format "{format}" can\'t be written: {NOT_SUPPORTED.get(format, "it is not known")}'
        yield problem("L653", what, help=f"formats: {', '.join(WRITERS)}")
    for name in _LIBRARIES.get(format, ()):
        if find_spec(name) is None:
            what = f"exports as {format} need {name}, which is not installed"
            yield problem("L653", what, help=install_command("export"))


def _try(format: str, folder: Path, config: dict[str, Any], plan: Plan) -> None:
    """CantConvert for a format that can't hold the base."""
    if format == "onnx":
        check_onnx(config)
    if format == "gguf":
        shape = read_shape(config)
        if (folder / "tokenizer.json").is_file():
            read_vocabulary(folder, shape.vocabulary)
        assert plan.export is not None
        if plan.ft_lora is not None and plan.ft_lora.dora and not plan.export.merge:
            raise CantConvert("an adapter's GGUF file holds plain LoRA only, not DoRA", "write merge: true")
