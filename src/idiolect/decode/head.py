"""The output head: logits of all tokens, or only of those that a grammar allows.

With 262,144 tokens the head is most of a small model's work. Where a grammar leaves few tokens, only their
rows are multiplied. Whether that gives what the model itself gives is tried once on each model.
"""

from __future__ import annotations

from typing import Any

_SHARE = 16  # rows are picked out where at most one token in so many is allowed
_CLOSE = 1e-3


class Head:
    """What makes logits of a runner's hidden states."""

    def __init__(self, model: Any, runner: Any) -> None:
        import torch

        self.torch = torch
        self.model = model
        self.whole = not runner.ragged  # such a runner's "hidden states" are logits already
        found = None if self.whole else model.get_output_embeddings()
        self.linear = found if type(found) is torch.nn.Linear else None
        self.size = _rows(model)

    @property
    def partial(self) -> bool:
        return self.whole or self.linear is not None

    def all(self, hidden: Any) -> Any:
        """Logits of every token."""
        if self.whole:
            return hidden
        with self.torch.inference_mode():
            if self.linear is not None:
                return self.linear(hidden)
            return self.model.get_output_embeddings()(hidden)

    def worth(self, allowed: int) -> bool:
        """Whether to compute only the logits of so many tokens."""
        return self.partial and allowed * _SHARE <= self.size

    def some(self, hidden: Any, tokens: Any) -> Any:
        """Logits of one row's tokens, in their order."""
        numbers = self.torch.from_numpy(tokens).to(hidden.device)
        if self.whole:
            return hidden[numbers]
        assert self.linear is not None
        with self.torch.inference_mode():
            weight = self.linear.weight.index_select(0, numbers)
            bias = None if self.linear.bias is None else self.linear.bias.index_select(0, numbers)
            return self.torch.nn.functional.linear(hidden, weight, bias)


def agrees(model: Any, runner: Any, head: Head) -> bool:
    """Whether runner and head give the logits that the model gives by itself, on two short rows."""
    torch = head.torch
    rows = [[1, 2, 3, 1, 2], [3, 2, 1]]
    with torch.inference_mode():
        alone = [model(torch.tensor([row], device=runner.device)).logits[0, -1].float() for row in rows]
    try:
        runner.begin([row[:2] for row in rows])
        hidden = runner.feed([row[2:] for row in rows])
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError):  # it is run another way, then
        return False
    found = head.all(hidden).float()
    reach = max(float(one.abs().max()) for one in alone) + 1.0
    return all(
        float((mine - its).abs().max()) <= _CLOSE * reach for mine, its in zip(found, alone, strict=True)
    )


def _rows(model: Any) -> int:
    return int(model.get_output_embeddings().weight.shape[0])
