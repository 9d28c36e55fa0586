"""A model's first use: its loss and gradients over a small trie, beside the same rows one by one.

    check = check_sharing(model)            # before the model is wrapped for several processes
    if check.warning: log(check.warning)    # it has fallen back to what agrees; the figures are in the record

The reference is the model's own forward with its own logits, row by row, and nothing of ours. Where the
shared way differs by more than rounding, separate rows are used from then on; where even those differ,
because the model does something to its logits that `train/loss.py` does not know, the model's own logits.
Dropout is off while it checks; the model, its gradients and random numbers stay untouched.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from idiolect.student.row import Row
from idiolect.train.trie import TokenTrie, trie_of
from idiolect.train.trie_scores import Way, install, score_trie

# What rounding explains. Measured on small models of three families: 1.2e-6 at most in fp32, 2.6% in bf16.
_ALLOWED = {"float32": 1e-4, "float64": 1e-8}
_ALLOWED_HALF = 0.1  # also for packed weights
_MOST = 64_000_000  # parameters that are compared; of larger models some layers are left out


@dataclass(frozen=True, slots=True)
class SharingCheck:
    """What the comparison found, and the way that is used from now on."""

    wanted: str
    used: str
    why: str  # the wanted way was chosen
    loss_separate: float
    loss_shared: float  # by the wanted way
    gradient_difference: float  # norm of the difference by norm of the gradient of separate rows
    allowed: float
    trouble: str = ""

    @property
    def warning(self) -> str:
        """What to say aloud; empty where nothing had to change."""
        if self.used == self.wanted:
            return ""
        found = self.trouble or (
            f"the loss is {self.loss_shared:.6g} instead of {self.loss_separate:.6g} and the gradient "
            f"is off by {self.gradient_difference:.2%} (allowed: {self.allowed:.2g})"
        )
        how = "separate rows" + (" and the model's own logits" if self.used == "logits" else "")
        return f"sharing prefixes does not fit this model: {found}; training goes on with {how}"


def check_sharing(model: Any, *, seed: int = 0) -> SharingCheck:
    """Compare, choose and remember the way on the model; every process finds the same."""
    core = install(model)
    wanted, why = core.idiolect_way, core.idiolect_reason
    # Both forms have to meet blocks that are seen in full, in part and not at all.
    trie = sample_trie(core.config.get_text_config().vocab_size, seed, scale=32 if wanted == "flex" else 1)
    allowed = _allowed(core)
    parameters = _compared(model)
    with _quietly(model):
        loss, gradient = _alone(core, trie, parameters)
        first = told = _by_way(model, core, trie, wanted, parameters, gradient)
        used: Way = wanted
        for way in ("rows", "logits"):
            if told.trouble == "" and _fits(told, loss, allowed):
                break
            used, told = way, _by_way(model, core, trie, way, parameters, gradient)
    core.idiolect_way = used
    return SharingCheck(wanted, used, why, loss, first.loss, first.difference, allowed, first.trouble)


def sample_trie(vocabulary: int, seed: int = 0, scale: int = 1) -> TokenTrie:
    """Rows that share prefixes on three levels, one twice, and one that shares nothing."""
    rng = random.Random(seed)

    def some(size: int) -> tuple[int, ...]:
        return tuple(rng.randrange(vocabulary) for _ in range(size * scale))

    system = some(12)
    rows = [
        Row(f"{schema}/{question}", system + text + ask, some(3 + question), weight=1.0 + question / 2)
        for schema, text in enumerate((some(10), some(7)))
        for question, ask in enumerate((some(4), some(6)))
    ]
    rows += [Row("again", rows[0].prompt, rows[0].answer, 0.5), Row("beside", rows[0].prompt, some(4))]
    return trie_of([*rows, Row("alone", some(9), some(3))])


@dataclass(frozen=True, slots=True)
class _Told:
    loss: float
    difference: float
    trouble: str = ""


def _by_way(model: Any, core: Any, trie: TokenTrie, way: Way, parameters: list[Any], right: Any) -> _Told:
    try:
        core.idiolect_windows = None
        scores = score_trie(model, trie, way=way)
        loss = scores.nll() / trie.supervised_weight
        found = _flat(torch.autograd.grad(loss, parameters, allow_unused=True), parameters)
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        return _Told(float("nan"), float("nan"), f"it failed: {str(error).strip().splitlines()[0][:200]}")
    difference = float((found - right).norm() / right.norm().clamp(min=1e-30))
    return _Told(loss.item(), difference, _windows(core, way))


def _windows(core: Any, way: Way) -> str:
    """The check's rows are shorter than most windows, so count the layers that asked for one."""
    if way in ("rows", "logits"):
        return ""
    config = core.config.get_text_config()
    kinds = getattr(config, "layer_types", None) or []
    asked = sum(window is not None for window in core.idiolect_windows or ())
    meant = sum(kind == "sliding_attention" for kind in kinds)
    if not kinds and getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        meant = config.num_hidden_layers
    if asked >= meant:
        return ""
    return f"{meant} layers have a window and {asked} say so to their attention function"


def _fits(told: _Told, loss: float, allowed: float) -> bool:
    return told.difference <= allowed and abs(told.loss - loss) <= allowed * max(1.0, abs(loss))


def _alone(core: Any, trie: TokenTrie, parameters: list[Any]) -> tuple[float, Any]:
    """The loss and gradient of each sequence by itself, from the model's own logits."""
    device = core.get_input_embeddings().weight.device
    loss: Any = 0.0
    for at in range(trie.sequences):
        mine = trie.sequence == at
        ids = torch.from_numpy(trie.ids[trie.path(at)])[None].to(device)
        logits = type(core).forward(core, input_ids=ids, use_cache=False).logits[0].float()
        depth = torch.from_numpy(trie.depth[trie.source[mine]]).to(device)
        targets, weight = (torch.from_numpy(part[mine]).to(device) for part in (trie.target, trie.weight))
        logp = torch.log_softmax(logits[depth], -1).gather(-1, targets[:, None])[:, 0]
        loss = loss - (weight * logp).sum() / trie.supervised_weight
    return loss.item(), _flat(torch.autograd.grad(loss, parameters, allow_unused=True), parameters)


def _flat(gradients: Any, parameters: list[Any]) -> Any:
    parts = [
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(gradients, parameters, strict=True)
    ]
    return torch.cat([part.detach().flatten().float() for part in parts])


def _compared(model: Any) -> list[Any]:
    """The trainable parameters, or of very many an even choice of those that are not too large."""
    every = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not every:
        raise ValueError("the model has no trainable parameters")
    total = sum(parameter.numel() for parameter in every)
    if total <= _MOST:
        return every
    small = [parameter for parameter in every if parameter.numel() <= _MOST // 4]
    step = -(-sum(parameter.numel() for parameter in small) // _MOST)
    return small[:: max(1, step)] or every[-1:]


def _allowed(core: Any) -> float:
    packed = getattr(core, "is_loaded_in_4bit", False) or getattr(core, "is_loaded_in_8bit", False)
    return _ALLOWED_HALF if packed else _ALLOWED.get(str(core.dtype).removeprefix("torch."), _ALLOWED_HALF)


@contextmanager
def _quietly(model: Any) -> Iterator[None]:
    """Without dropout, and with the model's mode and the random numbers as they were afterwards."""
    training = [module for module in model.modules() if module.training]
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        model.eval()
        install(model).idiolect_block = 8
        try:
            yield
        finally:
            del install(model).idiolect_block
            for module in training:
                module.training = True
