"""HOOKS: what user code is given, what it may answer, and every way in which it can go wrong."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from train_plans import plan_of

from idiolect.okt.blocks.watch import Hooks
from idiolect.plan.plan import Plan
from idiolect.runs.stage import StageError
from idiolect.train.hook_config import config_of, settled_by_hook
from idiolect.train.hook_trust import allow_hooks, open_hooks, refused_hooks
from idiolect.train.hooks import HookRunner, Outcome, custom_metrics


def called(
    root: Path, hook: str, target: str, arguments: dict[str, Any] | None = None, **options: Any
) -> Outcome:
    with HookRunner(Hooks(**{hook: target}), root, **options) as runner:
        return runner.call(hook, arguments or {})


def written(root: Path, name: str, text: str) -> str:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return name


EPOCH = {"epoch": 2, "metrics": {"loss": 0.5}, "model_state": {"step": 7}}


def test_a_python_hook_is_called_by_the_faqs_signature_and_keeps_its_variables(tmp_path: Path) -> None:
    code = """
import helper
seen = []
def after_epoch(number, metrics, model_state):
    print("hello from the hook")
    seen.append(metrics["loss"])
    return helper.limit(seen)
"""
    written(tmp_path, "scripts/helper.py", "def limit(seen):\n    return len(seen) >= 2\n")
    target = written(tmp_path, "scripts/stop.py", code)
    log = tmp_path / "logs/hooks.log"
    with HookRunner(Hooks(after_epoch=target), tmp_path, log=log) as runner:
        answers = [runner.call("after_epoch", EPOCH) for _ in range(3)]
    assert [(one.how, one.value) for one in answers] == [
        ("answered", False),
        ("answered", True),
        ("answered", True),
    ]
    assert log.read_text() == "hello from the hook\n" * 3


def test_a_function_of_a_module_is_called_by_its_dotted_name(tmp_path: Path) -> None:
    written(tmp_path, "tools/watch.py", "def late(epoch, metrics):\n    return epoch > 1\n")
    written(tmp_path, "tools/__init__.py", "")
    assert called(tmp_path, "before_epoch", "python:tools.watch.late", EPOCH).value is True


@pytest.mark.parametrize(
    ("code", "how", "message"),
    [
        ("def after_epoch(a, b, c):\n    return 1 / 0\n", "failed", "ZeroDivisionError"),
        ("def after_epoch(a, b, c):\n    raise SystemExit(3)\n", "failed", "SystemExit"),
        ("import os\ndef after_epoch(a, b, c):\n    os._exit(3)\n", "failed", "exit code 3"),
        ("import time\ndef after_epoch(a, b, c):\n    time.sleep(60)\n", "timed out", "within 2 s"),
        ("def after_epoch(a, b, c):\n    return object()\n", "nonsense", "object, which JSON can't hold"),
        ("def after_epoch(a, b, c):\n    return float('nan')\n", "nonsense", "float, which JSON can't hold"),
        ("def other():\n    pass\n", "failed", "defines no function after_epoch"),
        ("def broken(:\n", "can't run", "SyntaxError"),
        ("import not_there_at_all\n", "can't run", "ModuleNotFoundError"),
    ],
)
def test_what_goes_wrong_in_a_python_hook_is_an_outcome_with_a_name(
    tmp_path: Path, code: str, how: str, message: str
) -> None:
    target = written(tmp_path, "hook.py", code)
    outcome = called(tmp_path, "after_epoch", target, EPOCH, timeout_s=2.0)
    assert outcome.how == how
    assert message in outcome.message
    assert outcome.text.startswith(f'hook after_epoch ("hook.py") {how}: ')


def test_a_hook_that_hung_is_started_anew(tmp_path: Path) -> None:
    code = "import time\ndef after_epoch(epoch, *_):\n    time.sleep(60 * (epoch == 1))\n    return epoch\n"
    target = written(tmp_path, "hook.py", code)
    with HookRunner(Hooks(after_epoch=target), tmp_path, timeout_s=2.0) as runner:
        assert runner.call("after_epoch", {**EPOCH, "epoch": 1}).how == "timed out"
        assert runner.call("after_epoch", EPOCH).value == 2


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert called(tmp_path, "after_train", "gone.py").text == (
        'hook after_train ("gone.py") can\'t run: there is no file gone.py'
    )


@pytest.mark.parametrize(
    ("body", "how", "value", "message"),
    [
        ("cat > seen.json; echo working; echo true", "answered", True, ""),
        ("cat > /dev/null; echo done", "answered", None, ""),
        ("echo disk is full >&2; exit 4", "failed", None, "exit code 4: disk is full"),
        ("sleep 60 & wait", "timed out", None, "within 1 s"),
    ],
)
def test_a_shell_script_gets_json_and_answers_by_its_last_line(
    tmp_path: Path, body: str, how: str, value: Any, message: str
) -> None:
    target = written(tmp_path, "hook.sh", body)
    began = time.monotonic()
    outcome = called(tmp_path, "on_checkpoint", target, {"path": "c; rm -rf x", "step": 3}, timeout_s=1.0)
    assert (outcome.how, outcome.value) == (how, value)
    assert message in outcome.message
    assert time.monotonic() - began < 20
    if "seen" in body:
        seen = json.loads((tmp_path / "seen.json").read_text())
        assert seen == {"hook": "on_checkpoint", "path": "c; rm -rf x", "step": 3}


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_javascript_hook_gets_json_and_answers_json(tmp_path: Path) -> None:
    code = """
const said = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify({ toxicity: said.predictions.length / 4 }));
"""
    target = written(tmp_path, "metric.js", code)
    outcome = called(tmp_path, "custom_metric", target, {"predictions": ["a"], "references": ["b"]})
    assert outcome.value == {"toxicity": 0.25}
    nonsense = called(tmp_path, "custom_metric", written(tmp_path, "bad.js", 'console.log("oops")'))
    assert (nonsense.how, nonsense.message) == ("nonsense", "the answer is no JSON: oops")
    thrown = called(tmp_path, "custom_metric", written(tmp_path, "throw.js", 'throw new Error("no")'))
    assert thrown.how == "failed"


class _Answers(BaseHTTPRequestHandler):
    seen: list[Any] = []  # noqa: RUF012 - the server makes an instance for each request

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(json.loads(body))
        if self.path == "/slow":
            time.sleep(2)
        code, text = {
            "/yes": (200, b"true"),
            "/none": (204, b""),
            "/broken": (200, b"<html>"),
            "/moved": (302, b""),
        }.get(self.path, (500, b"no"))
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/yes")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    made = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "how", "value"),
    [
        ("/yes", "answered", True),
        ("/none", "answered", None),
        ("/broken", "nonsense", None),
        ("/moved", "failed", None),
        ("/missing", "failed", None),
        ("/slow", "timed out", None),
    ],
)
def test_a_url_is_sent_the_same_json(tmp_path: Path, server: str, path: str, how: str, value: Any) -> None:
    _Answers.seen.clear()
    outcome = called(tmp_path, "after_epoch", f"api:{server}{path}", EPOCH, timeout_s=1.0)
    assert (outcome.how, outcome.value) == (how, value)
    assert _Answers.seen == [{"hook": "after_epoch", **EPOCH}]


def test_a_url_is_not_called_offline_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert called(tmp_path, "after_epoch", "api:http://127.0.0.1:9/x", offline=True).how == "can't run"
    assert called(tmp_path, "after_epoch", "api:http://127.0.0.1:9/x").how == "failed"


# --- before_train


def _plan(root: Path, code: str, extra: str = "") -> Plan:
    target = written(root, "scripts/pre.py", code)
    return plan_of(f'{extra} HOOKS {{ before_train: "{target}" }}')


def _settled(root: Path, code: str, extra: str = "") -> Plan:
    plan = _plan(root, code, extra)
    assert plan.hooks is not None
    with HookRunner(plan.hooks, root) as runner:
        return settled_by_hook(plan, runner, dataset={"examples": 3}, model={"base": "nano"})


LORA = 'FT_LORA { base_model: "nano" lora_rank: 8 lora_alpha: 16 }'


@pytest.mark.parametrize(
    "code",
    [
        "def before_train(config, data, _):\n    config['epochs'] = data['examples']\n    return config\n",
        "def before_train(config, dataset, model):\n    config['epochs'] = 3\n",
        "def before_train(config, *rest):\n    return {'epochs': 3}\n",
    ],
)
def test_before_train_may_change_the_config(tmp_path: Path, code: str) -> None:
    plan = _settled(tmp_path, code.replace("'epochs'", "'gradient_accumulation'"))
    assert plan.train is not None
    assert (plan.train.gradient_accumulation, plan.train.batch_size) == (3, 4)
    assert 'HOOKS.before_train "scripts/pre.py"' in str(plan.settings["TRAIN.gradient_accumulation"].origin)


def test_before_train_may_change_the_adapter(tmp_path: Path) -> None:
    code = "def before_train(config, *_):\n    config['ft_lora']['lora_rank'] = 4\n    return config\n"
    plan = _settled(tmp_path, code, LORA)
    assert plan.ft_lora is not None
    assert plan.ft_lora.lora_rank == 4
    assert config_of(plan)["ft_lora"]["lora_alpha"] == 16


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("'yes'", "before_train returned str, not a config"),
        ("{'epoch': 3}", 'before_train returned "epoch", which TRAIN does not know'),
        ("{'epochs': 0}", "before_train returned epochs = 0, which is out of range"),
        ("{'optimizer': 'adanw'}", "before_train returned a value of optimizer that does not fit"),
        ("{'epochs': 'many'}", "before_train returned a value of epochs that does not fit"),
        ("1 / 0", 'hook before_train ("scripts/pre.py") failed: ZeroDivisionError'),
    ],
)
def test_what_before_train_may_not_return_ends_the_run_with_a_message(
    tmp_path: Path, answer: str, message: str
) -> None:
    with pytest.raises(StageError) as caught:
        _settled(tmp_path, f"def before_train(config, dataset, model):\n    return {answer}\n")
    assert message in str(caught.value)
    assert caught.value.help


# --- custom metrics


@pytest.mark.parametrize(
    ("value", "names", "found", "missing"),
    [
        (0.5, ("tone",), {"tone": 0.5}, ""),
        ({"tone": 1, "other": 2}, ("tone",), {"tone": 1.0}, ""),
        (0.5, ("tone", "length"), {}, "must return a dict by name"),
        ({"tone": 1}, ("tone", "length"), {"tone": 1.0}, "returned nothing for length"),
        ({"tone": "high"}, ("tone",), {}, "returned 'high' for tone, which is no number"),
        ({"tone": True}, ("tone",), {}, "which is no number"),
    ],
)
def test_custom_metrics_come_by_name_or_say_why_not(
    value: Any, names: tuple[str, ...], found: dict[str, float], missing: str
) -> None:
    outcome = Outcome("custom_metric", "m.py", "answered", value)
    measured, why = custom_metrics(outcome, names)
    assert measured == found
    assert set(measured) | set(why) == set(names)
    assert missing in " ".join(why.values())
    failed = Outcome("custom_metric", "m.py", "timed out", message="no answer within 2 s")
    assert custom_metrics(failed, names)[0] == {}


# --- trust


def test_hooks_run_only_as_they_were_when_they_were_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    plan = _plan(root, "def before_train(config, dataset, model):\n    return config\n")
    with pytest.raises(StageError, match=r"not allowed to run.*scripts/pre\.py"):
        open_hooks(plan, root)
    assert allow_hooks(plan, root) == ('"scripts/pre.py"',)
    assert allow_hooks(plan, root) == ()
    runner = open_hooks(plan, root)
    assert runner is not None
    runner.close()
    written(root, "scripts/beside.py", "x = 1\n")
    assert refused_hooks(plan, root) == ("scripts/pre.py",)
    allow_hooks(plan, root)
    assert refused_hooks(plan, root) == ()
    # A record that came along with the project is worth nothing on another machine.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert refused_hooks(plan, root) == ("scripts/pre.py",)


def test_a_script_without_hooks_needs_no_trust(tmp_path: Path) -> None:
    assert open_hooks(plan_of(""), tmp_path) is None
