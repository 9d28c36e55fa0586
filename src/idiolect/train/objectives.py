"""What is minimized: texts (SFT) and preferences (DPO) over a token trie, ordinary batches beside them.

An objective is given one micro-batch of rows and returns the sum of their losses, which the trainer divides
by the weight of the whole step over all micro-batches and processes: 1 batch of 8 and 8 of 1 have one
gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from idiolect.okt.vocab import Loss
from idiolect.student.row import Pair, Row
from idiolect.train.feed import AnyRow, Dealer
from idiolect.train.packing import Packer
from idiolect.train.trie import trie_of

_GAMMA = 2.0  # of the focal loss: Lin et al. 2017, "Focal Loss for Dense Object Detection"


@dataclass(slots=True)
class Told:
    """Of one micro-batch: the sum of the losses, with its graph, and sums of what is cheap to know."""

    loss: Any
    sums: dict[str, float] = field(default_factory=dict)


class Objective(Protocol):
    """What is minimized, and how its rows become micro-batches."""

    name: str

    def dealer(self, rows: Sequence[AnyRow], budget: int, rows_per_step: int, seed: int) -> Dealer: ...

    def told(self, model: Any, rows: Sequence[AnyRow]) -> Told:
        """The sum of the losses of a micro-batch."""
        ...

    def tokens(self, rows: Sequence[AnyRow]) -> int:
        """How many tokens of rows a micro-batch stands for, shared ones counted for each."""
        ...

    def metrics(self, sums: Mapping[str, float], weight: float) -> dict[str, float]:
        """What the sums over many micro-batches say; `loss` among it."""
        ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


@dataclass(slots=True)
class TextObjective:
    """Cross entropy of the answers' tokens, or its focal form."""

    shared: bool
    loss: Loss = "cross_entropy"
    name: str = "sft"

    def dealer(self, rows: Sequence[AnyRow], budget: int, rows_per_step: int, seed: int) -> Dealer:
        return Packer(
            _of_tries(rows), budget=budget, rows_per_step=rows_per_step, seed=seed, shared=self.shared
        )

    def told(self, model: Any, rows: Sequence[AnyRow]) -> Told:
        from idiolect.train.trie_scores import score_trie

        scores = score_trie(model, trie_of(rows))  # type: ignore[arg-type]
        loss = scores.nll() if self.loss != "focal" else _focal(scores.logp, scores.weight)
        return Told(loss, scores.sums())

    def tokens(self, rows: Sequence[AnyRow]) -> int:
        return sum(row.length for row in rows)

    def metrics(self, sums: Mapping[str, float], weight: float) -> dict[str, float]:
        return text_metrics(sums, weight)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


def _focal(logp: Any, weight: Any) -> Any:
    """Tokens that are sure already count little."""
    return -(weight * (1 - logp.exp()).pow(_GAMMA) * logp).sum()


def text_metrics(sums: Mapping[str, float], weight: float) -> dict[str, float]:
    """Loss and perplexity by weight; token accuracy, entropy and confidence by token."""
    import math

    tokens = sums.get("tokens") or 1.0
    nll = sums.get("nll", 0.0) / (weight or 1.0)
    found = {"loss": sums.get("loss", sums.get("nll", 0.0)) / (weight or 1.0)}
    found["perplexity"] = math.exp(min(nll, 700.0)) if nll == nll else nll
    for name, source in (("accuracy", "correct"), ("confidence", "confidence"), ("entropy", "entropy")):
        found[name] = sums.get(source, 0.0) / tokens
    return found


@dataclass(slots=True)
class PreferenceObjective:
    """Direct preference optimization: the chosen answer gains on the rejected, from where training began.

    The reference is the student as it was at the first step. Its log-probabilities are taken once, before it
    changes (`remember`), and lie in every checkpoint; so no second model is held, and an adapter that is
    trained further is its own reference. For a fresh adapter this is the model with its adapter disabled.
    """

    beta: float
    shared: bool
    nll_weight: float = 0.0
    name: str = "dpo"
    reference: dict[str, tuple[float, float]] = field(default_factory=dict)  # by pair: chosen, rejected

    def dealer(self, rows: Sequence[AnyRow], budget: int, rows_per_step: int, seed: int) -> Dealer:
        return Packer(
            _of_tries(rows), budget=budget, rows_per_step=rows_per_step, seed=seed, shared=self.shared
        )

    def remember(self, model: Any, rows: Sequence[Pair]) -> None:
        """Take the reference's log-probabilities of pairs."""
        import torch

        from idiolect.train.trie_scores import score_trie

        was_training = model.training
        model.eval()
        with torch.no_grad():
            logp = score_trie(model, trie_of(rows)).sequence_logp()
        model.train(was_training)
        values = logp.double().cpu().tolist()
        for at, row in enumerate(rows):
            self.reference[row.id] = (values[2 * at], values[2 * at + 1])

    def told(self, model: Any, rows: Sequence[AnyRow]) -> Told:
        import torch
        from torch.nn import functional

        from idiolect.train.trie_scores import score_trie

        pairs = [row for row in rows if isinstance(row, Pair)]
        scores = score_trie(model, trie_of(pairs))
        logp = scores.sequence_logp().view(-1, 2)  # [pairs, chosen and rejected]
        known = torch.tensor([self.reference[row.id] for row in pairs], dtype=logp.dtype, device=logp.device)
        weight = torch.tensor([row.weight for row in pairs], dtype=logp.dtype, device=logp.device)
        gain = self.beta * (logp - known)
        margin = gain[:, 0] - gain[:, 1]
        loss = -(weight * functional.logsigmoid(margin)).sum()
        tokens = torch.tensor([len(row.chosen) for row in pairs], dtype=logp.dtype, device=logp.device)
        if self.nll_weight:
            loss = loss - self.nll_weight * (weight * logp[:, 0] / tokens).sum()
        with torch.no_grad():
            sums = {
                "pairs": float(len(pairs)),
                "tokens": float(len(scores.logp)),
                "chosen_logp": float((logp[:, 0] / tokens).sum()),
                "chosen_change": float(((logp[:, 0] - known[:, 0]) / tokens).sum()),
                "rewards_chosen": float(gain[:, 0].sum()),
                "rewards_rejected": float(gain[:, 1].sum()),
                "right": float((margin > 0).sum()),
            }
        return Told(loss, sums)

    def tokens(self, rows: Sequence[AnyRow]) -> int:
        return sum(
            2 * len(row.prompt) + len(row.chosen) + len(row.rejected) for row in rows if isinstance(row, Pair)
        )

    def metrics(self, sums: Mapping[str, float], weight: float) -> dict[str, float]:
        pairs = sums.get("pairs") or 1.0
        return {
            "loss": sums.get("loss", 0.0) / (weight or 1.0),
            "accuracy": sums.get("right", 0.0) / pairs,
            "rewards_margin": (sums.get("rewards_chosen", 0.0) - sums.get("rewards_rejected", 0.0)) / pairs,
            "rewards_chosen": sums.get("rewards_chosen", 0.0) / pairs,
            "rewards_rejected": sums.get("rewards_rejected", 0.0) / pairs,
            # nats a token: falls when the chosen answers themselves become less likely
            "chosen_logp": sums.get("chosen_logp", 0.0) / pairs,
            "chosen_change": sums.get("chosen_change", 0.0) / pairs,
        }

    def state(self) -> dict[str, Any]:
        return {"reference": {name: list(values) for name, values in self.reference.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.reference = {name: (values[0], values[1]) for name, values in state["reference"].items()}


def _of_tries(rows: Sequence[AnyRow]) -> list[Row | Pair]:
    return [row for row in rows if isinstance(row, Row | Pair)]
