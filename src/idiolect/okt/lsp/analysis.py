"""One text as the editor shows it, with all that was found out about it, each part when first asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import to_fs_path

from idiolect.okt.check import Checked, check_text
from idiolect.okt.diagnostics import Diagnostic, Severity
from idiolect.okt.lsp.positions import Positions
from idiolect.okt.lsp.slots import Slots
from idiolect.source import SourceText, Span

# A script is a page or ten; larger files are some other data, and are checked from the shell.
MOST_CHARACTERS = 1_000_000

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.INFO: lsp.DiagnosticSeverity.Information,
}


@dataclass
class Analysis:
    """A version of an open document."""

    uri: str
    text: str
    version: int | None = None
    encoding: str = "utf-16"

    @cached_property
    def path(self) -> Path | None:
        """The file of the document, if it has one."""
        if not self.uri.startswith("file:"):
            return None
        path = to_fs_path(self.uri)
        return Path(path) if path and "\0" not in path else None

    @property
    def too_large(self) -> bool:
        return len(self.text) > MOST_CHARACTERS

    @cached_property
    def checked(self) -> Checked:
        """The checked text; for one that is too large, that of an empty text with one note."""
        name = self.path.name if self.path else "<editor>"
        if not self.too_large:
            return check_text(self.text, name)
        most = f"{MOST_CHARACTERS:,}"
        note = Diagnostic(
            "L014",
            Severity.WARNING,
            f"not checked here: the text is longer than {most} characters",
            Span(0, 0),
            "check it with idiolect validate",
        )
        return replace(check_text("", name), diagnostics=[note])

    @property
    def source(self) -> SourceText:
        return self.checked.source

    @cached_property
    def positions(self) -> Positions:
        return Positions(self.source, self.encoding)

    @cached_property
    def slots(self) -> Slots:
        return Slots(self.checked.script.tokens)

    @cached_property
    def diagnostics(self) -> list[tuple[Diagnostic, lsp.Diagnostic]]:
        """Each diagnostic with what the editor is told of it."""
        return [(found, self._told(found)) for found in self.checked.diagnostics]

    def _told(self, found: Diagnostic) -> lsp.Diagnostic:
        related = [
            lsp.DiagnosticRelatedInformation(lsp.Location(self.uri, self.positions.range(span)), text)
            for span, text in found.related
        ]
        return lsp.Diagnostic(
            range=self.positions.range(found.span),
            message=f"{found.message}\n{found.help}" if found.help else found.message,
            severity=_SEVERITIES[found.severity],
            code=found.code,
            source="idiolect",
            related_information=related or None,
        )

    def in_comment(self, offset: int) -> bool:
        """Whether an offset is behind the "#" of a comment, on its line."""
        line = self.source.place(offset).line
        return any(
            comment.line == line and comment.span.start < offset for comment in self.checked.script.comments
        )
