"""Whether an answer reproduces training data: long passages that it has word for word in common with it.

A passage counts from 50 tokens on (words, numbers and marks), the length from which language models are said
to have memorized a text. Shorter statements of a small language repeat by themselves: that is no leak. What
the request itself holds may be repeated too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from idiolect.data.example import Example

PASSAGE = 50  # tokens: the length used to define extractable memorization (Carlini et al., 2023)
_TOKEN = re.compile(r"\w+|[^\w\s]")


class TrainingTexts:
    """The passages of a training split, as hashes."""

    def __init__(self, texts: Iterable[str], passage: int = PASSAGE) -> None:
        import numpy

        self.passage = passage
        found: set[int] = set()
        for text in texts:
            found.update(_passages(text, passage))
        self._hashes: Any = numpy.array(sorted(found), dtype=numpy.uint64)

    def __len__(self) -> int:
        return len(self._hashes)

    def leaks(self, answer: str, request: str = "") -> bool:
        """Whether a passage of the answer stands in the training data, and not in the request."""
        import numpy

        found = set(_passages(answer, self.passage)) - set(_passages(request, self.passage))
        if not found or not len(self._hashes):
            return False
        asked = numpy.array(sorted(found), dtype=numpy.uint64)
        places = numpy.searchsorted(self._hashes, asked).clip(max=len(self._hashes) - 1)
        return bool((self._hashes[places] == asked).any())


def texts_of(path: Path) -> Iterator[str]:
    """What the examples of a split hold: answers, contexts and requests."""
    from idiolect.data.jsonl import read_examples

    for example in read_examples(path):
        yield from _texts(example)


def _texts(example: Example) -> Iterator[str]:
    yield example.target
    yield example.instruction
    if example.context:
        yield example.context


def _passages(text: str, length: int) -> Iterator[int]:
    tokens = _TOKEN.findall(text.casefold())
    for at in range(len(tokens) - length + 1):
        passage = "\0".join(tokens[at : at + length]).encode()
        yield int.from_bytes(hashlib.blake2b(passage, digest_size=8).digest(), "big")
