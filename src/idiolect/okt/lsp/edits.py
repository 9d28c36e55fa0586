"""Changes to a text: the layout, the cures of diagnostics one by one, and all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lsprotocol import types as lsp

from idiolect.okt.check import check_text
from idiolect.okt.diagnostics import Diagnostic, Edit
from idiolect.okt.format import format_text
from idiolect.okt.lsp.analysis import Analysis
from idiolect.source import Span

FIX_ALL = f"{lsp.CodeActionKind.SourceFixAll.value}.idiolect"
MOST_PASSES = 10  # a cure may bring another fault to light


def layout_edits(analysis: Analysis) -> list[lsp.TextEdit]:
    """What formatting changes; nothing where the script has no layout, since its faults are told already."""
    if analysis.too_large:
        return []
    made = format_text(analysis.text).text
    return [] if made is None else difference(analysis, made)


def difference(analysis: Analysis, made: str) -> list[lsp.TextEdit]:
    """One edit that makes the text another one, without the lines that both begin and end with."""
    old, new = analysis.text, made
    if old == new:
        return []
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    # Never between the halves of "\r\n": the editor takes them for one.
    if start and old[start - 1] == "\r":
        start -= 1
    if end and old[len(old) - end] == "\n":
        end -= 1
    span = Span(start, len(old) - end)
    return [lsp.TextEdit(analysis.positions.range(span), new[start : len(new) - end])]


def code_actions(
    analysis: Analysis, range: lsp.Range, only: Sequence[str] | None = None
) -> list[lsp.CodeAction]:
    """The cures of the diagnostics in a range, and the one that takes all cures of the file."""
    if analysis.too_large:
        return []
    asked = analysis.positions.span(range)
    found: list[lsp.CodeAction] = []
    if _wanted(lsp.CodeActionKind.QuickFix.value, only):
        for diagnostic, told in analysis.diagnostics:
            if diagnostic.span.start <= asked.end and asked.start <= diagnostic.span.end:
                found += _cures(analysis, diagnostic, told)
    if _wanted(FIX_ALL, only) and any(item.edits for item in analysis.checked.diagnostics):
        fixed = fix_all(analysis.text)
        if fixed != analysis.text:
            found.append(
                lsp.CodeAction(
                    "Fix all that has a known cure",
                    kind=FIX_ALL,
                    edit=_change(analysis, difference(analysis, fixed)),
                )
            )
    return found


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a kind of action is asked for; a kind includes those below it."""
    return not only or any(kind == one or kind.startswith(f"{one}.") for one in only)


def _cures(analysis: Analysis, diagnostic: Diagnostic, told: lsp.Diagnostic) -> Iterable[lsp.CodeAction]:
    for edit in diagnostic.edits:
        change = lsp.TextEdit(analysis.positions.range(edit.span), edit.text)
        yield lsp.CodeAction(
            edit.title,
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[told],
            is_preferred=len(diagnostic.edits) == 1,
            edit=_change(analysis, [change]),
        )


def _change(analysis: Analysis, edits: list[lsp.TextEdit]) -> lsp.WorkspaceEdit:
    return lsp.WorkspaceEdit(changes={analysis.uri: edits})


def fix_all(text: str) -> str:
    """The text with every cure taken that is the only one of its diagnostic, until none is left."""
    seen = {text}
    for _ in range(MOST_PASSES):
        edits = [item.edits[0] for item in check_text(text).diagnostics if len(item.edits) == 1]
        text = _applied(text, _apart(edits))
        if text in seen:
            break
        seen.add(text)
    return text


def _apart(edits: list[Edit]) -> list[Edit]:
    """The edits in order, without those that touch an earlier one."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda one: (one.span.start, one.span.end)):
        if not kept or edit.span.start > kept[-1].span.end:
            kept.append(edit)
    return kept


def _applied(text: str, edits: list[Edit]) -> str:
    parts: list[str] = []
    at = 0
    for edit in edits:
        parts += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join([*parts, text[at:]])
