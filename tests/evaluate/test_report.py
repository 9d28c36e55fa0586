import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from judged_answers import Parrot, task
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.dialects.registry import built_in
from idiolect.evaluate.evaluation import EvaluationSettings, evaluate
from idiolect.evaluate.judging import RuleJudge
from idiolect.evaluate.report import write_report
from idiolect.evaluate.results import write_results
from idiolect.evaluate.summary import summarize

LEVELS = ("micro", "multi", "scenario")


def make_run(project: Path, name: str = "toy", *, wrong: int = 3) -> Path:
    """A run with a training log and an evaluation, some of whose answers are wrong."""
    folder = project / "runs" / name
    folder.mkdir(parents=True)
    manifest = {
        "format": "idiolect.run/1", "project": name, "script": f"{name}.okt", "script_sha256": "0" * 64,
        "plan_sha256": "0" * 64, "versions": {"idiolect": "0.1.0"}, "stages": [],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    plan = {"project": {"description": "A <toy> & its figures"}, "dialect": {"name": "json_ast"}}
    (folder / "plan.json").write_text(json.dumps(plan))
    log = [{"step": step, "loss": 2.0 / step} for step in range(1, 60, 2)]
    log += [{"step": step, "eval_loss": 2.2 / step} for step in range(10, 60, 10)]
    (folder / "training_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    tasks = [
        task("price", number, level=LEVELS[number % 3], metadata={"language": ("en", "fr")[number % 2]})
        for number in range(20)
    ]
    says = {one.example.instruction: [one.example.target] for one in tasks}
    for number in range(wrong):
        bad = ('{"field":"weight","value":1}', "{", '{"field":"color","value":0}', "</pre><script>alert(1)")
        says[tasks[number].example.instruction] = [bad[number % 4]]
    found = list(evaluate(tasks, Parrot(says), RuleJudge(built_in("json_ast")), EvaluationSettings()))
    facts = {"judge": "rules", "counts": []}
    write_results(folder / "eval", found, tasks, summarize(found), facts, "constrained")
    return folder


def test_a_report_needs_nothing_from_outside_and_shows_no_markup_of_answers(tmp_path: Path):
    folder = make_run(tmp_path, wrong=4)
    page, text = write_report(folder)
    html = page.read_text()
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", html)
    assert "A &lt;toy&gt; &amp; its figures" in html
    assert "80.0 %" in html
    assert "80.0 %" in text.read_text()
    assert "<toy>" in text.read_text()
    assert "valid, but means something else" in html
    assert "&lt;/pre&gt;&lt;script&gt;" in html


def test_a_report_is_the_same_every_time(tmp_path: Path):
    folder = make_run(tmp_path)
    first = write_report(folder, tmp_path / "a")[0].read_bytes()
    assert write_report(folder, tmp_path / "b")[0].read_bytes() == first


def test_a_run_without_an_evaluation_says_that_nothing_is_known(tmp_path: Path):
    folder = make_run(tmp_path)
    shutil.rmtree(folder / "eval")
    html = write_report(folder)[0].read_text()
    assert "Nothing has been evaluated yet" in html


def test_the_commands_write_a_report_and_compare_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_run(tmp_path, "one", wrong=6)
    make_run(tmp_path, "two", wrong=0)
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    made = runner.invoke(app, ["report", "one"])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "runs/one/report.html").is_file()
    shown = runner.invoke(app, ["compare", "one", "two"])
    assert shown.exit_code == 0, shown.output
    assert re.search(r"test +constrained +0 +20 +70\.0% +100\.0% +\+30\.0 .* 6 +0 +0\.031", shown.output)
    data = json.loads(runner.invoke(app, ["compare", "two", "one", "--json"]).output)
    assert len(data[0]["worse"]) == 6
    missing = runner.invoke(app, ["compare", "one", "three"])
    assert missing.exit_code != 0
    assert "Traceback" not in missing.output


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium to show the page")
def test_a_browser_shows_the_page_without_an_error(tmp_path: Path):
    page, _ = write_report(make_run(tmp_path))
    shot = tmp_path / "page.png"
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", "--window-size=1100,2600",
         page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert shot.stat().st_size > 20_000
