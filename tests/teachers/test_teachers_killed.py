"""Clients that are killed, and two on one journal: nothing kept is asked again, nothing is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from idiolect.teachers.fake import Asked, FakeServer, Misbehaviour
from idiolect.teachers.journal import Journal
from idiolect.teachers.records import Message, Request

CLIENT = Path(__file__).with_name("killed_client.py")
AT_ONCE = 4


def start(server: FakeServer, path: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(CLIENT), server.url, str(path), str(count), str(AT_ONCE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def slow(number: int, asked: Asked) -> Misbehaviour:
    return Misbehaviour("slow", 0.01)


def survive_kills(tmp_path: Path, kills: int, count: int) -> None:
    rng = random.Random(7)
    path = tmp_path / "journal.sqlite"
    killed = 0
    with FakeServer(lambda asked: f"to {asked.messages[0].content}", faults=slow) as server:
        for _ in range(kills):
            heard = len(server.asked)
            client = start(server, path, count)
            while len(server.asked) == heard and client.poll() is None:  # imports take most of the time
                time.sleep(0.002)
            time.sleep(rng.random() * 0.05)
            client.kill()
            client.communicate()
            killed += client.returncode != 0
        calls_of_kept = _calls_of_kept(server, path)
        assert killed
        assert len(server.asked) <= len(calls_of_kept) + kills * AT_ONCE
        client = start(server, path, count)
        out, err = client.communicate(timeout=120)
        assert (client.returncode, err) == (0, "")
        assert out.splitlines() == [f"to q{number}" for number in range(count)]
        after = Counter(each.messages[0].content for each in server.asked)
        assert len(after) == count
        assert {name: after[name] for name in calls_of_kept} == calls_of_kept
        assert sum(after.values()) <= count + kills * AT_ONCE
        asked_in_all = len(server.asked)
    client = start(server, path, count)  # the server is gone
    again, err = client.communicate(timeout=120)
    assert (again, err, len(server.asked)) == (out, "", asked_in_all)


def _calls_of_kept(server: FakeServer, path: Path) -> dict[str, int]:
    """How often each question was asked whose reply the journal has."""
    with Journal(path) as journal:
        kept = journal.keys()
    asked = Counter(each.messages[0].content for each in list(server.asked))
    key_of = {name: Request("ast", (Message("user", name),)).bound_to("fake", 0.7).key for name in asked}
    assert kept <= set(key_of.values())
    return {name: number for name, number in asked.items() if key_of[name] in kept}


def test_a_client_killed_at_random_instants_asks_nothing_twice_and_loses_nothing(tmp_path: Path) -> None:
    survive_kills(tmp_path, kills=3, count=100)


@pytest.mark.slow
def test_a_client_killed_at_forty_random_instants_asks_nothing_twice_and_loses_nothing(
    tmp_path: Path,
) -> None:
    survive_kills(tmp_path, kills=40, count=1_000)


def test_two_clients_on_one_journal_ask_each_thing_once_and_say_the_same(tmp_path: Path) -> None:
    with FakeServer(lambda asked: f"to {asked.messages[0].content}", faults=slow) as server:
        clients = [start(server, tmp_path / "j.sqlite", 80) for _ in range(2)]
        outs = [client.communicate(timeout=120) for client in clients]
        assert [err for _, err in outs] == ["", ""]
        assert outs[0] == outs[1]
        assert len(outs[0][0].splitlines()) == 80
        assert set(server.calls.values()) == {1}
        assert len(server.calls) == 80
