"""The version pragma: `# okto_version: "1.2"` before anything else."""

from __future__ import annotations

import re

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.lexer import Comment
from idiolect.okt.syntax import Pragma
from idiolect.okt.vocab import KNOWN_VERSIONS
from idiolect.source import Span

_PRAGMA = re.compile(
    r"#\s*okto_?version\s*[:=]\s*(?P<quote>\"?)(?P<version>[^\"]*?)(?P=quote)\s*$", re.IGNORECASE
)


def read_pragma(comments: list[Comment], first_token: int, reporter: Reporter) -> Pragma | None:
    """The pragma of a file; one behind the first block, a second one, and an unknown version are told."""
    found: Pragma | None = None
    for comment in comments:
        match = _PRAGMA.match(comment.text)
        if match is None:
            continue
        span = Span(comment.span.start + match.start("version"), comment.span.start + match.end("version"))
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
        found = Pragma(match["version"], span, comment.line)
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
