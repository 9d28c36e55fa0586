"""A run in the browser while it trains: its live file as events, and what its other files say.

It reads the run's folder and changes nothing. `Beside` shows it from within a training: MONITOR.dashboard.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from idiolect.data.jsonl import BadRow
from idiolect.evaluate.records import Judged
from idiolect.files import Unreadable
from idiolect.runs.folder import LOGS
from idiolect.runs.history import read_history
from idiolect.runs.shelf import NoSuchRun, NotJson, ShelfRun, open_run, read_json
from idiolect.runs.tail import Tail
from idiolect.serve.feeds import comment, sse
from idiolect.serve.local import LOCAL, local_app, silent

LIVE = Path(LOGS) / "live.jsonl"
_POLL_S = 0.4
_KEEP_ALIVE_S = 15.0
_MOST_ANSWERS = 60
_MOST_CHARACTERS = 4_000
_MOST_STEPS = 20_000  # of a training that is shown from its beginning; older ones are thinned out


def dashboard_app(run: ShelfRun) -> FastAPI:
    """The application that shows one run."""
    app = local_app(f"run {run.folder.name}", "dashboard")

    @app.get("/run")
    def facts() -> dict[str, Any]:
        """What the run is, how it stands, and what it has measured so far."""
        again = _now(run)
        history = read_history(again)
        return {
            "name": again.folder.name,
            "state": again.state(),
            "facts": history.facts,
            "metrics": history.metrics,
            "stages": _stages(again),
            "faults": history.faults,
            "answers": judged_answers(again),
            "decisions": _decisions(again),
            "live": (again.folder.path / LIVE).is_file(),
            "series": {name: asdict(one) for name, one in history.series.items()},
        }

    @app.get("/events")
    async def events(request: Request) -> StreamingResponse:
        """The live file from its beginning, then what is added."""
        return StreamingResponse(_lines(run.folder.path / LIVE, request), media_type="text/event-stream")

    return app


def _now(run: ShelfRun) -> ShelfRun:
    """The run as it is now; as it was, where it has not begun yet."""
    try:
        return open_run(str(run.folder.path), Path())
    except (NoSuchRun, OSError):
        return run


async def _lines(path: Path, request: Request) -> AsyncIterator[str]:
    tail = Tail(path, back=1 << 40)
    quiet = 0.0
    first = True
    while not await request.is_disconnected():
        lines = await asyncio.to_thread(tail.new_lines)
        found = thinned([one for line in lines if (one := _object(line)) is not None])
        if found or first:
            yield sse(found, "lines")
            quiet, first = 0.0, False
        elif quiet >= _KEEP_ALIVE_S:
            yield comment()
            quiet = 0.0
        await asyncio.sleep(_POLL_S)
        quiet += _POLL_S


def thinned(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All lines but, where there are very many steps and samples, some of those."""
    many = sum(one.get("kind") in ("step", "sample") for one in lines)
    every = -(-many // _MOST_STEPS)
    if every <= 1:
        return lines
    kept, at = [], 0
    for one in lines:
        if one.get("kind") in ("step", "sample"):
            at += 1
            if at % every:
                continue
        kept.append(one)
    return kept


def judged_answers(run: ShelfRun) -> list[dict[str, Any]]:
    """Answers of the newest evaluation with their verdicts, wrong ones first."""
    from idiolect.evaluate.report_data import EVALUATIONS
    from idiolect.evaluate.results import RESULTS, read_judged

    for stage, _ in reversed(EVALUATIONS):
        path = run.folder.path / stage / RESULTS
        if not path.is_file():
            continue
        try:
            judged = read_judged(path)
        except (BadRow, Unreadable):
            return []
        judged.sort(key=lambda one: (one.verdict.ok, one.semantic_pass is True))
        return [_answer(one) for one in judged[:_MOST_ANSWERS]]
    return []


def _answer(one: Judged) -> dict[str, Any]:
    return {
        "suite": one.suite,
        "mode": one.mode,
        "asked": one.prompt_text[-_MOST_CHARACTERS:],
        "answer": one.student_output[:_MOST_CHARACTERS],
        "expected": one.expected[:_MOST_CHARACTERS],
        "errors": list(one.verdict.errors),
        "valid": one.verdict.ok if one.verdict.not_judged is None else None,
        "right": one.semantic_pass,
    }


def _stages(run: ShelfRun) -> list[dict[str, Any]]:
    if run.manifest is None:
        return []
    return [{"name": one.name, "ending": one.ending} for one in run.manifest.stages]


def _decisions(run: ShelfRun) -> list[Any]:
    try:
        found = read_json(run.folder.path / "control_decisions.json")
    except NotJson:
        return []
    return found[-500:] if isinstance(found, list) else []


def _object(line: str) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


class Beside:
    """A dashboard in a thread of this process; `close` ends it."""

    def __init__(self, run: ShelfRun, port: int = 0) -> None:
        from idiolect.serve.server import server_of

        self._settings = replace(LOCAL, port=port)
        self._server = server_of(dashboard_app(run), self._settings, silent())
        self._thread = threading.Thread(target=self._server.run, name="idiolect-dashboard", daemon=True)

    def start(self, wait_s: float = 10.0) -> str | None:
        """Where it is found; None where it does not start."""
        import time

        from idiolect.serve.server import address

        self._thread.start()
        until = time.monotonic() + wait_s
        while self._thread.is_alive() and time.monotonic() < until:
            if self._server.started:
                return address(self._settings, self._server) + "/"
            time.sleep(0.02)
        return None

    def close(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)
