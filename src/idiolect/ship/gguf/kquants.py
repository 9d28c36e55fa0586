"""Packs weights into llama.cpp's K-quants: Q4_K, Q5_K and Q6_K, which the `gguf` package can only read.

Each row is parted into super-blocks of 256 weights. For every sub-block the scale (and minimum) is searched
that leaves the least squared error, weighted by size; the scales themselves are packed in 6 or 8 bits. The
layout is ggml's. Everything is numpy over many blocks at a time, and the same weights give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUPER = 256
_AT_A_TIME = 4096  # super-blocks: the search holds some tens of arrays of their size

Floats = NDArray[Any]  # float32; what is summed may be wider
Bytes = NDArray[np.uint8]


def pack(weights: Floats, kind: str) -> Bytes:
    """[rows, columns] to [rows, bytes a row]; columns are a multiple of 256."""
    rows, columns = weights.shape
    if columns % SUPER:
        raise ValueError(f"rows of {columns} weights can't be parted into blocks of {SUPER}")
    blocks = np.ascontiguousarray(weights, np.float32).reshape(-1, SUPER)
    packed = [_PACKERS[kind](blocks[at : at + _AT_A_TIME]) for at in range(0, len(blocks), _AT_A_TIME)]
    return np.concatenate(packed).reshape(rows, -1)


def _q4(blocks: Floats) -> Bytes:
    quants, scales, super_scales = _with_minima(blocks, most=15, start=-1.0, steps=20)
    halves = quants.reshape(-1, 4, 2, 32)
    nibbles = (halves[:, :, 0] | halves[:, :, 1] << 4).reshape(-1, 128)
    return np.concatenate([super_scales, scales, nibbles], axis=1)


def _q5(blocks: Floats) -> Bytes:
    quants, scales, super_scales = _with_minima(blocks, most=31, start=-0.5, steps=15)
    halves = quants.reshape(-1, 4, 2, 32)
    low = halves & 0xF
    nibbles = (low[:, :, 0] | low[:, :, 1] << 4).reshape(-1, 128)
    fifth = (halves >> 4).reshape(-1, 8, 32)
    shifts = np.arange(8, dtype=np.uint8)[None, :, None]
    high = np.bitwise_or.reduce(fifth << shifts, axis=1)
    return np.concatenate([super_scales, scales, high, nibbles], axis=1)


def _q6(blocks: Floats) -> Bytes:
    parts = blocks.reshape(-1, 16, 16)
    scales = _signed_scales(parts)
    largest = np.take_along_axis(scales, np.abs(scales).argmax(1)[:, None], 1)
    inverse = np.divide(-128.0, largest, out=np.zeros_like(largest), where=largest != 0)
    delta = np.divide(1.0, inverse, out=np.zeros_like(inverse), where=inverse != 0).astype(np.float16)
    small = np.minimum(127, np.rint(inverse * scales)).astype(np.int8)
    steps = delta.astype(np.float32) * small
    divided = np.divide(parts, steps[..., None], out=np.zeros_like(parts), where=steps[..., None] != 0)
    quants = (np.clip(np.rint(divided), -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low, high = quants & 0xF, quants >> 4
    nibbles = np.stack([low[:, :, 0] | low[:, :, 2] << 4, low[:, :, 1] | low[:, :, 3] << 4], axis=2)
    tops = high[:, :, 0] | high[:, :, 1] << 2 | high[:, :, 2] << 4 | high[:, :, 3] << 6
    return np.concatenate(
        [nibbles.reshape(-1, 128), tops.reshape(-1, 64), small.view(np.uint8), delta.view(np.uint8)], axis=1
    )


_PACKERS: Mapping[str, Callable[[Floats], Bytes]] = {"Q4_K": _q4, "Q5_K": _q5, "Q6_K": _q6}


def _with_minima(blocks: Floats, *, most: int, start: float, steps: int) -> tuple[Bytes, Bytes, Bytes]:
    """Quants, packed scales and minima, and the two super-scales of blocks with minima."""
    parts = blocks.reshape(-1, 8, 32)
    scales, minima = _best_scales(parts, most, start, steps)
    big = np.stack([scales.max(1), minima.max(1)], axis=1)
    inverse = np.divide(63.0, big, out=np.zeros_like(big), where=big > 0)
    small = np.minimum(63, np.rint(inverse[:, :1] * scales)).astype(np.uint8)
    lows = np.minimum(63, np.rint(inverse[:, 1:] * minima)).astype(np.uint8)
    supers = (big / 63.0).astype(np.float16)
    step = supers[:, :1].astype(np.float32) * small
    low = supers[:, 1:].astype(np.float32) * lows
    shifted = parts + low[..., None]
    divided = np.divide(shifted, step[..., None], out=np.zeros_like(shifted), where=step[..., None] != 0)
    quants = np.clip(np.rint(divided), 0, most).astype(np.uint8)
    return quants, _six_bits(small, lows), supers.view(np.uint8)


def _six_bits(scales: Bytes, minima: Bytes) -> Bytes:
    """Eight scales and eight minima of six bits in twelve bytes."""
    low = scales[:, :4] | scales[:, 4:] >> 4 << 6
    middle = minima[:, :4] | minima[:, 4:] >> 4 << 6
    high = (scales[:, 4:] & 0xF) | (minima[:, 4:] & 0xF) << 4
    return np.concatenate([low, middle, high], axis=1)


def _best_scales(parts: Floats, most: int, start: float, steps: int) -> tuple[Floats, Floats]:
    """The scale and the minimum (as a positive number) of each part, by a search around the plain ones."""
    weights = np.sqrt((parts**2).mean(-1, keepdims=True)) + np.abs(parts)
    least = np.minimum(parts.min(-1), 0.0)
    width = parts.max(-1) - least
    flat = width <= 0
    width = np.where(flat, 1.0, width)
    sums = _Sums(parts, weights)
    scale, low = width / most, least
    error = sums.error(_levels(parts, least, most / width, most), scale, low)
    for number in range(steps + 1):
        levels = _levels(parts, least, (start + 0.1 * number + most) / width, most)
        other, lower = sums.fit(levels)
        found = sums.error(levels, other, lower)
        better = (found < error) & np.isfinite(other) & (other > 0)
        scale, low = np.where(better, other, scale), np.where(better, lower, low)
        error = np.where(better, found, error)
    return np.where(flat, 0.0, scale).astype(np.float32), np.where(flat, -least, -low).astype(np.float32)


def _levels(parts: Floats, least: Floats, inverse: Floats, most: int) -> Floats:
    found: Floats = np.clip(np.rint(inverse[..., None] * (parts - least[..., None])), 0, most)
    return found


class _Sums:
    """Weighted sums over parts, and the scale and minimum that fit levels best by them."""

    def __init__(self, parts: Floats, weights: Floats) -> None:
        self.parts, self.weights = parts, weights
        self.w = weights.sum(-1)
        self.x = (weights * parts).sum(-1)

    def fit(self, levels: Floats) -> tuple[Floats, Floats]:
        weighted = self.weights * levels
        first, second = weighted.sum(-1), (weighted * levels).sum(-1)
        crossed = (weighted * self.parts).sum(-1)
        bottom = self.w * second - first**2
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = (self.w * crossed - self.x * first) / bottom
            low = (second * self.x - first * crossed) / bottom
            above = low > 0  # a minimum is stored as a positive number to take away
            scale, low = np.where(above, crossed / second, scale), np.where(above, 0.0, low)
        scale = np.where(bottom > 0, scale, np.nan)
        return scale, low

    def error(self, levels: Floats, scale: Floats, low: Floats) -> Floats:
        off = scale[..., None] * levels + low[..., None] - self.parts
        found: Floats = (self.weights * off**2).sum(-1)
        return found


def _signed_scales(parts: Floats) -> Floats:
    """The scale of each part for levels from -32 to 31; it may be negative."""
    largest = np.take_along_axis(parts, np.abs(parts).argmax(-1)[..., None], -1)[..., 0]
    nothing = np.abs(largest) < 1e-15
    divisor = np.where(nothing, 1.0, largest)
    weights = parts**2
    scale = np.zeros_like(largest)
    best = np.full_like(largest, -np.inf)
    for number in range(-9, 10):
        inverse = -(32.0 + 0.1 * number) / divisor
        levels = np.clip(np.rint(inverse[..., None] * parts), -32, 31)
        crossed, squares = (weights * parts * levels).sum(-1), (weights * levels**2).sum(-1)
        worth = np.divide(crossed**2, squares, out=np.zeros_like(crossed), where=squares > 0)
        fitted = np.divide(crossed, squares, out=np.zeros_like(crossed), where=squares > 0)
        better = worth > best
        scale, best = np.where(better, fitted, scale), np.where(better, worth, best)
    return np.where(nothing, 0.0, scale).astype(np.float32)


def error_of(weights: Floats, read: Any) -> float:
    """The relative error of weights that were packed and read again, as root mean squares."""
    return float(np.sqrt(((weights - read) ** 2).mean() / (weights**2).mean()))
