"""The server over its life: bursts of keys, garbage, unknown documents, and every way to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from editor import Editor

URI = "file:///nowhere/life.okt"


def test_a_burst_of_changes_is_checked_once_and_the_last_one_counts(editor: Editor) -> None:
    text = 'PROJECT "x"\nMODEL { base: "nano" }\nTRAIN { epochs: 3 optimizer: "adam" }'
    editor.open(URI, "")
    for version, end in enumerate(range(1, len(text) + 1), start=2):
        editor.change(URI, text[:end], version)
    found = editor.diagnostics(URI, len(text) + 1)
    assert not any(fault["code"].startswith("V") for fault in found)
    told = [message for message in editor.kept if message.get("method") == "textDocument/publishDiagnostics"]
    assert len(told) < len(text) / 2  # far fewer than changes; how many depends on the machine's load
    editor.kept.clear()
    editor.close(URI)


def test_questions_are_answered_from_the_newest_text_even_before_it_is_checked(editor: Editor) -> None:
    editor.open(URI, "")
    editor.change(URI, "TRAIN { optimizer:  }", 2)
    labels = {item["label"] for item in editor.at("completion", URI, 0, 19)["items"]}
    assert "adamw" in labels
    editor.diagnostics(URI, 2)
    editor.close(URI)


def test_closing_takes_the_diagnostics_away_and_forgets_the_text(editor: Editor) -> None:
    assert editor.open(URI, "MODEL {")
    editor.change(URI, "MODEL { ", 2)
    editor.close(URI)
    assert editor.at("hover", URI, 0, 1) is None
    assert editor.about("formatting", URI, options={"tabSize": 4, "insertSpaces": True}) is None
    assert not [one for one in editor.kept if one.get("method") == "textDocument/publishDiagnostics"]


def test_positions_beyond_the_text_are_harmless(editor: Editor) -> None:
    editor.open(URI, "MODEL { }\n😀")
    for line, character in ((0, 999), (1, 1), (1, 99), (99, 0), (2**31 - 1, 2**31 - 1)):
        editor.at("hover", URI, line, character)
        editor.at("completion", URI, line, character)
        editor.at("definition", URI, line, character)
    editor.close(URI)


def test_a_text_that_is_too_large_is_not_checked_and_says_so(editor: Editor) -> None:
    (note,) = editor.open(URI, "# x\n" * 300_000)
    assert note["severity"] == 2
    assert "not checked here" in note["message"]
    assert editor.at("completion", URI, 0, 0)["items"] == []
    assert editor.at("hover", URI, 0, 0) is None
    assert editor.about("documentSymbol", URI) == []
    assert editor.about("semanticTokens/full", URI) == {"data": []}
    assert editor.about("formatting", URI, options={"tabSize": 4, "insertSpaces": True}) == []
    editor.close(URI)


def test_a_text_with_lone_surrogates_and_nuls_is_harmless(editor: Editor) -> None:
    body = (
        b'{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"%s",'
        % URI.encode()
    )
    body += b'"languageId":"okt","version":1,"text":"MODEL { \\ud800\\u0000: \\"\\udfff\\" }"}}}'
    editor.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert editor.diagnostics(URI, 1)
    editor.about("documentSymbol", URI)
    editor.close(URI)


GARBAGE = [
    b"Content-Length: 9\r\n\r\nno json!!",
    b"Content-Length: 2\r\n\r\n[]",
    b"Content-Length: 4\r\n\r\nnull",
    b"Content-Length: 3\r\n\r\n\xff\xfe\xfd",
    b"nonsense\r\n\r\n",
    b"Content-Length: x\r\n\r\n",
    b"Content-Type: none\r\n\r\n",
]


def packed(message: dict[str, object]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


WRONG_MESSAGES = [
    packed({"method": "textDocument/didOpen", "params": {}}),
    packed({"method": "textDocument/didChange", "params": {"textDocument": 7}}),
    packed({"method": "no/such/notification", "params": None}),
    packed({"method": "$/cancelRequest", "params": {"id": 12345}}),
    packed({"method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///none"}}}),
    packed(
        {
            "method": "textDocument/didChange",
            "params": {"textDocument": {"uri": "x:y", "version": 1}, "contentChanges": [{"text": "a"}]},
        }
    ),
    packed({"id": 777, "method": "no/such/request", "params": {}}),
    packed({"id": 778, "method": "textDocument/hover", "params": {"position": "here"}}),
]


def test_garbage_on_the_wire_is_passed_over_in_one_line_each(tmp_path: Path) -> None:
    with Editor(tmp_path) as started:
        for data in [*GARBAGE, *WRONG_MESSAGES]:
            started.send_bytes(data)
        started.open(URI, "MODEL { }")
        assert "MODEL" in started.at("hover", URI, 0, 1)["contents"]["value"]
        assert started.leave() == 0
    said = b"".join(started.errors).decode()
    assert "Traceback" not in said
    assert 'File "' not in said


def test_a_header_that_can_not_be_read_on_from_ends_the_server_in_one_line(tmp_path: Path) -> None:
    with Editor(tmp_path) as started:
        started.send_bytes(b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n")
        assert started.wait() == 1
    assert b"".join(started.errors).decode().count("\n") == 1


def test_leaving_without_goodbye_ends_the_server(tmp_path: Path) -> None:
    with Editor(tmp_path) as started:
        started.tell("exit", None)
        assert started.wait() == 1
    with Editor(tmp_path) as started:
        assert started.process.stdin is not None
        started.process.stdin.close()
        assert started.process.wait(30) == 0
        assert "Traceback" not in b"".join(started.errors).decode()


def test_a_missing_extra_is_told_in_one_line_with_its_cure(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('pygls', 'lsprotocol'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Gone())\n"
        "sys.argv = ['idiolect', 'lsp']\n"
        "from idiolect.cli.app import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert done.stderr == 'error: the language server needs an extra: pip install "idiolect[lsp]"\n'
    assert done.stdout == ""
