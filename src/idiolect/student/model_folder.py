"""Looks into a model's folder: what config.json says, which weights are there, and whether they are whole.

Weights are **not** loaded, and pickle files are not opened at all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from idiolect.files import Unreadable, read_small
from idiolect.problem import Problem, problem
from idiolect.student.parameter_count import estimate_parameters
from idiolect.student.safetensors_header import Corrupt, Tensor, dtype_of, read_header
from idiolect.text_hints import listed, shortened

INDEX = "model.safetensors.index.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
_CONFIG_BYTES = 4 << 20
_INDEX_BYTES = 64 << 20
_MAX_SHARDS = 1_000
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_NOT_PICKLES = ("training_args.bin",)  # no weights, whatever is in it


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What a model's folder holds."""

    architecture: str | None = None  # the class name in config.json
    model_type: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    vocab_size: int | None = None
    context_window: int | None = None
    parameters: int | None = None
    parameters_exact: bool = False
    has_tokenizer: bool = False
    dtype: str | None = None
    problems: tuple[Problem, ...] = ()


def read_model_folder(folder: Path) -> ModelFolder:
    """Everything about a base model's folder, with its problems."""
    if not (folder / "config.json").exists():
        return ModelFolder(problems=(_no_config(folder),))
    config, problems = read_config(folder)
    tensors, weight_problems = read_weights(folder)
    found = _from_config(config)
    has_tokenizer = any((folder / name).exists() for name in TOKENIZER_FILES)
    problems += weight_problems
    if config and not has_tokenizer and found.vocab_size:
        problems += (problem("L424", f"{folder.name} holds no tokenizer file", where=str(folder)),)
    found = replace(found, has_tokenizer=has_tokenizer, problems=problems)
    return _count(found, config, tensors, folder)


def read_config(folder: Path) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The content of config.json, or an empty one and why."""
    path = folder / "config.json"
    try:
        config = from_json(read_small(path, _CONFIG_BYTES))
    except Unreadable as reason:
        return {}, (problem("L426", f"config.json {reason}", where=str(path)),)
    except ValueError as error:
        return {}, (problem("L426", f"config.json is no JSON: {error}", where=str(path)),)
    if not isinstance(config, dict):
        return {}, (problem("L426", "config.json is no JSON object", where=str(path)),)
    if not isinstance(config.get("model_type"), str):
        return config, (problem("L426", "config.json names no model_type", where=str(path)),)
    return config, ()


def read_weights(folder: Path) -> tuple[dict[str, Tensor] | None, tuple[Problem, ...]]:
    """The tensors of all safetensors files of a model, or None and why."""
    names, problems = _weight_files(folder)
    tensors: dict[str, Tensor] = {}
    for name in names:
        try:
            tensors |= read_header(folder / name)
        except Corrupt as reason:
            problems += (problem("L422", f"{name} is corrupt: {reason}", where=str(folder / name)),)
        except Unreadable as reason:
            problems += (problem("L422", f"{name} {reason}", where=str(folder / name)),)
        except OSError as error:
            problems += (problem("L422", f"{name} can't be read: {error}", where=str(folder / name)),)
    return (None if problems else tensors), problems


def fits(architecture: str, model_type: str) -> bool | None:
    """Whether a model type belongs to a family of MODEL.architecture; None where that is not known."""
    families, transformers = _families()
    if model_type == architecture:
        return True
    own = {family for family, types in families.items() if model_type in types}
    if transformers & own or model_type in families["transformer"]:
        own.add("transformer")
    return architecture in own if own else None


def is_family(name: str) -> bool:
    """Whether a name is one of the families that MODEL.architecture takes."""
    return name in _families()[0]


@cache
def _families() -> tuple[dict[str, list[str]], frozenset[str]]:
    table = tomllib.loads(files("idiolect.student").joinpath("architectures.toml").read_text("utf-8"))
    families = {**table["families"], "transformer": table["transformers"]["types"]}
    return families, frozenset(table["transformers"]["families"])


def _no_config(folder: Path) -> Problem:
    if (folder / "adapter_config.json").exists():
        return problem(
            "L429",
            f"{folder.name} holds an adapter, not a base model",
            help="name the base model here, and the adapter in MODEL.ADAPTER",
            where=str(folder),
        )
    inner = next((path.parent for path in sorted(folder.glob("*/config.json"))[:1]), None)
    help_text = f'did you mean "{inner.name}" in it?' if inner else None
    return problem("L420", f"{folder.name} holds no config.json", help=help_text, where=str(folder))


def _weight_files(folder: Path) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    if (folder / INDEX).exists():
        return _shards(folder)
    if (folder / "model.safetensors").exists():
        return ("model.safetensors",), ()
    others = sorted(path.name for path in folder.glob("*.safetensors") if not path.name.startswith("adapter"))
    if others:
        return tuple(others[:_MAX_SHARDS]), ()
    pickles = sorted(
        path.name for kind in _PICKLES for path in folder.glob(kind) if path.name not in _NOT_PICKLES
    )
    if pickles:
        what = f"{folder.name} has its weights only as pickle ({listed(pickles, 3)})"
        return (), (problem("L425", what, help=_PICKLE_CURE, where=str(folder)),)
    return (), (problem("L421", f"{folder.name} holds no safetensors file", where=str(folder)),)


_PICKLE_CURE = "take the model's safetensors version; opening a pickle can run code, so none is opened"


def _shards(folder: Path) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    where = str(folder / INDEX)
    try:
        index = from_json(read_small(folder / INDEX, _INDEX_BYTES))
    except (Unreadable, ValueError) as error:
        return (), (problem("L422", f"{INDEX} can't be read: {error}", where=where),)
    entries = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(entries, dict) or not entries:
        return (), (problem("L422", f"{INDEX} has no weight_map", where=where),)
    names = sorted({name for name in entries.values() if isinstance(name, str)})
    odd = [name for name in names if not name.endswith(".safetensors") or "/" in name or "\\" in name]
    if odd or len(names) > _MAX_SHARDS or not all(isinstance(name, str) for name in entries.values()):
        shown = f": {shortened(odd[0])}" if odd else ""
        return (), (
            problem("L422", f"{INDEX} names something else than shards beside it{shown}", where=where),
        )
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        what = f"{len(missing)} of {len(names)} shards are missing: {listed(missing, 3)}"
        return (), (problem("L422", what, where=str(folder)),)
    return tuple(names), ()


def _from_config(config: Mapping[str, Any]) -> ModelFolder:
    inner = config.get("text_config")
    text = {**config, **inner} if isinstance(inner, dict) else config
    names = config.get("architectures")
    named = names[0] if isinstance(names, list) and names else None
    dtype = config.get("dtype") or config.get("torch_dtype")
    return ModelFolder(
        architecture=named if isinstance(named, str) else None,
        model_type=config["model_type"] if isinstance(config.get("model_type"), str) else None,
        layers=_first_size(text, "num_hidden_layers", "n_layer", "num_layers"),
        hidden_size=_first_size(text, "hidden_size", "n_embd", "d_model"),
        vocab_size=_first_size(text, "vocab_size"),
        context_window=_first_size(text, "max_position_embeddings", "n_positions"),
        dtype=dtype if isinstance(dtype, str) else None,
    )


def _first_size(config: Mapping[str, Any], *keys: str) -> int | None:
    return next((config[key] for key in keys if type(config.get(key)) is int and config[key] > 0), None)


def _count(
    found: ModelFolder, config: dict[str, Any], tensors: dict[str, Tensor] | None, folder: Path
) -> ModelFolder:
    packed = "quantization_config" in config
    if tensors and not packed:
        parameters = sum(tensor.numbers for tensor in tensors.values())
        return replace(
            found, parameters=parameters, parameters_exact=True, dtype=dtype_of(tensors) or found.dtype
        )
    inner = config.get("text_config")
    estimate = estimate_parameters(inner if isinstance(inner, dict) else config)
    why = "its weights are packed" if packed else "its weights can't be counted"
    count = f"about {estimate:,} parameters by config.json" if estimate else "not known"
    info = problem("L427", f"parameters of {folder.name}: {count}, since {why}", where=str(folder))
    return replace(found, parameters=estimate, problems=(*found.problems, info))
