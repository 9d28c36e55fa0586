"""Replays a text through a grammar the way decoding would, by llguidance and one token a byte.

Needs no model and no torch. Compiled grammars are kept by their printed content. It judges form
only: what a grammar lists as post-checks is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from idiolect.grammar.form import Grammar
from idiolect.grammar.to_llguidance import print_llguidance

# Compiled grammars kept; one is some hundred kilobytes.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Replay:
    """How far a text got. `accepted`: all of it is in the language."""

    accepted: bool
    refused_at: int | None  # offset of the first character that can't stand there; None if none is refused
    expected: str  # what could stand at the end of what was taken, in a few words
    complete: bool  # whether what was taken is a whole text already


class NotCompiled(Exception):
    """llguidance would not take a printed grammar, or ran out of a limit; its message says why."""


def replay(grammar: Grammar, text: str) -> Replay:
    """Whether a text is in the grammar's language, and where it leaves it if not."""
    matcher = _compiled(print_llguidance(grammar)).deep_copy()
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        data = text[: error.start].encode("utf-8")
    taken = matcher.try_consume_tokens(list(data))
    if matcher.is_error():
        raise NotCompiled(_headline(matcher))
    complete = bool(matcher.is_accepting())
    whole = taken == len(data) and len(data) == len(text.encode("utf-8", "surrogatepass"))
    refused_at = None if whole else len(data[:taken].decode("utf-8", "ignore"))
    return Replay(whole and complete, refused_at, _expected(matcher, complete), complete)


@lru_cache(maxsize=_KEPT)
def _compiled(printed: str) -> Any:
    from llguidance import LLMatcher

    matcher = LLMatcher(_byte_tokenizer(), LLMatcher.grammar_from_lark(printed), log_level=0)
    if matcher.is_error():
        raise NotCompiled(_headline(matcher))
    return matcher


def _headline(matcher: Any) -> str:
    """The engine's own reason without the dump of its state."""
    return str(matcher.get_error()).strip().splitlines()[0]


class _Bytes:
    """What llguidance asks of a tokenizer: here token n is byte n, and 256 ends the text."""

    eos_token_id = 256
    bos_token_id = None
    special_token_ids = (256,)
    tokens = (*(bytes([number]) for number in range(256)), b"<end>")

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode("utf-8") if isinstance(text, str) else text)


@lru_cache(maxsize=1)
def _byte_tokenizer() -> Any:
    from llguidance import LLTokenizer, TokenizerWrapper

    return LLTokenizer(TokenizerWrapper(_Bytes()), n_vocab=257, slices=[])


def _expected(matcher: Any, complete: bool) -> str:
    forced = bytes(matcher.compute_ff_bytes()).decode("utf-8", "ignore")
    words = [repr(forced)] if forced else _ranges(matcher)
    if complete:
        words.append("the end of the text")
    return " or ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " or " + words[-1]


def _ranges(matcher: Any) -> list[str]:
    """The bytes allowed next, as ranges of characters; all of non-ASCII is one word."""
    mask = matcher.compute_bitmask()
    allowed = [number for number in range(128) if mask[number // 8] >> number % 8 & 1]
    words: list[str] = []
    start = 0
    for index in range(len(allowed)):
        if index + 1 == len(allowed) or allowed[index + 1] != allowed[index] + 1:
            low, high = repr(chr(allowed[start])), repr(chr(allowed[index]))
            words.append(low if low == high else f"{low} to {high}")
            start = index + 1
    if len(words) > 8:
        words = [*words[:8], "some others"]
    if any(mask[number // 8] >> number % 8 & 1 for number in range(128, 256)):
        words.append("a letter beyond ASCII")
    return words
