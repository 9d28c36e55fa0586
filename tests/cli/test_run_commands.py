"""`run`, `runs`, `list`, `logs`, `about` and `exit`, as a shell calls them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app

SCRIPT = """# okto_version: "1.2"
PROJECT "small"

MODEL {
    base: "nano"
}

DATASET {
    train: "dataset/train.jsonl"
}

TRAIN {
    epochs: 3
    batch_size: 4
    device: "cpu"
}

EXPORT {
    format: ["safetensors"]
    path: "out/"
}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "scripts").mkdir(parents=True)
    (root / "dataset").mkdir()
    (root / "scripts" / "train.okt").write_text(SCRIPT)
    (root / "dataset" / "train.jsonl").write_text('{"input": "a", "output": "b"}\n' * 12)
    monkeypatch.chdir(root)
    return root


def call(*args: str, code: int = 0, input: str | None = None) -> str:
    result = CliRunner().invoke(app, list(args), input=input)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def spaced(text: str) -> str:
    """A text with one blank for several: columns are as wide as the longest name of a stage."""
    return re.sub(" +", " ", text)


def run_once(*args: str) -> str:
    return call("run", "scripts/train.okt", "--until", "environment", *args)


def test_a_run_tells_its_folder_its_stages_and_its_end(project):
    told = run_once()
    assert told.startswith("small: runs/small\n")
    assert "environment done in" in spaced(told)
    assert told.endswith("done: runs/small\n")
    report = json.loads((project / "runs" / "small" / "env_report.json").read_text())
    assert report["status"] == "compatible"


def test_a_stage_that_lacks_what_comes_before_says_what_to_run_first(project):
    told = call("run", "scripts/train.okt", "--from", "explore", code=1)
    assert "train needs the files of split, which has not come to its end yet" in told
    assert "help: run it first: --until split" in told


def test_what_env_asks_and_the_machine_lacks_ends_the_run(project):
    script = project / "scripts" / "train.okt"
    script.write_text(SCRIPT + 'ENV {\n    min_memory: "64GB"\n    platform: "windows"\n}\n')
    told = call("run", "scripts/train.okt", code=1)
    assert "environment: the run can't go on: L501" in told
    report = json.loads((project / "runs" / "small" / "env_report.json").read_text())
    assert report["status"] == "incompatible"
    # There is no way around it, and nothing else ran.
    assert "can't go on" in call("run", "scripts/train.okt", "--from", "split", code=1)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--only", "trian"), 'did you mean "train"?'),
        (("--from", "eval", "--until", "corpus"), "eval comes after corpus"),
        (("--only", "train", "--from", "split"), "--only stands alone"),
        (("--max-steps", "0"), "should be greater than or equal to 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(project, args, told):
    assert told in " ".join(call("run", "scripts/train.okt", *args, code=2).replace("│", " ").split())


def test_max_steps_limits_training_and_changes_no_other_setting(project):
    run_once("--max-steps", "5")
    plan = json.loads((project / "runs" / "small" / "plan.json").read_text())
    assert plan["train"]["max_steps"] == 5
    assert plan["settings"]["TRAIN.max_steps"]["origin"]["source"] == "--max-steps"
    run_once("--new")
    changed = call("runs", "diff", "small", "small-2")
    assert [line.split() for line in changed.splitlines()[:2]] == [
        ["setting", "small", "small-2"],
        ["TRAIN.max_steps", "5", "-"],
    ]


def test_max_steps_without_training_is_an_error(project):
    (project / "scripts" / "train.okt").write_text('PROJECT "small"\nDIALECT { name: "gates" }\n')
    assert "trains nothing" in call("run", "scripts/train.okt", "--max-steps", "5", code=1)


@pytest.mark.parametrize("args", [("--force", "scripts/train.okt"), ("scripts/train.okt", "--force")])
def test_force_may_stand_alone_on_either_side_of_the_file(project, args):
    run_once()
    assert "environment runs: --force" in spaced(call("run", "--until", "environment", *args))


def test_force_may_name_a_stage(project):
    told = call("run", "--force", "environment", "scripts/train.okt", "--until", "environment")
    assert "environment done" in spaced(told)


def test_a_script_with_errors_makes_no_run(project):
    (project / "scripts" / "train.okt").write_text(SCRIPT.replace("epochs: 3", "epochs: 0"))
    assert "not ok" in call("run", "scripts/train.okt", code=1)
    assert not (project / "runs").exists()


def test_another_script_of_the_project_is_told_what_it_may_do(project):
    run_once()
    (project / "scripts" / "second.okt").write_text(SCRIPT)
    told = call("run", "scripts/second.okt", code=1)
    assert "is the run of another script, scripts/train.okt" in told
    assert "--new starts a numbered run" in told
    call("run", "scripts/second.okt", "--new", "--until", "environment")
    assert "runs/small-2" in call("run", "scripts/second.okt", "--until", "environment")
    logging = json.loads((project / "runs" / "small-2" / "plan.json").read_text())["logging"]
    assert logging["metrics_file"] == "runs/small-2/metrics.json"


def test_a_run_folder_that_cannot_be_made_is_one_line(project):
    (project / "runs").write_text("not a folder")
    assert "runs" in (told := call("run", "scripts/train.okt", code=1))
    assert told.startswith(("error: ", "small: "))
    assert "Traceback" not in told


def test_runs_are_listed_with_their_state_and_the_folders_that_are_none(project):
    assert "no runs in" in call("runs", "list")
    run_once()
    (project / "runs" / "other").mkdir()
    (project / "runs" / "torn").mkdir()
    (project / "runs" / "torn" / "manifest.json").write_text("{")
    told = call("runs", "list")
    assert "done up to environment" in told
    assert "damaged: manifest.json is no JSON, or was cut short" in told
    assert "not runs, since they have no manifest.json: other" in told


@pytest.mark.parametrize("word", ["small", "runs/small", "scripts/train.okt"])
def test_a_run_is_shown_by_name_by_folder_and_by_script(project, word):
    run_once()
    told = call("runs", "show", word)
    assert "scripts/train.okt (sha256" in told
    assert "environment  done" in told


def test_an_output_that_is_gone_is_shown(project):
    run_once()
    (project / "runs" / "small" / "env_report.json").unlink()
    assert "env_report.json is missing" in call("runs", "show", "small")


@pytest.mark.parametrize("word", ["smal", "", "../..", "/", "a\0b", "other"])
def test_a_word_that_names_no_run_is_one_line(project, word):
    run_once()
    (project / "runs" / "other").mkdir()
    told = call("runs", "show", word, code=1)
    assert told.startswith("error: ")
    assert len(told.splitlines()) == 1


def test_a_run_is_removed_only_when_somebody_says_so(project):
    run_once()
    assert "there is nobody to ask" in call("runs", "clean", "small", code=1)
    assert (project / "runs" / "small").exists()
    call("runs", "clean", "small", "--yes")
    assert list((project / "runs").iterdir()) == []


def test_only_runs_are_removed_and_the_newest_are_kept(project):
    run_once()
    run_once("--new")
    run_once("--new")
    times = project / "runs" / "small-2" / "times.json"
    times.write_text(times.read_text().replace('"last_started": "20', '"last_started": "19'))
    (project / "runs" / "mine").mkdir()
    call("runs", "clean", "--keep-last", "2", "--yes")
    assert sorted(path.name for path in (project / "runs").iterdir()) == ["mine", "small", "small-3"]
    assert "name one RUN" in call("runs", "clean", code=2)


def test_a_run_at_work_or_outside_of_runs_is_not_removed(project):
    from idiolect.runs.lock import RunLock

    run_once()
    with RunLock(project / "runs" / "small"):
        assert "is in use by process" in call("runs", "clean", "small", "--yes", code=1)
    moved = project / "elsewhere"
    (project / "runs" / "small").rename(moved)
    assert "no folder below runs/" in call("runs", "clean", "elsewhere", "--yes", code=1)
    (project / "runs" / "linked").symlink_to(moved)
    assert "no folder below runs/" in call("runs", "clean", "linked", "--yes", code=1)
    assert moved.exists()


def trained(project: Path) -> Path:
    """A run with the files that training writes."""
    run_once()
    run = project / "runs" / "small"
    points = [{"step": at, "loss": 3 / at, "learning_rate": 1e-4} for at in range(1, 101)]
    points += [{"step": 50, "eval_loss": 1.5}, {"step": 100, "eval_loss": 1.25}]
    (run / "training_metrics.jsonl").write_text(
        "".join(json.dumps(point) + "\n" for point in points) + '{"step": 10'
    )
    (run / "training_logs.json").write_text(
        json.dumps(
            {"project": "small", "device": "cpu", "total_steps": 100, "final_loss": 0.03, "checkpoints": []}
        )
    )
    (run / "metrics.json").write_text(json.dumps({"accuracy": 0.875, "note": "text", "perplexity": 3}))
    decision = {
        "step": 40,
        "condition": "val_loss > 1",
        "values": {"val_loss": 1.5},
        "action": "DECREASE LR BY 0.5",
    }
    (run / "control_decisions.json").write_text(json.dumps([decision]))
    (run / "logs").mkdir(exist_ok=True)
    samples = [{"time": "t", "step": at, "cpu_usage": 10 * at} for at in range(1, 4)]
    (run / "logs" / "system.json").write_text(json.dumps(samples))
    return run


def test_logs_show_losses_metrics_decisions_and_load(project):
    trained(project)
    told = call("logs", "small")
    lines = {line.split()[0]: line for line in told.splitlines()}
    assert lines["loss"].split()[1] == "3"
    assert "█" in lines["loss"]
    assert "(steps 1 to 100)" in lines["loss"]
    assert lines["val_loss"].split()[1] == "1.5"
    assert lines["accuracy"].split()[1] == "0.875"
    assert "now 30, lowest 10, highest 30" in lines["cpu_usage"]
    assert "step 40: DECREASE LR BY 0.5 because val_loss > 1 (val_loss = 1.5)" in told
    assert "not there yet" not in told
    assert "can't be read" not in told  # the last line was still being written


def test_logs_say_what_is_not_there_yet_and_who_writes_it(project):
    run_once()
    told = call("logs", "small")
    assert "not there yet: metrics.json (written by train and eval, at their end)" in told
    assert "control_decisions.json (written by CONTROL, which the script does not have)" in told


def test_metrics_stand_side_by_side_in_a_diff(project):
    trained(project)
    run_once("--new")
    (project / "runs" / "small-2" / "metrics.json").write_text('{"accuracy": 0.9}')
    rows = [line.split() for line in call("runs", "diff", "small", "small-2").splitlines()]
    assert ["accuracy", "0.875", "0.9", "+0.025"] in rows
    assert ["perplexity", "3", "-", "-"] in rows


@pytest.mark.parametrize(
    "name", ["training_metrics.jsonl", "training_logs.json", "metrics.json", "logs/system.json"]
)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2",
        "[[1]]",
        '"x"',
        "[" * 100_000,
        "\x00\xff",
        '{"loss": NaN}\n',
        '{"step": 1, "loss": 1' + "0" * 400 + "}\n",
    ],
)
def test_damaged_logs_are_never_a_traceback(project, name, text):
    run = trained(project)
    (run / name).write_text(text, encoding="latin-1")
    call("logs", "small")
    call("runs", "diff", "small", "small")


def test_a_folder_where_a_log_should_be_is_told(project):
    run = trained(project)
    (run / "metrics.json").unlink()
    (run / "metrics.json").mkdir()
    assert "metrics.json is a folder" in call("logs", "small")


def test_following_a_run_that_nobody_works_in_ends_at_once(project):
    run_once()
    assert "there is nothing to follow" in call("logs", "small", "--follow")


def test_lists_name_what_there_is(project):
    assert "scripts/train.okt  small    no run yet" in call("list", "projects")
    assert "12 lines" in call("list", "datasets")
    assert "no models in" in call("list", "models")
    assert "no exports in" in call("list", "exports")
    run = trained(project)
    (run / "checkpoint-100").mkdir()
    (run / "checkpoint-100" / "model.safetensors").write_bytes(b"x" * 2000)
    (project / "out").mkdir()
    (project / "out" / "model.gguf").write_bytes(b"x")
    assert "runs/small/checkpoint-100/model.safetensors  2.0 kB  checkpoint of small" in call(
        "list", "models"
    )
    assert "out/model.gguf  1 bytes  gguf" in call("list", "exports")
    assert "done up to environment" in call("list", "projects")


def test_about_and_exit_say_something_useful():
    assert "no tie to that company" in call("about")
    assert "/exit" in call("exit")


def test_a_sparkline_averages_and_marks_what_is_not_finite():
    from idiolect.runs.history import sparkline

    assert sparkline([]) == ""
    assert sparkline([1.0]) == "▁"
    assert sparkline([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1.0, math.nan, 2.0, math.inf]) == "▁x█x"
    assert sparkline([float(at) for at in range(1000)], width=4) == "▁▃▆█"
    assert len(sparkline([-1e308, 1e308, 0.0])) == 3
