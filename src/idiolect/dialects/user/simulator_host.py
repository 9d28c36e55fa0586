"""The child that runs a user's `simulator.py`: limits itself, loads the script, answers JSON lines.

What the script prints goes nowhere, so that it can't be taken for an answer.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import runpy
import sys
from typing import Any


def main() -> None:
    """Answer lines until the input ends."""
    first = json.loads(sys.stdin.buffer.readline())
    # The answers go to a copy of the output that the script does not know of.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def answer(data: dict[str, Any]) -> None:
        answers.write(json.dumps(data, allow_nan=False).encode() + b"\n")
        answers.flush()

    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _limit(first["memory_mb"] << 20, first["file_bytes"])
    try:
        sys.argv = [first["script"]]
        # the script may import modules that stand beside it
        sys.path.insert(0, os.path.dirname(first["script"]))  # noqa: PTH120
        run = runpy.run_path(first["script"], run_name="simulator").get("run")
    except BaseException as error:
        answer({"failed": f"simulator.py can't be loaded: {_told(error)}"})
        return
    if not callable(run):
        answer({"failed": "simulator.py defines no function run(text, inputs)"})
        return
    answer({"ready": True})
    for line in requests:
        request = json.loads(line)
        _limit_time(request["timeout_s"])
        try:
            outputs = run(request["text"], request["inputs"])
            answer({"outputs": outputs})
        except BaseException as error:
            with contextlib.suppress(Exception):
                answer({"failed": _told(error)})


def _told(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"{type(error).__name__}: {error}"[:500]


def _limit(memory_bytes: int, file_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: only the parent's clock limits the script there
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(timeout_s: float) -> None:
    """Let the system end this process if its parent is no longer there to do it."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(usage.ru_utime + usage.ru_stime + timeout_s) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


if __name__ == "__main__":
    main()
