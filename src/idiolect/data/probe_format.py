"""Which storage format a file has: by declaration, ending and content. It reads only the head it is given."""

from __future__ import annotations

from pathlib import Path

from idiolect.data.probe_lines import HEAD_BYTES
from idiolect.data.probe_text import delimiter_of
from idiolect.problem import Problem, problem

_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "txt",
    ".parquet": "parquet",
}
_STORAGE = ("jsonl", "csv", "txt", "parquet")
_CONTENT = ("qa", "instruction")  # say what the records are, not how they are stored
_PARQUET_MAGIC = b"PAR1"


def decide_format(path: Path, declared: str | None, head: bytes) -> tuple[str, tuple[Problem, ...]]:
    """The storage format, and a warning where declaration, ending and content differ."""
    by_suffix = _SUFFIXES.get(path.suffix.lower())
    expected = by_suffix if declared is None or declared in _CONTENT else declared
    if expected is None:
        return sniff(head), ()
    content_fits = (expected == "parquet") == head.startswith(_PARQUET_MAGIC)
    if expected in _STORAGE and by_suffix in (None, expected) and content_fits:
        return expected, ()
    found = sniff(head)
    if declared == "multimodal":
        odd = 'format "multimodal" is announced for a later version'
    elif declared == "image+caption":
        odd = 'format "image+caption" wants a folder'
    elif expected == declared:
        odd = f'format is "{declared}", but the ending is "{path.suffix}"'
    else:
        odd = f'the ending is "{path.suffix}", but the content is another'
    warning = problem(
        "L405",
        f"{path.name}: {odd}; by its content it is read as {found}",
        help=f'set format: "{found}"',
        where=str(path),
    )
    return found, (warning,)


def sniff(head: bytes) -> str:
    """The format that content looks like."""
    if head.startswith(_PARQUET_MAGIC):
        return "parquet"
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = head.decode(encoding, errors="replace").split("\n")[:20]
    shown = [line.strip() for line in lines if line.strip()]
    if shown and shown[0].startswith("{"):
        return "jsonl"
    whole = shown[:-1] if len(head) >= HEAD_BYTES and len(shown) > 1 else shown  # the last may be cut
    delimiter = delimiter_of(whole[0]) if whole else ","
    fields = {line.count(delimiter) for line in whole[:5]}
    return "csv" if len(whole) > 1 and len(fields) == 1 and fields != {0} else "txt"
