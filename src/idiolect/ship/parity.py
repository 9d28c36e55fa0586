"""Compares what an exported form says with what the student says: the gate that every export has to pass.

Forms in full precision are held to the student's distributions closely; packed ones to a bound on the mean
divergence, since greedy answers of packed models differ at near ties that mean nothing. Knows no runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The largest mean divergence, in nats, that an export may have from its student. Measured on trained models
# of six layers: f16 5e-7, q8_0 5e-4, q5_k_m 8e-3, q4_k_m 2e-2, q4_0 3e-2, int8 2e-3, int4 3e-2; models of
# little training lie higher.
BOUNDS: Mapping[str, float] = {
    "fp32": 1e-5,
    "f32": 1e-5,
    "f16": 1e-4,
    "q8_0": 2e-3,
    "q5_k_m": 2e-2,
    "q4_k_m": 5e-2,
    "q4_0": 1e-1,
    "int8": 2e-2,
    "int4": 1e-1,
}


@dataclass(frozen=True, slots=True)
class Parity:
    """How near an exported form is to its student."""

    runtime: str  # with its version
    positions: int
    divergence: float  # mean, in nats
    top_1: float  # share of positions with the same likeliest token
    largest: float | None  # difference of log-probabilities among the student's ten likeliest tokens
    bound: float
    same_tokens: bool | None = None  # whether the runtime's own tokenizer reads texts alike; None: not asked

    @property
    def passed(self) -> bool:
        return self.divergence <= self.bound and self.same_tokens is not False

    def __str__(self) -> str:
        tokens = "" if self.same_tokens is None else f", {'the same' if self.same_tokens else 'OTHER'} tokens"
        return (
            f"{self.runtime}: divergence {self.divergence:.1e} (at most {self.bound:.0e}), the same "
            f"likeliest token at {self.top_1:.1%} of {self.positions} positions{tokens}"
        )


def compare_logits(
    wanted: Sequence[Any], found: Sequence[Any], *, kind: str, runtime: str, same_tokens: bool | None = None
) -> Parity:
    """The parity of logits, [positions, vocabulary] for each probe; padding tokens are ignored."""
    import torch

    left = torch.cat(list(wanted)).double()
    right = torch.cat([one[:, : left.shape[1]] for one in found]).double()
    if left.shape != right.shape:
        raise ValueError(f"logits of {tuple(right.shape)} can't be compared with {tuple(left.shape)}")
    p, q = left.log_softmax(-1), right.log_softmax(-1)
    divergence = float((p.exp() * (p - q)).sum(-1).mean())
    likeliest = p.topk(min(10, p.shape[1]), -1).indices
    off = (p.gather(-1, likeliest) - q.gather(-1, likeliest)).abs().max()
    return Parity(
        runtime,
        positions=len(left),
        divergence=max(0.0, divergence),
        top_1=float((left.argmax(-1) == right.argmax(-1)).double().mean()),
        largest=float(off),
        bound=BOUNDS[kind],
        same_tokens=same_tokens,
    )
