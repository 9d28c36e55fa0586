"""Adapters: LoRA and DoRA put onto a base model, and saved ones loaded onto the base they belong to.

It does **not** train; the adapter's matrices are random (A) and zero (B) until a trainer changes them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idiolect.files import Unreadable, read_small, write_beside
from idiolect.problem import problem
from idiolect.student.quiet import quiet
from idiolect.student.safetensors_header import Corrupt, read_header
from idiolect.student.trouble import StudentError, libraries
from idiolect.text_hints import listed, nearest

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
ALL_LINEAR = "all-linear"  # PEFT's word for every linear layer but the output head
_CONFIG_BYTES = 1 << 20
_OTHER_SENSES = ("vision_tower", "vision_model", "visual", "audio_tower", "multi_modal_projector")


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """What an adapter is made of."""

    rank: int
    alpha: int
    dropout: float = 0.0
    dora: bool = False
    target_modules: tuple[str, ...] | None = None  # None: every linear layer but the output head


def attach_adapter(
    model: Any, settings: AdapterSettings, *, seed: int, encoder_decoder: bool = False, classes: bool = False
) -> Any:
    """The model with a fresh adapter: its base frozen, only the adapter trainable."""
    import torch

    with libraries(purpose="adapters"), quiet():
        from peft import LoraConfig, TaskType, get_peft_model, prepare_model_for_kbit_training
    wanted = settings.target_modules
    if wanted:
        _check_targets(model, wanted)
    packed = getattr(model, "is_loaded_in_4bit", False) or getattr(model, "is_loaded_in_8bit", False)
    if packed:
        with quiet():
            model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    task = TaskType.SEQ_CLS if classes else TaskType.SEQ_2_SEQ_LM if encoder_decoder else TaskType.CAUSAL_LM
    added = getattr(model, "idiolect_added_tokens", None)
    config = LoraConfig(
        task_type=task,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        use_dora=settings.dora,
        target_modules=sorted(wanted) if wanted else ALL_LINEAR,
        exclude_modules=_unread(model),
        trainable_token_indices=list(added) if added else None,
        bias="none",
    )
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, config)


def load_adapter(model: Any, folder: Path, *, trainable: bool = False) -> Any:
    """The model with a saved adapter; StudentError where it does not belong to this base."""
    with libraries(purpose="adapters"), quiet():
        from peft import PeftModel
    config = _read_config(folder)
    _check_weights(folder)
    try:
        with quiet():
            return PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    except (RuntimeError, ValueError, KeyError) as error:  # shapes or names that this base does not have
        first = str(error).strip().splitlines()[0][:200]
        what = f"the adapter in {folder.name} (rank {config.get('r')}) does not fit this base: {first}"
        help = "load it onto the base that it was trained on"
        raise StudentError(problem("L613", what, help=help, where=str(folder))) from error


def settings_of(folder: Path) -> AdapterSettings:
    """The settings of a saved adapter."""
    config = _read_config(folder)
    targets = config.get("target_modules")
    return AdapterSettings(
        rank=config.get("r", 0),
        alpha=config.get("lora_alpha", 0),
        dropout=config.get("lora_dropout", 0.0),
        dora=bool(config.get("use_dora")),
        target_modules=tuple(sorted(targets)) if isinstance(targets, list) else None,
    )


def settle_config(folder: Path, base: str) -> None:
    """Give adapter_config.json the same bytes every time: sorted names, the base as the script names it."""
    path = folder / CONFIG
    config = json.loads(path.read_text("utf-8"))
    config["base_model_name_or_path"] = base
    for key, value in config.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            config[key] = sorted(value)
    write_beside(path, json.dumps(config, indent=2, sort_keys=True) + "\n")


def linear_names(model: Any) -> tuple[str, ...]:
    """The last parts of the names of the layers that an adapter can sit on."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    kinds = ("Linear", "Linear4bit", "Linear8bitLt", "Conv1D")
    names = {
        name.rpartition(".")[2]
        for name, layer in model.named_modules()
        if type(layer).__name__ in kinds and layer is not head
    }
    return tuple(sorted(names))


def _unread(model: Any) -> str | None:
    """The parts of a model for images and sound, which text never goes through, as PEFT's pattern."""
    names = {part for name, _ in model.named_modules() for part in name.split(".")}
    found = sorted(names & set(_OTHER_SENSES))
    return rf"(.*\.)?({'|'.join(found)})(\..*)?" if found else None


def _check_targets(model: Any, wanted: Sequence[str]) -> None:
    every = [name for name, _ in model.named_modules()]
    usable = linear_names(model)
    for target in wanted:
        if any(name == target or name.endswith(f".{target}") for name in every):
            continue
        near = nearest(target, usable)
        told = f'did you mean "{near}"? ' if near else ""
        what = f'target_modules names "{target}", which {type(model).__name__} does not have'
        help = f"{told}its linear layers: {listed(usable)}"
        raise StudentError(problem("L614", what, help=help, where="FT_LORA.target_modules"))


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads(read_small(folder / CONFIG, _CONFIG_BYTES))
    except Unreadable as reason:
        help = "name a folder that holds adapter_config.json and adapter_model.safetensors"
        raise StudentError(problem("L613", f"{folder / CONFIG} {reason}", help=help)) from reason
    except ValueError as error:
        raise StudentError(problem("L613", f"{folder / CONFIG} is no JSON: {error}")) from error
    if not isinstance(config, dict):
        raise StudentError(problem("L613", f"{folder / CONFIG} is no JSON object"))
    return config


def _check_weights(folder: Path) -> None:
    path = folder / WEIGHTS
    if not path.exists() and any(folder.glob("*.bin")):
        what = f"the adapter in {folder.name} is a pickle"
        help = "save it as safetensors; opening a pickle can run code, so none is opened"
        raise StudentError(problem("L425", what, help=help, where=str(folder)))
    try:
        read_header(path)
    except (Corrupt, Unreadable) as reason:
        said = str(reason) if isinstance(reason, Unreadable) else f"is corrupt: {reason}"
        raise StudentError(problem("L613", f"{path} {said}", where=str(path))) from reason
