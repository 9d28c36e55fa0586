"""TRAIN.optimizer as a class of torch, transformers or pytorch_optimizer, with its arguments."""

from __future__ import annotations

from typing import Any

from idiolect.okt.vocab import Optimizer
from idiolect.student.trouble import libraries


def optimizer_class(name: Optimizer, learning_rate: float, device: str) -> tuple[type[Any], dict[str, Any]]:
    """The class and what it is called with; weight decay comes with the groups of parameters.

    `adam` shrinks weights through the gradient, as its paper has it, `adamw` apart from it. Both run as one
    kernel on a GPU. `sgd` has momentum 0.9.
    """
    with libraries(purpose="optimizers"):
        import torch
    fused = {"fused": True} if device == "cuda" else {}
    rate = {"lr": learning_rate}
    if name == "adam":
        return torch.optim.Adam, {**rate, **fused}
    if name == "adamw":
        return torch.optim.AdamW, {**rate, **fused}
    if name == "sgd":
        return torch.optim.SGD, {**rate, "momentum": 0.9}
    if name == "rmsprop":
        return torch.optim.RMSprop, rate
    if name == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor, {**rate, "scale_parameter": False, "relative_step": False, "warmup_init": False}
    with libraries(purpose="the optimizer lamb"):
        from pytorch_optimizer import Lamb
    # Trust ratios of LAMB without its own clipping: TRAIN.gradient_clip is the one that clips.
    return Lamb, {**rate, "max_grad_norm": 0.0, "grad_averaging": True}
