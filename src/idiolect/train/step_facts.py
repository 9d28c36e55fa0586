"""What the loop knows of its last step. The trainer writes it; control rules, monitor and logs read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StepFacts:
    """Facts of the last optimizer step. Counts are sums since training began, over all processes."""

    loss: float | None = None  # mean over the supervised tokens of the step's whole batch
    grad_norm: float | None = None
    tokens: int = 0
    samples: int = 0
