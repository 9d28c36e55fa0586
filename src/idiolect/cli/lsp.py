"""`idiolect lsp`: the language server for editors."""

from __future__ import annotations

from idiolect.cli.report import stop


def lsp() -> None:
    """Serve .okt files to an editor over standard input and output (Language Server Protocol)."""
    try:
        from idiolect.okt.lsp.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        stop('error: the language server needs an extra: pip install "idiolect[lsp]"')
    serve()
