"""What a policy says of the words of a text: forbidden and deprecated ones, header lines, limits."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from idiolect.dialects.policy import Policy, deprecated_fault, forbidden_fault, text_faults
from idiolect.dialects.user.outcome import Lexeme
from idiolect.dialects.user.settings import Settings
from idiolect.dialects.verdict import Fault
from idiolect.source import Span

LONGEST_NAME = 1_000
NO_COMMENT = "\0"  # for languages without line comments: no line starts so


def policy_faults(
    policy: Policy, text: str, lexemes: Sequence[Lexeme], settings: Settings
) -> Iterator[Fault]:
    """The policy's faults of a text that parses. A name of several words stands for as many tokens."""
    yield from text_faults(policy, text, settings.name, settings.comments.line or NO_COMMENT)
    names = [rule.name for rule in policy.forbidden] + [rule.name for rule in policy.deprecated]
    sizes = {len(name.split()) for name in names}
    judged: dict[str, tuple[bool, bool]] = {}
    for size in sorted(sizes):
        for at in range(len(lexemes) - size + 1):
            phrase = " ".join(lexeme.text for lexeme in lexemes[at : at + size])
            if phrase not in judged:
                judged[phrase] = (policy.forbids(phrase) is not None, policy.deprecates(phrase) is not None)
            forbidden, deprecated = judged[phrase]
            span = lexemes[at].span.to(lexemes[at + size - 1].span)
            if forbidden and (rule := policy.forbids(phrase)):
                yield forbidden_fault(rule, phrase, span, settings.name)
            if deprecated and (old := policy.deprecates(phrase)):
                yield deprecated_fault(
                    phrase,
                    span,
                    settings.name,
                    replacement=old.replacement,
                    why=old.why,
                    deny=policy.deny_deprecated,
                )


def forbidden_words(policy: Policy) -> tuple[str, ...]:
    """The forbidden names that are plain words, of which broken texts can be made."""
    return tuple(rule.name for rule in policy.forbidden if rule.name.replace("_", "a").isalnum())


def name_in(span: Span, lexemes: Sequence[Lexeme]) -> str:
    """The tokens in a span without the white space between them; cut where no name would be that long."""
    pieces: list[str] = []
    length = 0
    at = bisect_left(lexemes, span.start, key=lambda lexeme: lexeme.span.start)
    while at < len(lexemes) and lexemes[at].span.end <= span.end and length < LONGEST_NAME:
        pieces.append(lexemes[at].text)
        length += len(pieces[-1])
        at += 1
    return "".join(pieces)
