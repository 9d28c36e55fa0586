"""validate, plan, show, schema, docs and init from the shell: output, exit codes, and how fast they start."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from idiolect.cli.app import app
from idiolect.templates import templates

GOOD = """PROJECT "x"
DATASET { train: "a.jsonl" }
MODEL { base: "nano" }
TRAIN { epochs: 10 batch_size: 4 }
FT_LORA { base_model: "nano" lora_rank: 8 lora_alpha: 16 epochs: 5 }
EXPORT { format: ["okm"] path: "out/" }
"""
HEAVY = {"torch", "transformers", "datasets", "fastapi", "pygls", "llguidance", "jsonschema_rs"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text('{"input": "a", "output": "b"}\n' * 20)
    path = tmp_path / "x.okt"
    path.write_text(GOOD)
    return path


def test_a_good_script_is_ok(script: Path) -> None:
    result = run("validate", script)
    assert (result.exit_code, result.output.splitlines()[-1].split(": ", 1)[1][:3]) == (0, "ok:")


def test_all_faults_are_printed_as_a_compiler_would(script: Path) -> None:
    script.write_text(GOOD.replace("epochs: 10", 'epochs: 0 optimizer: "adanw"'))
    result = run("validate", script)
    assert result.exit_code == 1
    assert (
        f"""{script}:4:17: error[V010]: "epochs" is out of range: 0
   4 | TRAIN {{ epochs: 0 optimizer: "adanw" batch_size: 4 }}
     |                 ^
   help: TRAIN.epochs takes 1 to 1000
{script}:4:30: error[V002]: unknown optimizer "adanw"
   4 | TRAIN {{ epochs: 0 optimizer: "adanw" batch_size: 4 }}
     |                              ^^^^^^^
   help: write "adamw"; TRAIN takes adam, adamw, sgd, rmsprop, adafactor, lamb
"""
        in result.output
    )
    assert result.output.splitlines()[-1].startswith(f"{script}: not ok: 2 errors")


def test_notes_are_shown_on_request(script: Path) -> None:
    assert "V012" not in run("validate", script).output
    assert "info[V012]: FT_LORA.epochs wins over TRAIN.epochs" in run("validate", script, "--verbose").output


def test_json_holds_the_objects(script: Path) -> None:
    script.write_text(GOOD.replace("epochs: 10", "epochs: 0"))
    result = run("validate", script, "--json")
    (found,) = json.loads(result.stdout)["files"]
    assert (result.exit_code, found["ok"]) == (1, False)
    (fault,) = [item for item in found["diagnostics"] if item["code"] == "V010"]
    assert (fault["line"], fault["column"], fault["severity"]) == (4, 17, "error")


def test_several_files_are_all_checked(script: Path, tmp_path: Path) -> None:
    other = tmp_path / "y.okt"
    other.write_text("TRIAN { }\n")
    result = run("validate", other, script, tmp_path / "absent.okt")
    assert result.exit_code == 1
    assert "unknown block" in result.output
    assert f"{script}: ok" in result.output
    assert "absent.okt does not exist" in result.output


def test_strict_and_pedantic_ask_for_more(script: Path) -> None:
    text = GOOD.replace('base_model: "nano" ', "")
    script.write_text(text)
    assert run("validate", script).exit_code == 0
    assert run("validate", script, "--strict").exit_code == 1
    script.write_text(GOOD + "ALIGN { beta: 0.1 }\n")
    assert run("validate", script).exit_code == 0
    result = run("validate", script, "--pedantic")
    assert (result.exit_code, "L601" in result.output) == (1, True)


def test_one_of_the_only_options_at_a_time(script: Path) -> None:
    assert run("validate", script, "--dataset-only", "--model-only").exit_code == 2
    assert run("validate", script, "--dataset-only").exit_code == 0


def unreadable_files(folder: Path) -> list[Path]:
    (folder / "binary.okt").write_bytes(b"\x00\x01\x02" * 100)
    (folder / "utf16.okt").write_bytes(GOOD.encode("utf-16"))
    (folder / "latin.okt").write_bytes('PROJECT "é"'.encode("latin-1"))
    (folder / "large.okt").write_bytes(b"# x\n" * 2_600_000)
    os.mkfifo(folder / "pipe.okt")
    (folder / "loop.okt").symlink_to(folder / "loop.okt")
    names = ["binary", "utf16", "latin", "large", "pipe", "loop", "absent"]
    return [*(folder / f"{name}.okt" for name in names), folder]


@pytest.mark.parametrize("command", ["validate", "plan", "show"])
def test_a_file_that_is_no_script_is_one_clear_line(command: str, tmp_path: Path) -> None:
    paths = unreadable_files(tmp_path)
    assert len(paths) == 8
    for path in paths:
        result = run(command, path)
        assert result.exit_code == 1, path
        assert result.output.count("error[") == 1, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_plan_explains_one_setting(script: Path) -> None:
    result = run("plan", script, "--why", "TRAIN.epochs")
    assert result.output == (
        f"TRAIN.epochs = 5\n   from {script}:5:66 (FT_LORA.epochs): FT_LORA over TRAIN: a block's own "
        f"setting wins for LoRA training\n   over TRAIN.epochs: 10, {script}:4:17\n"
    )
    missing = run("plan", script, "--why", "epoch")
    assert (missing.exit_code, 'did you mean "epochs"?' in missing.output) == (1, True)


def test_plan_shows_settings_conflicts_and_stages(script: Path) -> None:
    output = run("plan", script).output
    assert "Conflicts settled: 1" in output
    assert "rule   FT_LORA over TRAIN" in output
    assert re.search(r"^ *train +runs +FT_LORA trains an adapter", output, re.MULTILINE)
    assert json.loads(run("plan", script, "--json").stdout)["train"]["epochs"] == 5


def test_plan_of_a_script_with_errors_shows_the_errors(script: Path) -> None:
    script.write_text(GOOD.replace("epochs: 10", "epochs: 0"))
    result = run("plan", script)
    assert (result.exit_code, "error[V010]" in result.output) == (1, True)


def test_show_prints_the_script(script: Path) -> None:
    assert run("show", script).output == GOOD
    script.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert run("show", script, "--plain").output == GOOD


def test_schema_is_json() -> None:
    assert json.loads(run("schema").stdout)["$schema"].endswith("2020-12/schema")


def test_docs_are_current_once_they_are_written(tmp_path: Path) -> None:
    assert run("docs", tmp_path, "--check").exit_code == 1
    assert run("docs", tmp_path).exit_code == 0
    assert run("docs", tmp_path, "--check").exit_code == 0
    (tmp_path / "blocks" / "TRAIN.md").write_text("old")
    result = run("docs", tmp_path, "--check")
    assert (result.exit_code, "TRAIN.md" in result.output) == (1, True)


@pytest.mark.parametrize("name", templates())
def test_every_template_makes_a_project_without_errors(name: str, tmp_path: Path) -> None:
    made = run("init", tmp_path / "p", "--template", name)
    assert made.exit_code == 0, made.output
    (script,) = (tmp_path / "p").glob("scripts/*.okt")
    result = run("validate", script)
    assert (result.exit_code, "warning" in result.output) == (0, False), result.output
    assert run("plan", script).exit_code == 0
    again = run("init", tmp_path / "p", "--template", name)
    assert (again.exit_code, "is there already" in again.output) == (1, True)


def test_an_unknown_template_names_the_nearest(tmp_path: Path) -> None:
    assert len(templates()) >= 5
    result = run("init", tmp_path / "p", "--template", "lora-chta")
    assert (result.exit_code, 'did you mean "lora-chat"?' in result.output) == (1, True)
    assert all(name in run("init", "--list").output for name in templates())


def loaded_by(*arguments: str) -> set[str]:
    probe = (
        f"import sys; sys.argv = ['idiolect', *{arguments!r}]\n"
        "from idiolect.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_help_and_validate_load_no_heavy_package(script: Path) -> None:
    assert not HEAVY & loaded_by("--help")
    assert not HEAVY & loaded_by("validate", str(script))


def test_help_of_every_command_works() -> None:
    listed = [
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    ]
    groups = [group.name for group in app.registered_groups]
    assert len(listed) + len(groups) >= 9
    for name in [*listed, *groups]:
        assert run(name, "--help").exit_code == 0, name


@pytest.mark.parametrize("program", ["okto_validate", "okto_doctor", "okto"])
def test_programs_of_the_source_documents_are_installed(program: str, script: Path) -> None:
    path = Path(sys.executable).with_name(program)
    arguments = {
        "okto_validate": [str(script)],
        "okto_doctor": ["--no-report"],
        "okto": ["validate", str(script)],
    }
    done = subprocess.run([path, *arguments[program]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
