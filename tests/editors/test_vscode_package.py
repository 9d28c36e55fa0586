"""The VS Code extension: what it declares, how it starts the server, and that its package can be built."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from idiolect.cli.app import app
from idiolect.okt.lsp import edits

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"


@pytest.fixture
def declared() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return read


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    return found


def test_the_files_it_declares_are_there(declared: dict[str, Any]) -> None:
    contributed = declared["contributes"]
    (language,), (colors,) = contributed["languages"], contributed["grammars"]
    assert language["extensions"] == [".okt"]
    configuration = json.loads((EXTENSION / language["configuration"]).read_text(encoding="utf-8"))
    assert configuration["comments"] == {"lineComment": "#"}
    read = json.loads((EXTENSION / colors["path"]).read_text(encoding="utf-8"))
    assert read["scopeName"] == colors["scopeName"]
    assert colors["language"] == language["id"]


def test_what_it_names_exists(declared: dict[str, Any]) -> None:
    commands = [
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    ]
    assert "lsp" in commands
    source = (EXTENSION / "src" / "extension.js").read_text(encoding="utf-8")
    for command in declared["contributes"]["commands"]:
        assert f'"{command["command"]}"' in source
    readme = (EXTENSION / "README.md").read_text(encoding="utf-8")
    assert f'"{edits.FIX_ALL}"' in readme
    assert '"idiolect.command"' in readme


def test_the_lock_file_names_no_download_address() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert len(lock["packages"]) > 50
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


@pytest.mark.parametrize(
    ("setting", "folder", "command", "arguments"),
    [
        (["idiolect"], "/w", "idiolect", ["lsp"]),
        (
            ["${workspaceFolder}/.venv/bin/python", "-m", "idiolect"],
            "/w",
            "/w/.venv/bin/python",
            ["-m", "idiolect", "lsp"],
        ),
        (["${workspaceFolder}/i"], None, "./i", ["lsp"]),
        ("/opt/idiolect", "/w", "/opt/idiolect", ["lsp"]),
        ([], "/w", "idiolect", ["lsp"]),
        (["", 7, None], "/w", "idiolect", ["lsp"]),
        (None, None, "idiolect", ["lsp"]),
        ({"a": 1}, None, "idiolect", ["lsp"]),
    ],
)
def test_the_server_is_started_as_the_setting_says(
    setting: object, folder: str | None, command: str, arguments: list[str]
) -> None:
    script = (
        f"const {{serverCommand}} = require({json.dumps(str(EXTENSION / 'src' / 'command.js'))});"
        f"const made = serverCommand({json.dumps(setting)}, {json.dumps(folder)} ?? undefined);"
        "console.log(JSON.stringify(made))"
    )
    done = subprocess.run([node(), "-e", script], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == {"command": command, "args": arguments}


def test_a_missing_program_is_told_with_its_cure() -> None:
    script = (
        f"const {{startFailure}} = require({json.dumps(str(EXTENSION / 'src' / 'command.js'))});"
        "console.log(startFailure(new Error('spawn idiolect ENOENT'), 'idiolect'));"
        "console.log(startFailure(new Error('gone'), 'idiolect'));"
    )
    done = subprocess.run([node(), "-e", script], capture_output=True, text=True, check=True, timeout=60)
    missing, gone = done.stdout.splitlines()
    assert 'there is no program "idiolect"' in missing
    assert 'pip install "idiolect[lsp]"' in missing
    assert "gone" in gone


@pytest.mark.slow
def test_the_package_is_built_and_holds_what_it_needs_and_nothing_else() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    if not (EXTENSION / "node_modules" / "@vscode" / "vsce").is_dir():
        pytest.skip("the extension's node modules are not installed: npm ci in editors/vscode")
    done = subprocess.run(
        [npm, "run", "package"], cwd=EXTENSION, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(EXTENSION / "idiolect.vsix") as package:
        names = set(package.namelist())
    assert names == {
        "[Content_Types].xml",
        "extension.vsixmanifest",
        "extension/package.json",
        "extension/readme.md",
        "extension/LICENSE.txt",
        "extension/language-configuration.json",
        "extension/syntaxes/okt.tmLanguage.json",
        "extension/dist/extension.js",
    }
    # Whatever the bundle asks the editor for at loading is answered by a stand-in.
    script = (
        "const Module = require('node:module'); const load = Module._load;"
        "const any = new Proxy(class {}, { get: (t, k) => k === 'prototype' ? t.prototype : any });"
        "Module._load = (name, ...rest) => name === 'vscode' ? any : load(name, ...rest);"
        f"const made = require({json.dumps(str(EXTENSION / 'dist' / 'extension.js'))});"
        "console.log(typeof made.activate, typeof made.deactivate)"
    )
    loaded = subprocess.run([node(), "-e", script], capture_output=True, text=True, check=False, timeout=60)
    assert loaded.stdout.split() == ["function", "function"], loaded.stderr
