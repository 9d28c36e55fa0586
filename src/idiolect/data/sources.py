"""Finds a corpus's source files and reads them to documents: scripts, and rows of tables.

Globs and folders are walked in a fixed order; links that lead back, pipes, and what may not be read are
Rejected, each by name, and the rest goes on. It does **not** clean or judge texts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from pathlib import Path

from idiolect.data.document import NOTHING_TOLD, Document, Told
from idiolect.data.encodings import AUTO, decode
from idiolect.data.example import Rejected
from idiolect.data.forms import UnknownForm, form_of, to_example
from idiolect.data.jsonl import BadRow, Row
from idiolect.data.tables import is_table, read_table
from idiolect.files import Unreadable, look, read_small
from idiolect.text_hints import listed, size

MAX_SCRIPT_BYTES = 4 << 20  # above a million tokens: data, not a script
FOLDER_TABLES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")  # .json may be anything
TEXT_COLUMNS = ("text", "code", "content", "script")
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read, how it is shown, and the folder that the user named above it."""

    path: Path
    shown: str
    base: Path
    table: bool  # whether it holds rows; a dialect may have a table's ending for its own


def find_sources(
    patterns: Sequence[str | Path], root: Path, suffixes: Sequence[str], bases: Sequence[Path] = ()
) -> Iterator[SourceFile | Rejected]:
    """The files that patterns name below the root, each once, in a fixed order.

    A folder gives its files with the dialect's suffixes, and its tables. Below one of the bases, a file's
    first folder is its category.
    """
    seen: set[Path] = set()
    for pattern in patterns:
        for found in _matches(str(pattern), root, tuple(suffixes)):
            if isinstance(found, Rejected):
                yield found
            elif (file := identity(found.path)) not in seen:
                seen.add(file)
                base = next((base for base in bases if found.path.is_relative_to(base)), found.base)
                yield replace(found, base=base)


def _matches(pattern: str, root: Path, suffixes: tuple[str, ...]) -> Iterator[SourceFile | Rejected]:
    whole = root / pattern
    if _GLOB & set(pattern) and not _holds(whole.exists):
        base = base_of(whole)
        fits = _pattern_of(whole.relative_to(base))
        yield from _walk(base, root, suffixes, lambda inner: fits.fullmatch(inner) is not None)
    elif _holds(whole.is_dir):
        wanted = (*suffixes, *FOLDER_TABLES)
        yield from _walk(whole, root, suffixes, lambda inner: inner.casefold().endswith(wanted))
    else:
        yield _source(whole, root, whole.parent, suffixes)


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (OSError, ValueError):  # no permission, or a name that no file can have
        return False


def _source(path: Path, root: Path, base: Path, suffixes: tuple[str, ...]) -> SourceFile:
    table = is_table(path) and not path.name.casefold().endswith(suffixes or ("\0",))
    return SourceFile(path, _shown(path, root, base), base, table)


def _pattern_of(relative: Path) -> re.Pattern[str]:
    """A glob as a pattern of paths; "**" stands for any folders, and no wildcard for a leading dot."""
    parts = []
    for number, part in enumerate(relative.parts, 1):
        last = number == len(relative.parts)
        if part == "**":
            parts.append(r"(?:[^/.][^/]*/)*" + (r"[^/.][^/]*" if last else ""))
        else:
            hidden = "" if part.startswith(".") else r"(?!\.)"
            fitting = translate(part).replace(".*", "[^/]*").removeprefix("(?s:").removesuffix(r")\Z")
            parts.append(f"{hidden}(?:{fitting})" + ("" if last else "/"))
    return re.compile("".join(parts), re.DOTALL)


def _walk(
    folder: Path, root: Path, suffixes: tuple[str, ...], wanted: Callable[[str], bool]
) -> Iterator[SourceFile | Rejected]:
    """The files below a folder whose paths within it are wanted. Links to folders are not followed."""
    failed: list[OSError] = []
    for where, folders, names in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            inner = Path(where, name)
            if inner.is_symlink():  # what lies below may be a folder above
                detail = "is a link to a folder; name it itself"
                yield _rejected(_shown(inner, root, folder), "link to a folder", detail)
        for name in sorted(names):
            path = Path(where, name)
            if wanted(path.relative_to(folder).as_posix()):
                yield _source(path, root, folder, suffixes)
    for error in failed:
        shown = _shown(Path(str(error.filename)), root, folder)
        yield _rejected(shown, "unreadable", f"can't be listed: {error.strerror}")


def base_of(pattern: Path) -> Path:
    """The folder above all that a glob can find."""
    fixed = []
    for part in pattern.parts[:-1]:
        if _GLOB & set(part):
            break
        fixed.append(part)
    return Path(*fixed)


def identity(path: Path) -> Path:
    """One path for all that lead to the same file."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links
        return path.absolute()


def _shown(path: Path, root: Path, base: Path) -> str:
    """A path as it may stand in a file: below the project root, else below the folder that was named."""
    for above in (root, base.parent):
        if path.is_relative_to(above):
            return path.relative_to(above).as_posix()
    return path.name


def read_source(
    source: SourceFile, metadata: Mapping[str, Told], encoding: str = AUTO
) -> Iterator[Document | Rejected]:
    """The documents of one file: the script that it is, or the rows of the table."""
    try:
        if source.table:
            yield from _rows(source, metadata, encoding)
        else:
            yield _script(source, metadata, encoding)
    except Unreadable as reason:
        yield _rejected(source.shown, "unreadable", str(reason))
    except OSError as error:
        yield _rejected(source.shown, "unreadable", f"can't be read: {error.strerror or error}")


def _script(source: SourceFile, metadata: Mapping[str, Told], encoding: str) -> Document | Rejected:
    if (bytes_there := look(source.path).st_size) > MAX_SCRIPT_BYTES:
        most = size(MAX_SCRIPT_BYTES)
        return _rejected(source.shown, "too large", f"has {size(bytes_there)}; a script may have {most}")
    data = read_small(source.path, MAX_SCRIPT_BYTES)
    try:
        decoded = decode(data, encoding)
    except Unreadable as reason:
        return _rejected(source.shown, "encoding", str(reason))
    if not decoded.text.strip():
        return _rejected(source.shown, "empty", "holds no text")
    told = _told_of(source, metadata)
    return Document(
        source=source.shown, text=decoded.text, path=source.path, encoding=decoded.encoding, told=told
    )


def _told_of(source: SourceFile, metadata: Mapping[str, Told]) -> Told:
    """What the metadata says of a file, by its path or its bare name; else its folder is its category."""
    parts = source.path.parts
    told = NOTHING_TOLD
    for start in range(max(0, len(parts) - 8), len(parts)):
        if found := metadata.get("/".join(parts[start:]).casefold()):
            told = found
            break
    if not told.category and source.path.parent != source.base and source.path.is_relative_to(source.base):
        told = replace(told, category=source.path.relative_to(source.base).parts[0])
    return told


def _rows(source: SourceFile, metadata: Mapping[str, Told], encoding: str) -> Iterator[Document | Rejected]:
    for line, row in read_table(source.path, encoding):
        if isinstance(row, Rejected):
            yield replace(row, source=source.shown)
            continue
        try:
            yield _document_of(row, line, source)
        except (BadRow, UnknownForm) as fault:
            message = fault.message if isinstance(fault, BadRow) else str(fault).splitlines()[0]
            yield Rejected(reason="unknown row", detail=message, source=source.shown, line=line)


def _document_of(row: Row, line: int, source: SourceFile) -> Document:
    column = next((name for name in TEXT_COLUMNS if isinstance(row.get(name), str)), None)
    if column is None:
        example = to_example(row, form_of(tuple(row)))
        return Document(
            source=source.shown, text=example.target, path=source.path, line=line, row=True, example=example
        )
    if not row[column].strip():
        raise BadRow("", f'"{column}" is empty')
    told = told_of_row(row)
    return Document(source=source.shown, text=row[column], path=source.path, line=line, row=True, told=told)


def told_of_row(row: Mapping[str, object]) -> Told:
    """Title, category, description and group of a row that has columns of these names, in any case."""
    names = {name.casefold(): name for name in row}
    values = [str(row[names[key]] or "").strip() if key in names else "" for key in Told.__slots__]
    return Told(*values)


def read_metadata(path: Path) -> dict[str, Told]:
    """What a table says by file name; Unreadable where it has no column that names files."""
    told: dict[str, Told] = {}
    columns = ("file", "filename", "file_name", "path", "name", "id")
    for line, row in read_table(path):
        if isinstance(row, Rejected):
            raise Unreadable(f"line {line}: {row.detail}")
        names = {name.casefold(): name for name in row}
        key = next((names[column] for column in columns if column in names), None)
        if key is None:
            raise Unreadable(f'has no column "file" that names the scripts; columns: {listed(tuple(row))}')
        told[str(row[key]).replace("\\", "/").removeprefix("./").casefold()] = told_of_row(row)
    return told


def _rejected(source: str, reason: str, detail: str) -> Rejected:
    return Rejected(reason=reason, detail=detail, source=source)
