"""The stage synth in a run: counts that close, the same bytes whoever is killed, a teacher that errs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from synth_runs import (
    Notes,
    erring_answer,
    good_answer,
    made,
    make_project,
    report,
    server_block,
    synth,
)

from idiolect.data.jsonl import read_examples
from idiolect.teachers.fake import FakeServer, Misbehaviour

COMMAND = (sys.executable, "-c", "from idiolect.cli.app import main; main()", "run")


def test_the_report_closes_its_counts_and_says_who_taught(tmp_path):
    root = make_project(tmp_path / "p", more="    max_samples: 30")
    notes = Notes()
    assert synth(root, notes).how == "done"
    found = report(root)
    examples = list(read_examples(root / "runs" / "trees" / "synth" / "examples.jsonl"))
    rejected = made(root)["rejected.jsonl"].decode().splitlines()
    assert found["examples"]["kept"] == len(examples) == 30
    assert sum(found["examples"]["rejected"].values()) == len(rejected)
    assert found["examples"]["read"] == len(examples) + len(rejected)
    assert (found["taught_by"], found["by_rules"]) == (["rules"], True)
    assert found["valid"] + found["negatives"] == 30
    for by in ("task", "level", "language", "teacher"):
        assert sum(found["by"][by].values()) == 30
    assert sum(found["by"]["kind"].values()) == found["negatives"]
    assert found["teachers"][0]["yield"]["ast"]["asked"] == found["teachers"][0]["yield"]["ast"]["answered"]
    counts = notes.records["synth"].counts[0]
    assert (counts.read, counts.kept) == (found["examples"]["read"], 30)


def test_a_run_that_nothing_changed_for_is_skipped_and_one_by_force_gives_the_same_bytes(tmp_path):
    root = make_project(tmp_path / "p")
    assert synth(root).how == "done"
    first, notes = made(root), Notes()
    assert synth(root, notes).how == "done"
    assert notes.actions["synth"] == "skip"
    assert synth(root, force=True).how == "done"
    assert made(root) == first


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_run_killed_at_random_instants_ends_in_the_same_bytes(tmp_path):
    whole = make_project(tmp_path / "whole")
    assert synth(whole).how == "done"
    root = make_project(tmp_path / "killed")
    start = time.monotonic()
    assert synth(make_project(tmp_path / "timed")).how == "done"
    lasts, rng, killed = time.monotonic() - start, random.Random(3), 0
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            try:
                synth(root, force=True)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0, lasts))
        os.kill(pid, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        if killed == 12:
            break
    assert synth(root).how == "done"
    assert made(root) == made(whole)
    assert killed == 12


def test_a_model_is_asked_judged_and_asked_again_until_its_answers_verify(tmp_path):
    with FakeServer(erring_answer) as server:
        root = make_project(tmp_path / "p", teacher=server_block(server.url), more='    languages: ["en"]')
        notes = Notes()
        outcome = synth(root, notes)
        assert outcome.how == "done", outcome
        asked = len(server.asked)
        found = report(root)
        assert found["taught_by"] == ["fake"]
        assert not found["by_rules"]
        yields = found["teachers"][0]["yield"]
        assert yields["domain_spec"]["answered"] == 2
        assert yields["ast"]["answered"] == 2 * 12
        assert yields["ast"]["rejected"] > 0
        assert found["examples"]["rejected"]["ast: schema.oneOf"] == yields["ast"]["rejected"]
        assert found["teachers"][0]["faults"]["spec.values"] == 2
        assert {one.provenance.teacher for one in _examples(root)} == {"fake"}
        first = made(root)
        # Everything is in the journal: no further call, and the same bytes.
        assert synth(root, force=True).how == "done"
        assert len(server.asked) == asked
        assert made(root) == first


def test_a_killed_run_with_a_model_asks_nothing_twice_and_ends_in_the_same_bytes(tmp_path):
    def slowly(number, asked):
        return Misbehaviour("slow", 0.004)

    with FakeServer(good_answer, faults=slowly) as server:
        whole = make_project(tmp_path / "whole", teacher=server_block(server.url))
        assert synth(whole).how == "done"
        once = sum(server.answered.values())
    rng, killed = random.Random(5), 0
    with FakeServer(good_answer, faults=slowly) as server:
        root = make_project(tmp_path / "killed", teacher=server_block(server.url))
        for _ in range(4):
            heard = len(server.asked)
            script = str(root / "scripts" / "train.okt")
            client = subprocess.Popen(
                [*COMMAND, script, "--only", "synth"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while len(server.asked) == heard and client.poll() is None:
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.03))
            client.kill()
            killed += client.wait() == -signal.SIGKILL
        assert synth(root).how == "done"
        assert sum(server.answered.values()) <= once + 4 * 4  # what was in flight, four at a time
    assert killed == 4
    # The address is no part of an answer, nor of anything that is made from it.
    assert made(root) == made(whole)


def test_a_spent_budget_keeps_what_there_is_and_says_what_is_missing(tmp_path):
    with FakeServer(good_answer) as server:
        block = server_block(server.url, max_calls=16)
        root = make_project(tmp_path / "p", teacher=block)
        notes = Notes()
        assert synth(root, notes).how == "done"
        assert len(server.asked) == 16
        found = report(root)
        missing = found["teachers"][0]["yield"]["ast"]["not_asked"]
        assert missing > 0
        warnings = notes.records["synth"].warnings
        assert any("were not made (not asked: budget)" in one for one in warnings), warnings
        for _ in range(12):
            assert synth(root, force=True).how == "done"
        assert report(root)["teachers"][0]["yield"]["ast"]["answered"] == 24
        assert sum(server.calls.values()) == len(server.calls)


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path):
    root = make_project(tmp_path / "p", teacher=server_block("http://127.0.0.1:9/v1", retries=0))
    outcome = synth(root)
    assert outcome.how == "failed"
    assert "127.0.0.1:9" in " ".join((*outcome.reasons, outcome.help))


@pytest.mark.parametrize(
    ("taxonomy", "said"),
    [
        ('{"classes": {"json.schema.enum": 3}}', None),
        ('{"classes": {}}', None),
        ("[]", "is no error taxonomy"),
        ('{"classes": {"a": -1}}', "is no error taxonomy"),
        ('{"classes": {"a": true}}', "is no error taxonomy"),
        ("{", "is no error taxonomy"),
    ],
)
def test_a_taxonomy_is_read_or_refused(tmp_path, taxonomy, said):
    root = make_project(tmp_path / "p", more='    target_errors: "errors.json"\n    max_samples: 4')
    (root / "errors.json").write_text(taxonomy)
    outcome = synth(root)
    if said is None:
        assert outcome.how == "done", outcome
        assert report(root)["aimed_at"] == json.loads(taxonomy)["classes"]
    else:
        assert outcome.how == "failed"
        assert said in outcome.reasons[0]


def test_what_a_recipe_can_not_do_ends_the_run_with_its_help(tmp_path):
    root = make_project(tmp_path / "p", more='    languages: ["de"]')
    outcome = synth(root)
    assert outcome.how == "failed"
    assert 'not "de"' in outcome.reasons[0]
    assert "languages" in outcome.help


def _examples(root: Path) -> list:
    return list(read_examples(root / "runs" / "trees" / "synth" / "examples.jsonl"))
