"""Choosing one token from a row of logits, as INFERENCE.params says.

The order is transformers': repetition penalty, grammar, temperature, top_k, top_p. Every candidate draws
from a generator of its own, so that what else is in the batch changes nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from idiolect.decode.records import Sampling


def generator(sampling: Sampling, seed: int, candidate: int) -> Any:
    """The numbers that one candidate draws."""
    import numpy

    key = hashlib.sha256(f"{sampling.seed} {seed} {candidate}".encode()).digest()
    return numpy.random.Generator(numpy.random.PCG64(int.from_bytes(key[:16], "little")))


def penalize(logits: Any, seen: Any, penalty: float) -> Any:
    """Logits with tokens that were seen made less likely; `seen` are indexes into the row."""
    if penalty == 1.0 or not len(seen):
        return logits
    import torch

    places = torch.as_tensor(seen, device=logits.device, dtype=torch.long)
    chosen = logits[places]
    logits = logits.clone()
    logits[places] = torch.where(chosen > 0, chosen / penalty, chosen * penalty)
    return logits


def choose(logits: Any, sampling: Sampling, draws: Any) -> tuple[int, float]:
    """The index of the chosen entry of a row, and the logarithm of its probability at temperature 1.

    Entries at minus infinity are never chosen.
    """
    import torch

    logits = logits.float()
    total = torch.logsumexp(logits, -1)
    if not sampling.random:
        index = int(torch.argmax(logits))
        return index, min(float(logits[index] - total), 0.0)
    index = _drawn(logits / sampling.temperature, sampling, float(draws.random()))
    return index, min(float(logits[index] - total), 0.0)


def _drawn(logits: Any, sampling: Sampling, roll: float) -> int:
    """The entry at a place of the distribution, cut by top_k and top_p; entries in order of their number."""
    import torch

    places = None
    if 0 < sampling.top_k < len(logits):
        logits, places = torch.topk(logits, sampling.top_k)
    weights = torch.softmax(logits.double(), -1)
    if sampling.top_p < 1.0:
        ordered, order = torch.sort(weights, descending=True, stable=True)
        before = torch.cumsum(ordered, -1) - ordered
        kept = order[before < sampling.top_p]  # the first one always is
        cut = torch.zeros_like(weights)
        cut[kept] = weights[kept]
        weights = cut
    if places is not None:  # in order of the tokens' numbers, so that ties are settled one way
        places, order = torch.sort(places)
        weights = weights[order]
    sums = torch.cumsum(weights, -1)
    at = int(torch.searchsorted(sums, torch.tensor(roll * float(sums[-1]), dtype=sums.dtype), right=True))
    at = min(at, len(sums) - 1)
    while at > 0 and not float(weights[at]):  # rounding at the very end
        at -= 1
    return at if places is None else int(places[at])


def best_tokens(logits: Any, count: int) -> list[tuple[int, float]]:
    """The likeliest entries of a row with the logarithms of their probabilities; for beams."""
    import torch

    scores = torch.log_softmax(logits.float(), -1)
    values, places = torch.topk(scores, min(count, len(scores)))
    return [
        (int(place), float(value))
        for value, place in zip(values, places, strict=True)
        if math.isfinite(float(value))
    ]


def positions_of(tokens: Sequence[int], allowed: Any | None) -> Any:
    """Where tokens stand in a row of logits that holds all tokens, or only those allowed."""
    import numpy

    wanted = numpy.unique(numpy.asarray(list(tokens), dtype=numpy.int64))
    if allowed is None:
        return wanted
    places = numpy.searchsorted(allowed, wanted)
    inside = places < len(allowed)
    return places[inside][allowed[places[inside]] == wanted[inside]]
