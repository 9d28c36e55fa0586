"""The pages: files of this package, sent with headers that let them load nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import Response

from idiolect.serve.trouble import trouble

_TYPES = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
}  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": POLICY, "X-Frame-Options": "DENY", "Cache-Control": "no-cache"}


def add_pages(app: FastAPI, first: str) -> None:
    """Let an application send the pages' files, and one of the pages at its root."""

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return page(f"{first}.html")

    @app.get("/pages/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        return page(name)

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return page("mark.svg")


def page(name: str) -> Response:
    """A file of the pages; L817 where there is none of this name."""
    content = _contents().get(name)
    if content is None:
        raise trouble("L817", "there is no such page")
    return Response(content, headers={**_HEADERS, "Content-Type": _TYPES[name.rpartition(".")[2]]})


@cache
def _contents() -> dict[str, bytes]:
    folder = files("idiolect.serve").joinpath("front")
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES}
