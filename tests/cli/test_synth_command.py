"""`idiolect synth`, as a shell calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app

SCRIPT = """# okto_version: "1.2"
PROJECT "trees"

DIALECT {
    name: "json_ast"
}

TEACHER {
    url: "http://127.0.0.1:9/v1"
    retries: 0
}

SYNTHESIZE {
    recipe: "schema_ast"
    positives_per_schema: 5
}
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scripts").mkdir()
    path = tmp_path / "scripts" / "train.okt"
    path.write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    return path


def call(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["synth", *arguments])
    return found.exit_code, found.output


def report(root: Path) -> dict:
    return json.loads((root / "runs" / "trees" / "synth" / "report.json").read_text())


def test_options_win_over_the_script(script, tmp_path):
    code, output = call(str(script), "--offline", "--count", "2", "--max-samples", "9", "--seed", "5")
    assert code == 0, output
    assert "9 kept" in output
    found = report(tmp_path)
    assert (found["taught_by"], found["seed"], len(found["by"]["group"])) == (["rules"], 5, 2)
    plan = json.loads((tmp_path / "runs" / "trees" / "plan.json").read_text())
    assert plan["settings"]["SYNTHESIZE.count"]["origin"] == {
        **plan["settings"]["SYNTHESIZE.count"]["origin"],
        "kind": "override",
        "source": "--count",
    }
    again = call(str(script), "--offline", "--count", "2", "--max-samples", "9", "--seed", "5")
    assert "skipped" in again[1]


def test_faults_to_aim_at_are_read_from_a_report(script, tmp_path):
    (tmp_path / "errors.json").write_text('{"classes": {"json.schema.format": 7}}')
    code, output = call(str(script), "--offline", "--count", "1", "--target-errors", "errors.json")
    assert code == 0, output
    assert report(tmp_path)["aimed_at"] == {"json.schema.format": 7}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--recipe", "schema_as"), 2, 'did you mean "schema_ast"'),
        (("--target-errors", "nothing.json"), 1, "nothing.json"),
        (("--count", "0"), 2, "--count"),
        ((), 1, "127.0.0.1:9"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(script, arguments, code, said):
    found = call(str(script), *arguments)
    assert found[0] == code, found[1]
    assert said in found[1]


def test_a_script_without_the_block_is_told_what_to_add(script):
    script.write_text('# okto_version: "1.2"\nPROJECT "trees"\n')
    code, output = call(str(script))
    assert code == 1
    assert "SYNTHESIZE" in output
