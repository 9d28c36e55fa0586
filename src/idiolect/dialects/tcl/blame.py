"""Says which delimiter is probably at fault: Tcl itself notices only at the end of the text.

People indent by what they mean, so the pair of braces whose closer stands at another indentation
than its opener's line is the likeliest suspect. It does **not** decide that something is wrong.
"""

from __future__ import annotations

from idiolect.dialects.verdict import Fault, Fix
from idiolect.source import Span

LOOK_BACK = 400  # characters; no line is indented further, and it keeps one-line texts linear


def unclosed_brace(text: str, opener: int, end: int, closers: dict[int, int]) -> Fault:
    """The fault of a `{` that is never closed, pointed at the one that probably lacks its closer."""
    # Only where the whole text ends is a search over all braces paid once.
    suspect = _shifted_pair(text, opener, end, closers) if end == len(text) else None
    at = opener if suspect is None else suspect
    hint = "add the } that closes it"
    if suspect is not None:
        line = text.count("\n", 0, opener) + 1
        hint = f"by the indentation this one lacks its }}; Tcl itself notices it at the {{ of line {line}"
    return Fault("tcl.parse.brace", "missing close-brace", Span(at, at + 1), hint)


def stray_brace(text: str, at: int, closers: dict[int, int]) -> Fault:
    """The fault of a `}` that closes nothing, with the pair that probably took too much before it."""
    hint = "remove it, or add the { that it should close"
    suspects = [
        (closer, opener)
        for opener, closer in closers.items()
        if closer < at and (shift := _shift(text, opener, closer)) is not None and shift > 0
    ]
    if suspects:
        line = text.count("\n", 0, max(suspects)[1]) + 1
        hint = f"remove it; by the indentation the block opened in line {line} is closed too early"
    return Fault("tcl.parse.stray_brace", "unexpected close-brace", Span(at, at + 1), hint)


def extra_after_word(text: str, at: int, end: int, braced: bool) -> Fault:
    """The fault of characters that touch a closing brace or quote."""
    what = "brace" if braced else "quote"
    span = Span(at, end)
    hint, fix = f"put a space behind the close-{what}", None
    if text[at] in '{"':
        fix = Fix(Span(at, at), " ")
    elif text[at] in "}]" and end == at + 1:
        hint, fix = f"remove the {text[at]}", Fix(span, "")
    return Fault(f"tcl.parse.extra_after_{what}", f"extra characters after close-{what}", span, hint, fix=fix)


def _shifted_pair(text: str, start: int, end: int, closers: dict[int, int]) -> int | None:
    """The first pair whose closer begins a line that is indented less than the opener's line."""
    best: tuple[int, int] | None = None
    for opener, closer in closers.items():
        if start < opener and closer < end and (best is None or closer < best[0]):
            shift = _shift(text, opener, closer)
            if shift is not None and shift < 0:
                best = (closer, opener)
    return None if best is None else best[1]


def _shift(text: str, opener: int, closer: int) -> int | None:
    """How much further than its opener's line a closer is indented, if it is the first of its line."""
    own = _indent(text, closer)
    if (
        own is None
        or "\n"
        not in text[opener : min(closer, opener + LOOK_BACK)] + text[max(opener, closer - LOOK_BACK) : closer]
    ):
        return None
    line = text.rfind("\n", max(0, opener - LOOK_BACK), opener) + 1
    stop = line
    while stop < opener and text[stop] in " \t":
        stop += 1
    return own - len(text[line:stop].expandtabs(8))


def _indent(text: str, at: int) -> int | None:
    """The indentation of the line that an offset is the first character of, else None."""
    line = text.rfind("\n", max(0, at - LOOK_BACK), at) + 1
    if line == 0 and at > LOOK_BACK:
        return None
    before = text[line:at]
    return len(before.expandtabs(8)) if not before.strip(" \t") else None
