"""Counts a loaded model's parameters as they are: shared ones once, packed ones at their true number."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many numbers a model has."""

    total: int
    trainable: int
    embedding: int  # in the token embedding and, where it is not the same, the output head
    bytes: int  # that the weights take in memory
    tied: bool  # the output head is the token embedding


def count_parameters(model: Any) -> Parameters:
    """The counts of a model, with or without an adapter."""
    seen: set[int] = set()
    total = trainable = size = 0
    for parameter in model.parameters():
        if id(parameter) in seen:
            continue
        seen.add(id(parameter))
        number = _numbers(parameter)
        total += number
        trainable += number if parameter.requires_grad else 0
        size += parameter.numel() * parameter.element_size()
    ends = (_layer(model, "get_input_embeddings"), _layer(model, "get_output_embeddings"))
    weights = {id(layer.weight): layer.weight for layer in ends if layer is not None}
    tied = len(weights) == 1 and None not in ends
    return Parameters(total, trainable, sum(map(_numbers, weights.values())), size, tied)


def _numbers(parameter: Any) -> int:
    state = getattr(parameter, "quant_state", None)  # bitsandbytes packs two numbers into a byte
    return prod(state.shape) if state is not None else int(parameter.numel())


def _layer(model: Any, getter: str) -> Any:
    found = getattr(model, getter, None)
    try:
        layer = found() if found else None
    except NotImplementedError:
        return None
    return getattr(layer, "original_module", layer)  # beneath what PEFT wraps around it
