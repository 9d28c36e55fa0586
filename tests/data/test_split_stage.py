"""The stage `split`: files in, splits out, with suites, coverage and a report; a run makes the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idiolect.data.example import Example, Provenance
from idiolect.data.jsonl import read_examples, write_examples
from idiolect.data.split_stage import run_split
from idiolect.okt.check import check_file
from idiolect.plan.resolve import resolve
from idiolect.runs.digest import Digester
from idiolect.runs.inputs import Surroundings, find_inputs
from idiolect.runs.manifest import Content
from idiolect.runs.stage import Inputs, StageError, StageWork
from idiolect.runs.stages import TABLE


def work_of(root: Path, script: str, **stages: Path) -> StageWork:
    (root / "okt.yaml").write_text("project: toys\n")
    path = root / "train.okt"
    path.write_text('PROJECT "toys"\n' + script)
    plan = resolve(check_file(path), root=root)
    digester = Digester()
    around = Surroundings(plan, path, root, root / "runs")
    nothing = Content(files=0, bytes=0, sha256="")
    found = find_inputs(
        TABLE["split"], around, {name: (folder, nothing) for name, folder in stages.items()}, digester
    )
    folder = root / "runs" / "made"
    folder.mkdir(parents=True)
    return StageWork(plan, root, folder, root / "kept", Inputs(found.inputs.files, stages), seed=7)


def rows(path: Path, *made: dict[str, object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in made))


def read(folder: Path, name: str) -> list[Example]:
    return list(read_examples(folder / f"{name}.jsonl"))


NUMBERS = {("x", "1"), ("z", "true")}
TRAIN = 'MODEL { base: "nano" }\nTRAIN { epochs: 1 batch_size: 1 device: "cpu" val_split: 0.2 }\n'


def module(name: str, body: str) -> str:
    return f"MODULE {name}(INPUT A, INPUT B, OUTPUT Y) {{ Y = {body}; }}"


def test_rows_of_a_dataset_are_verified_made_canonical_and_dealt(tmp_path):
    good = [{"description": f"gate {n}", "dsl_code": module(f"G{n}", "A&B")} for n in range(20)]
    bad = [
        {"description": "broken", "dsl_code": "MODULE G("},
        {"description": "said to be broken", "dsl_code": module("H", "A &"), "valid": False},
        {"description": "wrongly said to be broken", "dsl_code": module("I", "A | B"), "valid": False},
        {
            "description": "fails its test",
            "dsl_code": module("J", "A | B"),
            "tests": [{"input": {"A": 0, "B": 1}, "expected": {"Y": 0}}],
        },
    ]
    rows(tmp_path / "gates.jsonl", *good, *bad)
    work = work_of(tmp_path, TRAIN + 'DIALECT { name: "gates" }\nDATASET { train: "gates.jsonl" }\n')
    result = run_split(work)
    (counts,) = result.counts
    assert (counts.of, counts.read) == ("rows of gates.jsonl", 24)
    assert dict(counts.rejected) == {"not valid": 2, "wrong label": 1}
    train, validation = read(work.folder, "train"), read(work.folder, "validation")
    assert len(train) + len(validation) == 20
    assert {one.split for one in validation} == {"validation"}
    assert all(one.verdict.ok and "Y = A & B;" in one.target for one in train)
    assert [one.instruction for one in read(work.folder, "negatives")] == ["said to be broken"]
    left_out = [json.loads(line) for line in (work.folder / "rejected.jsonl").read_text().splitlines()]
    assert [(one["line"], one["reason"]) for one in left_out] == [
        (21, "not valid"),
        (23, "wrong label"),
        (24, "not valid"),
    ]
    report = json.loads((work.folder / "report.json").read_text())
    assert report["coverage"]["productions"]["covered"]["train"] > 3
    assert "Productions of the grammar" in (work.folder / "report.html").read_text()


def test_the_language_says_which_columns_are_used(tmp_path):
    rows(
        tmp_path / "talk.jsonl",
        {"q": "hi", "a": "hello there", "tone": "kind", "place": ""},
        {"q": "bye", "a": "see you", "tone": "", "place": "home"},
        {"q": "no answer", "a": None, "tone": "", "place": ""},
    )
    work = work_of(
        tmp_path,
        TRAIN + 'DATASET { train: "talk.jsonl" input_field: "q" output_field: "a" '
        'context_fields: ["tone", "place"] }\n',
    )
    result = run_split(work)
    made = [*read(work.folder, "train"), *read(work.folder, "validation")]
    assert {one.instruction for one in made} == {"tone: kind | hi", "place: home | bye"}
    assert dict(result.counts[0].rejected) == {"unknown row": 1}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "first line\n\nsecond line\n", {("", "first line"), ("", "second line")}),
        ("a.csv", "input,target,text\nx,1,z\ny,2,z\n", {("x", "1"), ("y", "2")}),
        ("a.jsonl", '{"text": "all of it"}\n{"text": "more"}\n', {("", "all of it"), ("", "more")}),
        ("a.jsonl", '{"question": "x", "answer": "y"}\n', {("x", "y")}),
        ("a.jsonl", '{"input": "x", "output": 1}\n{"input": "z", "output": true}\n', NUMBERS),
        ("a.json", '[{"prompt": "x", "completion": "y"}]', {("x", "y")}),
    ],
)  # fmt: skip
def test_every_storage_format_and_order_of_columns_is_read(tmp_path, name, content, expected):
    (tmp_path / name).write_text(content)
    work = work_of(tmp_path, TRAIN + f'DATASET {{ train: "{name}" }}\n')
    run_split(work)
    made = [*read(work.folder, "train"), *read(work.folder, "validation")]
    assert {(one.instruction, one.target) for one in made} == expected


def test_a_mix_is_drawn_by_weight_and_a_validation_file_replaces_the_share(tmp_path):
    for name, first in (("a", 0), ("b", 1000)):
        rows(
            tmp_path / f"{name}.jsonl",
            *({"input": f"{name}{n}", "output": f"o{n + first}"} for n in range(100)),
        )
    rows(tmp_path / "val.jsonl", {"input": "a5", "output": "o5"})
    work = work_of(
        tmp_path,
        TRAIN + 'DATASET { validation: "val.jsonl" mix_datasets: [{ path: "a.jsonl", weight: 75 }, '
        '{ path: "b.jsonl", weight: 25 }] }\n',
    )
    result = run_split(work)
    train = read(work.folder, "train")
    assert len(read(work.folder, "validation")) == 1
    from_a = sum(one.instruction.startswith("a") for one in train)
    assert (from_a, len(train) - from_a) == (99, 33)
    assert dict(result.counts[1].rejected) == {"repeat in validation": 1}


def test_a_row_of_ones_own_form_keeps_its_split_and_its_group(tmp_path):
    made = [
        Example(instruction=f"r{n}", target=f"t{n}", group=f"g{n}", split="test" if n == 0 else None)
        for n in range(10)
    ]
    write_examples(tmp_path / "own.jsonl", made)
    work = work_of(tmp_path, TRAIN + 'DATASET { train: "own.jsonl" }\n')
    run_split(work)
    assert [(one.instruction, one.group) for one in read(work.folder, "test")] == [("r0", "g0")]


def test_examples_of_the_stages_before_are_dealt_with_a_test_share_where_there_is_an_evaluation(tmp_path):
    corpus, synth = tmp_path / "corpus", tmp_path / "synth"
    write_examples(
        corpus / "examples.jsonl",
        [Example(instruction=f"c{n}", target=f"corpus {n}", split="train") for n in range(4)],
    )
    levels = ("micro", "multi", "scenario")
    write_examples(
        synth / "examples.jsonl",
        [
            Example(
                instruction=f"s{n}",
                target=f"synth {n}",
                group=f"g{n % 20}",
                level=levels[n % 3],
                provenance=Provenance(recipe="grammar_tasks" if n % 7 == 0 else "catalog_tasks"),
            )
            for n in range(200)
        ],
    )
    script = (
        TRAIN
        + 'SYNTHESIZE { recipe: "simulate" }\nDIALECT { name: "tcl" }\n'
        + 'EVALUATE { suites: ["test", "unit"] }\n'
    )
    work = work_of(tmp_path, script, corpus=corpus, synth=synth)
    result = run_split(work)
    assert result.numbers["test_groups"] == 2
    test = read(work.folder, "test")
    assert len(test) == 20
    suites = {name: read(work.folder / "suites", name) for name in ("syntax", "unit", "scenario")}
    assert sum(map(len, suites.values())) == 20
    assert {one.level for one in suites["unit"]} == {"micro"}
    assert {one.provenance.recipe for one in suites["syntax"]} == {"grammar_tasks"}


def test_a_suite_that_has_no_example_is_told(tmp_path):
    rows(tmp_path / "a.jsonl", *({"input": f"a{n}", "output": f"o{n}"} for n in range(30)))
    work = work_of(
        tmp_path, TRAIN + 'DATASET { train: "a.jsonl" }\nEVALUATE { suites: ["test", "scenario"] }\n'
    )
    assert run_split(work).warnings == ("no test example is of the suite scenario",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no example is left to train on"),
        ("nothing that is JSON\n", "no example is left to train on"),
        ('{"input": ""}\n', "no column"),
        ("\0\0\0", "binary"),
    ],
)
def test_data_that_can_not_be_used_ends_the_stage_in_words(tmp_path, content, message):
    (tmp_path / "a.jsonl").write_text(content)
    extra = ' output_field: "answer"' if "input" in content else ""
    work = work_of(tmp_path, TRAIN + f'DATASET {{ train: "a.jsonl"{extra} }}\n')
    with pytest.raises(StageError, match=message):
        run_split(work)


def test_a_mix_with_an_empty_source_is_refused_with_what_became_of_its_rows(tmp_path):
    rows(tmp_path / "a.jsonl", {"input": "x", "output": "y"})
    (tmp_path / "b.jsonl").write_text("{broken\n")
    work = work_of(
        tmp_path,
        TRAIN
        + 'DATASET { mix_datasets: [{ path: "a.jsonl", weight: 50 }, { path: "b.jsonl", weight: 50 }] }\n',
    )
    with pytest.raises(StageError, match=r"rows of b\.jsonl has the weight 50 and no example") as stopped:
        run_split(work)
    assert "1 read, 0 kept, 1 broken row" in stopped.value.help
