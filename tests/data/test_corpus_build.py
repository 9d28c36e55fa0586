"""Building a corpus of a toy dialect: every record is kept or left out with a reason."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import toy_lamp

from idiolect.data.corpus import Job, build_corpus
from idiolect.data.corpus_files import write_corpus
from idiolect.data.corpus_result import CorpusResult, NothingKept
from idiolect.data.example import Example
from idiolect.data.jsonl import read_examples
from idiolect.data.sources import SourceFile, find_sources
from idiolect.okt.blocks.extension import Corpus

NAMES = [
    f"{room}{thing}"
    for room in ("hall", "attic", "porch", "yard")
    for thing in ("red", "blue", "dim", "tall")
]


def script(*names: str) -> str:
    return "".join(f"lamp {name} on\n" for name in names)


def write(folder: Path, **texts: str | bytes) -> None:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.lamp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def build(folder: Path, **settings: object) -> CorpusResult:
    job_settings = {
        name: settings.pop(name) for name in ("workers", "reference", "metadata") if name in settings
    }
    corpus = Corpus.model_validate({"tasks": ["reference"], "near_dedup": 0, **settings})
    return build_corpus(
        Job(settings=corpus, load=toy_lamp.load, root=folder, sources=("src",), **job_settings)
    )


def reasons(result: CorpusResult) -> dict[str, int]:
    return dict(result.counts[0].rejected)


def test_every_source_is_kept_or_left_out_with_a_reason(tmp_path: Path) -> None:
    src = tmp_path / "src"
    write(src, good=script("hall"), same=script("hall") + "\r\n", wrong="lmap hall on\n", empty="  \n")
    write(src, bytes=b"lamp \x81\x8d on")
    result = build(tmp_path)
    sources = result.counts[0]
    assert (sources.read, sources.kept) == (5, 1)
    assert reasons(result) == {"empty": 1, "encoding": 1, "not valid": 1, "repeat": 1}
    wrong = next(one for one in result.rejected if one.reason == "not valid")
    assert wrong.verdict is not None
    assert wrong.verdict.errors == ("lamp.line",)
    assert "wrong.lamp:1:1" in wrong.faults[0]


def test_nothing_kept_is_an_error_that_says_what_became_of_all(tmp_path: Path) -> None:
    write(tmp_path / "src", wrong="lmap\n", empty="\n")
    with pytest.raises(NothingKept, match="1 empty, 1 not valid"):
        build(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with pytest.raises(NothingKept, match="no source was found"):
        build(tmp_path)


def test_a_dialect_that_fails_is_not_the_texts_fault(tmp_path: Path) -> None:
    write(tmp_path / "src", good=script("hall"), crash="crash\n")
    result = build(tmp_path)
    assert reasons(result) == {"not judged": 1}
    assert "the toy fails" in result.rejected[0].detail


def test_targets_are_canonical_and_keep_what_the_header_said(tmp_path: Path) -> None:
    write(tmp_path / "src", rooms__hall="# Lights up the hall at night\nlamp   hall   on   \n")
    result = build(tmp_path, tasks=["reference", "describe"])
    reference, describe = result.examples
    assert reference.target == "lamp hall on\n"
    assert reference.instruction == (
        "You are maintaining a knowledge base of lamp examples.\nCategory: rooms\nExample ID: hall\n"
        "Return the exact lamp snippet associated with this reference."
    )
    assert "Lights up the hall at night." in describe.instruction
    assert (describe.provenance.source, describe.provenance.line) == ("src/rooms/hall.lamp", 1)


def test_without_a_header_the_dialect_describes(tmp_path: Path) -> None:
    write(tmp_path / "src", hall=script("hall", "attic"))
    (example,) = build(tmp_path, tasks=["describe"]).examples
    assert "Switches hall and attic." in example.instruction


def test_each_task_of_each_source_is_made_or_counted_as_missing(tmp_path: Path) -> None:
    write(tmp_path / "src", long=script(*NAMES), short=script("hall"))
    tasks = ["reference", "describe", "complete", "repair", "explain"]
    result = build(tmp_path, tasks=tasks)
    made = result.counts[-1]
    assert (made.read, made.kept, dict(made.rejected)) == (10, 9, {"complete: too few lines": 1})
    by_task = {
        example.task: example for example in result.examples if "long" in str(example.provenance.source)
    }
    assert by_task["complete"].target.startswith(by_task["complete"].context)
    assert by_task["complete"].target != by_task["complete"].context
    assert by_task["repair"].context == script(*NAMES).replace("lamp", "lmap", 1)
    assert "line 1" in by_task["repair"].instruction
    assert by_task["repair"].target == script(*NAMES)
    assert by_task["explain"].verdict is None


def test_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    texts = {f"s{n}": script(*NAMES[n % 5 : n % 5 + 4], f"extra{n}") for n in range(70)}
    write(tmp_path / "src", **texts)
    one, two = (build(tmp_path, tasks=["reference", "repair"], workers=count) for count in (1, 2))
    assert one == two
    for name, result in (("one", one), ("two", two)):
        write_corpus(result, tmp_path / name, "messages", "toy")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 7
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files
    )


def test_a_text_that_kills_its_process_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "src", **{f"s{n}": script(f"name{n}") for n in range(70)}, s5x="die\n")
    result = build(tmp_path, workers=2)
    assert reasons(result) == {"not judged": 1}
    assert result.rejected[0].source == "src/s5x.lamp"
    assert result.counts[0].kept == 70


def test_near_repeats_go_and_what_is_alike_shares_a_split(tmp_path: Path) -> None:
    write(
        tmp_path / "src",
        **{f"n{n}": script(*NAMES, *(f"more{m}" for m in range(40)), f"last{n}") for n in range(6)},
    )
    write(tmp_path / "src", other=script(*(f"quite{n}" for n in range(20))))
    dropped = build(tmp_path, near_dedup=0.85)
    assert reasons(dropped) == {"near repeat": 5}
    kept = build(tmp_path, near_dedup=0)
    splits = {example.provenance.source: example.split for example in kept.examples}
    assert len({splits[f"src/n{n}.lamp"] for n in range(6)}) == 1


def test_a_metadata_group_never_straddles(tmp_path: Path) -> None:
    write(tmp_path / "src", **{f"s{n}": script(*(f"w{n}x{m}" for m in range(n + 3))) for n in range(20)})
    rows = "".join(f"s{n}.lamp,T{n},team{n % 3},words of {n}\n" for n in range(20))
    (tmp_path / "meta.csv").write_text("file,title,group,description\n" + rows)
    result = build(tmp_path, split_by="group", metadata=tmp_path / "meta.csv", tasks=["describe"])
    by_group: dict[int, set[str | None]] = {}
    for example in result.examples:
        number = int(str(example.metadata["title"])[1:])
        by_group.setdefault(number % 3, set()).add(example.split)
    assert len(by_group) == 3
    assert all(len(splits) == 1 for splits in by_group.values())
    assert "words of 7." in " ".join(example.instruction for example in result.examples)


def test_long_sources_are_cut_between_definitions_and_every_line_comes_back(tmp_path: Path) -> None:
    blocks = [script(*(f"b{b}n{n}" for n in range(10))) for b in range(8)]
    write(tmp_path / "src", long="\n".join(blocks))
    result = build(tmp_path, max_tokens=150)
    parts = [example.target for example in result.examples]
    assert len(parts) > 1
    lines = [line for part in parts for line in part.splitlines()]
    assert lines == [line for block in blocks for line in block.splitlines()]
    assert len({example.split for example in result.examples}) == 1
    assert reasons(build(tmp_path, max_tokens=150, long="keep")) == {}
    with pytest.raises(NothingKept, match="1 too long"):
        build(tmp_path, max_tokens=150, long="drop")


def test_long_rows_of_one_table_are_cut_each_for_itself(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    rows = [{"text": script(*(f"r{row}n{n}" for n in range(30)))} for row in range(6)]
    (tmp_path / "src" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = build(tmp_path, max_tokens=150, split_by="group")
    by_line: dict[int | None, list[Example]] = {}
    for example in result.examples:
        by_line.setdefault(example.provenance.line, []).append(example)
    assert list(by_line) == [1, 2, 3, 4, 5, 6]
    for at, row in enumerate(rows, 1):
        assert "".join(example.target for example in by_line[at]) == row["text"]
        assert len({example.split for example in by_line[at]}) == 1
    assert len({example.split for example in result.examples}) == 3


def test_an_unresolved_include_is_noted_or_refused_as_asked(tmp_path: Path) -> None:
    write(tmp_path / "src", a=script("hall"), b=script("yard") + "include roof\n")
    warned = build(tmp_path, includes="warn")
    assert warned.unresolved == (("src/b.lamp", "include roof"),)
    assert build(tmp_path, includes="ignore").unresolved == ()
    assert reasons(build(tmp_path, includes="require")) == {"unresolved include": 1}


def test_a_licence_that_is_not_allowed_is_left_out(tmp_path: Path) -> None:
    header = "# SPDX-License-Identifier: {}\n"
    write(
        tmp_path / "src",
        a=header.format("MIT") + script("hall"),
        b=header.format("GPL-3.0-only") + script("yard"),
    )
    write(tmp_path / "src", c=header.format("GPL-3.0-only OR MIT") + script("attic"), d=script("porch"))
    assert reasons(build(tmp_path, licenses=["MIT"])) == {"licence": 1}
    assert reasons(build(tmp_path)) == {}


def test_secrets_are_masked_and_listed_without_themselves(tmp_path: Path) -> None:
    write(tmp_path / "src", a="# ask ann@corp.internal.net\n" + script("hall"))
    result = build(tmp_path, normalize=False)
    assert [(hit.kind, hit.line) for hit in result.secrets] == [("email", 1)]
    write_corpus(result, tmp_path / "out", "messages", "toy")
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert "ann@" not in written
    assert "user@example.com" in written


def test_no_file_that_is_written_holds_a_secret_whatever_became_of_its_text(tmp_path: Path) -> None:
    secret = "ann@corp.internal.net"
    src = tmp_path / "src"
    write(
        src,
        good=script("hall"),
        foreign=f"# SPDX-License-Identifier: GPL-2.0-only\n# {secret}\n",
        bad=f"lmap {secret}",
    )
    row = {"instruction": f"Ask {secret}", "output": "lamp hall on", "metadata": {"by": secret}}
    (src / "rows.jsonl").write_text("\n" + json.dumps(row))
    result = build(tmp_path, licenses=["MIT"])
    assert reasons(result) == {"licence": 1, "not valid": 1}
    places = sorted((hit.source, hit.line) for hit in result.secrets)
    assert places == [
        ("src/bad.lamp", 1),
        ("src/foreign.lamp", 2),
        ("src/rows.jsonl", 2),
        ("src/rows.jsonl", 2),
    ]
    write_corpus(result, tmp_path / "out", "messages", "toy")
    assert not [path for path in (tmp_path / "out").iterdir() if secret in path.read_text()]


def test_rows_that_are_examples_stay_what_they_ask_and_are_judged(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Light the hall.", "output": "lamp hall on"},
        {"instruction": "Light the yard.", "output": "lmap yard on"},
        {"description": "x", "dsl_code": "lmap", "valid": False},
        {"description": "x", "dsl_code": "lamp x on", "valid": False},
        {"odd": 1},
    ]
    (tmp_path / "src").mkdir()
    lines = [json.dumps(row) for row in rows] + ["{broken"]
    (tmp_path / "src" / "rows.jsonl").write_text("\n".join(lines))
    result = build(tmp_path)
    assert reasons(result) == {"broken row": 1, "not valid": 1, "unknown row": 1, "wrong label": 1}
    assert [(example.target, example.valid) for example in result.examples] == [
        ("lamp hall on\n", True),
        ("lmap", False),
    ]


def test_invalid_sources_can_be_kept_with_their_label(tmp_path: Path) -> None:
    write(tmp_path / "src", a=script("hall"), b="lmap yard on\n")
    result = build(tmp_path, invalid="keep")
    assert sorted(example.valid for example in result.examples) == [False, True]
    dropped = build(tmp_path, invalid="drop")
    assert dropped.rejected[0].text is None
    assert build(tmp_path).rejected[0].text == "lmap yard on\n"


def test_a_negative_is_written_only_where_a_row_can_say_so(tmp_path: Path) -> None:
    write(tmp_path / "src", a=script("hall"), b="lmap yard on\n")
    result = build(tmp_path, invalid="keep")
    write_corpus(result, tmp_path / "out", "messages", "toy")
    rows = "".join((tmp_path / "out" / f"{split}.jsonl").read_text() for split in result.by_split)
    assert "lamp hall" in rows
    assert "lmap" not in rows
    assert "lmap" in (tmp_path / "out" / "examples.jsonl").read_text()
    assert result.negatives == 1


def test_reference_tables_say_what_names_are(tmp_path: Path) -> None:
    write(tmp_path / "src", a=script("hall"))
    table = tmp_path / "elements.csv"
    table.write_text(
        "Name,ElementType,Description,Parameters\nlamp,Command,Switches a lamp,NAME STATE\nfoo,,,\n"
    )
    result = build(tmp_path, reference=(table,))
    (lookup,) = [example for example in result.examples if example.task == "lookup"]
    assert lookup.target == "lamp is a command of lamp. Switches a lamp. Parameters: NAME STATE."
    rows = next(one for one in result.counts if one.of == "reference rows")
    assert (rows.read, rows.kept, dict(rows.rejected)) == (2, 1, {"nothing said": 1})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    write(tmp_path / "src", a="# Überall Licht für jeden\nlamp hall on\n".encode(encoding))
    (example,) = build(tmp_path, tasks=["describe"]).examples
    assert "Überall Licht für jeden." in example.instruction


def test_odd_files_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    src = tmp_path / "src"
    write(src, good=script("hall"))
    os.mkfifo(src / "pipe.lamp")
    (src / "loop.lamp").symlink_to(src / "loop.lamp")
    (src / "up").symlink_to(tmp_path)
    (src / "big.lamp").write_bytes(b"x" * (5 << 20))
    (src / "gone.lamp").symlink_to(tmp_path / "nowhere")
    result = build(tmp_path)
    assert reasons(result) == {"link to a folder": 1, "too large": 1, "unreadable": 3}
    told = {one.source: one.detail for one in result.rejected}
    assert "pipe" in told["src/pipe.lamp"]
    assert "back to itself" in told["src/loop.lamp"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("src", ["a.lamp", "in/b.lamp", "in/deep/c.lamp"]),
        ("src/*.lamp", ["a.lamp"]),
        ("src/**/*.lamp", ["a.lamp", "in/b.lamp", "in/deep/c.lamp"]),
        ("src/**", ["a.lamp", "x.txt", "in/b.lamp", "in/deep/c.lamp"]),
        ("src/*/[bc].lamp", ["in/b.lamp"]),
        ("src/in/?.lamp", ["in/b.lamp"]),
        ("src/none*", []),
    ],
)
def test_globs_find_what_shells_find_and_follow_no_link(
    tmp_path: Path, pattern: str, found: list[str]
) -> None:
    src = tmp_path / "src"
    write(src, a="x", in__b="x", in__deep__c="x")
    write(src / ".hidden", d="x")
    (src / "x.txt").write_text("x")
    for number in range(5):
        (src / "in" / f"up{number}").symlink_to(src)
    sources = [one for one in find_sources([pattern], tmp_path, (".lamp",)) if isinstance(one, SourceFile)]
    assert [one.shown for one in sources] == [f"src/{name}" for name in found]


def test_a_file_name_that_is_no_text_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "src", good=script("hall"))
    (tmp_path / "src" / os.fsdecode(b"b\xffd.lamp")).write_text("lmap")
    result = build(tmp_path)
    write_corpus(result, tmp_path / "out", "messages", "toy")
    assert "b\\udcffd.lamp" in (tmp_path / "out" / "report.html").read_text()
    assert json.loads((tmp_path / "out" / "report.json").read_text())["rejected"][0]["reason"] == "not valid"


def test_a_json_dialects_own_files_are_scripts_and_not_tables(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    (one,) = find_sources(["a.json"], tmp_path, (".json",))
    (other,) = find_sources(["a.json"], tmp_path, (".lamp",))
    assert isinstance(one, SourceFile)
    assert isinstance(other, SourceFile)
    assert (one.table, other.table) == (False, True)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    write(tmp_path / "src", **{f"s{n}": script(*(f"w{n}x{m}" for m in range(n + 1))) for n in range(30)})
    result = build(tmp_path)
    out = tmp_path / "out"
    write_corpus(result, out, "messages", 'a "toy" <corpus>')
    assert list(read_examples(out / "examples.jsonl")) == list(result.examples)
    counts = {split: len((out / f"{split}.jsonl").read_text().splitlines()) for split in result.by_split}
    assert counts == result.by_split
    assert all(counts.values())
    page = (out / "report.html").read_text()
    assert "&lt;corpus&gt;" in page
    assert "http" not in page
    assert "src=" not in page


def test_examples_have_ids_by_content(tmp_path: Path) -> None:
    write(tmp_path / "src", a=script("hall"))
    (example,) = build(tmp_path).examples
    assert isinstance(example, Example)
    assert replace(example, weight=2.0).id == example.id
    assert replace(example, target="x").id != example.id
