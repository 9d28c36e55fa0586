"""The head on supervised positions, in chunks, beside the whole matrix of logits."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from idiolect.train.loss import Head, score  # noqa: E402

WIDTH, ENTRIES, COUNT = 12, 50, 21
CHUNKS = [64, 50 * 4 * 3 / 2**20, 1e-9]  # all at once, three rows at a time, one


class LowRank(torch.nn.Module):
    """A head that is more than a matrix, as an adapter makes it."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        self.down = torch.nn.Linear(WIDTH, 2, bias=False)
        self.up = torch.nn.Linear(2, ENTRIES, bias=False)
        self.largest = 0

    def forward(self, states: Any) -> Any:
        self.largest = max(self.largest, states.shape[0])
        return self.inner(states) + self.up(self.down(states))


def reference(head: Head, hidden: Any, targets: Any) -> tuple[Any, Any, Any]:
    logits = head.module(hidden) * head.scale
    if head.softcap:
        logits = torch.tanh(logits / head.softcap) * head.softcap
    logs = torch.log_softmax(logits, -1)
    return logs[range(COUNT), targets], -(logs.exp() * logs).sum(-1), logits.argmax(-1) == targets


def settings(bias: bool, trains: bool, kind: str) -> tuple[Head, Any, Any, Any]:
    torch.manual_seed(0)
    module: Any = torch.nn.Linear(WIDTH, ENTRIES, bias=bias)
    module.requires_grad_(trains)
    if kind == "adapted":
        module = LowRank(module)
    scale, cap = (0.5, 1.5) if kind == "capped" else (1.0, None)
    hidden = torch.randn(COUNT, WIDTH, requires_grad=True)
    targets = torch.randint(0, ENTRIES, (COUNT,))
    return Head(module, ENTRIES, scale, cap), hidden, targets, torch.rand(COUNT)


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("kind", ["plain", "capped", "adapted"])
@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_chunks_agree_with_the_whole_matrix(bias: bool, trains: bool, kind: str, chunk: float) -> None:
    head, hidden, targets, weight = settings(bias, trains, kind)
    assert head.plain == (kind != "adapted")
    wanted = [hidden, *(p for p in head.module.parameters() if p.requires_grad)]
    logp, entropy, correct = reference(head, hidden, targets)
    right = torch.autograd.grad((weight * logp).sum(), wanted)
    told = score(hidden, targets, head, chunk_mb=chunk)
    assert torch.allclose(told.logp, logp, atol=1e-6)
    assert torch.allclose(told.entropy, entropy, atol=1e-5)
    assert torch.equal(told.correct, correct)
    for found, true in zip(torch.autograd.grad((weight * told.logp).sum(), wanted), right, strict=True):
        assert torch.allclose(found, true, atol=1e-6)
    with torch.no_grad():
        again = score(hidden, targets, head, chunk_mb=chunk)
    assert torch.equal(again.logp, told.logp)
    if isinstance(head.module, LowRank) and chunk < 1:
        head.module.largest = 0
        score(hidden, targets, head, chunk_mb=chunk)
        assert head.module.largest == max(1, int(chunk * 2**20) // (ENTRIES * 4))


def test_no_positions_give_no_scores() -> None:
    head, hidden, _, _ = settings(False, False, "plain")
    assert score(hidden[:0], torch.zeros(0, dtype=torch.int64), head).logp.shape == (0,)


def test_bfloat16_heads_give_float32_scores_near_the_exact_ones() -> None:
    head, hidden, targets, _ = settings(False, False, "plain")
    exact = score(hidden, targets, head).logp
    head.module.bfloat16()
    told = score(hidden, targets, head).logp
    assert told.dtype == torch.float32
    assert torch.allclose(told, exact, atol=0.03)


def test_mixed_precision_runs_the_head_in_the_lower_one() -> None:
    head, hidden, targets, _ = settings(False, True, "plain")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        told = score(hidden, targets, head)
    told.logp.sum().backward()
    assert told.logp.dtype == torch.float32
    assert head.module.weight.grad.dtype == torch.float32
