"""A small editor for the tests: it starts the real server and speaks JSON-RPC with it over pipes."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

PATIENCE_S = 30


class Editor:
    """One server process and what it said."""

    def __init__(self, folder: Path, *, snippets: bool = True, encodings: list[str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "idiolect", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
        )
        self.heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.kept: list[dict[str, Any]] = []
        self.number = 0
        self.errors: list[bytes] = []
        self.readers = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._listen_to_errors, daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        general = {"positionEncodings": encodings} if encodings else {}
        item = {"snippetSupport": snippets}
        self.server = self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": folder.as_uri(),
                "capabilities": {
                    "general": general,
                    "textDocument": {
                        "completion": {"completionItem": item},
                        "publishDiagnostics": {"relatedInformation": True},
                    },
                },
            },
        )
        self.tell("initialized", {})

    # --- the wire

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """The result of a request."""
        self.number += 1
        number = self.number
        self.send({"id": number, "method": method, "params": params})
        answer = self.wait_for(lambda message: message.get("id") == number and "method" not in message)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def wait_for(self, wanted: Any, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        while True:
            message = self.heard.get(timeout=patience_s)
            assert message is not None, f"the server has gone: {b''.join(self.errors).decode()}"
            if wanted(message):
                return message
            self.kept.append(message)

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline().strip()) != b"" or length == 0:
                if line == b"" and length == 0:
                    self.heard.put(None)
                    return
                name, _, value = line.partition(b":")
                length = int(value) if name == b"Content-Length" else length
            self.heard.put(json.loads(stream.read(length)))

    def _listen_to_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line)

    # --- documents

    def open(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Open a document; its diagnostics."""
        document = {"uri": uri, "languageId": "okt", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return self.diagnostics(uri, 1)

    def change(self, uri: str, text: str, version: int) -> None:
        document = {"uri": uri, "version": version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def close(self, uri: str) -> None:
        """Close a document; the server takes its diagnostics away."""
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
        assert self.diagnostics(uri, None) == []

    def diagnostics(self, uri: str, version: int | None) -> list[dict[str, Any]]:
        told = self.wait_for(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == uri
                and message["params"].get("version") == version
            )
        )
        found: list[dict[str, Any]] = told["params"]["diagnostics"]
        return found

    def at(self, method: str, uri: str, line: int, character: int, **more: Any) -> Any:
        """The answer to a question about a position."""
        position = {"line": line, "character": character}
        return self.ask(
            f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": position, **more}
        )

    def about(self, method: str, uri: str, **more: Any) -> Any:
        """The answer to a question about a document."""
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, **more})

    # --- the end

    def leave(self) -> int:
        """Shut the server down as an editor does; its exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE_S)
        for reader in self.readers:
            reader.join(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.wait()


class Page:
    """A text with a "|" at the cursor, open in an editor."""

    def __init__(self, editor: Editor, uri: str, marked: str) -> None:
        self.editor, self.uri = editor, uri
        before, _, after = marked.partition("|")
        self.text = before + after
        lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.line = len(lines) - 1
        self.character = len(lines[-1].encode("utf-16-le")) // 2
        self.diagnostics = editor.open(uri, self.text)

    def ask(self, method: str) -> Any:
        return self.editor.at(method, self.uri, self.line, self.character)

    def completion(self) -> dict[str, dict[str, Any]]:
        """The items by their labels, in the order in which they are shown."""
        items = sorted(self.ask("completion")["items"], key=lambda item: item["sortText"])
        return {item["label"]: item for item in items}

    def hover(self) -> str:
        answer = self.ask("hover")
        return "" if answer is None else answer["contents"]["value"]


@contextmanager
def page(editor: Editor, marked: str, uri: str = "file:///nowhere/a.okt") -> Iterator[Page]:
    opened = Page(editor, uri, marked)
    yield opened
    editor.close(uri)


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """A text with the edits of the server made, by UTF-16 positions."""

    def offset(position: dict[str, int]) -> int:
        lines = text.split("\n")
        start = sum(len(line) + 1 for line in lines[: position["line"]])
        units = lines[position["line"]].encode("utf-16-le")[: position["character"] * 2]
        return start + len(units.decode("utf-16-le"))

    spans = [
        (offset(edit["range"]["start"]), offset(edit["range"]["end"]), edit["newText"]) for edit in edits
    ]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text
