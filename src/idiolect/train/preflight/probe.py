"""Runs a few short steps of the model that will be trained: how fast it is, and what it keeps for them.

Nothing of the model changes: no optimizer steps, gradients are thrown away, random states are put back. What
is measured on some hundred tokens is taken as proportional to tokens: an estimate, and said to be one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from idiolect.student.row import Row

_SIZES = (32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a few steps showed."""

    tokens: int  # of the longest step
    seconds: float  # that it took, forward and backward
    activation_bytes: int  # kept for its backward pass, without logits

    @property
    def tokens_a_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def bytes_a_token(self) -> float:
        return self.activation_bytes / self.tokens if self.tokens else 0.0


def probe(
    model: Any, rows: Sequence[Row], *, seconds: float = 3.0, encoder_decoder: bool = False
) -> Probe | None:
    """Steps of growing length until the time is spent; None where rows are too short or nothing trains."""
    import torch

    stream = [token for row in rows[:64] for token in (*row.prompt, *row.answer)]
    if not any(parameter.requires_grad for parameter in model.parameters()):
        return None
    device = next(model.parameters()).device
    found: Probe | None = None
    with _undisturbed(model):
        began = time.perf_counter()
        for size in _SIZES:
            if len(stream) < size:
                break
            ids = torch.tensor([stream[:size]], device=device)
            if found is None:
                _step(model, ids, encoder_decoder)  # the first one also loads kernels
            kept, took = _timed(model, ids, encoder_decoder)
            if time.perf_counter() - began + took < seconds:  # again, if others were busy meanwhile
                took = min(took, _timed(model, ids, encoder_decoder)[1])
            found = Probe(size, took, kept)
            spent = time.perf_counter() - began
            if spent + 4 * took > seconds:  # the next two take at least twice as long each
                break
    return found


def _timed(model: Any, ids: Any, encoder_decoder: bool) -> tuple[int, float]:
    start = time.perf_counter()
    kept = _step(model, ids, encoder_decoder)
    return kept, time.perf_counter() - start


def _step(model: Any, ids: Any, encoder_decoder: bool) -> int:
    """One forward and backward pass; the bytes that were kept between them."""
    import torch

    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        if encoder_decoder:
            logits = model(input_ids=ids, labels=ids[:, :1]).logits
        else:
            logits = model(input_ids=ids, logits_to_keep=1, use_cache=False).logits
        score = logits.float().logsumexp(-1).mean()
    score.backward()
    if ids.device.type == "cuda":
        torch.cuda.synchronize()
    model.zero_grad(set_to_none=True)
    return sum(kept.values())


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    import torch

    training = model.training
    gradients = [
        (parameter, parameter.grad) for parameter in model.parameters() if parameter.grad is not None
    ]
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices=devices):
            model.train()
            yield
    finally:
        model.train(training)
        model.zero_grad(set_to_none=True)
        for parameter, gradient in gradients:
            parameter.grad = gradient
