"""Shows a row as the student sees it: token by token, with what is supervised set apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.student.row import Row
from idiolect.student.tokens import text_of

_DIM, _GREEN, _ALSO_GREEN, _BOLD, _END = "\033[2m", "\033[32m", "\033[92m", "\033[1;35m", "\033[0m"
_REPLACED = "\ufffd"
_LONGEST_CHARACTER = 4  # bytes, and so at most as many tokens


@dataclass(frozen=True, slots=True)
class Piece:
    """A token, or the few tokens that are one character together."""

    text: str
    tokens: int
    supervised: bool
    special: bool


def pieces_of(row: Row, tokenizer: Any) -> Iterator[Piece]:
    """A row's tokens with their texts and whether they are supervised."""
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    for ids, supervised in ((row.prompt, False), (row.answer, True)):
        at = 0
        while at < len(ids):
            count = _whole(ids[at : at + _LONGEST_CHARACTER], tokenizer)
            text = text_of(ids[at : at + count], tokenizer)
            yield Piece(text, count, supervised, ids[at] in special)
            at += count


def _whole(ids: Sequence[int], tokenizer: Any) -> int:
    """How many of the tokens make whole characters."""
    for count in range(1, len(ids) + 1):
        if _REPLACED not in text_of(ids[:count], tokenizer):
            return count
    return 1


def shown(row: Row, tokenizer: Any, *, colored: bool) -> str:
    """A row with its mask: the prompt dim and the answer green, or the answer between brackets."""
    head = (
        f"example {row.id}: {row.length:,} tokens, {len(row.prompt):,} of the prompt and "
        f"{len(row.answer):,} supervised, weight {row.weight:g}"
    )
    pieces = list(pieces_of(row, tokenizer))
    if not colored:
        prompt = "".join(piece.text for piece in pieces if not piece.supervised)
        answer = "|".join(piece.text for piece in pieces if piece.supervised)
        return f"{head}\n{prompt}[[{answer}]]"
    parts = [head, "\n"]
    for at, piece in enumerate(pieces):
        color = (_GREEN, _ALSO_GREEN)[at % 2] if piece.supervised else _DIM
        if piece.special:
            color += _BOLD
        # a line end is seen, and no colour crosses it, which pagers would lose
        lines = piece.text.replace("\n", "↵\n").split("\n")
        parts.append("\n".join(f"{color}{line}{_END}" if line else "" for line in lines))
    return "".join(parts)
