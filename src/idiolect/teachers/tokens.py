"""About how many tokens a prompt has, told without its tokenizer, and whether a server read them all.

Low rather than high: a prompt that was read whole must never look cut. It is no count for a budget.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from idiolect.teachers.records import Message

# Pieces that today's tokenizers split at least so far in ordinary text and code: one sign over and over,
# words, digits by three, runs of signs, scripts without blanks, other alphabets, long runs of blanks.
_PIECE = re.compile(
    r"([^\w\s])\1{7,63}|[a-zA-Z]{1,10}|\d{1,3}|[!-/:-@\[-`{-~]{1,4}"
    r"|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W\x00-\x7f]{1,3}|[^\w\s]|\s{2,64}"
)
_PER_MESSAGE = 3  # marks of turn and role
# Against o200k, cl100k, Llama 2 and Llama 3 on 1,059 files (AutoHotkey, Tcl, Python, JSON, English and other
# languages) the true count was 0.91 to 2.77 of the estimate, and 0.72 on a list of snake_case names.
_CUT_SHARE = 0.6
_CUT_AT_LEAST = 64  # a short prompt's count is noise, and no window is that small


def estimate(messages: Sequence[Message]) -> int:
    """About how many tokens the messages have."""
    return sum(_PER_MESSAGE + sum(1 for _ in _PIECE.finditer(each.content)) for each in messages)


def looks_cut(read: int, estimated: int) -> bool:
    """Whether a server that read so many tokens can't have read the whole prompt."""
    return read < _CUT_SHARE * estimated and estimated - read >= _CUT_AT_LEAST
