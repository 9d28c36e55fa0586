"""serve keys, deploy, dashboard and web from the shell: what they refuse, and with which words."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app

DEPLOY = 'PROJECT "bank"\nMODEL {{ base: "nano" }}\nEXPORT {{ format: ["okm"] }}\nDEPLOY {{ {} }}\n'


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(folder, deploy):
    path = folder / "bank.okt"
    path.write_text(DEPLOY.format(deploy))
    return path


def test_keys_are_added_listed_and_removed(folder):
    made = run("serve", "keys", "add", "anna")
    key = made.stdout.strip()
    assert key.startswith("idl_")
    assert "anna" in run("serve", "keys", "list").stdout
    assert key not in run("serve", "keys", "list").stdout
    assert run("serve", "keys", "remove", "anna").exit_code == 0
    assert run("serve", "keys", "remove", "anna").exit_code == 1
    assert "no keys" in run("serve", "keys", "list").stdout
    assert run("serve", "keys", "add", " ").exit_code == 2


WRONG = [
    ('target: "ios"', "llama.cpp"),
    ('target: "android"', "onnxruntime"),
    ('target: "cloud"', "PACKAGE"),
    ('target: "api" requires_auth: true', "serve keys add"),
    ('target: "api" protocol: "grpc"', "not supported"),
    ('target: "api" protocol: "https"', "certificate"),
    ('target: "api" format: "gguf"', "idiolect export"),
]


@pytest.mark.parametrize(("deploy", "said"), WRONG)
def test_what_can_not_be_deployed_is_told_before_a_model_is_loaded(folder, deploy, said):
    done = run("deploy", script(folder, deploy))
    assert done.exit_code == 1, done.output
    assert said in done.stderr


def test_deploy_and_serve_want_something_named(folder):
    assert run("deploy").exit_code == 2
    assert run("serve").exit_code == 2
    assert run("deploy", "--model", "x", "--target", "moon").exit_code == 2
    assert "no DEPLOY block" in run("deploy", _without(folder)).stderr
    assert run("dashboard", "nothing").exit_code == 1
    assert run("web", "--file", "x.txt").exit_code == 2


def _without(folder):
    path = folder / "plain.okt"
    path.write_text('PROJECT "bank"\nMODEL { base: "nano" }\nEXPORT { format: ["okm"] }\n')
    return path


def test_help_of_all_of_them_loads_nothing_heavy():
    probe = (
        "import sys\nfrom typer.testing import CliRunner\nfrom idiolect.cli.app import app\n"
        "for words in ('serve', 'serve start', 'serve keys', 'deploy', 'dashboard', 'web'):\n"
        "    assert CliRunner().invoke(app, [*words.split(), '--help']).exit_code == 0, words\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"torch", "fastapi", "uvicorn", "pygls"} & set(done.stdout.split())
