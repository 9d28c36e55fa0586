"""About how many tokens a prompt has, told without its tokenizer, and whether a server read them all.

Low rather than high: a prompt that was read whole must never look cut. It is no count for a budget.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from idiolect.teachers.records import Message

# Pieces that the tokenizers of today's models split at least so far in ordinary text and code: words,
# digits by three, runs of signs, other alphabets, and long runs of blanks.
_PIECE = re.compile(r"[a-zA-Z]{1,10}|\d{1,3}|[^\w\s]{1,4}|[^\W\x00-\x7f]{1,3}|_+|\s{2,16}")
_PER_MESSAGE = 3  # marks of turn and role
_CUT_SHARE = 0.6  # measured: see benchmarks/teacher_replay.py, which prints the lowest honest share
_CUT_AT_LEAST = 64  # a short prompt's count is noise, and no window is that small


def estimate(messages: Sequence[Message]) -> int:
    """About how many tokens the messages have."""
    return sum(_PER_MESSAGE + sum(1 for _ in _PIECE.finditer(each.content)) for each in messages)


def looks_cut(read: int, estimated: int) -> bool:
    """Whether a server that read so many tokens can't have read the whole prompt."""
    return read < _CUT_SHARE * estimated and estimated - read >= _CUT_AT_LEAST
