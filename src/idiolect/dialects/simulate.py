"""Runs a dialect folder's `simulator.py`: a function `run(text, inputs)` in a process of its own.

Time and memory are limited, the environment is bare, and inputs and outputs are JSON. It is **not**
a sandbox: the script can read files and open connections as the user can, so a stranger's script
runs only after --allow-code.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from idiolect.dialects.user.line_process import ChildFailed, LineProcess, module_argv
from idiolect.dialects.user.settings import SimulatorSettings

MAX_REPLY_BYTES = 4_000_000


class SimulationFailed(Exception):
    """A run that gave no outputs; the message says why."""


class Simulator:
    """One simulator script; its process starts with the first run and is reused."""

    def __init__(self, path: Path, settings: SimulatorSettings) -> None:
        self._settings = settings
        # An empty folder to stand in: files that the script writes by name alone land there.
        self._folder = tempfile.mkdtemp(prefix="idiolect-")
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._process = LineProcess(
            module_argv("idiolect.dialects.user.simulator_host"),
            first={
                "script": str(path.resolve()),
                "memory_mb": settings.memory_mb,
                "file_bytes": MAX_REPLY_BYTES,
            },
            start_timeout_s=max(settings.timeout_s, 5.0),
            max_reply_bytes=MAX_REPLY_BYTES,
            folder=Path(self._folder),
        )

    def run(self, text: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the script answers; SimulationFailed if it fails, takes too long or needs too much."""
        request = {"text": text, "inputs": dict(inputs), "timeout_s": self._settings.timeout_s}
        try:
            greeting = self._process.start()
            if "failed" in greeting:
                raise SimulationFailed(greeting["failed"])
            answer = self._process.ask(request, self._settings.timeout_s)
        except ChildFailed as error:
            raise SimulationFailed(str(error)) from error
        if "failed" in answer:
            raise SimulationFailed(answer["failed"])
        outputs = answer.get("outputs")
        if not isinstance(outputs, dict):
            raise SimulationFailed("run(text, inputs) must return a dict that JSON can hold")
        return outputs

    def passed(self, text: str, tests: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
        """How many tests pass, and what the others gave instead."""
        wrong: list[str] = []
        for number, test in enumerate(tests, 1):
            outputs = self.run(text, test["input"])
            expected = test["expected"]
            # a test may ask for some of the outputs only
            if any(key not in outputs or outputs[key] != value for key, value in expected.items()):
                wrong.append(f"test {number}: for {test['input']} expected {expected}, got {dict(outputs)}")
        return len(tests) - len(wrong), wrong

    def close(self) -> None:
        """End the process."""
        self._process.close()
        self._remove()
