"""A tokenizer.json as llama.cpp wants a vocabulary: tokens, their kinds, merges or scores, special ids.

Two kinds are known: byte-level BPE, whose split llama.cpp must know by name, and SentencePiece's BPE with
bytes to fall back on, whose order of merges becomes scores. Anything else is refused: a wrong guess here
would give a model that reads other tokens than it was trained on, and no error.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_MOST_STOPS = 2  # llama.cpp holds an end of text and an end of turn


class CantConvert(Exception):
    """A model or tokenizer that can't be written as GGUF; `help` says what can be done."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is written of a tokenizer."""

    model: str  # "gpt2" for byte-level BPE, "llama" for SentencePiece
    pre: str  # the split's name; "default" for SentencePiece
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    scores: tuple[float, ...] | None
    special: Mapping[str, int]  # bos, eos, eot, pad, unk
    add_bos: bool
    template: str | None


def read_vocabulary(folder: Path, size: int) -> Vocabulary:
    """The vocabulary of a model's folder, padded to the size of the embedding."""
    data = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    model = data["model"]
    if model.get("type") != "BPE":
        raise CantConvert(
            f"a tokenizer of kind {model.get('type')} can't be written as GGUF here", "BPE tokenizers can"
        )
    byte_level = _is_byte_level(data)
    if not byte_level and not _is_sentence_piece(data):
        raise CantConvert(
            "this tokenizer is neither byte-level BPE nor SentencePiece's BPE with byte fallback"
        )
    tokens, kinds = _tokens(data, size, byte_level)
    merges = tuple(" ".join(merge) if isinstance(merge, list) else merge for merge in model.get("merges", ()))
    config = _json(folder / "tokenizer_config.json")
    return Vocabulary(
        "gpt2" if byte_level else "llama",
        _split_name(data) if byte_level else "default",
        tokens,
        kinds,
        merges if byte_level else (),
        None if byte_level else _scores(tokens, merges),
        _special(folder, data, config),
        _adds_bos(data, config),
        _template(folder, config),
    )


def _is_byte_level(data: Mapping[str, Any]) -> bool:
    return any(part.get("type") == "ByteLevel" for part in _parts(data.get("pre_tokenizer")))


def _is_sentence_piece(data: Mapping[str, Any]) -> bool:
    if not data["model"].get("byte_fallback"):
        return False
    spaces = [
        part
        for part in _parts(data.get("normalizer"))
        if part.get("type") == "Replace" and part.get("content") == "\u2581"
    ]
    return bool(spaces)


def _parts(step: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if step is None:
        return []
    inner = step.get("pretokenizers") or step.get("normalizers") or step.get("processors")
    return [part for one in inner for part in _parts(one)] if inner else [step]


def _split_name(data: Mapping[str, Any]) -> str:
    """The name that llama.cpp has for the way a byte-level tokenizer parts texts."""
    parts = _parts(data["pre_tokenizer"])
    if data.get("normalizer") and _parts(data["normalizer"])[0].get("type") not in ("NFC", None):
        raise CantConvert("a byte-level tokenizer with a normalizer can't be written as GGUF")
    wanted = [part["pattern"].get("Regex", "") for part in parts if part.get("type") == "Split"]
    level = next(part for part in parts if part.get("type") == "ByteLevel")
    if level.get("use_regex", True):
        digits = any(part.get("type") == "Digits" and part.get("individual_digits") for part in parts)
        wanted.append("digits one by one, byte level" if digits else "byte level")
    if len(wanted) == 1 and wanted[0] in _known_splits():
        return _known_splits()[wanted[0]]
    raise CantConvert(
        "llama.cpp has no name for the way this tokenizer parts texts, so it would read other tokens",
        f"splits that it knows here: {', '.join(_known_splits().values())}",
    )


@cache
def _known_splits() -> Mapping[str, str]:
    table = tomllib.loads(files("idiolect.ship.gguf").joinpath("pre_tokenizers.toml").read_text("utf-8"))
    return {one["split"]: one["name"] for one in table["known"]}


def _tokens(data: Mapping[str, Any], size: int, byte_level: bool) -> tuple[tuple[str, ...], tuple[int, ...]]:
    by_id = {number: text for text, number in data["model"]["vocab"].items()}
    kinds = dict.fromkeys(by_id, NORMAL)
    if not byte_level:
        kinds |= {number: BYTE for number, text in by_id.items() if _is_byte(text)}
        unknown = data["model"].get("unk_token")
        kinds |= {number: UNKNOWN for number, text in by_id.items() if text == unknown}
    for token in data.get("added_tokens", ()):
        by_id[token["id"]] = token["content"]
        kinds[token["id"]] = CONTROL if token["special"] else USER_DEFINED
    last = max(by_id)
    if last >= size:
        raise CantConvert(f"token {last} has no row in the embedding, which has {size}")
    tokens = tuple(by_id.get(number, f"[UNUSED{number}]") for number in range(size))
    return tokens, tuple(kinds.get(number, UNUSED) for number in range(size))


def _is_byte(text: str) -> bool:
    return len(text) == 6 and text.startswith("<0x") and text.endswith(">")


def _scores(tokens: tuple[str, ...], merges: tuple[str, ...]) -> tuple[float, ...]:
    """SentencePiece joins the pair with the highest score first: the earlier the merge, the higher."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault(merge.replace(" ", "", 1), rank)
    worst = float(-len(merges) - 1)
    return tuple(float(-ranks[token]) if token in ranks else worst for token in tokens)


def _special(folder: Path, data: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, int]:
    ids = dict(data["model"]["vocab"])
    ids |= {token["content"]: token["id"] for token in data.get("added_tokens", ())}
    found = {
        short: ids[text]
        for short in ("bos", "eos", "pad", "unk")
        if (text := _content(config.get(f"{short}_token"))) in ids
    }
    stops = _json(folder / "generation_config.json").get("eos_token_id")
    listed = [stops] if isinstance(stops, int) else list(stops or ())
    listed = [stop for stop in dict.fromkeys(listed) if stop != found.get("pad")] or [found["eos"]]
    if "eos" in found and found["eos"] in listed:
        listed = [found["eos"], *(stop for stop in listed if stop != found["eos"])]
    if len(listed) > _MOST_STOPS:
        raise CantConvert(
            f"the model stops at {len(listed)} tokens, and a GGUF file names {_MOST_STOPS}",
            "leave only the end of text and the end of turn in generation_config.json",
        )
    return {**found, **dict(zip(("eos", "eot"), listed, strict=False))}


def _content(token: Any) -> str:
    return token.get("content", "") if isinstance(token, Mapping) else token or ""


def _adds_bos(data: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a text gets a BOS by itself: the tokenizer's last step says so."""
    bos = _content(config.get("bos_token"))
    for part in _parts(data.get("post_processor")):
        if part.get("type") == "TemplateProcessing":
            first = part["single"][0]
            return bool(bos) and first.get("SpecialToken", {}).get("id") == bos
    return False


def _template(folder: Path, config: Mapping[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text("utf-8")
    written = config.get("chat_template")
    return written if isinstance(written, str) else None


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text("utf-8"))
    return found if isinstance(found, dict) else {}
