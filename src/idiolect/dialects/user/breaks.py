"""Ways to break a text on purpose, token by token. Each says what it does by its name.

They know nothing of whether the result is still in the language: the dialect verifies and throws
away what is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idiolect.dialects.user.outcome import Lexeme, Vocabulary
from idiolect.source import Span

Tokens = Sequence[Lexeme]


@dataclass(frozen=True, slots=True)
class Material:
    """What breaks are made of: the grammar's words, brackets, names and forbidden words."""

    vocabulary: Vocabulary
    names: tuple[Span, ...] = ()  # where names of the catalog stand
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """The tokens after a break, and what was done."""

    lexemes: tuple[Lexeme, ...]
    kind: str
    note: str


Break = Callable[[Tokens, random.Random, Material], Broken | None]


def token_deleted(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """One token is gone."""
    if not tokens:
        return None
    at = rng.randrange(len(tokens))
    return _made(tokens[:at], (), tokens[at + 1 :], "token_deleted", f"without {_shown(tokens[at])}")


def token_doubled(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """One token stands twice."""
    if not tokens:
        return None
    at = rng.randrange(len(tokens))
    return _made(tokens[:at], (tokens[at],), tokens[at:], "token_doubled", f"{_shown(tokens[at])} twice")


def tokens_swapped(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """Two neighbours have changed places."""
    if len(tokens) < 2:
        return None
    at = rng.randrange(len(tokens) - 1)
    left, right = tokens[at], tokens[at + 1]
    note = f"{_shown(left)} and {_shown(right)} swapped"
    return _made(tokens[:at], (right, left), tokens[at + 2 :], "tokens_swapped", note)


def token_replaced(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A token has become another fixed word of the language."""
    if not tokens:
        return None
    at = rng.randrange(len(tokens))
    others = sorted(set(material.vocabulary.literals.values()) - {tokens[at].text})
    others = [word for word in others if word.strip()]
    if not others:
        return None
    word = rng.choice(others)
    note = f'{_shown(tokens[at])} became "{word}"'
    return _made(tokens[:at], (_like(tokens[at], word),), tokens[at + 1 :], "token_replaced", note)


def keyword_misspelt(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """Two letters of a keyword have changed places, or one is gone."""
    keywords = material.vocabulary.keywords
    places = [at for at, token in enumerate(tokens) if token.terminal in keywords and len(token.text) > 2]
    if not places:
        return None
    at = rng.choice(places)
    word = tokens[at].text
    cut = rng.randrange(1, len(word))
    misspelt = word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :]
    if misspelt == word or rng.random() < 0.5:
        misspelt = word[:cut] + word[cut + 1 :]
    note = f'"{word}" became "{misspelt}"'
    return _made(tokens[:at], (_like(tokens[at], misspelt),), tokens[at + 1 :], "keyword_misspelt", note)


def bracket_dropped(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A bracket is gone."""
    brackets = set(material.vocabulary.brackets) | set(material.vocabulary.brackets.values())
    places = [at for at, token in enumerate(tokens) if token.text in brackets]
    if not places:
        return None
    at = rng.choice(places)
    return _made(tokens[:at], (), tokens[at + 1 :], "bracket_dropped", f"without {_shown(tokens[at])}")


def bracket_added(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A bracket too many."""
    fixed = set(material.vocabulary.literals.values())
    brackets = material.vocabulary.brackets
    known = [word for word in (*brackets, *brackets.values()) if word in fixed]
    if not known or not tokens:
        return None
    at = rng.randrange(len(tokens) + 1)
    word = rng.choice(known)
    extra = Lexeme("", word, Span(0, 0))
    return _made(tokens[:at], (extra,), tokens[at:], "bracket_added", f'"{word}" too many')


def truncated(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """The end is missing."""
    if len(tokens) < 2:
        return None
    at = rng.randrange(1, len(tokens))
    return _made(tokens[:at], (), (), "truncated", f"ends after {_shown(tokens[at - 1])}")


def string_unclosed(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A string has lost its closing quote."""
    places = [
        at
        for at, token in enumerate(tokens)
        if len(token.text) > 1 and token.text[0] == token.text[-1] in "\"'`"
    ]
    if not places:
        return None
    at = rng.choice(places)
    opened = _like(tokens[at], tokens[at].text[:-1])
    return _made(
        tokens[:at], (opened,), tokens[at + 1 :], "string_unclosed", f"{_shown(tokens[at])} left open"
    )


def foreign_character(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A character that the language does not have."""
    if not tokens:
        return None
    at = rng.randrange(len(tokens) + 1)
    word = rng.choice("§¤¶")
    return _made(
        tokens[:at], (Lexeme("", word, Span(0, 0)),), tokens[at:], "foreign_character", f'"{word}" put in'
    )


def unknown_name(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A name that is not in the catalog."""
    named = [span for span in material.names if span.end > span.start]
    if not named:
        return None
    span = rng.choice(named)
    inside = [at for at, token in enumerate(tokens) if span.start <= token.span.start < span.end]
    if not inside:
        return None
    at = inside[-1]
    word = tokens[at].text
    # the quotes of a quoted name stay closed
    made = word[:-1] + "zq" + word[-1] if word[-1] in "\"'`" else word + "zq"
    note = f'"{word}" became "{made}"'
    return _made(tokens[:at], (_like(tokens[at], made),), tokens[at + 1 :], "unknown_name", note)


def forbidden_word(tokens: Tokens, rng: random.Random, material: Material) -> Broken | None:
    """A word that the policy forbids, in place of a token that is no fixed word or bracket."""
    places = [at for at, token in enumerate(tokens) if token.text[:1].isalpha()]
    if not material.forbidden or not places:
        return None
    word = rng.choice(material.forbidden)
    at = rng.choice(places)
    note = f'{_shown(tokens[at])} became "{word}"'
    return _made(tokens[:at], (_like(tokens[at], word),), tokens[at + 1 :], "forbidden_word", note)


BREAKS: tuple[Break, ...] = (
    token_deleted,
    token_doubled,
    tokens_swapped,
    token_replaced,
    keyword_misspelt,
    bracket_dropped,
    bracket_added,
    truncated,
    string_unclosed,
    foreign_character,
    unknown_name,
    forbidden_word,
)


def _made(before: Tokens, middle: Tokens, after: Tokens, kind: str, note: str) -> Broken:
    return Broken((*before, *middle, *after), kind, note)


def _like(token: Lexeme, text: str) -> Lexeme:
    return Lexeme(token.terminal, text, token.span)


def _shown(token: Lexeme) -> str:
    text = token.text if len(token.text) <= 30 else token.text[:27] + "..."
    return f'"{text}"' if text.strip() else "a line end"
