"""Near repeats: MinHash signatures of token shingles, and neighbours found by bands of them.

A signature takes 512 bytes whatever the text's length, so memory grows with the count of texts alone. The
same texts give the same answer on any machine. It does **not** compare all pairs: of pairs at the
threshold, 99 in 100 meet in a band.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Signatures = NDArray[np.uint32]
    Pairs = NDArray[np.int64]

PERMUTATIONS = 128
WIDTH = 5  # tokens in a shingle: a changed token touches five of them
_TOKEN = re.compile(r"\w+|[^\w\s]+", re.ASCII)  # letters beyond ASCII: a run is a token too
_BATCH = 500  # texts
_RECALL = 0.99
_SLACK = 0.12  # four standard deviations of an estimate from 128 permutations
_SEED = 1
_MOST_WORDS = 1 << 20  # in the cache of token hashes
_FACTORS = (
    0x9E3779B97F4A7C15,
    0xBF58476D1CE4E5B9,
    0x94D049BB133111EB,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
)


class _TokenHashes(dict[str, int]):
    """Hashes of tokens, remembered: a corpus says the same words again and again."""

    def __missing__(self, token: str) -> int:
        if len(self) >= _MOST_WORDS:
            self.clear()
        data = token.encode("utf-8", errors="surrogatepass")
        value = zlib.crc32(data) << 32 | zlib.crc32(data, 0xFFFFFFFF) ^ len(data)
        self[token] = value
        return value


def signatures(texts: Iterable[str]) -> Signatures:
    """One row of 128 numbers a text."""
    import numpy as np

    stream = iter(texts)
    tokens = _TokenHashes()
    made = [np.empty((0, PERMUTATIONS), dtype=np.uint32)]
    while batch := list(islice(stream, _BATCH)):
        made.append(_sketch(batch, tokens))
    return np.concatenate(made)


def _sketch(batch: Sequence[str], tokens: _TokenHashes) -> Signatures:
    import numpy as np
    from rensa import RMinHash

    hashes, starts = _shingles(batch, tokens)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, starts, PERMUTATIONS, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(batch), PERMUTATIONS)


def _shingles(batch: Sequence[str], tokens: _TokenHashes) -> tuple[Hashes, Hashes]:
    """Hashes of all shingles of all texts in a row, and where each text's begin."""
    import numpy as np

    flat: list[int] = []
    counts = []
    padding = [0] * (WIDTH - 1)  # so that a text shorter than a shingle has one as well
    for text in batch:
        before = len(flat)
        flat.extend(map(tokens.__getitem__, _TOKEN.findall(text) or [""]))
        counts.append(len(flat) - before)
        flat += padding
    single = np.array(flat, dtype=np.uint64)
    length = len(single) - WIDTH + 1
    mixed = np.zeros(length, dtype=np.uint64)
    for offset, factor in enumerate(_FACTORS):
        mixed ^= single[offset : offset + length] * np.uint64(factor)
        mixed = (mixed << np.uint64(13)) | (mixed >> np.uint64(51))
    sizes = np.array(counts, dtype=np.int64)
    inside = np.ones(length, dtype=bool)  # shingles that begin in the padding between two texts are no one's
    gaps = (np.cumsum(sizes + WIDTH - 1) - (WIDTH - 1))[:-1]
    for offset in range(WIDTH - 1):
        inside[gaps + offset] = False
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
    return mixed[inside], starts


def jaccard(left: str, right: str) -> float:
    """The share of shingles that two texts have in common, exactly."""
    import numpy as np

    hashes, starts = _shingles([left, right], _TokenHashes())
    one, other = np.unique(hashes[: int(starts[1])]), np.unique(hashes[int(starts[1]) :])
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def rows_per_band(threshold: float) -> int:
    """The longest bands with which a pair at the threshold still meets in 99 of 100 cases."""
    fitting = (
        rows
        for rows in range(PERMUTATIONS, 1, -1)
        if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= _RECALL
    )
    return next(fitting, 1)


def candidates(table: Signatures, threshold: float) -> Pairs:
    """Pairs of rows (earlier, later), sorted, whose estimated likeness is near the threshold or above."""
    import numpy as np

    rows = rows_per_band(threshold)
    found = np.empty(0, dtype=np.int64)
    for first in range(0, PERMUTATIONS - rows + 1, rows):
        pairs = _neighbours(_band_keys(table[:, first : first + rows]))
        found = np.union1d(found, pairs[:, 0] * len(table) + pairs[:, 1])
    pairs = np.stack([found // max(1, len(table)), found % max(1, len(table))], axis=1)
    return pairs[estimates(table, pairs) >= threshold - _SLACK]


def estimates(table: Signatures, pairs: Pairs) -> NDArray[np.float64]:
    """The likeness of each pair as its signatures tell it."""
    import numpy as np

    chunks = [np.empty(0)]
    for start in range(0, len(pairs), 50_000):
        part = pairs[start : start + 50_000]
        chunks.append((table[part[:, 0]] == table[part[:, 1]]).mean(axis=1))
    return np.concatenate(chunks)


def _band_keys(band: Signatures) -> Hashes:
    import numpy as np

    keys = np.zeros(len(band), dtype=np.uint64)
    for column in range(band.shape[1]):
        keys = (keys ^ band[:, column]) * np.uint64(_FACTORS[0])
        keys ^= keys >> np.uint64(29)
    return keys


def _neighbours(keys: Hashes) -> Pairs:
    """Of texts with the same key, each with the first and with the one before: linear in a bucket's size."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    same = sorted_keys[1:] == sorted_keys[:-1]
    later = np.flatnonzero(same) + 1
    begins = np.flatnonzero(np.concatenate([[True], ~same])) if len(keys) else later
    heads = begins[np.searchsorted(begins, later, side="right") - 1]
    with_head = np.stack([order[heads], order[later]], axis=1)
    with_previous = np.stack([order[later - 1], order[later]], axis=1)
    return np.concatenate([with_head, with_previous]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A text that is nearly one before it."""

    at: int
    like: int
    likeness: float


def near_repeats(table: Signatures, threshold: float, text_of: Callable[[int], str]) -> dict[int, Repeat]:
    """Texts that are nearly one that is kept, by their exact likeness; the first of its like is kept."""
    repeats: dict[int, Repeat] = {}
    before: dict[int, list[int]] = {}
    for early, late in candidates(table, threshold).tolist():
        before.setdefault(late, []).append(early)
    for late in sorted(before):
        # Where a neighbour was dropped itself, the one that it was dropped for is asked instead.
        kept = dict.fromkeys(repeats[at].like if at in repeats else at for at in before[late])
        for early in kept:
            likeness = jaccard(text_of(early), text_of(late))
            if likeness >= threshold:
                repeats[late] = Repeat(late, early, likeness)
                break
    return repeats


class Groups:
    """Numbers joined to groups; a group is named by its least member."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def of(self, number: int) -> int:
        """The group of a number."""
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Put the groups of two numbers together."""
        one, other = sorted((self.of(one), self.of(other)))
        self._above[other] = one

    def join_equal(self, keys: Iterable[Any]) -> None:
        """Join numbers whose keys are equal; None is equal to nothing."""
        first: dict[Any, int] = {}
        for number, key in enumerate(keys):
            if key is not None:
                self.join(first.setdefault(key, number), number)


def join_alike(groups: Groups, table: Signatures, threshold: float) -> None:
    """Join all that are alike by estimate: chains count, so that no two alike stand in two groups."""
    pairs = candidates(table, threshold)
    for early, late in pairs[estimates(table, pairs) >= threshold].tolist():
        groups.join(early, late)
