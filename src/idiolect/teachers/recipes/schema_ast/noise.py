"""How people type: in lower case, with a misprint, without the last full stop; values stay as they are."""

from __future__ import annotations

import random
import re

_OPEN, _CLOSE = "\x01", "\x02"  # around what must stay letter by letter
_PIECES = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_WORD = re.compile(r"[^\W\d_]{5,}")


def fixed(text: str) -> str:
    """A text that no noise may touch."""
    return f"{_OPEN}{text}{_CLOSE}"


def plain(text: str) -> str:
    """The text without its marks."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def typed(text: str, rng: random.Random) -> str:
    """A sentence as somebody may type it."""
    if rng.random() < 0.06:
        text = _each(text, lambda piece: _misprinted(piece, rng), once=True)
    style = rng.random()
    text = text[:1].upper() + text[1:] if style < 0.55 else text
    if style > 0.97:
        text = _each(text, str.upper)
    elif style > 0.85:
        text = _each(text, str.lower)
    asks = text.endswith("?")
    if asks and rng.random() < 0.25:
        text = text.rstrip(" ?")
    elif not asks and rng.random() < 0.35:
        text += "."
    return plain(text)


def _each(text: str, change: object, *, once: bool = False) -> str:
    """A change made to what is not fixed; with `once`, to one such piece."""
    assert callable(change)
    pieces = _PIECES.split(text)  # free, fixed, free, ...
    done = False
    for at in range(0, len(pieces), 2):
        if once and done:
            break
        changed = change(pieces[at])
        done = changed != pieces[at]
        pieces[at] = changed
    return "".join(fixed(piece) if at % 2 else piece for at, piece in enumerate(pieces))


def _misprinted(text: str, rng: random.Random) -> str:
    """The text with two letters of a longer word swapped, or one lost or doubled."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if kind == 1 else text[:at] + text[at] + text[at:]
