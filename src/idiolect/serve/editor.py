"""The editor's answers over HTTP: what the language server knows of a text, and saving its one file.

Columns count UTF-16 units, as browsers do. Only who has the token of this start may ask.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI
from lsprotocol import types as lsp
from pydantic import Field

from idiolect.files import Unreadable, read_small, write_beside
from idiolect.okt.format import format_text
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.coloring import NAMES, semantic_tokens
from idiolect.okt.lsp.completion import complete
from idiolect.okt.lsp.hover import hover
from idiolect.okt.lsp.outline import symbols
from idiolect.serve.bodies import Body
from idiolect.serve.local import local_app
from idiolect.serve.trouble import trouble

_MOST_BYTES = 4 << 20
_Text = Annotated[str, Field(max_length=1_000_000)]
_START = 'PROJECT "my-project"\n\n'


class TextBody(Body):
    text: _Text


class PlaceBody(TextBody):
    line: Annotated[int, Field(ge=0)]
    character: Annotated[int, Field(ge=0)]


class SaveBody(TextBody):
    version: str  # of the file as it was read


def editor_app(file: Path | None) -> FastAPI:
    """The application for one script, or for a text that is not kept."""
    app = local_app("editor", "editor", token=secrets.token_urlsafe(24))
    uri = file.absolute().as_uri() if file is not None else "untitled:script.okt"

    @app.get("/api/file")
    def read() -> dict[str, Any]:
        """The script as it is on disk."""
        if file is None:
            return {"name": None, "text": _START, "version": ""}
        return {"name": file.name, **_read(file)}

    @app.put("/api/file")
    def save(body: SaveBody) -> dict[str, Any]:
        """Write the script, unless somebody else has changed it meanwhile."""
        if file is None:
            raise trouble("L815", "no file was given to save to", "idiolect web --file FILE.okt", status=400)
        if _read(file)["version"] != body.version:
            raise trouble("L815", f"{file.name} was changed elsewhere since it was read", status=409)
        try:
            write_beside(file, body.text)
        except OSError as error:
            raise trouble("L819", f"{file.name} can't be written: {error.strerror}") from error
        return {"version": _version(body.text.encode())}

    @app.post("/api/analyze")
    def analyze(body: TextBody) -> dict[str, Any]:
        """Faults, the kinds of words, and the outline."""
        analysis = Analysis(uri, body.text)
        return {
            "diagnostics": [_diagnostic(analysis, *pair) for pair in analysis.diagnostics],
            "words": _words(analysis),
            "outline": [_symbol(one) for one in symbols(analysis)] if not analysis.too_large else [],
        }

    @app.post("/api/complete")
    def choices(body: PlaceBody) -> dict[str, Any]:
        """What can be written at a place."""
        found = complete(Analysis(uri, body.text), _position(body), snippets=False)
        return {"items": [_choice(item) for item in found.items]}

    @app.post("/api/hover")
    def card(body: PlaceBody) -> dict[str, Any]:
        """What the word at a place means, in Markdown."""
        found = hover(Analysis(uri, body.text), _position(body))
        content = found.contents if found else None
        return {"card": content.value if isinstance(content, lsp.MarkupContent) else None}

    @app.post("/api/format")
    def lay_out(body: TextBody) -> dict[str, Any]:
        """The text in its layout; none where it can't be read."""
        return {"text": format_text(body.text).text}

    return app


def _read(file: Path) -> dict[str, Any]:
    try:
        data = read_small(file, _MOST_BYTES)
        return {"text": data.decode("utf-8-sig"), "version": _version(data)}
    except Unreadable as error:
        if error.missing:
            return {"text": "", "version": ""}
        raise trouble("L819", f"{file.name} {error}") from error
    except UnicodeDecodeError as error:
        raise trouble("L819", f"{file.name}: byte {error.start} is not UTF-8") from error


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _position(body: PlaceBody) -> lsp.Position:
    return lsp.Position(body.line, body.character)


def _range(found: lsp.Range) -> list[int]:
    return [found.start.line, found.start.character, found.end.line, found.end.character]


def _diagnostic(analysis: Analysis, found: Any, told: lsp.Diagnostic) -> dict[str, Any]:
    fixes = [
        {"range": _range(analysis.positions.range(edit.span)), "text": edit.text} for edit in found.edits
    ]
    return {
        "code": found.code,
        "severity": found.severity.value,
        "message": found.message,
        "help": found.help,
        "range": _range(told.range),
        "edits": fixes,
    }


def _words(analysis: Analysis) -> list[list[Any]]:
    """Line, column, length and kind of each word that means something."""
    data = semantic_tokens(analysis).data
    words = []
    line = column = 0
    for at in range(0, len(data), 5):
        down, right, length, kind, old = data[at : at + 5]
        line, column = line + down, right if down else column + right
        words.append([line, column, length, "old" if old else NAMES[kind]])
    return words


def _symbol(one: lsp.DocumentSymbol) -> dict[str, Any]:
    return {"name": one.name, "detail": one.detail, "line": one.selection_range.start.line}


def _choice(item: lsp.CompletionItem) -> dict[str, Any]:
    edit = item.text_edit
    documentation = item.documentation
    return {
        "label": item.label,
        "detail": item.detail,
        "text": edit.new_text if edit else item.insert_text or item.label,
        "range": _range(edit.range) if isinstance(edit, lsp.TextEdit) else None,
        "card": documentation.value if isinstance(documentation, lsp.MarkupContent) else None,
        "sort": item.sort_text or item.label,
    }
