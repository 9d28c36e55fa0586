"""The form in which a model that writes scripts says that it can't, and why: one comment, and nothing else.

    # refusal: layer takes M1, M2 or M3, not M9

The mark is the language's own comment mark, found by trying which the dialect takes; so a refusal verifies,
and a decoder held to the language can write it. JSON trees have a form of their own (`json_ast/refusal.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from idiolect.dialects.contract import Context, Dialect, NotOffered

WORD = "refusal:"
MARKS = ("#", ";", "//", "--", "'", "%")
_LINE = re.compile(rf"[ \t]*(?:{'|'.join(map(re.escape, MARKS))})+[ \t]*{WORD}[ \t]*(\S.*)")


def refusal_mark(dialect: Dialect, context: Context, before: Sequence[str] = ()) -> str | None:
    """The mark with which refusals can be written here; None where the language has no room for one.

    `before` are lines that every script must begin with.
    """
    from idiolect.grammar.replay import NotCompiled, replay

    for mark in MARKS:
        text = refusal_text("there is no such command", mark, before)
        if not dialect.verify(text, context).ok:
            continue
        try:
            accepted = replay(dialect.constraint(context), text).accepted
        except NotOffered:
            return mark
        except (NotCompiled, ValueError):
            continue
        if accepted:
            return mark
    return None


def refusal_text(reason: str, mark: str = "#", before: Sequence[str] = ()) -> str:
    """The script that says a reason and does nothing."""
    return "".join(f"{line}\n" for line in (*before, f"{mark} {WORD} {' '.join(reason.split())}"))


def refusal_reason(text: str) -> str | None:
    """The reason in a script that is a refusal; None for any other text."""
    found = [_LINE.fullmatch(line.rstrip()) for line in text.splitlines()]
    return next((one[1] for one in found if one), None)
