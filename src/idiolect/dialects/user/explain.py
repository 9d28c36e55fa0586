"""Turns a parser's refusals into faults that a writer of the language understands.

Each has a code, a span, what was found and what could stand there, and a fix where one is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from idiolect.dialects.user.outcome import Refusal, Vocabulary
from idiolect.dialects.verdict import Fault, Fix
from idiolect.source import SourceText, Span

MAX_EXPECTED = 6
_QUOTES = "\"'`"


def explain(refusals: tuple[Refusal, ...], text: str, vocabulary: Vocabulary, name: str) -> Iterator[Fault]:
    """The faults that a parser's refusals amount to; codes start with the dialect's name."""
    source = SourceText(text)
    for refusal in refusals:
        yield _fault(refusal, source, vocabulary, f"{name}.parse")


def _fault(refusal: Refusal, source: SourceText, vocabulary: Vocabulary, prefix: str) -> Fault:
    span = Span(refusal.start, refusal.end)
    if refusal.kind == "layout":
        return Fault(f"{prefix}.indentation", refusal.message[:1].lower() + refusal.message[1:], span)
    if refusal.misspelt:
        return _misspelt(refusal, source, vocabulary, prefix)
    opener = refusal.opener
    if opener is not None and (refusal.kind == "end" or _is_repaired_by_closer(refusal, vocabulary)):
        return _unclosed(refusal, source, vocabulary, prefix)
    if refusal.repair:
        return _missing(refusal, source, vocabulary, prefix)
    found = source.text[refusal.start : refusal.end]
    if refusal.kind == "character" and found in _QUOTES:
        return Fault(
            f"{prefix}.unclosed_string", f"a string starts here with {found} and is not closed", span
        )
    expected = _listed(refusal, vocabulary)
    if refusal.kind == "character":
        message = f"{_character(found)} can't stand here"
        return Fault(f"{prefix}.unexpected_character", message, span, f"expected {expected}")
    if refusal.kind == "end":
        return Fault(f"{prefix}.unexpected_end", "the text ends too early", span, f"expected {expected}")
    if found in vocabulary.brackets.values() and not opener:
        return Fault(
            f"{prefix}.unopened_bracket", f'"{found}" closes nothing', span, "remove it, or open the bracket"
        )
    return Fault(f"{prefix}.unexpected_token", f"unexpected {_quoted(found)}", span, f"expected {expected}")


def _misspelt(refusal: Refusal, source: SourceText, vocabulary: Vocabulary, prefix: str) -> Fault:
    span = Span(refusal.start, refusal.end)
    word, keyword = source.text[refusal.start : refusal.end], vocabulary.literals[refusal.repair]
    message = f"unexpected {_quoted(word)} where {_listed(refusal, vocabulary)} belongs"
    hint = f'did you mean "{keyword}"?'
    return Fault(f"{prefix}.misspelt_keyword", message, span, hint, fix=Fix(span, keyword))


def _missing(refusal: Refusal, source: SourceText, vocabulary: Vocabulary, prefix: str) -> Fault:
    literal = vocabulary.literals[refusal.repair]
    at = refusal.code_end
    before = (
        "the end of the text" if refusal.kind == "end" else _quoted(source.text[refusal.start : refusal.end])
    )
    shown = vocabulary.shown(refusal.repair)
    return Fault(
        f"{prefix}.missing_token",
        f"{shown} is missing before {before}",
        Span(at, max(at, refusal.start)) if at < refusal.start else Span(refusal.start, refusal.end),
        f"write {shown} here",
        fix=Fix(Span(at, at), f" {literal}" if literal[:1].isalpha() else literal),
    )


def _unclosed(refusal: Refusal, source: SourceText, vocabulary: Vocabulary, prefix: str) -> Fault:
    assert refusal.opener is not None
    start, end, text = refusal.opener
    if refusal.kind == "end":
        noticed = "before the text ends"
    else:
        place = source.place(refusal.start)
        found = _quoted(source.text[refusal.start : refusal.end])
        noticed = f"before {found} at line {place.line}, column {place.column}"
    fix = None
    hint = f"expected {_listed(refusal, vocabulary)}"
    if refusal.repair:
        closer = vocabulary.literals[refusal.repair]
        at = refusal.code_end
        fix, hint = Fix(Span(at, at), closer), f'write "{closer}"'
    return Fault(
        f"{prefix}.unclosed_bracket", f'"{text}" is not closed {noticed}', Span(start, end), hint, fix=fix
    )


def _is_repaired_by_closer(refusal: Refusal, vocabulary: Vocabulary) -> bool:
    if not refusal.repair or not refusal.opener:
        return False
    return vocabulary.literals[refusal.repair] == vocabulary.brackets.get(refusal.opener[2])


def _listed(refusal: Refusal, vocabulary: Vocabulary) -> str:
    """The expected terminals in words, fixed words first."""
    names = sorted(
        refusal.expected, key=lambda name: (name not in vocabulary.literals, vocabulary.shown(name))
    )
    shown = list(dict.fromkeys(vocabulary.shown(name) for name in names if name not in vocabulary.ignored))
    if not shown:
        return "nothing more"
    more = len(shown) - MAX_EXPECTED
    if more > 1:
        return ", ".join(shown[:MAX_EXPECTED]) + f" or {more} others"
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _quoted(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return "a line end" if not shown.strip() and "\n" in shown else f'"{shown}"'


def _character(text: str) -> str:
    if text.isprintable() and text.strip():
        return f'"{text}"'
    return f"the character U+{ord(text):04X}" if text else "this"
