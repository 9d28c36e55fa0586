"""generate, infer, chat and constraint export from the shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.student.load import load_student
from idiolect.student.save import save_student
from tiny_models import tiny_model

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The Tcl example with a tiny untrained base."""
    shutil.copytree(EXAMPLES / "tcl-routing", tmp_path / "tcl")
    tiny_model(tmp_path / "tcl" / "models" / "tiny", "llama", max_position_embeddings=2048)
    script = tmp_path / "tcl" / "scripts" / "train.okt"
    script.write_text(script.read_text().replace('"nano"', '"models/tiny"'))
    monkeypatch.chdir(tmp_path / "tcl")
    return tmp_path / "tcl"


def run(*words, text=None):
    return CliRunner().invoke(app, [str(word) for word in words], input=text)


def test_generate_writes_a_file_that_check_passes(project):
    for seed in range(4):
        out = project / f"out{seed}.tcl"
        done = run(
            "generate", "--script", "scripts/train.okt", "--instruction", "Route net CLK on layer M3",
            "--max_tokens", 150, "--k", 3, "--temperature", 1.0, "--seed", seed, "--out", out,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        checked = run("check", out, "-d", "tcl", "--catalog", "catalog.json", "--policy", "policy.toml")
        assert checked.exit_code == 0, checked.output
    assert not list(project.glob(".out*"))


def test_generate_prints_and_reads_files_and_tells_how(project):
    (project / "task.txt").write_text("Route net CLK on layer M3")
    options = ("--script", "scripts/train.okt", "--max-tokens", 90, "--json")
    done = run("generate", "-m", "models/tiny", "-i", "task.txt", *options)
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["valid"] is True
    assert told["ended"] in ("stop", "closed")
    again = run("generate", "-m", "models/tiny", "-i", "Route net CLK on layer M3", *options)
    assert json.loads(again.stdout) == told


def test_generate_with_nothing_valid_ends_with_3_and_leaves_the_file(project):
    (project / "policy.toml").write_text("[limits]\nmax_characters = 3\n")
    (project / "out.tcl").write_text("as it was")
    done = run("generate", "--script", "scripts/train.okt", "-i", "x", "--max-tokens", 60, "--out", "out.tcl")
    assert done.exit_code == 3, done.output
    assert "nothing valid" in done.stderr
    assert (project / "out.tcl").read_text() == "as it was"


WRONG = [
    (("generate", "-i", "x"), 2, "no model is named"),
    (("generate", "-i", "x", "-m", "/nope"), 1, "V004"),
    (("generate", "-i", "  ", "--script", "scripts/train.okt"), 2, "instruction is empty"),
    (("generate", "-i", "x", "-m", "models/tiny", "-d", "json_ast"), 1, "no JSON Schema"),
    (("generate", "-i", "x", "-m", "models/tiny", "-d", "nope"), 2, "nope"),
    (("infer", "-t", "x", "--server", "nonsense", "--server-model", "m"), 1, "no address"),
    (("infer", "-t", "x", "--server", "http://127.0.0.1:9/v1"), 1, "not named"),
    (("generate", "-i", "x" * 9000, "--script", "scripts/train.okt"), 1, "L712"),
    (("constraint", "export", "catalog.json", "--to", "nope"), 2, "no form"),
    (("constraint", "export", "scripts/train.okt", "--to", "json-schema"), 2, "no JSON Schema"),
    (("constraint", "export", "nope.lark", "--to", "gbnf"), 1, "No such file"),
]


@pytest.mark.parametrize(("words", "code", "said"), WRONG)
def test_wrong_calls_are_one_message(project, words, code, said):
    done = run(*words)
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_trained_student_answers_from_its_folder_alone(project):
    student = load_student("models/tiny", root=project, device="cpu")
    from dataclasses import replace

    save_student(replace(student, dialect={"name": "tcl", "catalog": "catalog.json"}), project / "trained")
    done = run("generate", "-m", "trained", "-i", "Route net CLK", "--max-tokens", 80)
    assert done.exit_code == 0, done.output


def test_chat_ends_by_its_word_and_by_the_end_of_input(project):
    script = project / "scripts" / "chat.okt"
    script.write_text(
        'PROJECT "x"\nMODEL { base: "models/tiny" }\n'
        'INFERENCE { mode: "chat" exit_command: "/bye" params { max_length: 5 } }\n'
        'BEHAVIOR { prompt_style: "Q: {input} A:" fallback: "?" }\n'
    )
    done = run("chat", "--script", script, text="hello\n\nexit\n/bye\nnever read\n")
    assert done.exit_code == 0, done.output
    assert run("chat", "--script", script, text="hello\n").exit_code == 0
    assert len(done.stdout.strip().split("\n")) >= 1


def test_infer_obeys_the_scripts_rules(project):
    script = project / "scripts" / "rules.okt"
    script.write_text(
        'PROJECT "x"\nMODEL { base: "models/tiny" }\n'
        'INFERENCE { mode: "chat" params { max_length: 5 }\n'
        ' CONTROL { IF confidence < 1.1 { REPLACE WITH "A fixed answer." } } }\n'
    )
    done = run("infer", "--script", script, "--text", "hello")
    assert done.exit_code == 0
    assert done.stdout == "A fixed answer.\n"
    assert "REPLACE: confidence < 1.1" in done.stderr


def test_constraint_export_writes_each_form(project, tmp_path):
    for form, sign in (("lark", "%llguidance {}"), ("ebnf", "root ::="), ("gbnf", "root ::=")):
        out = tmp_path / f"grammar.{form}"
        done = run("constraint", "export", "scripts/train.okt", "--to", form, "--out", out)
        assert done.exit_code == 0, done.output
        assert sign in out.read_text()
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "properties": {"a": {"type": "integer"}}}))
    assert json.loads(run("constraint", "export", schema, "--to", "json-schema").stdout)["type"] == "object"
    lark = tmp_path / "toy.lark"
    lark.write_text('start: "a" B\nB: /[0-9]+/\n')
    assert "root ::=" in run("constraint", "export", lark, "--to", "gbnf").stdout
    named = run("constraint", "export", "catalog.json", "--dialect", "tcl", "--to", "lark")
    assert "my::" in named.stdout


def test_helps_load_no_heavy_package():
    for command in ("generate", "infer", "chat"):
        assert run(command, "--help").exit_code == 0
    probe = "import sys, idiolect.cli.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=os.environ
    )
    assert not {"torch", "transformers", "numpy", "llguidance"} & set(done.stdout.split())
