"""Turns script files, or a reference table of built-ins, into a catalog.

Comments right above a definition become its notes. Files that can't be read are named in the
catalog's notes; they do not stop the others.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from idiolect.dialects.ahk2.loader import load
from idiolect.dialects.ahk2.script import Symbol
from idiolect.dialects.catalog import Arg, Catalog, Proc, Variable
from idiolect.source import SourceText

_COLUMNS = ("ElementType", "Name", "Description", "Parameters")
_KINDS = {"function": "function", "class": "class", "method": "method", "property": "property",
          "directive": "directive", "command": "function"}  # fmt: skip


def extract_catalog(sources: Sequence[Path]) -> Catalog:
    """The symbols that script files define; a folder stands for the scripts below it."""
    procs: list[Proc] = []
    includes: list[str] = []
    notes: list[str] = []
    for path in _files(sources):
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            notes.append(f"{path.name}: {error.strerror}")
            continue
        script = load(text)
        source = SourceText(text, path.name)
        procs.extend(_proc(symbol, source) for symbol in script.symbols)
        includes.extend(include.path for include in script.includes)
    seen: dict[tuple[str, str], Proc] = {}
    for proc in procs:
        seen.setdefault((proc.kind, proc.name.lower()), proc)
    return Catalog(
        name="ahk2",
        procs=tuple(seen.values()),
        packages=tuple(dict.fromkeys(includes)),
        notes="\n".join(notes),
    )


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for path in sources:
        if path.is_dir():
            yield from sorted(found for found in path.rglob("*") if found.suffix.lower() in (".ahk", ".ah2"))
        else:
            yield path


def _proc(symbol: Symbol, source: SourceText) -> Proc:
    place = source.place(symbol.span.start)
    name = f"{symbol.owner}.{symbol.name}" if symbol.kind in ("method", "property", "field") else symbol.name
    args = tuple(
        Arg(
            name=param,
            passed="positional",
            required=index < symbol.least,
            variadic=symbol.variadic and index == len(symbol.params) - 1 and index >= symbol.least,
        )
        for index, param in enumerate(symbol.params)
    )
    return Proc(
        name=name,
        kind=symbol.kind,
        args=args,
        notes=_comment_above(source, place.line),
        parent=symbol.owner or None,
        defined_in=f"{source.name}:{place.line}",
    )


def _comment_above(source: SourceText, line: int) -> str:
    """The comment lines that end right above a line, without their marks."""
    found: list[str] = []
    number = line - 1
    while number >= 1 and len(found) < 20:
        text = source.line(number).strip()
        if not text.startswith((";", "*", "/*")) and not text.endswith("*/"):
            break
        found.append(re.sub(r"^(?:;+|/\*+|\*+/?)\s?|\s*\*+/$", "", text))
        number -= 1
    return "\n".join(reversed(found)).strip()


def read_elements(path: Path) -> Catalog:
    """A catalog from a CSV table of built-ins with the columns ElementType, Name, Description, Parameters."""
    rows = csv.DictReader(StringIO(path.read_text(encoding="utf-8-sig")))
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise ValueError(f"{path.name}:1: the table lacks the columns {', '.join(missing)}")
    procs: dict[tuple[str, str], Proc] = {}
    variables: dict[str, Variable] = {}
    for row in rows:
        name, _, inner = (row["Name"] or "").strip().partition("(")
        name = name.strip()
        kind = (row["ElementType"] or "").strip().lower()
        if not name:
            continue
        notes = (row["Description"] or "").strip()
        if kind == "variable":
            variables.setdefault(name.lower(), Variable(name=name, notes=notes))
        else:
            args = tuple(_element_args(inner or row["Parameters"] or ""))
            shown = _KINDS.get(kind, kind or "function")
            procs.setdefault((shown, name.lower()), Proc(name=name, kind=shown, args=args, notes=notes))
    return Catalog(name=path.stem, procs=tuple(procs.values()), variables=tuple(variables.values()))


def _element_args(written: str) -> Iterator[Arg]:
    """Parameters as a manual writes them: `Text, Title?, Options := ""`, or `Text [, Title]`."""
    optional_from = written.find("[")
    for match in re.finditer(r"(?P<by>&)?(?P<name>[A-Za-z_]\w*)(?P<rest>\*|\?|\s*:?=[^,\]]*)?", written):
        rest = (match["rest"] or "").strip()
        optional = bool(rest) or 0 <= optional_from < match.start()
        yield Arg(name=match["name"], passed="positional", required=not optional, variadic=rest == "*")
