"""Dialects that an outside program verifies: run it on the text, read faults from what it prints.

The command is split into words once and started without a shell; `{file}` is the text in a temporary
file. Exit code 0 means valid. A missing program, a time-out or a crash is "could not judge". It does
**not** contain the program: it runs with the user's own rights, so strangers' commands need --allow-code.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from idiolect.dialects.contract import EMPTY, Context, Dialect, NotOffered
from idiolect.dialects.user.settings import CommandSettings
from idiolect.dialects.verdict import Fault, Level, Severity, Verdict, could_not_judge, verdict_of
from idiolect.source import SourceText, Span

if TYPE_CHECKING:
    from idiolect.grammar.form import Grammar

MAX_OUTPUT_BYTES = 200_000
MAX_LINE = 2_000
MAX_FAULTS = 100


class BadCommand(ValueError):
    """A command line that can't be used."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it printed."""

    exit_code: int
    output: str


class CommandDialect(Dialect):
    """A language known only by a program that checks it: no grammar, so no samples and no constraint."""

    not_offered = frozenset({"constraint", "sample", "mutate", "run", "extract", "describe"})

    def __init__(
        self, command: str | CommandSettings, *, name: str = "command", suffixes: tuple[str, ...] = (".txt",)
    ) -> None:
        self.name = name
        self.suffixes = suffixes
        self._settings = CommandSettings(run=command) if isinstance(command, str) else command
        self._argv = split_command(self._settings.run)

    def verify(self, text: str, context: Context = EMPTY) -> Verdict:
        """The program's judgement of a text."""
        return judge_by_command(text, self._argv, self._settings, self.name, suffix_of(self.suffixes))

    def constraint(self, context: Context = EMPTY) -> Grammar:
        """There is none: a program that checks texts can't say what may come next."""
        raise NotOffered(
            f"dialect {self.name} has no grammar, only a command; add a grammar.lark to constrain it"
        )

    def canonical(self, text: str, context: Context = EMPTY) -> str:
        """The text with plain line ends; how the language is laid out is not known here."""
        return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def split_command(command: str) -> list[str]:
    """A command line as a list of words, checked once."""
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise BadCommand(f"the command can't be split into words: {error}: {command}") from error
    if not argv:
        raise BadCommand('the command is empty; write for instance "checker --strict {file}"')
    if not any("{file}" in word for word in argv):
        raise BadCommand(f"the command has no {{file}}, where the text's file name goes: {command}")
    return argv


def suffix_of(suffixes: tuple[str, ...]) -> str:
    """The ending that the temporary file gets."""
    return suffixes[0] if suffixes else ".txt"


def judge_by_command(
    text: str, argv: list[str], settings: CommandSettings, name: str, suffix: str
) -> Verdict:
    """The verdict that a command's exit code and output amount to."""
    with tempfile.TemporaryDirectory(prefix="idiolect-") as folder:
        path = Path(folder) / f"text{suffix}"
        try:
            # newline="": the program sees the very line ends of the text
            path.write_text(text, encoding=settings.encoding, newline="")
        except (UnicodeEncodeError, LookupError) as error:
            return could_not_judge(f"the text can't be written as {settings.encoding}: {error}")
        ran = run_command([word.replace("{file}", str(path)) for word in argv], settings, Path(folder))
        if isinstance(ran, str):
            return could_not_judge(ran)
        faults = read_faults(ran.output, text, path, name)
    if ran.exit_code in settings.valid_exit_codes:
        return verdict_of([_as_warning(fault) for fault in faults], policy_asked=False)
    if settings.invalid_exit_codes is not None and ran.exit_code not in settings.invalid_exit_codes:
        return could_not_judge(f"{argv[0]} ended with exit code {ran.exit_code}{_first_line(ran.output)}")
    if not any(fault.severity is Severity.ERROR for fault in faults):
        message = _first_line(ran.output).removeprefix(": ") or f"refused with exit code {ran.exit_code}"
        faults.append(Fault(f"{name}.command.refused", message))
    return verdict_of(faults, policy_asked=False)


def run_command(argv: list[str], settings: CommandSettings, folder: Path) -> Ran | str:
    """How a command ended, or in words why it gave no answer."""
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(  # noqa: S603 - argv is a list, and no shell reads it
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return f"can't run {argv[0]}: {reason}"
        try:
            exit_code = child.wait(timeout=settings.timeout_s)
        except subprocess.TimeoutExpired:
            _kill(child)
            return f"{argv[0]} gave no answer within {settings.timeout_s:g} s"
        except BaseException:
            _kill(child)
            raise
        output.seek(0)
        printed = output.read(MAX_OUTPUT_BYTES)
    if exit_code < 0:
        return f"{argv[0]} was killed by {signal.Signals(-exit_code).name}"
    return Ran(exit_code, _decoded(printed))


def read_faults(output: str, text: str, path: Path, name: str) -> list[Fault]:
    """The faults whose places a program's output names, in any of the common shapes."""
    source = SourceText(text)
    lines = [line[:MAX_LINE].rstrip() for line in output.splitlines()]
    spoken = [line for line in lines if line.strip()]
    faults: dict[tuple[str, Span | None], Fault] = {}
    for line in spoken:
        found = _first_shape(line, path)
        if found is None:
            continue
        match, message_on = found
        groups = match.groupdict()
        number = min(int(groups["line"][:9]), source.line_count)
        message = (groups["message"] or groups.get("before") or "").strip(" :-\t")
        if message_on:
            message = spoken[-1 if message_on == "last line" else 0]
        message = message.replace(str(path), path.name).strip() or "refused here"
        span = _span(source, max(number, 1), groups.get("column"))
        severity = _severity(groups.get("severity"), line)
        code = f"{name}.command.{'error' if severity is Severity.ERROR else 'warning'}"
        faults.setdefault((message, span), Fault(code, message, span, level=Level.PARSE, severity=severity))
        if len(faults) >= MAX_FAULTS:
            break
    return list(faults.values())


def _first_shape(line: str, path: Path) -> tuple[re.Match[str], str] | None:
    for pattern, message_on in _shapes():
        # the file's name is put in place, so that a pattern is compiled once for all files
        if match := pattern.match(line.replace(str(path), "\ufffc").replace(path.name, "\ufffc")):
            return match, message_on
    return None


@cache
def _shapes() -> list[tuple[re.Pattern[str], str]]:
    data = tomllib.loads(files("idiolect.dialects.user").joinpath("command_patterns.toml").read_text("utf-8"))
    return [
        (re.compile(shape["pattern"].replace("{file}", "\ufffc")), shape.get("message_on", ""))
        for shape in data["shape"]
    ]


def _span(source: SourceText, line: int, column: str | None) -> Span:
    """From the named column to the end of its word, or the whole line without its indentation."""
    text = source.line(line)
    if column is not None and 1 <= int(column[:9]) <= len(text):
        start = source.offset(line, int(column[:9]))
        word = re.match(r"\w+|.", text[int(column[:9]) - 1 :])
        return Span(start, start + (len(word[0]) if word else 1))
    start = source.offset(line) + len(text) - len(text.lstrip())
    return Span(start, max(start, source.offset(line) + len(text.rstrip())))


def _severity(named: str | None, line: str) -> Severity:
    word = (named or "").lower()
    if word == "warning" or (not word and re.search(r"\bwarning\b", line, re.IGNORECASE)):
        return Severity.WARNING
    return Severity.NOTE if word in ("note", "info") else Severity.ERROR


def _as_warning(fault: Fault) -> Fault:
    """What a program says while it accepts the text is no error."""
    if fault.severity is not Severity.ERROR:
        return fault
    code = fault.code.removesuffix("error") + "warning"
    return Fault(code, fault.message, fault.span, fault.hint, fault.level, Severity.WARNING)


def _first_line(output: str) -> str:
    line = next((line.strip() for line in output.splitlines() if line.strip()), "")
    return f": {line[:300]}" if line else ""


def _decoded(printed: bytes) -> str:
    if printed.startswith((b"\xff\xfe", b"\xfe\xff")):
        return printed.decode("utf-16", "replace")
    return printed.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "")


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a program and whatever it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):
        child.kill()
    child.wait()
