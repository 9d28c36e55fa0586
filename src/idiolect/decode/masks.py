"""From a mask of bits to logits: a table with one row a byte, no compiler, and none of llguidance's torch.

A mask has one bit a token, lowest first. Where few tokens are allowed their numbers are listed, so that
only their logits need to be computed or looked at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=8)
def _table(device: str) -> Any:
    """256 rows of 8: 0 where a byte's bit is set, minus infinity where it is not."""
    import torch

    bits = torch.arange(256).unsqueeze(1) >> torch.arange(8) & 1
    return torch.where(bits.bool(), 0.0, float("-inf")).to(device)


def apply_mask(logits: Any, mask: bytes) -> Any:
    """One row of logits with minus infinity wherever the mask forbids."""
    import torch

    rows = torch.frombuffer(bytearray(mask), dtype=torch.uint8).to(logits.device).int()
    added = _table(str(logits.device)).index_select(0, rows).view(-1)[: logits.shape[-1]]
    return logits + added


def allowed_tokens(mask: bytes, size: int) -> Any:
    """Numbers of the tokens that a mask allows, rising, as a numpy array."""
    import numpy

    data = numpy.frombuffer(mask, dtype=numpy.uint8)
    places = numpy.flatnonzero(data)
    if len(places) * 8 > len(data):  # most bytes have a bit: unpack all of them
        found = numpy.flatnonzero(numpy.unpackbits(data, bitorder="little"))
    else:
        bits = numpy.unpackbits(data[places][:, None], axis=1, bitorder="little")
        rows, columns = numpy.nonzero(bits)
        found = places[rows] * 8 + columns
    return found[found < size]


def is_allowed(mask: bytes, token: int) -> bool:
    return bool(mask[token >> 3] >> (token & 7) & 1)
