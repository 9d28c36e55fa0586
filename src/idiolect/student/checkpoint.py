"""Checks a checkpoint folder before training resumes from it: files there, whole, and of the right model.

What `train/checkpoints.py` wrote has a record of its files, which training holds them against. Optimizer and
random state of other trainers are pickles: they are **not** opened, and nothing goes on from them.
"""

from __future__ import annotations

from pathlib import Path

from pydantic_core import from_json

from idiolect.files import Unreadable, look, read_small
from idiolect.problem import Problem, problem
from idiolect.student.model_folder import fits, is_family, read_config, read_weights
from idiolect.student.safetensors_header import Corrupt, read_header
from idiolect.text_hints import listed

_ADAPTERS = ("adapter_model.safetensors", "adapter.safetensors")
_RECORD = "checkpoint.json"
_STATE = ("trainer_state.json", "optimizer.json", "scheduler.json", "loop.json", "random-0.json")
_STATE_BYTES = 64 << 20


def check_checkpoint(path: Path, architecture: str | None = None) -> list[Problem]:
    """What speaks against resuming from a checkpoint.

    `architecture` is a family (gpt, t5, ...), a model type (gemma3_text) or a class name (Gemma3ForCausalLM).
    """
    try:
        look(path)
    except Unreadable as reason:
        return [
            problem("V005", f"checkpoint {path.name} {reason}", help=_newest_beside(path), where=str(path))
        ]
    if not path.is_dir():
        return [problem("V005", f"checkpoint {path.name} is a file; a folder is wanted", where=str(path))]
    try:
        return [*_weights(path), *_state(path), *_fit(path, architecture)]
    except OSError as error:
        return [problem("V005", f"checkpoint {path.name} can't be read: {error}", where=str(path))]


def _weights(path: Path) -> list[Problem]:
    adapter = next((name for name in _ADAPTERS if (path / name).exists()), None)
    if adapter is None:
        _, found = read_weights(path)
        return [_as_v005(one) for one in found]
    try:
        read_header(path / adapter)
    except (Corrupt, Unreadable, OSError) as reason:
        return [problem("V005", f"{adapter} is not usable: {reason}", where=str(path / adapter))]
    return []


def _as_v005(found: Problem) -> Problem:
    return problem("V005", f"checkpoint not usable: {found.message}", help=found.help, where=found.where)


def _state(path: Path) -> list[Problem]:
    missing = [name for name in _STATE if not (path / name).exists()]
    if not (path / _RECORD).exists():
        what = f"checkpoint {path.name} was not written by this engine, which can't use its state"
        help = "begin with its weights instead: name the folder as MODEL.base, or as MODEL.ADAPTER"
        return [problem("V005", what, help=help, where=str(path))]
    if missing:
        what = f"{path.name} lacks {listed(missing)}: training would not go on exactly where it stopped"
        return [problem("L430", what, where=str(path))]
    state = path / "trainer_state.json"
    try:
        content = from_json(read_small(state, _STATE_BYTES))
    except (Unreadable, ValueError) as error:
        return [problem("V005", f"trainer_state.json is not usable: {error}", where=str(state))]
    if not isinstance(content, dict) or type(content.get("global_step")) is not int:
        return [problem("V005", "trainer_state.json has no global_step", where=str(state))]
    return []


def _fit(path: Path, architecture: str | None) -> list[Problem]:
    if architecture is None or not (path / "config.json").exists():
        return []  # an adapter's checkpoint names its base model, but not that model's type
    config, problems = read_config(path)
    if problems:
        return [_as_v005(found) for found in problems]
    model_type, classes = config["model_type"], config.get("architectures")
    classes = [name for name in classes if isinstance(name, str)] if isinstance(classes, list) else []
    if is_family(architecture):
        if fits(architecture, model_type) is not False:
            return []
    elif architecture in (model_type, *classes):
        return []
    shown = listed([model_type, *classes], 3)
    what = f"checkpoint {path.name} is of {shown}, which is no {architecture}"
    return [problem("L423", what, where=str(path))]


def _newest_beside(path: Path) -> str | None:
    def step(folder: Path) -> int:
        number = folder.name.rpartition("-")[2]
        return int(number) if number.isdecimal() and len(number) < 12 else -1

    try:
        beside = [folder for folder in path.parent.glob("checkpoint-*") if folder.is_dir()]
    except (OSError, ValueError):
        return None
    newest = max(beside, key=step, default=None)
    return f'the newest one there is "{newest.name}"' if newest else None
