"""Finds the texts that paths name, judges them one by one or in several processes, and sums up.

A file that can't be read is an outcome of its own and is counted; nothing is skipped in silence.
It prints nothing.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.verdict import Fault, Severity, Verdict
from idiolect.source import SourceText

MAX_FILE_BYTES = 50_000_000
TEXT_COLUMNS = ("text", "target", "output", "dsl_code", "completion")


@dataclass(frozen=True, slots=True)
class Item:
    """One text to judge and the name to report it under, or the reason why there is none."""

    name: str
    text: str = ""
    unreadable: str | None = None
    schema: Mapping[str, Any] | None = None  # a row may carry the JSON Schema that it is judged against
    folder: Path | None = None  # where the file stands, for what it includes

    def within(self, context: Context) -> Context:
        """The context with this item's own folder and schema, unless these are given for all."""
        schema = self.schema if context.schema is None else context.schema
        return replace(context, schema=schema, folder=context.folder or self.folder)


@dataclass(frozen=True, slots=True)
class Checked:
    """An item and what its dialect says of it; no verdict if it could not be read."""

    item: Item
    verdict: Verdict | None

    @property
    def outcome(self) -> str:
        """ok, wrong, not judged or unreadable."""
        if self.verdict is None:
            return "unreadable"
        if not self.verdict.judged:
            return "not judged"
        return "ok" if self.verdict.ok else "wrong"


@dataclass(slots=True)
class Totals:
    """How many texts came to which outcome, and how often each fault code occurred."""

    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def add(self, checked: Checked) -> None:
        self.outcomes[checked.outcome] += 1
        if checked.verdict is not None:
            self.codes.update(fault.code for fault in checked.verdict.faults)

    @property
    def count(self) -> int:
        return self.outcomes.total()

    @property
    def all_good(self) -> bool:
        return self.count > 0 and self.outcomes["ok"] == self.count


def gather(paths: Sequence[Path], suffixes: tuple[str, ...], column: str | None = None) -> Iterator[Item]:
    """All texts that the paths name: files, the dialect's files in folders, rows of JSONL."""
    for path in paths:
        if str(path) == "-":
            yield _read_stdin()
        elif path.is_dir():
            yield from _of_folder(path, suffixes, column)
        else:
            yield from _of_file(path, suffixes, column)


def _of_folder(folder: Path, suffixes: tuple[str, ...], column: str | None) -> Iterator[Item]:
    if not suffixes:
        yield Item(str(folder), unreadable="the dialect names no file endings; pass the files themselves")
        return
    found = 0
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        wanted = path.name.endswith(suffixes) and not any(part.startswith(".") for part in inside)
        if wanted and path.is_file():
            found += 1
            yield from _of_file(path, suffixes, column)
    if not found:
        yield Item(str(folder), unreadable=f"no file in it ends with {' or '.join(suffixes)}")


def _of_file(path: Path, suffixes: tuple[str, ...], column: str | None) -> Iterator[Item]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            yield Item(str(path), unreadable=f"bigger than {MAX_FILE_BYTES // 1_000_000} MB")
            return
        text = decoded(path.read_bytes())
    except OSError as error:
        yield Item(str(path), unreadable=error.strerror or str(error))
        return
    except ValueError as error:
        yield Item(str(path), unreadable=str(error))
        return
    if path.suffix == ".jsonl" and ".jsonl" not in suffixes:
        yield from rows(str(path), text, column)
    else:
        yield Item(str(path), text, folder=path.parent)


def _read_stdin() -> Item:
    import sys

    try:
        return Item("<stdin>", decoded(sys.stdin.buffer.read(MAX_FILE_BYTES)))
    except ValueError as error:
        return Item("<stdin>", unreadable=str(error))


def decoded(data: bytes) -> str:
    """The text of a file; ValueError says why it is none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
        if b"\0" in data:
            raise ValueError("a binary file")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise ValueError(f"not {name} text: byte {error.start} is {data[error.start]:#04x}") from error


def rows(name: str, text: str, column: str | None) -> Iterator[Item]:
    """The texts of a JSONL file, one a line, from the named column or the first usual one."""
    found = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found += 1
        yield _row(f"{name}:{number}", line, column)
    if not found:
        yield Item(name, unreadable="it has no rows")


def _row(name: str, line: str, column: str | None) -> Item:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Item(name, unreadable=f"not JSON: {error}")
    if not isinstance(row, dict):
        return Item(name, unreadable="not a JSON object")
    wanted = (column,) if column else TEXT_COLUMNS
    key = next((key for key in wanted if key in row), None)
    if key is None:
        there = ", ".join(sorted(row)[:8]) or "nothing"
        return Item(name, unreadable=f"no column {' or '.join(wanted)} (it has {there}); name it by --column")
    value = row[key]
    schema = row.get("schema")
    return Item(
        name,
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        schema=schema if isinstance(schema, dict) else None,
    )


def judge(dialect: Dialect, item: Item, context: Context) -> Checked:
    """One item judged."""
    return Checked(item, None if item.unreadable else dialect.verify(item.text, item.within(context)))


def judge_all(
    load: Callable[[], tuple[Dialect, Context]], items: Iterable[Item], jobs: int
) -> Iterator[Checked]:
    """All items judged, in their order; with several jobs, each process loads the dialect for itself."""
    if jobs <= 1:
        dialect, context = load()
        for item in items:
            yield judge(dialect, item, context)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # spawn: a forked copy of a process with threads may hang
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(load,)
    )
    try:
        yield from pool.map(_judge_in_worker, items, chunksize=8)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: list[tuple[Dialect, Context]] = []


def _start_worker(load: Callable[[], tuple[Dialect, Context]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers
    _worker.append(load())


def _judge_in_worker(item: Item) -> Checked:
    return judge(_worker[0][0], item, _worker[0][1])


def summary(checked: Checked) -> dict[str, Any]:
    """The outcome of one text, under the keys that `check --json` promises."""
    verdict = checked.verdict
    details: dict[str, Any] = {"file": checked.item.name, "outcome": checked.outcome}
    if verdict is None:
        details["unreadable"] = checked.item.unreadable
        return {"valid_syntax": None, "valid_DSL_blocks": None, "policy": None, "details": details}
    source = SourceText(checked.item.text, checked.item.name)
    details |= {
        "valid": verdict.valid,
        "not_judged": verdict.not_judged,
        "faults": [fault_data(fault, source) for fault in verdict.faults],
        "dialect": verdict.details,
    }
    if verdict.tests_total:
        details["tests"] = {"passed": verdict.tests_passed, "total": verdict.tests_total}
    return {
        "valid_syntax": verdict.parsed,
        "valid_DSL_blocks": blocks_valid(verdict),
        "policy": verdict.policy,
        "details": details,
    }


def blocks_valid(verdict: Verdict) -> bool | None:
    """Whether all embedded blocks are valid; None for a text without any."""
    blocks = verdict.details.get("dsl_blocks")
    if not isinstance(blocks, dict) or not blocks.get("found"):
        return None
    return bool(blocks["valid"] == blocks["found"])


def fault_data(fault: Fault, source: SourceText) -> dict[str, Any]:
    """A fault as plain data, with its place by line and column."""
    data: dict[str, Any] = {
        "code": fault.code,
        "message": fault.message,
        "level": fault.level.value,
        "severity": fault.severity.value,
        "hint": fault.hint,
    }
    if fault.span is not None:
        start, end = source.place(fault.span.start), source.place(fault.span.end)
        data |= {"line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column}
    if fault.fix is not None:
        data["fix"] = {"span": [fault.fix.span.start, fault.fix.span.end], "text": fault.fix.text}
    return data


def repair_hints(checked: Checked) -> Iterator[dict[str, Any]]:
    """For each fault what a repair task needs: fault, hint, span, and the text with the known fix if any."""
    if checked.verdict is None:
        return
    text = checked.item.text
    for fault in checked.verdict.faults:
        if fault.severity is Severity.NOTE:
            continue
        fix = fault.fix
        yield {
            "file": checked.item.name,
            "code": fault.code,
            "fault": fault.message,
            "hint": fault.hint,
            "span": [fault.span.start, fault.span.end] if fault.span else None,
            "text": text,
            "corrected": text[: fix.span.start] + fix.text + text[fix.span.end :] if fix else None,
        }
