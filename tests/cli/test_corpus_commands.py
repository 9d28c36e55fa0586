"""`idiolect corpus build` and `idiolect data`: what they print, write and end with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app

RUN = CliRunner()
GOOD = "MODULE N{0}(INPUT A, OUTPUT Y) {{ Y = {1}A; }}\n"


def run(*arguments: object):
    return RUN.invoke(app, list(map(str, arguments)))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "src" / "logic"
    folder.mkdir(parents=True)
    for number in range(12):
        (folder / f"n{number}.gates").write_text(GOOD.format(number, "~" * (number + 1)))
    (folder / "wrong.gates").write_text("MODULE (")
    return tmp_path


def build(*more: object):
    return run(
        "corpus", "build", "--input-dir", "src", "--output-dir", "out", "--dialect", "gates", "-j", 1,
        "--near-dedup", 0, *more,
    )  # fmt: skip


def test_a_folder_becomes_a_corpus_with_a_report(sources: Path) -> None:
    result = build("--tasks", "reference,describe,repair", "--val-ratio", "0.2", "--test-ratio", "0.2")
    assert result.exit_code == 0, result.output
    assert "sources     13    12         1  1 not valid" in result.stdout
    report = json.loads(Path("out/report.json").read_text())
    assert all(one["read"] == one["kept"] + sum(one["rejected"].values()) for one in report["counts"])
    assert report["splits"]["train"] > 0
    lines = [json.loads(line) for line in Path("out/train.jsonl").read_text().splitlines()]
    assert [message["role"] for message in lines[0]["messages"]] == ["user", "assistant"]
    assert str(sources) not in "".join(path.read_text() for path in Path("out").iterdir())


def test_a_script_says_what_to_build(sources: Path) -> None:
    script = sources / "train.okt"
    script.write_text(
        'PROJECT "toy"\nDIALECT { name: "gates" }\n'
        'CORPUS { sources: ["src/**/*.gates"] near_dedup: 0 format: "instruction" }\n'
        'MODEL { base: "nano" }\nTRAIN { epochs: 1 batch_size: 1 device: "cpu" }\n'
        'EXPORT { format: ["okm"] path: "export/" }\n'
    )
    result = run("corpus", "build", script, "-j", 1)
    assert result.exit_code == 0, result.output
    row = json.loads((sources / "runs/toy/corpus/train.jsonl").read_text().splitlines()[0])
    assert row["metadata"]["category"] == "logic"


def test_what_cannot_be_read_is_named_and_ends_with_1(sources: Path) -> None:
    os.mkfifo("src/pipe.gates")
    Path("src/rows.jsonl").write_text('{"instruction": "x", "output": "MODULE (')
    result = build()
    assert result.exit_code == 1
    assert "2 sources could not be read" in result.output
    assert Path("out/train.jsonl").is_file()


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--dialect", "gatez"], 2, 'did you mean "gates"'),
        (["--tasks", "sing"], 2, "tasks: Input should be 'reference'"),
        (["--format", "xml"], 2, "format: Input should be 'messages'"),
        (["--val-ratio", "0.6", "--test-ratio", "0.5"], 2, "leave nothing to train on"),
        (["--metadata", "nowhere.csv"], 1, "nowhere.csv does not exist"),
        (["--input-dir", "nowhere"], 1, "could not be read"),
    ],
)
def test_a_wrong_call_is_told_in_words(sources: Path, more: list[str], code: int, told: str) -> None:
    result = build(*more)
    assert result.exit_code == code, result.output
    assert told in result.output


def test_an_empty_folder_keeps_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("src").mkdir()
    result = build()
    assert result.exit_code == 1
    assert "no source was found" in result.output


def test_a_run_builds_the_corpus_as_its_stage(sources: Path) -> None:
    from idiolect.data.corpus_stage import run_corpus
    from idiolect.okt.check import check_file
    from idiolect.plan.resolve import resolve
    from idiolect.runs.stage import Inputs, StageError, StageWork

    script = sources / "train.okt"
    script.write_text(
        'PROJECT "toy"\nDIALECT { name: "gates" }\nCORPUS { sources: ["src/**/*.gates"] near_dedup: 0 }\n'
        'MODEL { base: "nano" }\nTRAIN { epochs: 1 batch_size: 1 device: "cpu" }\n'
        'EXPORT { format: ["okm"] path: "export/" }\n'
    )
    plan = resolve(check_file(script), root=sources)
    files = tuple(sorted((sources / "src").glob("**/*.gates")))
    folder = sources / "made"
    folder.mkdir()
    work = StageWork(plan, sources, folder, sources / "kept", Inputs({"corpus.sources": files}))
    result = run_corpus(work)
    assert (result.counts[0].read, result.counts[0].kept) == (13, 12)
    example = json.loads((folder / "examples.jsonl").read_text().splitlines()[0])
    assert example["metadata"]["category"] == "logic"
    assert str(sources) not in "".join(path.read_text() for path in folder.iterdir())
    bare = StageWork(plan, sources, folder, sources / "kept", Inputs({}))
    with pytest.raises(StageError, match="no source was found"):
        run_corpus(bare)


def test_import_shows_what_rows_become_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text(
        '{"prompt": "Light", "completion": "on"}\n{"prompt": 3, "completion": "x"}\n'
    )
    result = run("data", "import", "rows.jsonl", "--dry-run")
    assert result.exit_code == 1
    assert "instruction Light" in result.stdout
    assert "2 rows read, 1 kept, 1 unknown row" in result.stdout
    assert 'rows.jsonl:2: unknown row: "prompt" is 3' in result.output
    assert [path.name for path in Path().iterdir()] == ["rows.jsonl"]


def test_import_and_export_go_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"description": f"d{n}", "dsl_code": f"c{n}", "tests": [], "valid": n != 1} for n in range(3)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("data", "import", "rows.jsonl", "--to", "ours.jsonl").exit_code == 0
    result = run("data", "export", "ours.jsonl", "--form", "description_dsl", "--to", "back.jsonl")
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in Path("back.jsonl").read_text().splitlines()] == rows
    result = run("data", "export", "ours.jsonl", "--form", "messages", "--to", "chat.jsonl")
    assert result.exit_code == 1
    assert "3 rows read, 2 kept, 1 negative" in result.stdout


def test_rows_of_no_form_are_refused_with_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text('{"ask": "x", "say": "y"}\n')
    result = run("data", "import", "rows.jsonl", "--to", "ours.jsonl")
    assert result.exit_code == 1
    assert "a row of it" in result.output
    assert not Path("ours.jsonl").exists()
    assert (
        run("data", "import", "rows.jsonl", "--to", "o.jsonl", "--input", "ask", "--output", "say").exit_code
        == 0
    )
    assert run("data", "import", "gone.jsonl", "--dry-run").output == "error: gone.jsonl does not exist\n"


def test_leakage_ends_with_3_where_something_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"prompt": "p", "completion": "lamp one two three"}\n')
    Path("b.jsonl").write_text('{"prompt": "q", "completion": "nothing like it"}\n')
    assert run("data", "leakage", "a.jsonl", "b.jsonl").exit_code == 0
    result = run("data", "leakage", "a.jsonl", "a.jsonl", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["leaks"][0]["kind"] == "same example"
