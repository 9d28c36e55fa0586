from __future__ import annotations

import io

from rich.console import Console
from toy_stages import made

from idiolect.plan.stages import STAGES
from idiolect.runs.decide import Decision
from idiolect.runs.manifest import Basis, CountsRecord, StageRecord
from idiolect.runs.watching import LiveWatcher, PlainWatcher

RUNS = Decision("corpus", "run", "first time")
RECORD = StageRecord(
    name="corpus",
    ending="done",
    key="",
    basis=Basis(version=1, settings={}),
    outputs=(),
    counts=(CountsRecord(of="sources", read=1200, kept=1000, rejected={"repeat": 50, "invalid": 150}),),
    warnings=("2 includes were not found",),
    made_with="0",
)


def test_plain_progress_is_limited_by_time_not_by_calls():
    lines: list[str] = []
    now = [0.0]
    watcher = PlainWatcher(lines.append, clock=lambda: now[0])
    watcher.decided(RUNS)
    for done in range(1, 10_001):
        now[0] += 1 / 1024
        watcher.progress("corpus", done, 10_000, "verifying")
    watcher.ended(RECORD, 10.0)
    texts = [
        ("corpus", "runs: first time"),
        ("corpus", "5,120 of 10,000 (51 %): verifying"),
        ("corpus", "done in 10.0 s, 0 files written"),
        ("", "sources: 1,200 read = 1,000 kept + 200 rejected (150 invalid, 50 repeat)"),
        ("", "warning: 2 includes were not found"),
    ]
    width = max(map(len, STAGES)) + 1
    assert lines == [f"{stage:<{width}}{text}" for stage, text in texts]


def test_what_is_left_out_is_told_only_where_it_was_asked_for():
    left_out = Decision("synth", "left out", "no SYNTHESIZE block")
    for watcher_of, count in (
        (lambda write: PlainWatcher(write), 0),
        (lambda write: PlainWatcher(write, verbose=True), 1),
        (lambda write: PlainWatcher(write, named=frozenset({"synth"})), 1),
    ):
        lines: list[str] = []
        watcher_of(lines.append).decided(left_out)
        assert len(lines) == count


def test_a_terminal_shows_one_live_line_and_keeps_only_the_results():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    watcher = LiveWatcher(console)
    watcher.decided(RUNS)
    watcher.progress("corpus", 600, 1200, "[red]verifying")
    watcher.ended(RECORD, 1.0)
    watcher.closed()
    shown = stream.getvalue()
    assert "600/1200" in shown
    assert "[red]verifying" in shown  # a text of the user's is no markup
    assert shown.rstrip().endswith("warning: 2 includes were not found")
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor comes back


def test_a_run_may_be_walked_under_a_live_line(project):
    stream = io.StringIO()
    watcher = LiveWatcher(Console(file=stream, force_terminal=True, width=100), verbose=True)
    made(project, notes=watcher).walk()
    assert "lines: 5 read = 4 kept + 1 rejected (1 repeat)" in stream.getvalue()
