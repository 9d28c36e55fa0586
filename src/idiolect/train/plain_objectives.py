"""Objectives over ordinary padded batches: encoder–decoders, classifiers and regressions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.okt.vocab import Loss
from idiolect.student.row import LabelRow, Row
from idiolect.train.feed import AnyRow, Dealer
from idiolect.train.objectives import Told, text_metrics
from idiolect.train.plain_batches import PlainDealer

_GAMMA = 2.0


@dataclass(slots=True)
class EncoderDecoderObjective:
    """Cross entropy of the answers of a model that reads the prompt with an encoder."""

    pad: int
    loss: Loss = "cross_entropy"
    name: str = "encoder-decoder"

    def dealer(self, rows: Sequence[AnyRow], budget: int, rows_per_step: int, seed: int) -> Dealer:
        return PlainDealer(rows, budget=budget, rows_per_step=rows_per_step, seed=seed)  # type: ignore[arg-type]

    def told(self, model: Any, rows: Sequence[AnyRow]) -> Told:
        import torch

        device = _device_of(model)
        given = [row for row in rows if isinstance(row, Row)]
        ids, mask = padded([row.prompt for row in given], self.pad, device)
        labels, known = padded([row.answer for row in given], self.pad, device)
        logits = model(
            input_ids=ids, attention_mask=mask, labels=labels.masked_fill(known == 0, -100), use_cache=False
        )["logits"].float()
        logs = torch.log_softmax(logits, -1)
        logp = logs.gather(-1, labels[..., None])[..., 0]
        weight = torch.tensor([row.weight for row in given], device=device)[:, None] * known
        factor = (1 - logp.exp()).pow(_GAMMA) if self.loss == "focal" else 1.0
        loss = -(weight * factor * logp).sum()
        with torch.no_grad():
            seen = known.bool()
            sums = {
                "tokens": float(known.sum()),
                "weight": float(weight.sum()),
                "nll": float(-(weight * logp).sum()),
                "correct": float((logits.argmax(-1) == labels)[seen].sum()),
                "entropy": float(-(logs.exp() * logs).sum(-1)[seen].sum()),
                "confidence": float(logp.exp()[seen].sum()),
            }
        return Told(loss, sums)

    def tokens(self, rows: Sequence[AnyRow]) -> int:
        return sum(row.length for row in rows)

    def metrics(self, sums: Mapping[str, float], weight: float) -> dict[str, float]:
        return text_metrics(sums, weight)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


@dataclass(slots=True)
class LabelObjective:
    """The loss of a label or of a number, over the last token's state."""

    pad: int
    loss: Loss
    labels: tuple[str, ...] = ()  # none: a regression
    name: str = "labels"

    def dealer(self, rows: Sequence[AnyRow], budget: int, rows_per_step: int, seed: int) -> Dealer:
        return PlainDealer(rows, budget=budget, rows_per_step=rows_per_step, seed=seed)  # type: ignore[arg-type]

    def told(self, model: Any, rows: Sequence[AnyRow]) -> Told:
        import torch

        device = _device_of(model)
        given = [row for row in rows if isinstance(row, LabelRow)]
        ids, mask = padded([row.ids for row in given], self.pad, device)
        logits = model(input_ids=ids, attention_mask=mask)["logits"].float()
        weight = torch.tensor([row.weight for row in given], device=device)
        if self.labels:
            return self._classified(
                logits, torch.tensor([int(row.label) for row in given], device=device), weight
            )
        wanted = torch.tensor([float(row.label) for row in given], device=device)
        off = logits[:, 0] - wanted
        loss = (weight * _distance(off, self.loss)).sum()
        with torch.no_grad():
            sums = {
                "rows": float(len(given)),
                "squared": float(off.square().sum()),
                "absolute": float(off.abs().sum()),
            }
        return Told(loss, sums)

    def _classified(self, logits: Any, labels: Any, weight: Any) -> Told:
        import torch
        from torch.nn import functional

        logp = torch.log_softmax(logits, -1).gather(-1, labels[:, None])[:, 0]
        if self.loss == "bce":
            hot = functional.one_hot(labels, logits.shape[1]).float()
            each = functional.binary_cross_entropy_with_logits(logits, hot, reduction="none").mean(-1)
        else:
            each = -logp * ((1 - logp.exp()).pow(_GAMMA) if self.loss == "focal" else 1.0)
        sums = {"rows": float(len(labels)), "confidence": float(logp.detach().exp().sum())}
        # The confusion matrix as sums: every metric of a classifier is made from it.
        for wanted, found in zip(labels.tolist(), logits.argmax(-1).tolist(), strict=True):
            name = f"cell {wanted} {found}"
            sums[name] = sums.get(name, 0.0) + 1.0
        return Told((weight * each).sum(), sums)

    def tokens(self, rows: Sequence[AnyRow]) -> int:
        return sum(row.length for row in rows)

    def metrics(self, sums: Mapping[str, float], weight: float) -> dict[str, float]:
        rows = sums.get("rows") or 1.0
        found = {"loss": sums.get("loss", 0.0) / (weight or 1.0)}
        if not self.labels:
            squared = sums.get("squared", 0.0) / rows
            return found | {
                "mse": squared,
                "rmse": math.sqrt(squared),
                "mae": sums.get("absolute", 0.0) / rows,
            }
        found["confidence"] = sums.get("confidence", 0.0) / rows
        return found | classification_metrics(sums, len(self.labels))

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


def classification_metrics(sums: Mapping[str, float], classes: int) -> dict[str, float]:
    """Accuracy, precision, recall and F1 from the cells of a confusion matrix.

    `precision`, `recall` and `f1` are means over the classes that occur, as are those with `_macro`.
    """
    cells = [
        [sums.get(f"cell {wanted} {found}", 0.0) for found in range(classes)] for wanted in range(classes)
    ]
    total = sum(map(sum, cells)) or 1.0
    right = sum(cells[at][at] for at in range(classes))
    each = []
    for at in range(classes):
        wanted, found = sum(cells[at]), sum(row[at] for row in cells)
        if not wanted and not found:
            continue
        precision = cells[at][at] / found if found else 0.0
        recall = cells[at][at] / wanted if wanted else 0.0
        both = precision + recall
        each.append((precision, recall, 2 * precision * recall / both if both else 0.0, wanted))
    count = len(each) or 1
    macro = sum(one[2] for one in each) / count
    return {
        "accuracy": right / total,
        "precision": sum(one[0] for one in each) / count,
        "recall": sum(one[1] for one in each) / count,
        "f1": macro,
        "f1_macro": macro,
        "f1_micro": right / total,
        "f1_weighted": sum(one[2] * one[3] for one in each) / total,
    }


def _distance(off: Any, loss: Loss) -> Any:
    from torch.nn import functional

    if loss == "mae":
        return off.abs()
    if loss == "huber":
        return functional.huber_loss(off, off.new_zeros(off.shape), reduction="none")
    return off.square()


def padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Rows side by side, filled on the right, and where they are not filler."""
    import torch

    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), pad, dtype=torch.int64)
    mask = torch.zeros(len(rows), longest, dtype=torch.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        mask[at, : len(row)] = 1
    return ids.to(device), mask.to(device)


def _device_of(model: Any) -> Any:
    return next(model.parameters()).device
