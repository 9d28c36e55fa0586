"""A log of answers and corrections becomes examples; nothing is kept that nobody spoke for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_lamp import load
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.data.example import Example
from idiolect.data.harvest import Harvest, LogRow, harvest, read_row
from idiolect.data.jsonl import plain_record, read_examples, write_examples
from idiolect.data.verified import verified


def gathered(
    tmp_path: Path, *rows: object, known: list[Example] | None = None, judge: bool = True
) -> Harvest:
    log = tmp_path / "log.jsonl"
    log.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return harvest(log, (lambda examples: verified(examples, load)) if judge else None, known or [])


def row(answer: str, **more: object) -> dict[str, object]:
    return {"instruction": "turn the lamp on", "answer": answer, **more}


def told(found: Harvest) -> list[tuple[str, str, bool]]:
    return [(one.instruction, one.target.strip(), one.valid) for one in found.examples]


def test_a_correction_gives_a_positive_a_negative_and_a_pair(tmp_path):
    found = gathered(tmp_path, row("lmap a on", correction="lamp a on"))
    assert told(found) == [("turn the lamp on", "lamp a on", True), ("turn the lamp on", "lmap a on", False)]
    (pair,) = found.pairs
    assert (pair.chosen.strip(), pair.rejected, pair.line) == ("lamp a on", "lmap a on", 1)
    assert found.examples[1].verdict.errors == ("lamp.line",)
    assert found.gave == {"positives": 1, "negatives": 1, "pairs": 1}


def test_a_valid_answer_that_was_corrected_is_the_worse_of_a_pair_and_no_negative(tmp_path):
    found = gathered(tmp_path, row("lamp a off", correction="lamp a on"))
    assert told(found) == [("turn the lamp on", "lamp a on", True)]
    assert len(found.pairs) == 1


def test_a_liked_answer_is_learned_if_it_verifies(tmp_path):
    found = gathered(
        tmp_path, row("lamp a on", rating=1), {"instruction": "x", "answer": "lmap", "rating": 1}
    )
    assert told(found) == [("turn the lamp on", "lamp a on", True)]
    assert dict(found.counts.rejected) == {"liked, but does not verify": 1}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (row("lamp a on"), "not confirmed"),
        (row("lamp a on", rating=-1), "disliked"),
        (row("x", correction="lmap"), "correction does not verify"),
        (row("x", correction="crash"), "correction does not verify"),
        (row("crash"), "not judged"),
        ("{broken", "broken row"),
        ({"instruction": "x"}, "unknown row"),
        (row("x", anwser="y"), "unknown row"),
        (row(" "), "unknown row"),
    ],
)
def test_what_is_left_out_has_a_reason_and_a_line(tmp_path, made, reason):
    found = gathered(tmp_path, made)
    assert not found.examples
    assert dict(found.counts.rejected) == {reason: 1}
    assert [(one.reason, one.line) for one in found.rejected] == [(reason, 1)]


def test_a_wrong_answer_that_nobody_corrected_is_a_negative(tmp_path):
    assert told(gathered(tmp_path, row("lmap a on"))) == [("turn the lamp on", "lmap a on", False)]


def test_secrets_are_masked_in_all_that_is_kept(tmp_path):
    secret = "AKIAIOSFODNN7EXAMPLE"
    made = row("lmap", correction="lamp a on", context=f"key {secret}", system=f"use {secret}")
    found = gathered(tmp_path, made)
    kept = json.dumps([plain_record(one) for one in (*found.examples, *found.pairs)])
    assert secret not in kept
    assert len(found.secrets) == 2


def test_what_is_known_is_not_given_again_and_held_out_requests_are_not_learned(tmp_path):
    known = [
        Example(instruction="turn the lamp on", target="lamp a on"),
        Example(instruction="held", target="lamp b on", split="test"),
    ]
    found = gathered(
        tmp_path,
        row("lamp a on", rating=1),
        {"instruction": "held", "answer": "lmap", "correction": "lamp b on"},
        row("lamp c on", rating=1),
        row("lamp c on", rating=1),
        known=known,
    )
    assert told(found) == [("turn the lamp on", "lamp c on", True)]
    assert dict(found.counts.rejected) == {"known already": 2, "held out": 1}


def test_without_a_dialect_peoples_word_counts_alone(tmp_path):
    found = gathered(tmp_path, row("no", correction="yes"), judge=False)
    assert told(found) == [("turn the lamp on", "yes", True)]
    assert found.gave["negatives"] == 0


def test_words_are_no_negatives(tmp_path):
    found = gathered(tmp_path, row("It is on.", task="explain", rating=1))
    assert told(found) == [("turn the lamp on", "It is on.", True)]


ROWS = st.builds(
    LogRow,
    instruction=st.sampled_from(["a", "b", "held", ""]),
    answer=st.sampled_from(["lamp a on", "lmap", "crash", "lamp b off"]),
    correction=st.sampled_from([None, None, "lamp a on", "lmap"]),
    rating=st.sampled_from([None, 1, -1]),
)


@given(st.lists(ROWS, max_size=12))
def test_counts_close_and_a_log_gives_each_thing_once(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("log")
    known = [Example(instruction="held", target="lamp b on", split="test")]
    found = gathered(folder, *map(plain_record, rows), known=known)
    assert found.counts.read == len(rows)
    assert sum(found.counts.rejected.values()) == len(found.rejected)
    assert len({one.id for one in found.examples}) == len(found.examples)
    assert all(one.instruction != "held" for one in found.examples)
    again = gathered(folder, *map(plain_record, rows), known=[*known, *found.examples])
    assert not again.examples


def test_a_row_written_by_the_server_is_read_as_it_was():
    made = LogRow(instruction="a", answer="b", rating=1, details={"tokens": 3})
    assert read_row(json.loads(json.dumps(plain_record(made)))) == made


def test_the_command_writes_examples_pairs_and_what_was_left_out(tmp_path):
    log, to = tmp_path / "log.jsonl", tmp_path / "more.jsonl"
    good = "MODULE N(INPUT A, OUTPUT Y) { Y = ~A; }"
    rows = [
        {"instruction": "an inverter", "answer": "MODULE N(", "correction": good},
        {"instruction": "x", "answer": good},
        {"nothing": 1},
    ]
    log.write_text("".join(json.dumps(one) + "\n" for one in rows))
    write_examples(tmp_path / "known.jsonl", [Example(instruction="y", target="z")])
    known = ["--known", str(tmp_path / "known.jsonl")]
    done = CliRunner().invoke(
        app, ["data", "harvest", str(log), "--to", str(to), "--dialect", "gates", *known]
    )
    assert done.exit_code == 1
    assert [one.valid for one in read_examples(to)] == [True, False]
    assert (tmp_path / "more.pairs.jsonl").read_text().count("\n") == 1
    left = [json.loads(line) for line in (tmp_path / "more.left-out.jsonl").read_text().splitlines()]
    assert {one["reason"] for one in left} == {"unknown row", "not confirmed"}
