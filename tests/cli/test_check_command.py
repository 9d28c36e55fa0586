"""`idiolect check`: what it prints, how it counts and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.dialects.user.starter import make_folder

RUN = CliRunner()


@pytest.fixture
def lights(tmp_path, monkeypatch):
    """The starter dialect in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    make_folder("lights", Path("lights"))
    return tmp_path


def check(*arguments, **more):
    return RUN.invoke(app, ["check", *map(str, arguments), "--dialect", "lights"], **more)


def test_a_good_file_ends_with_0_and_a_summary(lights):
    result = check("lights/examples/night.lights")
    assert result.exit_code == 0
    assert result.stdout == (
        "lights/examples/night.lights: ok\n"
        "  valid_syntax      yes\n"
        "  valid_DSL_blocks  -\n"
        "  policy            yes\n"
        "  details           no faults\n"
    )


def test_a_wrong_file_ends_with_1_and_its_faults_as_a_compiler_prints_them(lights):
    result = check("lights/examples/bad/misspelt.lights")
    assert result.exit_code == 1
    assert 'misspelt.lights:1:13: error[lights.parse.misspelt_keyword]: unexpected "wiat"' in result.stdout
    assert "     |             ^^^^" in result.stdout
    assert "1 error" in result.stdout


def test_json_of_one_file_has_exactly_four_keys(lights):
    result = check("lights/examples/bad/siren.lights", "--json")
    data = json.loads(result.stdout)
    assert list(data) == ["valid_syntax", "valid_DSL_blocks", "policy", "details"]
    assert (data["valid_syntax"], data["valid_DSL_blocks"], data["policy"]) == (True, None, False)
    (fault,) = data["details"]["faults"]
    assert (fault["code"], fault["line"], fault["column"]) == ("lights.policy.forbidden", 1, 17)
    assert result.exit_code == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_gives_a_table_and_counts_by_code(lights, jobs):
    result = check("lights/examples", "--jobs", jobs)
    assert result.exit_code == 1
    assert "7 texts: 5 wrong, 2 ok" in result.stdout
    assert "lights.name.unknown                1" in result.stdout
    assert "no-such-lamp.lights  wrong    1:17 lights.name.unknown" in result.stdout


def test_json_of_many_lists_all_and_counts_close(lights):
    data = json.loads(check("lights/examples", "--json").stdout)
    assert data["texts"] == len(data["results"]) == sum(data["outcomes"].values()) == 7
    assert sum(data["codes"].values()) == 5


def test_rows_of_jsonl_are_judged_one_by_one(lights):
    rows = [
        {"text": "scene a { wait 1s; }"},
        {"text": "scene a { wait }"},
        {"dsl": "scene a { wait 1s; }"},
    ]
    Path("rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n{\n")
    result = check("rows.jsonl")
    assert "4 texts: 2 unreadable, 1 ok, 1 wrong" in result.stdout
    assert "rows.jsonl:3  unreadable  no column text or" in result.stdout
    assert "rows.jsonl:4  unreadable  not JSON" in result.stdout
    assert check("rows.jsonl", "--column", "dsl").stdout.count("no column dsl") == 2


def test_rows_bring_their_own_schema(tmp_path):
    pytest.importorskip("idiolect.dialects.json_ast.dialect")
    schema = {"type": "object", "required": ["a"]}
    rows = [{"text": '{"a": 1}', "schema": schema}, {"text": '{"b": 1}', "schema": schema}]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    result = RUN.invoke(app, ["check", str(path), "-d", "json_ast"])
    assert "2 texts: 1 ok, 1 wrong" in result.stdout


def test_hints_are_training_data(lights):
    result = check("lights/examples", "--hints", "--json")
    hints = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(hints) == 5
    by_code = {hint["code"]: hint for hint in hints}
    unknown = by_code["lights.name.unknown"]
    assert unknown["text"][slice(*unknown["span"])] == "kichen"
    assert unknown["corrected"] == "scene one { set kitchen 5%; }\n"
    assert by_code["lights.policy.forbidden"]["corrected"] is None
    for hint in hints:
        assert {"fault", "hint", "span", "corrected"} <= set(hint)


def test_hints_for_people_show_the_corrected_text(lights):
    result = check("lights/examples/bad/no-semicolon.lights", "--hints")
    assert "    | scene one { set hall 5%; wait 1s; }" in result.stdout


UNREADABLE = {
    "missing": (None, "No such file"),
    "binary": (b"\x7fELF\x00\x01", "a binary file"),
    "not UTF-8": (b"scene \xe9 {}", "byte 6 is 0xe9"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_can_not_be_read_is_reported_and_ends_with_1(lights, case):
    content, reason = UNREADABLE[case]
    if content is not None:
        Path("x.lights").write_bytes(content)
    result = check("x.lights")
    assert result.exit_code == 1
    assert reason in result.stdout
    assert "1 unreadable" in check("x.lights", "lights/examples/night.lights").stdout


def test_utf_16_and_a_byte_order_mark_are_read(lights):
    text = Path("lights/examples/night.lights").read_text()
    for encoding in ("utf-16", "utf-8-sig"):
        Path("x.lights").write_text(text, encoding=encoding)
        assert check("x.lights").exit_code == 0


def test_an_empty_folder_is_not_all_right(lights):
    Path("empty").mkdir()
    result = check("empty")
    assert result.exit_code == 1
    assert "no file in it ends with .lights" in result.stdout


def test_the_input_is_read_from_a_pipe(lights):
    assert check("-", input="scene a { wait 1s; }").exit_code == 0
    assert (
        "<stdin>:1:10: error" in check("-", input="scene a {").stdout or check("-", input="x").exit_code == 1
    )


def test_a_policy_and_a_catalog_may_be_given(lights):
    Path("p.toml").write_text('forbidden = ["hall"]\n')
    assert "lights.policy.forbidden" in check("lights/examples/night.lights", "--policy", "p.toml").stdout
    Path("c.json").write_text('{"procs": [{"name": "hall", "kind": "lamp"}]}')
    assert (
        'no lamp is called "kitchen"' in check("lights/examples/night.lights", "--catalog", "c.json").stdout
    )


USAGE = {
    "unknown dialect": (["check", "x", "-d", "lihgts"], 2, "no dialect"),
    "near dialect": (["check", "x", "-d", "json_asd"], 2, 'did you mean "json_ast"?'),
    "no dialect": (["check", "x"], 2, "--dialect"),
    "missing catalog": (["check", "lights", "-d", "lights", "--catalog", "no.json"], 1, "no.json"),
    "schema that is no JSON": (
        ["check", "lights", "-d", "lights", "--schema", "lights/grammar.lark"],
        1,
        "not JSON",
    ),
    "broken policy": (["check", "lights", "-d", "lights", "--policy", "lights/grammar.lark"], 1, "not TOML"),
}


@pytest.mark.parametrize("case", USAGE)
def test_a_wrong_call_says_what_is_wrong(lights, case):
    arguments, code, message = USAGE[case]
    result = RUN.invoke(app, arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_broken_dialect_is_reported_with_places(lights):
    path = Path("lights/grammar.lark")
    path.write_text(path.read_text().replace("lamp: NAME", "lmap: NAME"))
    result = check("lights/examples")
    assert result.exit_code == 1
    assert 'rule "lamp" is used but not defined' in result.stderr
    assert 'did you mean "lmap"?' in result.stderr


def test_code_runs_only_when_allowed_and_is_remembered(lights):
    settings = Path("lights/dialect.toml")
    settings.write_text(settings.read_text() + f'\n[command]\nrun = "{sys.executable} -c pass {{file}}"\n')
    night = "lights/examples/night.lights"
    refused = check(night)
    assert refused.exit_code == 1
    assert "only with --allow-code" in refused.stdout
    allowed = check(night, "--allow-code")
    assert allowed.exit_code == 0
    assert ".idiolect/allowed-code.json" in allowed.stderr
    assert check(night).exit_code == 0
    settings.write_text(settings.read_text() + "# changed\n")
    again = check(night)
    assert again.exit_code == 1
    assert "has changed since" in again.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_it_without_a_traceback(lights, jobs):
    row = json.dumps({"text": "scene a { " + "wait 1s; " * 2_000 + "}"})
    Path("rows.jsonl").write_text(f"{row}\n" * 3_000)
    code = "from idiolect.cli.app import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "check", "rows.jsonl", "-d", "lights", "-j", jobs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2.0)
    child.send_signal(signal.SIGINT)
    _, printed = child.communicate(timeout=60)
    assert child.returncode not in (0, None)
    assert "Traceback" not in printed
