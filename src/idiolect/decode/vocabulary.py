"""A student's tokenizer as llguidance wants it: the bytes of every token, and which of them end an answer.

Byte-level tokenizers (GPT-2, Llama 3, Qwen) and those with byte fallback (Llama 2, Gemma) spell every text.
Others are taken as far as they go: `unspelt` names what a language needs and they lack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from idiolect.decode.trouble import trouble

# Bytes that stand in UTF-8.
_BYTES = (*range(0xC0), *range(0xC2, 0xF5))
_KEPT = 4  # vocabularies of 262,144 tokens take some 300 MB each


@dataclass(eq=False, slots=True)
class Vocabulary:
    """A tokenizer's tokens as bytes."""

    engine: Any  # llguidance's tokenizer, without slices
    size: int  # tokens that a mask speaks of: as many as the model's head has rows
    stops: tuple[int, ...]  # tokens that end an answer
    _spelt: dict[str, bool] = field(default_factory=dict)
    _bytes: bool | None = None

    @property
    def spells_all(self) -> bool:
        """Whether every byte has a token, so that any text can be written."""
        if self._bytes is None:
            alone = (bytes([number]) for number in _BYTES)
            self._bytes = all(self.decode(self.engine.tokenize_bytes(one)) == one for one in alone)
        return self._bytes

    def encode(self, text: str) -> list[int]:
        """The canonical tokens of a text, nothing put before or after them."""
        ids = list(self.engine.tokenize_str(text))
        # tokenizers of words put a space in front of every text: then the longest tokens that fit are taken
        return ids if self.decode(ids) == text.encode("utf-8") else list(self.engine.greedy_tokenize(text))

    def decode(self, ids: Sequence[int]) -> bytes:
        """The bytes of tokens; a character may lack its last ones."""
        return bytes(self.engine.decode_bytes(list(ids)))

    def spells(self, character: str) -> bool:
        """Whether a character can be written at all."""
        known = self._spelt.get(character)
        if known is None:
            ids = self.engine.greedy_tokenize(character)
            special = any(self.engine.is_special_token(one) for one in ids)
            known = not special and self.decode(ids) == character.encode("utf-8")
            self._spelt[character] = known
        return known

    def unspelt(self, characters: Iterable[str]) -> list[str]:
        """Those characters that can't be written."""
        return [one for one in characters if not self.spells(one)]


def vocabulary_of(tokenizer: Any, *, rows: int | None = None, stops: Sequence[int] = ()) -> Vocabulary:
    """The vocabulary of a fast tokenizer, kept; `rows` is the size of the model's head."""
    size = max(rows or 0, len(tokenizer))
    ends = tuple(dict.fromkeys(stops)) or (tokenizer.eos_token_id,)
    return _vocabulary(tokenizer, len(tokenizer), size, ends)


@lru_cache(maxsize=_KEPT)
def _vocabulary(tokenizer: Any, _tokens: int, size: int, stops: tuple[int, ...]) -> Vocabulary:
    from llguidance import LLTokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise trouble(
            "L711",
            "the tokenizer has no fast form (tokenizer.json), so its tokens can't be held to a grammar",
            'load it with transformers and save it again, or answer without a grammar: "enforce: false"',
        )
    backend = copy(backend)
    backend.no_padding()
    backend.no_truncation()
    try:
        engine = LLTokenizer(backend.to_str(), n_vocab=size, eos_token=list(stops), slices=[])
    except ValueError:  # a decoder that llguidance does not know: SentencePiece's word marks are read here
        engine = _by_pieces(tokenizer, size, stops)
    return Vocabulary(engine, size, stops)


def _by_pieces(tokenizer: Any, size: int, stops: tuple[int, ...]) -> Any:
    from llguidance import LLTokenizer, TokenizerWrapper

    decoder = type(tokenizer.backend_tokenizer.decoder).__name__
    if decoder != "Metaspace":
        raise trouble(
            "L711",
            f"the tokenizer does not keep white space ({decoder}), so no text can be held to a grammar",
            "take a base model with a byte-level or SentencePiece tokenizer",
        )
    wrapper = TokenizerWrapper(_Pieces(tokenizer, stops[0]))
    return LLTokenizer(wrapper, n_vocab=size, eos_token=list(stops), slices=[])


class _Pieces:
    """What llguidance asks of a tokenizer, for pieces in which ▁ stands for a space."""

    bos_token_id = None

    def __init__(self, tokenizer: Any, eos: int) -> None:
        self.tokenizer = tokenizer
        self.eos_token_id = eos
        specials = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
        self.special_token_ids = sorted(specials)
        pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self.tokens = [
            (piece if number in specials else piece.replace("▁", " ")).encode("utf-8")
            for number, piece in enumerate(pieces)
        ]

    def __call__(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
