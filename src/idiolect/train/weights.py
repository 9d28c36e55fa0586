"""A student's trained weights, from a checkpoint back into the model that trains on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idiolect.problem import problem
from idiolect.student.adapters import WEIGHTS
from idiolect.train.trouble import TrainingError

if TYPE_CHECKING:
    from idiolect.train.processes import Processes

_FULL = "model.safetensors"
_INDEX = "model.safetensors.index.json"


def read_weights(folder: Path, model: Any, processes: Processes | None = None) -> None:
    """Put a checkpoint's weights into a model; TrainingError where they are another model's."""
    state = _state_of(folder)
    try:
        if hasattr(model, "peft_config"):
            _into_adapter(model, state)
        else:
            _into_model(model, state, processes)
    except (RuntimeError, KeyError, ValueError) as error:
        first = str(error).strip().splitlines()[0][:200]
        what = f"checkpoint {folder.name} is of another model: {first}"
        help = "go on with the model that it was written for, or leave resume_from_checkpoint out"
        raise TrainingError(problem("L423", what, help=help, where=str(folder))) from error


def _state_of(folder: Path) -> dict[str, Any]:
    import json

    from safetensors.torch import load_file

    for name in (WEIGHTS, _FULL):
        if (folder / name).is_file():
            loaded: dict[str, Any] = load_file(folder / name)
            return loaded
    parts = json.loads((folder / _INDEX).read_text("utf-8"))["weight_map"]
    state: dict[str, Any] = {}
    for name in sorted(set(parts.values())):
        state |= load_file(folder / name)
    return state


def _into_adapter(model: Any, state: Mapping[str, Any]) -> None:
    from peft import set_peft_model_state_dict

    from idiolect.student.quiet import quiet

    with quiet():
        told = set_peft_model_state_dict(model, dict(state))
    if told.unexpected_keys:
        raise KeyError(f"it has {told.unexpected_keys[0]}")
    wanted = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    missing = sorted(wanted & set(told.missing_keys))
    if missing:
        raise KeyError(f"it lacks {missing[0]}")


def _into_model(model: Any, state: Mapping[str, Any], processes: Processes | None) -> None:
    if processes is not None and processes.sharded:
        processes.load_model(model, dict(state))
        return
    told = model.load_state_dict(dict(state), strict=False)
    if told.unexpected_keys:
        raise KeyError(f"it has {told.unexpected_keys[0]}")
    known = {name: tensor.data_ptr() for name, tensor in model.state_dict(keep_vars=True).items()}
    loaded = {known[name] for name in state}
    missing = [
        name for name in told.missing_keys if known.get(name) not in loaded
    ]  # a tied head is loaded once
    if missing:
        raise KeyError(f"it lacks {missing[0]}")
