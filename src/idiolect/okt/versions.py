"""The version pragma: `# okto_version: "1.2"` before anything else."""

from __future__ import annotations

import re

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.lexer import Comment
from idiolect.okt.syntax import Pragma
from idiolect.okt.vocab import KNOWN_VERSIONS
from idiolect.source import Span

_PRAGMA = re.compile(r"#\s*okto_?version\s*[:=]\s*(?P<written>.*)", re.IGNORECASE | re.DOTALL)


def read_pragma(comments: list[Comment], first_token: int, reporter: Reporter) -> Pragma | None:
    """The pragma of a file; one behind the first block, a second one, and an unknown version are told."""
    found: Pragma | None = None
    for comment in comments:
        span = _version_span(comment)
        if span is None:
            continue
        if found is not None:
            reporter.warning("V013", span, "a second version pragma is ignored", "keep one, at the top")
            continue
        if comment.span.start > first_token:
            reporter.warning(
                "V013",
                span,
                "the version pragma stands behind the first block and is ignored",
                "move it to the top",
            )
            continue
        start = comment.span.start
        found = Pragma(comment.text[span.start - start : span.end - start], span, comment.line)
        if found.version not in KNOWN_VERSIONS:
            newest = KNOWN_VERSIONS[-1]
            reporter.warning(
                "V013",
                span,
                f'unknown language version "{found.version}"; the file is read as {newest}',
                f"write one of {', '.join(KNOWN_VERSIONS)}",
                edits=(Edit(f"Write {newest}", span, newest),),
            )
    return found


def _version_span(comment: Comment) -> Span | None:
    """Where the version stands in a comment that is a pragma: between its quotes, if it has them."""
    match = _PRAGMA.match(comment.text)
    if match is None:
        return None
    start, end = match.span("written")
    written = match["written"]
    if len(written) > 1 and written[0] == written[-1] == '"':
        start, end = start + 1, end - 1
    if '"' in comment.text[start:end]:
        return None
    return Span(comment.span.start + start, comment.span.start + end)
