"""HOOKS: the user's own code, called at fixed moments, in a process of its own, with JSON in and out.

- `x.py` and `python:module.function` run in a Python process that lives as long as training, so that a
  module's own variables keep their values between calls
- `x.js` (Node.js) and `x.sh` run once a call: JSON on standard input, JSON on standard output
- `api:URL` is sent a POST of the same JSON

Each call has a time limit. What throws, hangs or answers nonsense is an `Outcome` with a name, never a crash.
Nothing here asks whether code may run: `hook_trust` does.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from idiolect.dialects.user.line_process import ChildFailed, LineProcess, module_argv
from idiolect.okt.blocks.watch import Hooks
from idiolect.text_hints import shortened
from idiolect.train.json_list import finite

HOOKS = ("before_train", "after_train", "before_epoch", "after_epoch", "on_checkpoint", "custom_metric")
TIMEOUT_S = 300.0
_MAX_ANSWER_BYTES = 16_000_000
_STARTS_WITHIN_S = 60.0  # a script may import a large library
How = Literal["answered", "failed", "timed out", "nonsense", "can't run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call."""

    hook: str
    target: str
    how: How
    value: Any = None
    message: str = ""

    @property
    def text(self) -> str:
        """As one sentence for a person."""
        return f'hook {self.hook} ("{self.target}") {self.how}' + (
            f": {self.message}" if self.message else ""
        )


class _Fault(Exception):
    """A call without an answer: which kind, and why."""

    def __init__(self, how: How, message: str) -> None:
        super().__init__(message)
        self.how: How = how


class HookRunner:
    """Calls the hooks of a script. `log` takes what they print."""

    def __init__(
        self,
        hooks: Hooks,
        root: Path,
        *,
        log: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        offline: bool = False,
    ) -> None:
        self._targets: dict[str, str] = {
            name: target for name in HOOKS if (target := getattr(hooks, name)) is not None
        }
        self._root = root.resolve()
        self._log = log
        self._timeout_s = timeout_s
        self._offline = offline
        self._children: dict[str, LineProcess] = {}

    def has(self, hook: str) -> bool:
        """Whether the script has this hook."""
        return hook in self._targets

    def call(self, hook: str, arguments: Mapping[str, Any]) -> Outcome:
        """Call a hook. The arguments are handed over by name and must be what JSON holds."""
        target = self._targets[hook]
        try:
            return Outcome(hook, target, "answered", self._answer(hook, target, finite(arguments)))
        except _Fault as fault:
            return Outcome(hook, target, fault.how, message=shortened(str(fault), 500))

    def close(self) -> None:
        """End the processes."""
        for child in self._children.values():
            child.close()
        self._children.clear()

    def __enter__(self) -> HookRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, hook: str, target: str, arguments: Mapping[str, Any]) -> Any:
        if target.startswith("api:"):
            return self._post(hook, target.removeprefix("api:"), arguments)
        if target.startswith("python:"):
            module, _, function = target.removeprefix("python:").rpartition(".")
            if not module:
                raise _Fault("can't run", 'write "python:module.function"')
            return self._python(f"python:{module}", {"module": module}, function, arguments)
        path = self._file(target)
        if path.suffix == ".py":
            return self._python(str(path), {"file": str(path)}, hook, arguments)
        return self._program(hook, path, arguments)

    def _file(self, target: str) -> Path:
        path = self._root / target
        if not path.is_file():
            raise _Fault("can't run", f"there is no file {target}")
        return path

    def _python(self, key: str, code: Mapping[str, str], function: str, arguments: Mapping[str, Any]) -> Any:
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = LineProcess(
                module_argv("idiolect.train.hook_host"),
                first={**code, "root": str(self._root), "log": str(self._log) if self._log else None},
                start_timeout_s=min(_STARTS_WITHIN_S, self._timeout_s),
                max_reply_bytes=_MAX_ANSWER_BYTES,
                folder=self._root,
                keep_environment=True,
            )
        try:
            greeting = child.start()
            if "failed" in greeting:
                child.close()
                raise _Fault("can't run", greeting["failed"])
            answer = child.ask({"function": function, "arguments": arguments}, self._timeout_s)
        except ChildFailed as error:
            raise _Fault("timed out" if "no answer within" in str(error) else "failed", str(error)) from error
        if "failed" in answer:
            raise _Fault("nonsense" if answer.get("kind") == "answer" else "failed", answer["failed"])
        return answer.get("value")

    def _program(self, hook: str, path: Path, arguments: Mapping[str, Any]) -> Any:
        runner = shutil.which("node" if path.suffix == ".js" else "sh")
        if runner is None:
            need = "Node.js (node)" if path.suffix == ".js" else "a shell (sh)"
            raise _Fault("can't run", f"{need} is not installed")
        request = json.dumps({"hook": hook, **arguments}).encode()
        try:
            done = _run([runner, str(path)], request, self._root, self._timeout_s)
        except subprocess.TimeoutExpired:
            raise _Fault("timed out", f"no answer within {self._timeout_s:g} s") from None
        except OSError as error:
            raise _Fault("can't run", error.strerror or str(error)) from error
        self._print(done.stderr)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise _Fault("failed", f"exit code {done.returncode}" + (f": {said[-1]}" if said else ""))
        return self._said(path, done.stdout)

    def _said(self, path: Path, output: bytes) -> Any:
        """The answer on standard output: all of it, or its last line, after what was printed for people."""
        text = output.decode(errors="replace").strip()
        if not text:
            return None
        last = text.splitlines()[-1]
        for part in (text, last):
            try:
                value = json.loads(part, parse_constant=_no_number)
            except (ValueError, RecursionError):
                continue
            if part is last:
                self._print(text.removesuffix(last).encode())
            return value
        self._print(output)
        if path.suffix == ".sh":
            return None  # a shell script that talks answers nothing
        raise _Fault("nonsense", f"the answer is no JSON: {shortened(last, 80)}")

    def _post(self, hook: str, url: str, arguments: Mapping[str, Any]) -> Any:
        if self._offline:
            raise _Fault("can't run", 'ENV.network is "offline"')
        request = urllib.request.Request(  # noqa: S310 - the language takes http and https only
            url,
            data=json.dumps({"hook": hook, **arguments}).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            method="POST",
        )
        try:
            with _OPENER.open(request, timeout=self._timeout_s) as reply:
                text = reply.read(_MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            raise _Fault("failed", f"the server answers {error.code} {error.reason}") from error
        except TimeoutError:
            raise _Fault("timed out", f"no answer within {self._timeout_s:g} s") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise _Fault("timed out", f"no answer within {self._timeout_s:g} s") from error
            raise _Fault("failed", str(reason)) from error
        if len(text) > _MAX_ANSWER_BYTES:
            raise _Fault("nonsense", f"the answer has more than {_MAX_ANSWER_BYTES:,} bytes")
        try:
            return json.loads(text, parse_constant=_no_number) if text.strip() else None
        except (ValueError, RecursionError) as error:
            raise _Fault("nonsense", "the answer is no JSON") from error

    def _print(self, said: bytes) -> None:
        if self._log is not None and said.strip():
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as stream:
                stream.write(said.rstrip(b"\n") + b"\n")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET somewhere else; it is told instead."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _run(
    argv: list[str], request: bytes, folder: Path, timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in a session of its own, so that what it started ends with it."""
    with subprocess.Popen(  # noqa: S603 - the user has allowed this file, and no shell reads a command line
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        start_new_session=True,
    ) as child:
        try:
            output, errors = child.communicate(request, timeout=timeout_s)
        except BaseException:
            end_session(child)
            raise
        return subprocess.CompletedProcess(argv, child.returncode, output, errors)


def end_session(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and all that it started."""
    import os
    import signal

    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):
        child.kill()


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def custom_metrics(outcome: Outcome, names: tuple[str, ...]) -> tuple[dict[str, float], dict[str, str]]:
    """What custom_metric measured, by name, and why the others are not available.

    A number is that of the one custom metric; a dict has one for each.
    """
    if outcome.how != "answered":
        return {}, dict.fromkeys(names, outcome.text)
    value = outcome.value
    if isinstance(value, dict):
        given = value
    elif len(names) == 1:
        given = {names[0]: value}
    else:
        why = f"custom_metric must return a dict by name: METRICS lists {', '.join(names)}"
        return {}, dict.fromkeys(names, why)
    found = {name: float(given[name]) for name in names if _is_metric(given.get(name))}
    missing = {name: _why_none(given, name) for name in names if name not in found}
    return found, missing


def _is_metric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _why_none(given: Mapping[str, Any], name: str) -> str:
    if name not in given:
        return f"custom_metric returned nothing for {name}"
    return f"custom_metric returned {shortened(repr(given[name]), 40)} for {name}, which is no number"
