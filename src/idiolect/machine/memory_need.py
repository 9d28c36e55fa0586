"""Estimates the memory that training takes, from below: weights, gradients, optimizer and activations.

Left out are attention scores, the output head's logits and the libraries themselves, so that what does
not fit by this estimate does not fit in fact.
"""

from __future__ import annotations

from dataclasses import dataclass

# fp32 weights, gradients and Adam's two moments
FULL_BYTES_A_PARAMETER = 16
_WEIGHT_BYTES = {"fp32": 4.0, "fp16": 2.0, "bf16": 2.0, "int8": 1.0, "int4": 0.5}
# Bytes per token, layer and unit of width that 16-bit training keeps for the backward pass: 34, from
# Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models", section 4.1.
_ACTIVATION_BYTES = 34


@dataclass(frozen=True, slots=True)
class TrainingNeed:
    """What the estimate is made from."""

    parameters: int
    layers: int
    hidden_size: int
    batch_size: int
    gradient_accumulation: int = 1
    tokens: int = 2048  # of one example
    adapter: bool = False  # only a LoRA adapter is trained
    precision: str = "fp32"
    checkpointing: bool = False  # activations are computed again in the backward pass


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes, by what they are for."""

    model: int
    activations: int

    @property
    def total(self) -> int:
        return self.model + self.activations


def memory_need(training: TrainingNeed, batch_size: int | None = None) -> MemoryNeed:
    """The least memory that a step takes."""
    each = _WEIGHT_BYTES.get(training.precision, 4.0) if training.adapter else FULL_BYTES_A_PARAMETER
    positions = (batch_size or training.batch_size) * training.tokens
    width = _ACTIVATION_BYTES if training.precision != "fp32" else 2 * _ACTIVATION_BYTES
    if training.checkpointing:
        width = 4 if training.precision == "fp32" else 2  # only each layer's input is kept
    activations = positions * training.layers * training.hidden_size * width
    return MemoryNeed(int(training.parameters * each), activations)


def fitting_batch(training: TrainingNeed, memory: int) -> int | None:
    """The largest batch size that fits and divides the present one, or None."""
    sizes = (size for size in range(training.batch_size - 1, 0, -1) if training.batch_size % size == 0)
    return next((size for size in sizes if memory_need(training, size).total <= memory), None)
