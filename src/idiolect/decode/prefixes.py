"""Keys and values of prompts that were run, so that the next prompt that begins alike runs only its rest.

A system text with a schema or a catalog is most of a prompt, and is the same in request after request. Each
entry is one prompt as one row; the longest unused ones go when there are too many tokens.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from idiolect.decode.cache import make_cache
from idiolect.decode.runner import RaggedRunner

SHORTEST = 16  # tokens in common that are worth the copy
MOST_TOKENS = 32_768  # of all entries; a token of a 1B model has some 30 to 60 kB


class PrefixShelf:
    """What prompts began with lately. For one thread."""

    def __init__(self, most_tokens: int = MOST_TOKENS) -> None:
        self.most_tokens = most_tokens
        self._held: OrderedDict[tuple[int, ...], list[tuple[Any, Any]]] = OrderedDict()
        self.tokens = 0
        self.reused = 0  # tokens that were not run again

    def longest(self, prompt: Sequence[int]) -> tuple[tuple[int, ...] | None, int]:
        """The entry that has most in common with a prompt, and how much; at least one token is left over."""
        best: tuple[int, ...] | None = None
        most = SHORTEST - 1
        for ids in self._held:
            common = _common(ids, prompt)
            if common > most:
                best, most = ids, common
        return best, most if best is not None else 0

    def begin(self, runner: RaggedRunner, entry: tuple[int, ...], length: int, rows: int) -> None:
        """Let a runner begin with so many rows that all hold the first tokens of an entry."""
        torch = runner.torch
        self._held.move_to_end(entry)
        runner.cache = make_cache(runner.config.num_hidden_layers)
        for layer, (keys, values) in zip(runner.cache.layers, self._held[entry], strict=True):
            layer.lazy_initialization(keys, values)
            layer.keys = keys[:, :, :length].expand(rows, -1, -1, -1).clone()
            layer.values = values[:, :, :length].expand(rows, -1, -1, -1).clone()
            layer.used = length
        runner.places = torch.arange(length, device=runner.device).expand(rows, -1).clone()
        self.reused += length * rows

    def keep(self, runner: RaggedRunner, row: int, prompt: Sequence[int]) -> None:
        """Keep what a runner holds of a prompt that it has just run in a row."""
        ids = tuple(prompt)
        if len(ids) < SHORTEST or len(ids) > self.most_tokens or ids in self._held:
            return
        for known in [one for one in self._held if ids[: len(one)] == one]:
            self._drop(known)  # the new entry holds it
        slots = (runner.places[row] >= 0).nonzero()[: len(ids), 0]
        self._held[ids] = [
            (layer.keys[row : row + 1, :, slots], layer.values[row : row + 1, :, slots])
            for layer in runner.cache.layers
        ]
        self.tokens += len(ids)
        while self.tokens > self.most_tokens:
            self._drop(next(iter(self._held)))

    def clear(self) -> None:
        self._held.clear()
        self.tokens = 0

    def _drop(self, ids: tuple[int, ...]) -> None:
        del self._held[ids]
        self.tokens -= len(ids)


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two prompts begin with alike, at most all but the last of the second."""
    most = min(len(left), len(right) - 1)
    if tuple(left[:most]) == tuple(right[:most]):
        return most
    return next(at for at in range(most) if left[at] != right[at])
