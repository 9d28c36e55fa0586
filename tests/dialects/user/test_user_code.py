"""Code in a dialect's folder: simulators with limits, classes that replace parts, and who may run what."""

import json
import os

import pytest
from user_dialects import load, problems_of, write

from idiolect.dialects import trust
from idiolect.dialects.contract import Context
from idiolect.dialects.simulate import SimulationFailed, Simulator
from idiolect.dialects.user.settings import SimulatorSettings

TESTS = ({"input": {"n": 1}, "expected": {"n": 2}}, {"input": {"n": 5}, "expected": {"n": 6}})


def simulator(tmp_path, body, **limits):
    path = tmp_path / "simulator.py"
    path.write_text(body)
    return Simulator(path, SimulatorSettings(**limits))


def fails(tmp_path, body, **limits):
    with pytest.raises(SimulationFailed) as caught:
        simulator(tmp_path, body, **limits).run("text", {})
    return str(caught.value)


def test_a_simulator_gets_text_and_inputs_and_gives_outputs(tmp_path):
    made = simulator(
        tmp_path, "import os\ndef run(text, inputs):\n  return {'t': text, **inputs, 'p': os.getpid()}"
    )
    first = made.run("é", {"a": [1, None]})
    assert (first["t"], first["a"]) == ("é", [1, None])
    assert first["p"] != os.getpid()
    assert made.run("", {})["p"] == first["p"], "the process is reused"
    made.close()


FAILING = {
    "raises": ("def run(t, i):\n  raise ValueError('no such lamp')", "ValueError: no such lamp"),
    "exits": ("def run(t, i):\n  raise SystemExit(3)", "SystemExit"),
    "dies": ("import os\ndef run(t, i):\n  os._exit(3)", "exit code 3"),
    "is killed": ("import os\ndef run(t, i):\n  os.kill(os.getpid(), 9)", "SIGKILL"),
    "has no run": ("x = 1", "no function run"),
    "is no Python": ("def run(:", "SyntaxError"),
    "returns no dict": ("def run(t, i):\n  return 3", "must return a dict"),
    "returns what JSON can't hold": ("def run(t, i):\n  return {'a': {1}}", "not JSON serializable"),
    "returns not-a-number": ("def run(t, i):\n  return {'a': float('nan')}", "JSON"),
    "recurses": ("def run(t, i):\n  return run(t, i)", "RecursionError"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_failing_simulator_says_why(case, tmp_path):
    body, reason = FAILING[case]
    assert reason in fails(tmp_path, body)


def test_time_and_memory_are_limited(tmp_path):
    assert "within 0.5 s" in fails(tmp_path, "def run(t, i):\n  while True: pass", timeout_s=0.5)
    assert "out of memory" in fails(
        tmp_path, "def run(t, i):\n  return {'a': len(' ' * 10**9)}", memory_mb=100
    )


def test_a_file_that_grows_without_end_is_stopped(tmp_path):
    body = "def run(t, i):\n  with open('big', 'wb') as f:\n    f.write(b'x' * 50_000_000)\n  return {}"
    assert fails(tmp_path, body)


def test_what_a_simulator_prints_is_no_answer(tmp_path):
    made = simulator(tmp_path, "print('{}')\ndef run(t, i):\n  print('{\"outputs\": {}}')\n  return {'a': 1}")
    assert made.run("", {}) == {"a": 1}
    made.close()


def test_a_simulator_sees_no_secrets_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    made = simulator(tmp_path, "import os\ndef run(t, i):\n  return {'names': sorted(os.environ)}")
    assert "SECRET_KEY" not in made.run("", {})["names"]
    made.close()


def test_a_simulator_works_again_after_it_took_too_long(tmp_path):
    body = "def run(t, i):\n  while t == 'loop': pass\n  return {'ok': 1}"
    made = simulator(tmp_path, body, timeout_s=1.0)
    with pytest.raises(SimulationFailed):
        made.run("loop", {})
    assert made.run("", {}) == {"ok": 1}
    made.close()


def test_tests_in_the_context_are_run_and_counted(tmp_path):
    body = "def run(text, inputs):\n  return {'n': inputs['n'] + 1, 'more': 0}"
    dialect = load(write(tmp_path / "toy", {"simulator.py": body}), allow_code=True)
    verdict = dialect.verify("on a;", Context(tests=TESTS))
    assert (verdict.ok, verdict.tests_passed, verdict.tests_total) == (True, 2, 2)
    wrong = ({"input": {"n": 1}, "expected": {"n": 3}}, *TESTS)
    verdict = dialect.verify("on a;", Context(tests=wrong))
    assert (verdict.ok, verdict.tests_passed, verdict.tests_total) == (False, 2, 3)
    assert "expected {'n': 3}, got {'n': 2" in verdict.faults[0].message
    crash = ({"input": {}, "expected": {}},)
    assert "KeyError" in dialect.verify("on a;", Context(tests=crash)).not_judged
    assert not dialect.verify("on a", Context(tests=crash)).ok
    dialect.close()


def test_tests_that_may_not_run_are_not_judged(tmp_path):
    folder = write(tmp_path / "toy", {"simulator.py": "raise SystemExit"})
    dialect = load(folder)
    verdict = dialect.verify("on a;", Context(tests=TESTS))
    assert verdict.parsed is True
    assert "--allow-code" in verdict.not_judged
    dialect.close()


CLASS = """
from idiolect.dialects.generic import FolderDialect
from idiolect.dialects.verdict import Fault, Level

class Mine(FolderDialect):
    def check(self, text, outcome, context):
        for lexeme in outcome.lexemes:
            if lexeme.terminal == "NAME" and len(lexeme.text) > 3:
                yield Fault("toy.name.long", f"{lexeme.text} is too long", lexeme.span, level=Level.VALID)
"""


def test_a_class_in_the_folder_adds_rules_of_its_own(tmp_path):
    settings = 'name = "toy"\n[code]\ndialect = "mine.py:Mine"\n'
    dialect = load(write(tmp_path / "toy", {"dialect.toml": settings, "mine.py": CLASS}), allow_code=True)
    assert dialect.verify("on fan;").ok
    verdict = dialect.verify("on lamp;")
    assert (verdict.parsed, verdict.valid) == (True, False)
    dialect.close()


@pytest.mark.parametrize("target", ["mine.py:Nobody", "mine.py:Other", "broken.py:Mine", "mine.py"])
def test_a_class_that_can_not_be_used_is_a_problem(target, tmp_path):
    files = {
        "dialect.toml": f'name = "toy"\n[code]\ndialect = "{target}"\n',
        "mine.py": "class Other: pass\n",
        "broken.py": "1 / 0\n",
    }
    assert set(problems_of(write(tmp_path / "toy", files), allow_code=True)) == {"dialect.code.broken"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def test_allowed_code_is_remembered_until_the_folder_changes(home):
    folder, project = write(home / "toy", {"simulator.py": "x = 1"}), home / "project"
    project.mkdir()
    assert not trust.is_allowed(folder, project)
    assert trust.allow(folder, project)
    assert trust.is_allowed(folder, project)
    (folder / "simulator.py").write_text("x = 2")
    assert not trust.is_allowed(folder, project)
    assert trust.was_allowed_before(folder, project)
    (folder / "simulator.py").write_text("x = 1")
    assert trust.is_allowed(folder, project)
    (folder / "more.py").write_text("")
    assert not trust.is_allowed(folder, project)


def test_permission_does_not_travel(home, monkeypatch):
    folder, project = write(home / "toy", {}), home / "project"
    project.mkdir()
    assert trust.allow(folder, project)
    other = home / "other"
    other.mkdir()
    (other / ".idiolect").mkdir()
    (other / trust.RECORD).write_text((project / trust.RECORD).read_text())
    assert not trust.is_allowed(folder, other), "another project"
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "another-machine"))
    assert not trust.is_allowed(folder, project)


def test_a_folder_with_links_is_never_remembered(home):
    folder = write(home / "toy", {})
    (folder / "link.py").symlink_to("/etc/hostname")
    assert not trust.allow(folder, home)
    assert not trust.is_allowed(folder, home)


def test_a_broken_record_allows_nothing(home):
    folder = write(home / "toy", {})
    assert trust.allow(folder, home)
    for content in ("", "[]", json.dumps({str(folder): 3}), '{"a": '):
        (home / trust.RECORD).write_text(content)
        assert not trust.is_allowed(folder, home)
    assert trust.allow(folder, home)
    assert trust.is_allowed(folder, home)
