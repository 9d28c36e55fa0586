"""The child that parses texts under a user's grammar: `python -m idiolect.dialects.user.lark_host`.

The first line of its input says which grammar, every further one is a text; each is answered by one
line. The parent stops it when it takes too long; here memory and processor time are limited too.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

MEMORY_MB = 2_048


def main() -> None:
    """Answer lines until the input ends."""
    from idiolect.dialects.user.lark_engine import LarkEngine
    from idiolect.dialects.user.lark_grammar import GrammarProblem

    _limit_memory()
    first = json.loads(sys.stdin.buffer.readline())
    try:
        engine = LarkEngine(
            first["grammar"],
            first["file"],
            first["folder"],
            first["start"],
            first["parser"],
            first["brackets"],
        )
    except GrammarProblem as problem:
        _answer({"problem": problem.as_data()})
        return
    _answer({"vocabulary": engine.vocabulary()})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit_time(request["timeout_s"])
        try:
            _answer(engine.parse(request["text"], frozenset(request["rules"])))
        except MemoryError:
            _answer({"failed": "the parser ran out of memory"})
        except RecursionError:
            _answer({"failed": "the parser ran out of stack"})


def _answer(data: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(data, separators=(",", ":")).encode() + b"\n")
    sys.stdout.buffer.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20, MEMORY_MB << 20))


def _limit_time(timeout_s: float) -> None:
    """Let the system end this process if its parent is no longer there to do it."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(usage.ru_utime + usage.ru_stime + timeout_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
