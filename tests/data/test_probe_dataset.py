import json
import os
import socket
import time
import tracemalloc
from pathlib import Path

import pytest

from idiolect.data.probe import DatasetProbe, Limits, probe_dataset
from idiolect.data.probe_lines import MAX_ROW_BYTES
from idiolect.problem import Problem

ROW = {"input": "say hello", "output": "hello"}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def codes(probe: DatasetProbe) -> list[str]:
    return [found.code for found in probe.problems]


def the(probe: DatasetProbe, code: str) -> Problem:
    (found,) = [found for found in probe.problems if found.code == code]
    return found


def text_of(found: Problem) -> str:
    return f"{found.message} {found.help or ''}"


def test_a_sound_jsonl_file_has_no_problem(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", jsonl(*[{**ROW, "n": number} for number in range(12)]))
    probe = probe_dataset(path)
    assert probe.problems == ()
    assert (probe.format_found, probe.encoding, probe.row_form) == ("jsonl", "utf-8", "input_output")
    assert (probe.rows, probe.rows_checked, probe.bytes) == (12, 12, path.stat().st_size)
    assert probe.columns == {"input": "string", "output": "string", "n": "integer"}
    assert (probe.input_column, probe.output_column) == ("input", "output")


def test_broken_lines_are_counted_and_the_first_ones_named(tmp_path: Path) -> None:
    good, bad = json.dumps(ROW), '{"input": "a", "output": }'
    lines = [good, bad, good, "[1]", "", "7", "null", '"text"', bad, good]
    probe = probe_dataset(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert (probe.rows, probe.unfit.broken) == (9, 6)
    found = the(probe, "L404")
    assert (found.severity, found.where) == ("error", f"{probe.path}:2")
    assert "6 rows are broken" in found.message
    assert "line 2: expected value at column 26" in found.message
    assert "line 4: is a list" in found.message
    assert "line 6: is a number" in found.message
    assert "line 9" not in found.message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[\n{"input": "a"},\n{"input": "b"}\n]\n', "one JSON array"),
        ('{\n  "input": "a"\n}\n', "several lines"),
        ("input,output\na,b\n", 'format: "csv"'),
    ],
)
def test_common_slips_in_jsonl_get_a_hint(content: str, word: str, tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.jsonl", content))
    assert word in text_of(the(probe, "L404"))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b'{"a":' + b"[" * 200_000, "recursion limit"),
        (b"[" * 200_000 + b"]" * 200_000, "recursion limit"),
        (b'{"a":' + b'{"a":' * 100_000, "recursion limit"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "number out of range"),
        (b'{"input": NaN}', "expected value"),
        (b'{"input": Infinity}', "expected value"),
        (b'{"input": "\\ud800"}', "hex escape"),
        (b'{"input": "\t"}', "control character"),
        (b'{"input": "a"}}', "trailing characters"),
        (b'{"input": "a"', "EOF"),
    ],
)
def test_hostile_json_is_a_broken_row_at_once(line: bytes, word: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", line + b"\n")
    started = time.process_time()
    probe = probe_dataset(path)
    assert time.process_time() - started < 4
    assert probe.unfit.broken == 1
    assert word in the(probe, "L404").message


def test_a_huge_line_is_one_problem_and_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"input": "')
        for _ in range(8):
            stream.write(b"x" * MAX_ROW_BYTES)
        stream.write(b'"}\n' + jsonl(ROW).encode())
    tracemalloc.start()
    try:
        probe = probe_dataset(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_ROW_BYTES
    assert (probe.rows, probe.unfit.broken) == (2, 1)
    assert "line 1" in the(probe, "L403").message
    assert probe.input_column == "input"


def test_rows_with_ever_new_columns_stay_bounded(tmp_path: Path) -> None:
    rows = [{f"c{row}_{column}": 1 for column in range(100)} for row in range(500)]
    probe = probe_dataset(write(tmp_path / "a.jsonl", jsonl(*rows)))
    assert len(probe.columns) == 2_000
    assert "more than 2,000 column names" in the(probe, "L411").message


def test_an_object_with_a_hundred_thousand_keys_is_read(tmp_path: Path) -> None:
    wide = {f"c{number}": "" for number in range(100_000)}
    started = time.process_time()
    probe = probe_dataset(write(tmp_path / "a.jsonl", jsonl(wide, ROW)))
    assert time.process_time() - started < 12
    assert probe.rows == 2


def test_files_that_are_no_plain_text_are_one_problem_each_and_never_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s.jsonl"))
    cases = {
        tmp_path / "pipe.jsonl": ("L409", "pipe"),
        tmp_path / "zero.jsonl": ("L409", "device"),
        tmp_path / "loop.jsonl": ("L409", "back to itself"),
        tmp_path / "s.jsonl": ("L409", "socket"),
        write(tmp_path / "bin.jsonl", os.urandom(300) + b"\0" * 3): ("L409", "binary"),
        write(tmp_path / "gz.jsonl", b"\x1f\x8b\x08" + b"abc"): ("L409", "gzip"),
        write(tmp_path / "u32.jsonl", "hello".encode("utf-32")): ("L409", "UTF-32"),
        write(tmp_path / "u16.jsonl", jsonl(ROW).encode("utf-16-le")): ("L409", "without a byte order mark"),
        write(tmp_path / "empty.jsonl", ""): ("L406", "empty"),
        write(tmp_path / "blank.jsonl", "\n \n\r\n"): ("L406", "empty"),
        write(tmp_path / "bom.jsonl", "\ufeff\n"): ("L406", "empty"),
        tmp_path / ("a" * 5_000): ("V001", "too long"),
        tmp_path / "a\0b": ("V001", "no file can have"),
        tmp_path / "empty.jsonl" / "x.jsonl": ("V001", "not a folder"),
    }
    started = time.process_time()
    for path, (code, word) in cases.items():
        probe = probe_dataset(path)
        assert [found.code for found in probe.problems] == [code], path
        assert word in text_of(probe.problems[0]), path
        assert probe.problems[0].severity == "error"
    assert time.process_time() - started < 8
    server.close()
    declared = probe_dataset(tmp_path / "folder.jsonl", format="jsonl")
    assert (codes(declared), declared.problems[0].severity) == (["L405"], "error")


def test_no_permission_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl", jsonl(ROW))

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("idiolect.files.os.open", refuse)
    assert "no permission" in the(probe_dataset(path), "L409").message


def test_a_missing_file_is_v001_and_names_the_nearest_one(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", jsonl(ROW))
    found = the(probe_dataset(tmp_path / "trian.jsonl"), "V001")
    assert (found.severity, found.help) == ("error", 'did you mean "train.jsonl"?')
    absent = the(probe_dataset(tmp_path / "no" / "train.jsonl"), "V001")
    assert "there is no folder" in text_of(absent)


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16")]
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt"])
def test_text_with_a_byte_order_mark_is_read_the_same(
    encoding: str, named: str, suffix: str, tmp_path: Path
) -> None:
    content = {
        ".jsonl": '{"input": "né 日本", "output": "ü"}\n' * 12,
        ".csv": "input,output\n" + "né 日本,ü\n" * 12,
        ".txt": "né 日本\n" * 12,
    }[suffix]
    probe = probe_dataset(write(tmp_path / f"a{suffix}", content.encode(encoding)))
    assert (probe.problems, probe.rows, probe.encoding) == ((), 12, named)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt"])
def test_lines_that_are_not_utf8_are_named(suffix: str, tmp_path: Path) -> None:
    rows = [b'{"input": "%s", "output": "b"}' if suffix == ".jsonl" else b"%s,b" for _ in range(4)]
    words = ["é".encode(), "é".encode("cp1252"), b"plain", "ü".encode("latin-1")]
    lines = [row % word for row, word in zip(rows, words, strict=True)]
    if suffix != ".jsonl":
        lines.insert(0, b"input,output")
    probe = probe_dataset(write(tmp_path / f"a{suffix}", b"\n".join(lines)))
    found = the(probe, "L409")
    first = 2 if suffix == ".jsonl" else 3
    assert found.where == f"{probe.path}:{first}"
    assert "2 rows are not in UTF-8" in found.message
    assert "0xe9" in found.message
    assert probe.unfit.broken == 2


def test_a_utf16_file_cut_in_half_a_character_is_one_problem(tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.jsonl", jsonl(ROW).encode("utf-16")[:-1]))
    assert codes(probe) == ["L409"]


def test_line_ends_and_blank_lines_make_no_difference(tmp_path: Path) -> None:
    lines = [json.dumps(ROW)] * 12
    for number, end in enumerate(["\n", "\r\n", "\n\n", "\n  \n"]):
        for last in ("", end):
            probe = probe_dataset(write(tmp_path / f"{number}.jsonl", end.join(lines) + last))
            assert (probe.rows, probe.problems) == (12, ())


def test_csv_rows_are_compared_with_the_header(tmp_path: Path) -> None:
    content = 'input,output\na,b\n"two\nlines",c\nd\ne,f,g\n\nh,"i"" j"\n'
    probe = probe_dataset(write(tmp_path / "a.csv", content))
    assert (probe.format_found, probe.rows, probe.unfit.broken) == ("csv", 5, 2)
    found = the(probe, "L404")
    assert "line 5: has 1 field, the header has 2; line 6: has 3 fields, the header has 2" in found.message
    assert (probe.input_column, probe.output_column) == ("input", "output")


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("input;output", "a,b;c", 2),
        ("input\toutput", "a;b\tc", 2),
        ("input,output", "a;x,b", 2),
        ("text", "a", 1),
    ],
)
def test_the_delimiter_is_told_by_the_header(header: str, row: str, columns: int, tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.csv", f"{header}\n" + f"{row}\n" * 12))
    assert (probe.problems, len(probe.columns), probe.rows) == ((), columns, 12)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('input,output\na,b\nc,"d\n' + "e,f\n" * 50, "not closed"),
        ("a," * 1_000_000 + "b\n", "1,000,001 columns"),
        ("input,output,input\n1,2,3\n", "twice"),
        ('input,output\na,"b"c\n', "expected after"),
    ],
)
def test_hostile_csv_is_one_problem(content: str, word: str, tmp_path: Path) -> None:
    started = time.process_time()
    probe = probe_dataset(write(tmp_path / "a.csv", content))
    assert time.process_time() - started < 12
    assert word in the(probe, "L404").message


def test_a_csv_row_with_a_million_fields_is_broken_not_fatal(tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.csv", "input,output\n" + "a," * 1_000_000 + "\nb,c\n"))
    assert "has 1,000,001 fields" in the(probe, "L404").message
    assert probe.rows == 2


def test_a_csv_cell_above_the_module_default_is_read(tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.csv", "input,output\n" + "x" * 300_000 + ",b\n"))
    assert codes(probe) == ["L402"]


def test_a_csv_with_a_header_alone_holds_no_rows(tmp_path: Path) -> None:
    assert codes(probe_dataset(write(tmp_path / "a.csv", "input,output\n"))) == ["L406"]


def test_text_files_have_one_example_a_line(tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.txt", "one\n\ntwo\n   \nthree"))
    assert (probe.format_found, probe.rows, probe.input_column) == ("txt", 3, "text")


@pytest.mark.parametrize(
    ("name", "declared", "content", "found", "warned"),
    [
        ("a.jsonl", "qa", jsonl(ROW), "jsonl", False),
        ("a.jsonl", "instruction", jsonl(ROW), "jsonl", False),
        ("a.json", None, jsonl(ROW), "jsonl", False),
        ("a", None, "input,output\na,b\n", "csv", False),
        ("a", None, "just words\nand more\n", "txt", False),
        ("a.dat", "csv", "input,output\na,b\n", "csv", False),
        ("a.csv", "jsonl", jsonl(ROW), "jsonl", True),
        ("a.txt", "jsonl", "input,output\na,b\n", "csv", True),
        ("a.jsonl", "multimodal", jsonl(ROW), "jsonl", True),
        ("a.jsonl", "image+caption", jsonl(ROW), "jsonl", True),
        ("a.parquet", None, jsonl(ROW), "jsonl", True),
    ],
)
def test_content_decides_where_format_and_ending_differ(
    name: str, declared: str | None, content: str, found: str, warned: bool, tmp_path: Path
) -> None:
    probe = probe_dataset(write(tmp_path / name, content), format=declared, role="test")
    assert probe.format_found == found
    assert codes(probe) == (["L405"] if warned else [])
    assert all(one.severity == "warning" for one in probe.problems)


def test_declared_columns_must_be_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", jsonl(*[{"question": "a", "answer": "b", "topic": "c"}] * 10))
    probe = probe_dataset(path, input_field="qestion", output_field="zzz", context_fields=["topc", "topic"])
    assert [(found.code, found.severity) for found in probe.problems] == [("L401", "error")] * 3
    assert probe.problems[0].help == 'write input_field: "question"'
    assert "columns in the file: question, answer, topic" in text_of(probe.problems[1])
    assert probe.problems[2].help == 'write "topic" in context_fields'


def test_empty_and_unfit_values_are_counted_by_side(tmp_path: Path) -> None:
    rows = [ROW] * 10 + [
        {"input": "", "output": "x"},
        {"input": " \n", "output": "x"},
        {"input": None, "output": "x"},
        {"output": "x"},
        {"input": ["a"], "output": "x"},
        {"input": "a", "output": {"b": 1}},
        {"input": "a"},
    ]
    probe = probe_dataset(write(tmp_path / "a.jsonl", jsonl(*rows)), type="chat")
    unfit = probe.unfit
    assert (unfit.empty_input, unfit.wrong_input, unfit.empty_output, unfit.wrong_output) == (4, 1, 1, 1)
    assert [found.severity for found in probe.problems] == ["warning"] * 4
    assert "4 of 17 readable rows" in probe.problems[0].message


@pytest.mark.parametrize(
    ("type_", "outputs", "wrong"),
    [
        ("generation", ["a", 1, True], 2),
        ("classification", ["a", 1, True, ["x"]], 1),
        ("regression", ["a", 1, 2.5], 1),
        (None, ["a", 1, {"x": 1}], 1),
    ],
)
def test_the_task_says_which_answers_fit(
    type_: str | None, outputs: list[object], wrong: int, tmp_path: Path
) -> None:
    rows = [{"input": "a", "output": output} for output in outputs]
    assert probe_dataset(write(tmp_path / "a.jsonl", jsonl(*rows)), type=type_).unfit.wrong_output == wrong


def test_numbers_in_csv_count_as_numbers_for_regression(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "input,output\na,1.5\nb,-2e3\nc,nine\nd,\n")
    unfit = probe_dataset(path, type="regression").unfit
    assert (unfit.wrong_output, unfit.empty_output) == (1, 1)
    assert probe_dataset(path, type="classification").unfit.wrong_output == 0


def test_a_file_without_one_fit_row_is_an_error(tmp_path: Path) -> None:
    probe = probe_dataset(write(tmp_path / "a.jsonl", jsonl(*[{"input": "", "output": "x"}] * 12)))
    assert the(probe, "L410").severity == "error"


def test_fewer_than_ten_examples_are_a_warning_for_training_only(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", jsonl(*[ROW] * 9))
    assert the(probe_dataset(path), "L402").severity == "warning"
    assert codes(probe_dataset(path, role="validation")) == []
    assert codes(probe_dataset(write(path, jsonl(*[ROW] * 10)))) == []


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt"])
def test_all_rows_are_counted_and_the_checked_part_is_told(suffix: str, tmp_path: Path) -> None:
    body = {
        ".jsonl": jsonl(*[ROW] * 30) + "\n\n" + "not json\n" * 20,
        ".csv": "input,output\n" + "a,b\n" * 30 + '\n\n"a\nb"\n' + "c\n" * 19,
        ".txt": "a\n" * 30 + "\n  \n" + "b\n" * 20,
    }[suffix]
    path = write(tmp_path / f"a{suffix}", body)
    probe = probe_dataset(path, sample_rows=25)
    assert (probe.rows, probe.rows_checked) == (50, 25)
    assert codes(probe) == ["L412"]
    assert "the first 25 of 50 rows were checked in full" in the(probe, "L412").message
    assert probe_dataset(path, limits=Limits(checked_bytes=40)).rows_checked < 25
    assert probe_dataset(path, sample_rows=50, role="test").rows_checked == 50


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.truncate(11 * 1000**3)  # takes no space on disk
    started = time.process_time()
    probe = probe_dataset(path)
    assert time.process_time() - started < 4
    assert "11.0 GB" in the(probe, "L403").message
    assert probe.rows == 0


@pytest.mark.slow
def test_a_file_of_many_megabytes_is_checked_at_speed(tmp_path: Path) -> None:
    line = json.dumps({"input": "word " * 150, "output": "word " * 150}).encode() + b"\n"
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        for _ in range(100):
            stream.write(line * 1_000)
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        probe = probe_dataset(path)
        best = max(best, probe.bytes / (time.process_time() - started) / 1e6)
    assert probe.rows == probe.rows_checked == 100_000
    print(f"{best:.0f} MB/s")
    assert best > 40  # well below what an idle core does, for a machine that others use as well
