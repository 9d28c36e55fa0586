"""The three pages in a real headless Chromium: what a user does there, and no fault in any."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import pytest
from browser import CHROMIUM, browser
from serving import SCHEMA, answering, running

from idiolect.data.harvest import harvest
from idiolect.decode.records import Answer, Piece
from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.runs.shelf import open_run
from idiolect.serve.dashboard import Beside, dashboard_app, thinned
from idiolect.serve.editor import editor_app
from idiolect.serve.keys import FILE, KeyFile
from idiolect.serve.server import server_of
from idiolect.serve.settings import ServeSettings

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

WRONG = '{"op":"xor","field":"price"}'
RIGHT = '{"op":"or","field":"price"}'


class Says:
    """An engine that writes one text, piece by piece."""

    def __init__(self, text):
        self.text = text

    def generate(self, requests, sampling, *, on_piece=None):
        if on_piece is not None:
            for at in range(0, len(self.text), 4):
                on_piece(Piece(0, 0, at, self.text[at : at + 4]))
                time.sleep(0.01)
        return [[Answer(self.text, "stop", (1, 2, 3), 2, -0.5)] * one.candidates for one in requests]


@contextmanager
def shown(app):
    """A page's application at an address."""
    server = server_of(app, ServeSettings(port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def page():
    with browser() as made:
        yield made


@pytest.fixture(autouse=True)
def no_faults(page):
    page.errors.clear()
    yield
    assert page.errors == []


def test_a_user_asks_sees_faults_and_corrects(page, tmp_path):
    opened = answering(
        None, engine=Says(WRONG), dialect=JsonAst(), project=Context(schema=SCHEMA), most_repairs=0
    )
    log = tmp_path / "prompts.jsonl"
    with running(opened, name="trees", log_prompts=log, state=tmp_path) as server:
        page.open(f"{server.url}/")
        page.until("document.getElementById('name').textContent === 'trees'")
        page.until("document.activeElement.id === 'question'")
        page.type("cheap or late")
        page.key("Enter", 13, "\r")
        page.until("document.querySelector('.answer footer')")
        assert page.run("document.querySelector('.answer pre').textContent") == WRONG
        assert page.run("document.querySelector('.badge').textContent") == "not valid"
        assert page.run("document.querySelector('mark').textContent") == '"xor"'
        assert "not one of" in page.run("document.querySelector('.faults').textContent")
        page.run("[...document.querySelectorAll('footer button')].at(-1).click()")
        page.run(f"document.querySelector('.correct textarea').value = {json.dumps(WRONG)}")
        page.run("document.querySelector('.correct .main').click()")
        page.until("document.querySelector('.correct [role=status]').textContent.includes('does not verify')")
        page.run(f"document.querySelector('.correct textarea').value = {json.dumps(RIGHT)}")
        page.run("document.querySelector('.correct .main').click()")
        page.until("!document.querySelector('.correct')")
        page.run("document.getElementById('fresh').click()")
        assert page.run("document.querySelectorAll('.turn').length") == 0
    assert [pair.chosen for pair in harvest(log, None).pairs] == [RIGHT]


def test_a_server_with_keys_asks_for_one(page, tmp_path):
    key = KeyFile(tmp_path / FILE.name).add("anna")
    with running(answering(None, engine=Says("hello")), requires_auth=True, state=tmp_path) as server:
        page.open(f"{server.url}/", dark=True)
        page.until("document.getElementById('ask-key').open")
        page.run(f"document.getElementById('key-text').value = {json.dumps(key)}")
        page.run("document.querySelector('#ask-key .main').click()")
        page.until("sessionStorage.getItem('key')")
        page.run("document.getElementById('question').value = 'x'")
        page.run("document.getElementById('form').requestSubmit()")
        page.until("document.querySelector('.answer footer')")
        assert page.run("document.querySelector('.answer pre').textContent") == "hello"


def a_run(tmp_path, steps=60):
    folder = tmp_path / "runs" / "demo"
    (folder / "logs").mkdir(parents=True)
    hashes = {"script_sha256": "0" * 64, "plan_sha256": "0" * 64}
    manifest = {"project": "demo", "script": "x.okt", "versions": {}, **hashes}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    lines = [{"kind": "begin", "time": "2026-01-01T00:00:00+00:00", "total_steps": 100}]
    lines += [step(number) for number in range(1, steps + 1)]
    lines.append({"kind": "validation", "step": steps, "eval_loss": 0.9, "time": "2026-01-01T00:01:00+00:00"})
    (folder / "logs" / "live.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def step(number):
    return {"kind": "step", "step": number, "epoch": 0.1, "loss": 3 / number, "learning_rate": 1e-4}


def test_a_run_is_shown_while_it_trains(page, tmp_path):
    folder = a_run(tmp_path)
    with shown(dashboard_app(open_run(str(folder), tmp_path))) as url:
        page.open(f"{url}/")
        page.until("document.querySelectorAll('#loss .line').length >= 2")
        page.until("document.getElementById('progress-told').textContent.includes('60 of 100')")
        assert "0.9" in page.run("document.getElementById('metrics').textContent")
        decision = {"kind": "decision", "step": 70, "action": "STOP", "condition": "loss < 0.1"}
        with (folder / "logs" / "live.jsonl").open("a") as stream:
            for line in (step(70), decision, {"kind": "sample", "cpu_usage": 40.0}, {"kind": "later"}):
                stream.write(json.dumps(line) + "\n")
        page.until("document.getElementById('decisions').textContent.includes('loss < 0.1')")
        page.until("document.getElementById('progress-told').textContent.includes('70 of 100')")
        page.run("document.querySelector('#loss svg').focus()")
        page.key("Home", 36)
        assert page.run("document.querySelector('#loss .tip').textContent").startswith("step 1 ")
    page.errors.clear()  # the connection that was cut


def test_a_dashboard_beside_a_training_starts_and_ends(tmp_path):
    import httpx

    beside = Beside(open_run(str(a_run(tmp_path)), tmp_path))
    url = beside.start()
    assert url is not None
    assert httpx.get(f"{url}run").json()["name"] == "demo"
    assert httpx.get(f"{url}run", headers={"host": "evil.example"}).status_code == 403
    beside.close()


def test_very_long_trainings_are_thinned_out_but_for_what_matters():
    lines = [step(number) for number in range(1, 50_001)] + [{"kind": "decision"}] * 7
    kept = thinned(lines)
    assert len(kept) < 25_000
    assert sum(one["kind"] == "decision" for one in kept) == 7


def test_a_script_is_edited_with_faults_cures_and_choices(page, tmp_path):
    file = tmp_path / "train.okt"
    file.write_text('PROJECT "x"\nTRAIN {\n  epochs: 3\n  batch_size: 4\n  optimizer: "adanw"\n}\n')
    app = editor_app(file)
    with shown(app) as url:
        page.open(url + app.state.at)
        page.until("[...document.querySelectorAll('#problems b')].some((one) => one.textContent === 'V002')")
        assert page.run("location.hash") == ""
        page.run(
            "[...document.querySelectorAll('.fix')]"
            ".find((one) => one.parentElement.textContent.includes('V002')).click()"
        )
        page.until("document.getElementById('text').value.includes('\"adamw\"')")
        page.until("![...document.querySelectorAll('#problems b')].some((one) => one.textContent === 'V002')")
        page.run(
            "(() => { const a = document.getElementById('text'); const i = a.value.indexOf('TRAIN {') + 7;"
            " a.focus(); a.setSelectionRange(i, i); })()"
        )
        page.key("Enter", 13, "\r")
        page.type("sch")
        page.until("!document.getElementById('choices').hidden")
        assert page.run("document.querySelector('#choices [aria-selected=true]').textContent").startswith(
            "scheduler"
        )
        page.key("Enter", 13, "\r")
        page.until("document.getElementById('text').value.includes('scheduler')")
        page.until("document.getElementById('meaning').textContent.includes('scheduler')")
        page.key("s", 83, modifiers=2)
        page.until("document.getElementById('save').disabled")
        assert "adamw" in file.read_text()
        assert "scheduler" in file.read_text()
        file.write_text("changed elsewhere")
        page.type("x")
        page.key("s", 83, modifiers=2)
        page.until("document.getElementById('state').textContent.includes('changed elsewhere')")
        assert file.read_text() == "changed elsewhere"
        page.run("document.getElementById('text').value = ''; window.onbeforeunload = null")
    page.errors.clear()  # the 409 that was provoked


def test_the_editor_answers_only_who_has_its_token(tmp_path):
    import httpx

    app = editor_app(tmp_path / "train.okt")
    with shown(app) as url:
        assert httpx.get(f"{url}/api/file").status_code == 401
        assert httpx.post(f"{url}/api/analyze", json={"text": ""}).status_code == 401
        token = app.state.at.rpartition("=")[2]
        found = httpx.get(f"{url}/api/file", headers={"authorization": f"Bearer {token}"})
        assert found.json() == {"name": "train.okt", "text": "", "version": ""}


def test_a_run_with_a_dashboard_tells_where_it_is(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from idiolect.cli.app import app

    script = tmp_path / "small.okt"
    script.write_text(
        'PROJECT "small"\nENV { min_memory: "1GB" }\nMODEL { base: "nano" }\nMONITOR { dashboard: true }\n'
    )
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["run", "small.okt", "--until", "environment"])
    assert done.exit_code == 0, done.output
    assert "dashboard: http://127.0.0.1:" in done.stderr
