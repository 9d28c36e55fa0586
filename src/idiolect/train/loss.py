"""The output head on supervised positions only, without a matrix of all of them by the vocabulary.

    scores = score(hidden, targets, head_of(model))     # hidden states at the sources, [edges, width]
    scores.logp                                         # [edges], differentiable

Positions are taken in chunks whose logits stay below a set size, also in evaluation. Where the head's
weights are frozen, the gradient by the hidden states is made in the forward pass while the logits are at
hand (d logp / d hidden is one vector a position, which the gradient of the loss only scales): two
products with the head's weights in all, none again in the backward pass. Trainable heads compute their
logits again in the backward pass; heads that are more than a matrix (an adapter on it, packed weights)
are checkpointed chunk by chunk.

What it knows of a model is its head and what it does to logits. Sums and means are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

CHUNK_MB = (
    64  # of logits at a time; measured on 2 cores with 262k entries: 32 MB 11% slower, 480 MB 8% faster
)
_SCALES = ("logit_scale", "output_multiplier", "lm_head_multiplier")  # Cohere, Muse Glimmer, Falcon-H1
_CACHE_ROWS_MB = 8  # of fp32 logits: what is turned into probabilities at a time, inside of the cache


@dataclass(frozen=True, slots=True)
class Head:
    """What turns hidden states into logits: softcap(scale * (hidden @ weight.T + bias))."""

    module: Any
    vocabulary: int
    scale: float = 1.0
    softcap: float | None = None

    @property
    def plain(self) -> bool:
        """Whether it is a matrix and nothing else, so that its weights can be used directly."""
        hooks = self.module._forward_hooks or self.module._forward_pre_hooks
        return type(self.module) is torch.nn.Linear and not hooks and _is_plain(self.module.weight)


@dataclass(frozen=True, slots=True)
class EdgeScores:
    """Of each supervised edge: the log-probability of its target, and what is cheap to know."""

    logp: Any  # [edges] float32, differentiable
    entropy: Any  # [edges] of the prediction, in nats
    correct: Any  # [edges] whether the target is the most likely token


def head_of(model: Any) -> Head:
    """The output head of a causal model of the library."""
    config = model.config.get_text_config()
    module = model.get_output_embeddings()
    scale = next((float(getattr(config, name)) for name in _SCALES if getattr(config, name, None)), 1.0)
    if getattr(config, "logits_scaling", None):  # Granite divides, HyperCLOVA X multiplies
        by = float(config.logits_scaling)
        scale *= by if config.model_type == "hyperclovax" else 1.0 / by
    softcap = getattr(config, "final_logit_softcapping", None)  # Gemma 2
    return Head(module, int(config.vocab_size), scale, float(softcap) if softcap else None)


def score(hidden: Any, targets: Any, head: Head, *, chunk_mb: float = CHUNK_MB) -> EdgeScores:
    """Score targets against what the head predicts, never with more logits than `chunk_mb` at a time."""
    if head.plain:
        weight, bias = head.module.weight, head.module.bias
        if torch.is_autocast_enabled(hidden.device.type):
            kind = torch.get_autocast_dtype(hidden.device.type)
            hidden, weight = hidden.to(kind), weight.to(kind)
        return EdgeScores(*_Fused.apply(hidden.to(weight.dtype), weight, bias, targets, head, chunk_mb))
    rows = _rows(chunk_mb, head.vocabulary, hidden.element_size())
    parts = []
    for at in range(0, max(1, len(targets)), rows):
        part = (hidden[at : at + rows], targets[at : at + rows], head)
        if torch.is_grad_enabled():
            parts.append(torch.utils.checkpoint.checkpoint(_by_module, *part, use_reentrant=False))
        else:
            parts.append(_by_module(*part))
    return EdgeScores(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _by_module(hidden: Any, targets: Any, head: Head) -> tuple[Any, Any, Any]:
    logits = head.module(hidden).float() * head.scale
    if head.softcap:
        logits = torch.tanh(logits / head.softcap) * head.softcap
    logs = torch.log_softmax(logits, -1)
    with torch.no_grad():
        entropy = -(logs.exp() * logs).sum(-1)
        correct = logits.argmax(-1) == targets
    return logs.gather(-1, targets[:, None])[:, 0], entropy, correct


class _Fused(torch.autograd.Function):  # type: ignore[misc]
    """Log-probabilities from hidden states and the head's matrix."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Any, weight: Any, bias: Any, targets: Any, head: Head, chunk_mb: float
    ) -> tuple[Any, Any, Any]:
        count = len(targets)
        logp, entropy = (torch.empty(count, dtype=torch.float32, device=hidden.device) for _ in range(2))
        correct = torch.empty(count, dtype=torch.bool, device=hidden.device)
        rows = _rows(chunk_mb, weight.shape[0], hidden.element_size())
        ctx.trains_head = any(ctx.needs_input_grad[1:3])
        now = ctx.needs_input_grad[0] and not ctx.trains_head
        slope = torch.empty_like(hidden) if now else None  # d logp / d hidden
        for at in range(0, count, rows):
            part = slice(at, at + rows)
            logits = functional.linear(hidden[part], weight, bias)
            told = _probabilities(logits, targets[part], head, keep=now)
            logp[part], entropy[part], correct[part] = told
            if slope is not None:
                torch.mm(logits, weight, out=slope[part])
        ctx.head, ctx.rows = head, rows
        if ctx.trains_head:
            ctx.save_for_backward(hidden, weight, bias, targets)
        else:
            ctx.save_for_backward(slope)
        ctx.mark_non_differentiable(entropy, correct)
        return logp, entropy, correct

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Any, *_: Any) -> tuple[Any, ...]:
        if not ctx.trains_head:
            (slope,) = ctx.saved_tensors
            return (slope * grad[:, None].to(slope.dtype) if slope is not None else None, *[None] * 5)
        hidden, weight, bias, targets = ctx.saved_tensors
        by_hidden = torch.empty_like(hidden)
        by_weight = torch.zeros_like(weight, dtype=torch.float32)
        by_bias = torch.zeros_like(bias, dtype=torch.float32) if bias is not None else None
        for at in range(0, len(targets), ctx.rows):
            part = slice(at, at + ctx.rows)
            logits = functional.linear(hidden[part], weight, bias)
            _probabilities(logits, targets[part], ctx.head, keep=True)
            logits.mul_(grad[part, None])
            torch.mm(logits, weight, out=by_hidden[part])
            by_weight += logits.t() @ hidden[part]
            if by_bias is not None:
                by_bias += logits.sum(0, dtype=torch.float32)
        by_bias = by_bias.to(bias.dtype) if by_bias is not None else None
        return by_hidden, by_weight.to(weight.dtype), by_bias, None, None, None


def _probabilities(logits: Any, targets: Any, head: Head, *, keep: bool) -> tuple[Any, Any, Any]:
    """Log-probabilities, entropies and hits; with `keep` d logp / d logits is written over the raw logits."""
    told: list[tuple[Any, Any, Any]] = []
    rows = _rows(_CACHE_ROWS_MB, logits.shape[1], 4) if logits.device.type == "cpu" else len(logits)
    for at in range(0, len(logits), rows):
        raw, wanted = logits[at : at + rows], targets[at : at + rows, None]
        shaped = raw.float() if raw.dtype != torch.float32 else raw.clone()
        if head.scale != 1.0:
            shaped.mul_(head.scale)
        if head.softcap:
            shaped.div_(head.softcap).tanh_().mul_(head.softcap)
        top, best = shaped.max(-1, keepdim=True)
        mass = (shaped - top).exp_()
        total = mass.sum(-1, keepdim=True)
        norm = top + total.log()
        mean = (mass * shaped).sum(-1, keepdim=True) / total
        told.append(((shaped.gather(-1, wanted) - norm)[:, 0], (norm - mean)[:, 0], (best == wanted)[:, 0]))
        if keep:
            mass.div_(-total)
            mass.scatter_add_(-1, wanted, torch.ones_like(total))
            if head.softcap:
                mass.mul_(1 - (shaped / head.softcap).square_())
            raw.copy_(mass.mul_(head.scale) if head.scale != 1.0 else mass)
    if not told:
        empty = logits.new_empty(0, dtype=torch.float32)
        return empty, empty, empty.bool()
    return tuple(torch.cat(column) for column in zip(*told, strict=True))


def _rows(megabytes: float, vocabulary: int, item: int) -> int:
    return max(1, int(megabytes * 2**20) // (vocabulary * item))


def _is_plain(weight: Any) -> bool:
    return type(weight) in (torch.Tensor, torch.nn.Parameter)
