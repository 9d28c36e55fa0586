"""The journal: replies are kept once, shared by threads and processes, and survive damage with a sentence."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.teachers.journal import Journal, Reply
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Message, Request


def request(text: str = "q", **values: object) -> Request:
    return Request("ast", (Message("user", text),), model="m", **values)  # type: ignore[arg-type]


def test_a_reply_is_given_again_by_a_journal_that_is_opened_anew(tmp_path: Path) -> None:
    reply = Reply("é\u2028\x00 text", True, 7, None, 0.5)
    with Journal(tmp_path / "deep" / "j.sqlite") as journal:
        assert journal.ask_once(request(), lambda: reply) == (reply, False)
    with Journal(tmp_path / "deep" / "j.sqlite", must_exist=True) as journal:
        assert journal.reply(request().key) == reply
        assert journal.ask_once(request(), pytest.fail) == (reply, True)
        assert journal.keys() == {request().key}


def test_half_a_surrogate_pair_is_the_same_text_now_and_later(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        now, _ = journal.ask_once(request("\ud83d"), lambda: Reply("cut \ud83d"))
        later = journal.reply(request("\ud83d").key)
    assert now == later
    assert now.text == "cut \ufffd"


@pytest.mark.parametrize(
    "change",
    [
        {"text": "other"},
        {"schema": {"type": "object"}},
        {"temperature": 0.5},
        {"max_tokens": 9},
        {"seed": 1},
        {"attempt": 1},
    ],
    ids=str,
)
def test_every_part_of_the_content_changes_the_key(change: dict[str, object]) -> None:
    assert request(**change).key != request().key  # type: ignore[arg-type]


def test_facts_are_no_part_of_the_key_and_the_purpose_is() -> None:
    assert request(facts={"a": 1}).key == request().key
    assert Request("query", request().messages, model="m").key != request().key


@given(
    st.lists(st.text(max_size=5), min_size=1, max_size=4),
    st.lists(st.text(max_size=5), min_size=1, max_size=4),
)
def test_two_conversations_have_one_key_only_if_they_are_equal(left: list[str], right: list[str]) -> None:
    made = [Request("p", tuple(Message("user", text) for text in texts)) for texts in (left, right)]
    assert (made[0].key == made[1].key) == (left == right)


def test_a_failed_ask_leaves_nothing_that_would_be_given_again(tmp_path: Path) -> None:
    def fail() -> Reply:
        raise RuntimeError("no")

    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.raises(RuntimeError):
            journal.ask_once(request(), fail)
        assert journal.ask_once(request(), lambda: Reply("yes")) == (Reply("yes"), False)


def test_threads_that_want_one_key_ask_once(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()
    got: list[str] = []

    def slow() -> Reply:
        asked["q"] += 1
        time.sleep(0.1)
        return Reply("answer")

    with Journal(tmp_path / "j.sqlite") as one, Journal(tmp_path / "j.sqlite") as two:
        threads = [
            threading.Thread(
                target=lambda journal=journal: got.append(journal.ask_once(request(), slow)[0].text)
            )
            for journal in [one, two] * 4
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert asked == {"q": 1}
    assert got == ["answer"] * 8


def test_a_claim_whose_holder_died_is_taken_over_and_one_that_lives_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"

    class Tired(Exception):
        pass

    def tire() -> None:
        raise Tired

    with Journal(path) as journal:
        claim = "INSERT OR REPLACE INTO claims SELECT ?, 'x', pid, started + ? FROM claims LIMIT 1"
        base = sqlite3.connect(path)

        def ask() -> Reply:
            for other, drift in (("dead", -1000.0), ("alive", 0.0)):
                base.execute(claim, (request(other).key, drift))
            base.commit()
            return Reply("first")

        journal.ask_once(request(), ask)
        base.close()
        assert journal.ask_once(request("dead"), lambda: Reply("mine"), tire) == (Reply("mine"), False)
        with pytest.raises(Tired):
            journal.ask_once(request("alive"), lambda: Reply("mine"), tire)


def test_a_new_journal_may_be_opened_by_many_at_the_same_instant(tmp_path: Path) -> None:
    gate = threading.Barrier(6)

    def open_and_close(path: Path) -> None:
        gate.wait()
        Journal(path).close()

    with ThreadPoolExecutor(6) as pool:
        for number in range(15):
            list(pool.map(open_and_close, [tmp_path / f"{number}.sqlite"] * 6))  # raises what a thread raised


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be read as one" * 40, b"SQLite format 3\x00"]
)
def test_a_file_that_is_no_journal_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j.sqlite"
    path.write_bytes(content)
    with pytest.raises(TeacherProblem, match=r"j\.sqlite"):
        Journal(path).close()
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE mine(x)")
    base.close()
    before = path.read_bytes()
    with pytest.raises(TeacherProblem, match="no journal"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_missing_journal_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(TeacherProblem, match="no journal at"):
        Journal(tmp_path / "none.sqlite", must_exist=True)
    with pytest.raises(TeacherProblem, match="can't be opened"):
        Journal(tmp_path)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["failed", "rejected"])), max_size=12))
def test_troubles_are_logged_in_order_and_a_rejection_that_is_replayed_only_once(
    events: list[tuple[str, str]],
) -> None:
    with Journal(Path(":memory:")) as journal:
        for key, kind in events:
            journal.note(key, kind, "why", "sentence")
        noted = [(event.key, event.kind) for event in journal.events()]
        assert Counter(noted)[("a", "failed")] == events.count(("a", "failed"))
        rejected = [event for event in noted if event[1] == "rejected"]
        assert (
            len(rejected) == len(set(rejected)) == len({event for event in events if event[1] == "rejected"})
        )
        assert [event for event in noted if event[1] == "failed"] == [e for e in events if e[1] == "failed"]
