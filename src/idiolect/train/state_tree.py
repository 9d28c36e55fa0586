"""Nested states (an optimizer's, a random generator's) as JSON with tensors beside it, and back, bit for bit.

    write_tree(folder / "optimizer", optimizer.state_dict())    # optimizer.json, optimizer.safetensors
    state = read_tree(folder / "optimizer")

Only plain values and tensors are written, so that nothing of a checkpoint can run code. What is neither is
refused by its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TENSOR, _PAIRS, _TUPLE = "$tensor", "$pairs", "$tuple"
_MARKS = frozenset({_TENSOR, _PAIRS, _TUPLE})


class NotPlain(TypeError):
    """A value that is neither plain nor a tensor; `str()` says where it stands."""


def write_tree(path: Path, tree: Any) -> None:
    """Write `path`.json and, where the tree holds tensors, `path`.safetensors."""
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {}

    def packed(value: Any, place: str) -> Any:
        if isinstance(value, torch.Tensor):
            name = str(len(tensors))
            # Views of one storage can't be saved together; a state's tensors are small beside the model.
            tensors[name] = value.detach().to("cpu").contiguous().clone()
            return {_TENSOR: name}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple):
            return {_TUPLE: [packed(one, f"{place}[{at}]") for at, one in enumerate(value)]}
        if isinstance(value, list):
            return [packed(one, f"{place}[{at}]") for at, one in enumerate(value)]
        if isinstance(value, Mapping):
            inner = {key: packed(one, f"{place}.{key}") for key, one in value.items()}
            if all(isinstance(key, str) for key in inner) and not _MARKS & set(inner):
                return inner
            return {_PAIRS: [[packed(key, f"key of {place}"), one] for key, one in inner.items()]}
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return value.item()
        raise NotPlain(f"{place} is a {type(value).__name__}")

    said = packed(tree, "state")
    path.with_suffix(".json").write_text(json.dumps(said, separators=(",", ":")), encoding="utf-8")
    if tensors:
        save_file(tensors, path.with_suffix(".safetensors"))


def read_tree(path: Path) -> Any:
    """What `write_tree` wrote."""
    from safetensors.torch import load_file

    beside = path.with_suffix(".safetensors")
    tensors = load_file(beside) if beside.is_file() else {}

    def unpacked(value: Any) -> Any:
        if isinstance(value, list):
            return [unpacked(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {_TENSOR}:
            return tensors[value[_TENSOR]]
        if set(value) == {_TUPLE}:
            return tuple(unpacked(one) for one in value[_TUPLE])
        if set(value) == {_PAIRS}:
            return {unpacked(key): unpacked(one) for key, one in value[_PAIRS]}
        return {key: unpacked(one) for key, one in value.items()}

    return unpacked(json.loads(path.with_suffix(".json").read_text("utf-8")))
