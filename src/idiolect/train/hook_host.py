"""The child that runs a user's Python hooks: loads a file or a module once, and answers JSON lines.

What the code prints goes to the hooks' log, so that it can't be taken for an answer.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import runpy
import sys
import traceback
from collections.abc import Mapping
from typing import Any


def main() -> None:
    """Answer lines until the input ends."""
    first = json.loads(sys.stdin.buffer.readline())
    answers = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0), "rb")
    _redirect(first["log"])

    def answer(data: dict[str, Any]) -> None:
        answers.write(json.dumps(data, allow_nan=False).encode() + b"\n")
        answers.flush()

    try:
        names = _load(first)
    except BaseException as error:
        traceback.print_exc()
        answer({"failed": f"can't be loaded: {_told(error)}"})
        return
    answer({"ready": True})
    for line in requests:
        request = json.loads(line)
        function = names.get(request["function"])
        if not callable(function):
            answer({"failed": f"defines no function {request['function']}"})
            continue
        try:
            value = _called(function, request["arguments"])
        except BaseException as error:
            traceback.print_exc()
            answer({"failed": _told(error)})
            continue
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        try:
            answer({"value": _plain(value)})
        except (TypeError, ValueError, RecursionError):
            answer({"failed": f"returned {type(value).__name__}, which JSON can't hold", "kind": "answer"})


def _redirect(log: str | None) -> None:
    """Standard input is empty for the code, and its output goes to the log."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if log is None:
        sink = os.open(os.devnull, os.O_WRONLY)
    else:
        os.makedirs(os.path.dirname(log), exist_ok=True)  # noqa: PTH103, PTH120
        sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(sink, 1)
    os.dup2(sink, 2)


def _load(first: Mapping[str, Any]) -> Mapping[str, Any]:
    """The names of the file or module."""
    sys.path.insert(0, first["root"])
    if "file" in first:
        sys.argv = [first["file"]]
        # the script may import modules that stand beside it
        sys.path.insert(0, os.path.dirname(first["file"]))  # noqa: PTH120
        return runpy.run_path(first["file"], run_name="hook")
    return vars(importlib.import_module(first["module"]))


def _called(function: Any, arguments: dict[str, Any]) -> Any:
    """Call by position, in the order of the documented signature: the code may name them as it likes."""
    values = list(arguments.values())
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return function(*values)
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return function(*values)
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    result = function(*values[: len(positional)])
    # A config that was changed where it stood, and not returned, is meant to be the config.
    return arguments["config"] if result is None and "config" in arguments else result


def _plain(value: Any) -> Any:
    """Numbers of numpy and torch as Python's."""
    if hasattr(value, "item") and not isinstance(value, dict | list | tuple | str):
        return value.item()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
