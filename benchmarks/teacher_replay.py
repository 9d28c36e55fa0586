"""What the journal costs and saves: the same requests as plain calls, as a first run, and as a replay.

The server is the fake one in a process of its own, with no latency: a real model would hide everything
that is measured here. Plain calls are made by as many threads through the same HTTP code, and their
answers are judged in the same way, but nothing is kept.

    python benchmarks/teacher_replay.py [--requests 2000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from idiolect.teachers.answer import judge
from idiolect.teachers.client import ReplayTeacher, ServerTeacher
from idiolect.teachers.journal import Journal
from idiolect.teachers.records import Answer, Message, Request
from idiolect.teachers.servers import connect
from idiolect.teachers.settings import ServerSettings

SCHEMA = {"type": "object", "properties": {"field": {"type": "string"}}, "required": ["field"]}
PROMPT = "The schema has these fields: " + ", ".join(f"field_{number}" for number in range(300))


def questions(count: int) -> list[Request]:
    """Requests under one long prompt, as a recipe makes them."""
    asked = [(Message("system", PROMPT), Message("user", f"question {number}")) for number in range(count)]
    return [Request("ast", messages, schema=SCHEMA) for messages in asked]


def plain(settings: ServerSettings, requests: list[Request]) -> list[str]:
    """Each request by one call, and nothing kept."""
    server = connect(settings)

    def one(request: Request) -> str:
        bound = request.bound_to(settings.model, settings.temperature)
        reply = server.ask(bound)
        return judge(bound, Answer(bound, reply.text, None, "", settings.model), reply.cut, None).text

    with ThreadPoolExecutor(settings.concurrency) as pool:
        return list(pool.map(one, requests))


def timed(work: Callable[[], list[str]]) -> tuple[float, list[str]]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def round_of(settings: ServerSettings, requests: list[Request]) -> tuple[float, float, float]:
    """Seconds for plain calls, a first run and a replay; all three must say the same."""
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        calls_s, calls = timed(lambda: plain(settings, requests))
        teacher, replay = ServerTeacher(settings, journal), ReplayTeacher(settings, journal)
        first_s, first = timed(lambda: [str(end.text) for end in teacher.answer(requests)])
        replay_s, again = timed(lambda: [str(end.text) for end in replay.answer(requests)])
        assert calls == first == again
        assert teacher.report().total.answered == teacher.report().calls == len(requests)
    return calls_s, first_s, replay_s


def main() -> None:
    """Print the best of several rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "idiolect.teachers.fake", "--style", "ollama"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = next(line for line in server.stdout if "url" in line).split('"')[1]
            settings = ServerSettings("fake", url=url)
            rounds = [round_of(settings, questions(chosen.requests)) for _ in range(chosen.rounds)]
        finally:
            server.terminate()
    calls_s, first_s, replay_s = (min(column) for column in zip(*rounds, strict=True))
    for name, seconds in (("plain calls", calls_s), ("first run", first_s), ("replay", replay_s)):
        each_ms = seconds / chosen.requests * 1000
        print(
            f"{name:12} {seconds:7.2f} s  {each_ms:6.2f} ms each  {chosen.requests / seconds:8,.0f} a second"
        )
    print(f"the journal costs {(first_s - calls_s) / chosen.requests * 1000:.2f} ms a request")
    print(f"a replay is {first_s / replay_s:.1f} times faster than a first run on a server with no latency")


if __name__ == "__main__":
    main()
