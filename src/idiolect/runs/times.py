"""times.json and logs/run.log: when a run worked and for how long, kept apart from what it made."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.files import Unreadable, read_small
from idiolect.runs.folder import TIMES, RunFolder

_MOST_BYTES = 1 << 20


class StageTime(BaseModel):
    """When a stage last ended, and how long it took."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ended: str
    seconds: float


class Times(BaseModel):
    """When a run began first and ended last, as ISO texts, and its stages' times."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_started: str
    last_started: str
    last_ended: str | None = None
    stages: dict[str, StageTime] = Field(default_factory=dict)


def read_times(run: RunFolder) -> Times | None:
    """The times of a run; None where the file is missing or damaged, since nothing depends on it."""
    try:
        return Times.model_validate_json(read_small(run.path / TIMES, _MOST_BYTES))
    except (Unreadable, ValidationError):
        return None


class Clock:
    """Keeps a run's times and its log while the run works."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._times = Times(first_started="", last_started="")

    def begin(self) -> None:
        before = read_times(self._run)
        first = before.first_started if before else now()
        self._times = Times(first_started=first, last_started=now(), stages=before.stages if before else {})
        self._write()

    def stage_ended(self, name: str, seconds: float) -> None:
        time = StageTime(ended=now(), seconds=round(seconds, 3))
        self._times = self._times.model_copy(update={"stages": {**self._times.stages, name: time}})
        self._write()

    def end(self) -> None:
        self._times = self._times.model_copy(update={"last_ended": now()})
        self._write()

    def log(self, text: str) -> None:
        """Append to the run's log, each line with its time."""
        self._run.log.parent.mkdir(exist_ok=True)
        with self._run.log.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write("".join(f"{now()} {line}\n" for line in text.splitlines()))

    def _write(self) -> None:
        self._run.write(TIMES, self._times.model_dump_json(indent=2) + "\n")


def now() -> str:
    """The time of day with its zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
