"""The language server: what the editor asks for, answered from the definitions and the checker.

It runs nothing, opens no network, and reads no file but the names in folders and whether a path exists.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from idiolect import __version__
from idiolect.okt.lsp import coloring, edits, links, outline
from idiolect.okt.lsp.analysis import Analysis
from idiolect.okt.lsp.completion import complete
from idiolect.okt.lsp.hover import hover

# Long enough that a burst of keys is one check, short enough to feel at once.
DEBOUNCE_S = 0.12


class OktServer(LanguageServer):
    """Holds the open documents and tells their diagnostics."""

    def __init__(self) -> None:
        # Whole texts at each change: scripts are small, and ranges of changes can't get out of step.
        super().__init__("idiolect", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.open: dict[str, Analysis] = {}
        self.waiting: dict[str, asyncio.TimerHandle] = {}
        self.may_leave = False  # an editor asks for shutdown before it says exit
        self.left_early = False

    @property
    def encoding(self) -> str:
        """The units that columns are counted in, as agreed with the editor."""
        agreed = self.server_capabilities.position_encoding
        return agreed.value if isinstance(agreed, lsp.PositionEncodingKind) else agreed or "utf-16"

    def renew(self, uri: str, text: str, version: int | None) -> None:
        self.open[uri] = Analysis(uri, text, version, self.encoding)

    def tell_soon(self, uri: str) -> None:
        """Tell the diagnostics when no further change came for a moment."""
        self.stop_waiting(uri)
        loop = asyncio.get_running_loop()
        self.waiting[uri] = loop.call_later(DEBOUNCE_S, self.tell, uri)

    def stop_waiting(self, uri: str) -> None:
        handle = self.waiting.pop(uri, None)
        if handle is not None:
            handle.cancel()

    def tell(self, uri: str) -> None:
        """Send the diagnostics of a document now."""
        self.stop_waiting(uri)
        analysis = self.open.get(uri)
        if analysis is not None:
            found = [told for _, told in analysis.diagnostics]
            self.publish(uri, found, analysis.version)

    def publish(self, uri: str, found: list[lsp.Diagnostic], version: int | None = None) -> None:
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """A message that can't be read is noted and passed over; the editor is not troubled with it."""
        logging.getLogger("idiolect.lsp").warning("message passed over: %s", _first_line(error))


def make_server() -> OktServer:
    """A server with all its answers registered."""
    server = OktServer()
    _register_end(server)
    _register_documents(server)
    _register_answers(server)
    return server


def serve() -> None:
    """Serve on standard input and output until the editor leaves."""
    _set_up_log()
    server = make_server()
    try:
        server.start_io()
    except ValueError as error:  # a header that is no header, such as a length of thousands of digits
        logging.getLogger("idiolect.lsp").error("stopped: %s", _first_line(error))
        raise SystemExit(1) from error
    if server.left_early:
        raise SystemExit(1)  # what the protocol asks for


def _register_end(server: OktServer) -> None:
    @server.feature(lsp.SHUTDOWN)
    def shut_down(_: None) -> None:
        server.may_leave = True

    @server.feature(lsp.EXIT)
    def left(_: None) -> None:
        server.left_early = not server.may_leave


def _register_documents(server: OktServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.renew(document.uri, document.text, document.version)
        server.tell(document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        whole = [
            c.text
            for c in params.content_changes
            if isinstance(c, lsp.TextDocumentContentChangeWholeDocument)
        ]
        if whole and document.uri in server.open:
            server.renew(document.uri, whole[-1], document.version)
            server.tell_soon(document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        server.tell(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.stop_waiting(uri)
        if server.open.pop(uri, None) is not None:
            server.publish(uri, [])


def _register_answers(server: OktServer) -> None:
    def answer(method: str, options: Any, make: Callable[[Analysis, Any], Any]) -> None:
        @server.feature(method, options)
        def handle(params: Any) -> Any:
            analysis = server.open.get(params.text_document.uri)
            return None if analysis is None else make(analysis, params)

    answer(
        lsp.TEXT_DOCUMENT_COMPLETION,
        lsp.CompletionOptions(trigger_characters=['"', "/", ":", "["]),
        lambda analysis, params: complete(analysis, params.position, snippets=_takes_snippets(server)),
    )
    answer(lsp.TEXT_DOCUMENT_HOVER, None, lambda analysis, params: hover(analysis, params.position))
    answer(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL, None, lambda analysis, _: outline.symbols(analysis))
    answer(lsp.TEXT_DOCUMENT_FOLDING_RANGE, None, lambda analysis, _: outline.folds(analysis))
    answer(lsp.TEXT_DOCUMENT_FORMATTING, None, lambda analysis, _: edits.layout_edits(analysis))
    answer(
        lsp.TEXT_DOCUMENT_DEFINITION,
        None,
        lambda analysis, params: links.definition(analysis, params.position),
    )
    answer(lsp.TEXT_DOCUMENT_DOCUMENT_LINK, None, lambda analysis, _: links.document_links(analysis))
    answer(
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, edits.FIX_ALL]),
        lambda analysis, params: edits.code_actions(analysis, params.range, params.context.only),
    )
    answer(
        lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        coloring.LEGEND,
        lambda analysis, _: coloring.semantic_tokens(analysis),
    )


def _takes_snippets(server: OktServer) -> bool:
    document = server.client_capabilities.text_document
    completion = document.completion if document else None
    item = completion.completion_item if completion else None
    return bool(item and item.snippet_support)


class _OneLine(logging.Formatter):
    """A log line without the trace: standard error is what a user sees in the editor's output panel."""

    def format(self, record: logging.LogRecord) -> str:
        return f"idiolect lsp: {record.levelname.lower()}: {_first_line(record.getMessage())}"


def _first_line(what: object) -> str:
    text = str(what).strip()
    return text.split("\n", 1)[0][:300] if text else type(what).__name__


def _set_up_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    handler.setLevel(logging.WARNING)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
