"""Looks at a dataset before it is used: can it be read, what is in it, and does it fit what is declared.

A file is read once, in bounded memory. It does **not** load rows for training, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from idiolect.data.probe_fields import Fields, RowForm, resolve_fields, row_form_of
from idiolect.data.probe_format import decide_format
from idiolect.data.probe_images import scan_image_folder
from idiolect.data.probe_lines import HEAD_BYTES, as_utf8, encoding_of
from idiolect.data.probe_parquet import scan_parquet
from idiolect.data.probe_tally import BLANK, Faults, Scan
from idiolect.data.probe_text import scan_csv, scan_jsonl, scan_text
from idiolect.files import Unreadable, look, open_plain
from idiolect.problem import Problem, ProblemSeverity, problem
from idiolect.text_hints import counted, nearest, shortened, size

_LABEL_TYPES = ("classification", "regression")
_NUMBERS = ("integer", "number")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much data is allowed, and how much of it is checked row by row."""

    file_bytes: int = 10 * 1000**3
    total_bytes: int = 100 * 1000**3
    checked_bytes: int = 512 << 20  # with checked_rows a few seconds; what lies behind is counted only
    checked_rows: int = 2_000_000
    least_examples: int = 10


@dataclass(frozen=True, slots=True)
class Unfit:
    """Checked rows that can't be used, by reason."""

    broken: int = 0
    empty_input: int = 0
    empty_output: int = 0
    wrong_input: int = 0
    wrong_output: int = 0


@dataclass(frozen=True, slots=True)
class DatasetProbe:
    """What was found at a dataset's path."""

    path: Path
    role: str
    format_found: str | None = None  # jsonl, csv, txt, parquet or image+caption
    encoding: str | None = None  # a codec's name
    row_form: str | None = None
    rows: int = 0
    rows_checked: int = 0
    bytes: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)  # name to the kinds of value seen, "string|null"
    input_column: str | None = None
    output_column: str | None = None
    unfit: Unfit = Unfit()
    problems: tuple[Problem, ...] = ()


def probe_dataset(
    path: Path,
    *,
    format: str | None = None,
    type: str | None = None,
    input_field: str | None = None,
    output_field: str | None = None,
    context_fields: Sequence[str] = (),
    role: str = "train",
    sample_rows: int | None = None,
    limits: Limits = Limits(),
) -> DatasetProbe:
    """Look at one dataset. `sample_rows` lowers how many rows are checked in full; all are counted."""
    probe = DatasetProbe(path, role)
    try:
        return _probe(
            probe, format, type, (input_field, output_field, tuple(context_fields)), sample_rows, limits
        )
    except Unreadable as reason:
        return _with(probe, _unreadable(path, reason))
    except (OSError, UnicodeError) as error:
        return _with(probe, problem("L409", f"{path.name} can't be read: {error}", where=str(path)))


def _probe(
    probe: DatasetProbe,
    declared: str | None,
    type: str | None,
    fields: tuple[str | None, str | None, tuple[str, ...]],
    sample_rows: int | None,
    limits: Limits,
) -> DatasetProbe:
    path = probe.path
    status = look(path)
    most_rows = limits.checked_rows if sample_rows is None else min(sample_rows, limits.checked_rows)
    if path.is_dir():
        return _probe_folder(probe, declared, limits)
    with open_plain(path) as stream:
        probe = replace(probe, bytes=status.st_size)
        if status.st_size > limits.file_bytes:
            sizes = f"{size(status.st_size)}; a data file may have {size(limits.file_bytes)}"
            return _with(probe, problem("L403", f"{path.name} has {sizes}", where=str(path)))
        head = stream.read(HEAD_BYTES)
        if not head.strip(b"\0\t\n\r \xef\xbb\xbf"):
            return _with(probe, problem("L406", f"{path.name} is empty", where=str(path)))
        format_found, problems = decide_format(path, declared, head)
        probe = _with(replace(probe, format_found=format_found), *problems)
        if format_found == "parquet":
            scan, found = scan_parquet(path, most_rows, limits.checked_bytes)
            probe = _with(probe, *found)
            if scan is None:
                return probe
        else:
            encoding = encoding_of(head)
            probe = replace(probe, encoding=encoding)
            scan = _scan_rows(as_utf8(stream, encoding), format_found, type, most_rows, limits.checked_bytes)
    return _judge(probe, scan, type, fields, limits)


def _scan_rows(stream: BinaryIO, format_found: str, type: str | None, max_rows: int, max_bytes: int) -> Scan:
    if format_found == "csv":
        return scan_csv(stream, max_rows, max_bytes, numbers=type == "regression")
    scan_lines = scan_jsonl if format_found == "jsonl" else scan_text
    return scan_lines(stream, max_rows, max_bytes)


def _probe_folder(probe: DatasetProbe, declared: str | None, limits: Limits) -> DatasetProbe:
    if declared not in (None, "image+caption", "multimodal"):
        files = sorted(entry.name for entry in probe.path.glob(f"*.{declared}"))[:1]
        help_text = f'name a file in it, such as "{probe.path.name}/{files[0]}"' if files else None
        found = problem(
            "L405",
            f'{probe.path.name} is a folder, but format "{declared}" needs a file',
            help=help_text or 'name a file, or set format: "image+caption"',
            where=str(probe.path),
            severity="error",
        )
        return _with(probe, found)
    folder = scan_image_folder(probe.path)
    probe = replace(
        probe,
        format_found="image+caption",
        rows=folder.pairs,
        rows_checked=folder.pairs,
        bytes=folder.bytes,
        columns={"image": "image", "caption": "string"},
        input_column="image",
        output_column="caption",
    )
    return _with(probe, *folder.problems, *_too_few(probe, limits))


def _judge(
    probe: DatasetProbe,
    scan: Scan,
    type: str | None,
    declared: tuple[str | None, str | None, tuple[str, ...]],
    limits: Limits,
) -> DatasetProbe:
    columns = scan.tally.columns()
    probe = replace(
        probe,
        rows=scan.rows,
        rows_checked=scan.rows_checked,
        columns={name: "|".join(_type_names(kinds)) for name, kinds in columns.items()},
        unfit=Unfit(broken=scan.broken.total + scan.encoding_faults.total + scan.too_long.total),
    )
    probe = _with(probe, *_row_problems(probe, scan))
    if scan.rows == 0 and scan.cut_at is None:
        return _with(probe, problem("L406", f"{probe.path.name} holds no rows", where=str(probe.path)))
    if columns:
        fields = resolve_fields({name: tuple(kinds) for name, kinds in columns.items()}, *declared)
        form = row_form_of(tuple(columns))
        probe = replace(
            probe,
            input_column=fields.input,
            output_column=fields.output,
            row_form=form.name if form else None,
        )
        in_file = (
            replace(found, where=f"{probe.path}: {found.where or 'columns'}") for found in fields.problems
        )
        probe = _judge_values(_with(probe, *in_file), scan, fields, type)
    return _with(probe, *_too_few(probe, limits))


def _row_problems(probe: DatasetProbe, scan: Scan) -> list[Problem]:
    name, where = probe.path.name, str(probe.path)
    kinds: tuple[tuple[Faults, str, str, str | None], ...] = (
        (scan.broken, "L404", "broken", scan.hint),
        (scan.encoding_faults, "L409", "not in UTF-8", "save the file as UTF-8"),
        (scan.too_long, "L403", "too long for an example", None),
    )
    found = [
        problem(
            code,
            f"{name}: {counted(faults.total, 'row is', 'rows are')} {what} ({faults})",
            help=cure,
            where=f"{where}:{faults.first[0][0]}",
        )
        for faults, code, what, cure in kinds
        if faults.total
    ]
    if scan.cut_at is not None:
        found.append(problem("L412", f"{name}: nothing after line {scan.cut_at:,} was read", where=where))
    elif scan.rows_checked < scan.rows:
        checked = f"the first {scan.rows_checked:,} of {counted(scan.rows, 'row')} were checked in full"
        found.append(problem("L412", f"{name}: {checked}, the others counted", where=where))
    if scan.tally.too_many_columns:
        most = f"more than {len(probe.columns):,} column names; the others are not looked at"
        found.append(problem("L411", f"{name}: {most}", where=where))
    return found


def _judge_values(probe: DatasetProbe, scan: Scan, fields: Fields, type: str | None) -> DatasetProbe:
    if fields.input is None or fields.output is None:
        return probe
    columns = scan.tally.columns()
    inputs = _count_unfit(columns[fields.input], scan.tally.rows, _input_types(type, fields.form))
    outputs = _count_unfit(columns[fields.output], scan.tally.rows, _output_types(type, fields.form))
    unfit = replace(
        probe.unfit,
        empty_input=inputs[0],
        wrong_input=inputs[1],
        empty_output=outputs[0],
        wrong_output=outputs[1],
    )
    sides = [("input", fields.input, inputs), ("output", fields.output, outputs)]
    if fields.input == fields.output:
        sides = [("input and output", fields.input, outputs)]
    found = []
    for side, column, (empty, wrong) in sides:
        severity: ProblemSeverity = "error" if empty + wrong == scan.tally.rows else "warning"
        of = f'{counted(scan.tally.rows, "readable row")}, column "{shortened(column)}" ({side})'
        if empty:
            found.append(problem("L410", f"{probe.path.name}: {empty:,} of {of}: empty", severity=severity))
        if wrong:
            kinds = probe.columns[column]
            found.append(
                problem(
                    "L410", f"{probe.path.name}: {wrong:,} of {of}: unfit type ({kinds})", severity=severity
                )
            )
    return _with(replace(probe, unfit=unfit), *(replace(one, where=str(probe.path)) for one in found))


def _count_unfit(kinds: Counter[str], rows: int, fit: Sequence[str]) -> tuple[int, int]:
    empty = kinds[BLANK] + kinds["null"] + rows - kinds.total()
    return empty, rows - empty - sum(kinds[kind] for kind in fit)


def _input_types(type: str | None, form: RowForm | None) -> tuple[str, ...]:
    text = form.input_types if form else ("string",)
    return (*text, *_NUMBERS) if type in _LABEL_TYPES else text


def _output_types(type: str | None, form: RowForm | None) -> tuple[str, ...]:
    if type == "regression":
        return _NUMBERS
    text = form.output_types if form else ("string",)
    # Without a declared task a number may be a label; in a generation task it is a slip.
    return (*text, *_NUMBERS, "true/false") if type in (None, "classification") else text


def _type_names(kinds: Counter[str]) -> list[str]:
    named = ["string" if kind == BLANK else kind for kind, _ in kinds.most_common()]
    return list(dict.fromkeys(named))


def _too_few(probe: DatasetProbe, limits: Limits) -> list[Problem]:
    usable = probe.rows - probe.unfit.broken
    if probe.role != "train" or not 0 < usable < limits.least_examples:
        return []
    few = f"{counted(usable, 'usable example')}; training wants at least {limits.least_examples}"
    return [problem("L402", f"{probe.path.name} has {few}", where=str(probe.path))]


def _unreadable(path: Path, reason: Unreadable) -> Problem:
    if not reason.missing:
        return problem("L409", f"{path.name or path} {reason}", where=str(path))
    return problem("V001", f"{shortened(path.name)} {reason}", help=_similar_file(path), where=str(path))


def _similar_file(path: Path) -> str | None:
    try:
        names = sorted(entry.name for entry, _ in zip(path.parent.iterdir(), range(1000), strict=False))
    except (OSError, ValueError):
        return f"there is no folder {path.parent}" if path.parent.name else None
    near = nearest(path.name, names)
    return f'did you mean "{near}"?' if near else None


def _with(probe: DatasetProbe, *problems: Problem) -> DatasetProbe:
    return replace(probe, problems=(*probe.problems, *problems))
