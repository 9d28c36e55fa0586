"""`idiolect dialect`, `constraint` and `catalog`: bring a language, measure it, compare its symbols."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app

RUN = CliRunner()


def run(*arguments):
    return RUN.invoke(app, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert run("dialect", "new", "lights").exit_code == 0
    return Path("lights")


def test_a_new_dialect_passes_its_test_at_once(folder):
    result = run("dialect", "test", folder, "--allow-code", "--samples", 6)
    assert result.exit_code == 0, result.output
    assert "examples pass their tests" in result.stdout
    assert "mutants by kind" in result.stdout
    assert "BELOW" not in result.stdout


def test_without_permission_the_tests_are_below_and_say_why(folder):
    result = run("dialect", "test", folder, "--samples", 3)
    assert result.exit_code == 3
    assert "--allow-code" in result.stdout


def test_a_share_below_its_threshold_ends_with_3(folder):
    (folder / "examples" / "new.lights").write_text("scene x { wiat 1s; }")
    (folder / "examples" / "bad" / "good.lights").write_text("scene x { wait 1s; }")
    result = run("dialect", "test", folder, "--allow-code", "--samples", 3)
    assert result.exit_code == 3
    assert "examples verify: new.lights: lights.parse.misspelt_keyword" in result.stdout
    assert "bad examples refused as expected: bad/good.lights: it verifies" in result.stdout
    settings = folder / "dialect.toml"
    settings.write_text(settings.read_text() + "\n[test]\nexamples = 0.6\nbad_examples = 0.8\n")
    assert run("dialect", "test", folder, "--allow-code", "--samples", 3).exit_code == 0


def test_productions_that_no_example_uses_are_listed(folder):
    (folder / "examples" / "doorbell.lights").unlink()
    (folder / "examples" / "doorbell.tests.json").unlink()
    result = run("dialect", "test", folder, "--allow-code", "--samples", 3)
    assert "productions that no example uses" in result.stdout
    assert 'repeat: "repeat" COUNT "{"' in result.stdout


def test_json_holds_all_that_was_measured(folder):
    result = run("dialect", "test", folder, "--allow-code", "--samples", 3, "--json")
    data = json.loads(result.stdout)
    assert data["ok"] is True
    assert {check["name"] for check in data["checks"]} >= {"samples verify", "mutants refused"}
    assert data["uncovered"] == []


def test_the_same_seed_measures_the_same(folder):
    calls = [
        run("dialect", "test", folder, "--allow-code", "--samples", 4, "--seed", 3, "--json") for _ in "ab"
    ]
    assert calls[0].stdout == calls[1].stdout


WRONG_EXAMPLES = {
    "tests that are no JSON": ("night.tests.json", "[", "not JSON"),
    "tests of another shape": ("night.tests.json", '[{"in": 1}]', 'write [{"input"'),
    "an expected code for no file": (
        "bad/expected.toml",
        '"misspel.lights" = "x"',
        'did you mean "misspelt.lights"?',
    ),
    "a file's name without quotes": ("bad/expected.toml", 'misspelt.lights = "x"', "in quotes"),
}


@pytest.mark.parametrize("case", WRONG_EXAMPLES)
def test_wrong_example_files_are_problems(folder, case):
    name, content, message = WRONG_EXAMPLES[case]
    (folder / "examples" / name).write_text(content)
    result = run("dialect", "test", folder, "--samples", 1)
    assert result.exit_code == 1
    assert message in result.stderr


NAMES = {"My DSL": "my_dsl", "9lives": "lives", "": "mine", "../up": "up"}


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_name_is_refused_with_a_good_one(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    result = run("dialect", "new", name)
    assert result.exit_code == 1
    assert f'try "{NAMES[name]}"' in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_overwritten(folder):
    result = run("dialect", "new", "lights")
    assert result.exit_code == 1
    assert "already there" in result.stderr
    assert run("dialect", "new", "lights", "--dir", "a/b").exit_code == 0
    assert Path("a/b/grammar.lark").is_file()


def test_constraint_test_shows_where_the_two_disagree(folder):
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text().replace("max_lines = 200", "max_characters = 40"))
    rows = ["scene a { wait 1s; }\n", "scene a {wait 1s;}", "scene a { wait }", "scene a { set siren 1%; }\n"]
    rows.append("scene a { wait 1s; wait 1s; wait 1s; wait 1s; }\n")
    Path("rows.jsonl").write_text("\n".join(json.dumps({"text": row}) for row in rows))
    result = run("constraint", "test", "-d", folder, "rows.jsonl", "--json")
    told = [json.loads(line)["agreement"] for line in result.stdout.splitlines()]
    assert told == [
        "both accept",
        "constraint wants the canonical layout",
        "both refuse",
        "both refuse",
        "beyond the grammar: only the verifier refuses",
    ]
    assert result.exit_code == 0
    table = run("constraint", "test", "-d", folder, "rows.jsonl")
    assert table.exit_code == 0
    assert "both refuse" in table.stdout


def test_constraint_test_needs_texts(folder):
    Path("none.jsonl").write_text("")
    assert run("constraint", "test", "-d", folder, "none.jsonl").exit_code == 1


def test_a_catalog_is_extracted_from_sources(folder):
    for bad in (folder / "examples" / "bad").iterdir():
        bad.unlink()
    result = run("catalog", "extract", folder / "examples", "-d", folder, "--out", "c.json")
    assert result.exit_code == 0
    assert "4 symbols" in result.stdout
    names = [proc["name"] for proc in json.loads(Path("c.json").read_text())["procs"]]
    assert names == ["desk", "hall", "kitchen", "porch"]


def test_extract_says_which_file_does_not_parse(folder):
    result = run("catalog", "extract", folder / "examples", "-d", folder)
    assert result.exit_code == 1
    assert "misspelt.lights: the text does not parse" in result.stderr


def test_a_diff_says_what_changed_and_which_examples_it_affects(folder):
    old = {"procs": [{"name": "hall", "kind": "lamp"}, {"name": "porch", "kind": "lamp"}]}
    new = {"procs": [{"name": "hall", "kind": "lamp"}, {"name": "desk", "kind": "lamp"}]}
    Path("old.json").write_text(json.dumps(old))
    Path("new.json").write_text(json.dumps(new))
    rows = ["scene a { set porch 1%; }", "scene a { set hall 1%; }", "scene porchlight { wait 1s; }"]
    Path("rows.jsonl").write_text("\n".join(json.dumps({"text": row}) for row in rows))
    result = run("catalog", "diff", "old.json", "new.json", "--examples", "rows.jsonl")
    assert result.exit_code == 0
    assert "added    desk" in result.stdout
    assert "removed  porch" in result.stdout
    assert "affected rows.jsonl:1: porch" in result.stdout
    assert "1 of 3 examples" in result.stdout
    assert "nothing changed" in run("catalog", "diff", "old.json", "old.json").stdout


def test_a_broken_catalog_is_reported(folder):
    Path("old.json").write_text("{")
    result = run("catalog", "diff", "old.json", "old.json")
    assert result.exit_code == 1
    assert "not JSON" in result.stderr
    assert "no.json" in run("catalog", "diff", "no.json", "old.json").stderr
