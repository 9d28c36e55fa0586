"""Rows of each known form become examples and come back; others are refused with a row as it should be."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.data.example import Example, Provenance, Rejected, VerdictSummary
from idiolect.data.forms import (
    Columns,
    UnknownForm,
    form_named,
    form_of,
    forms,
    from_example,
    to_example,
    unfit,
    user_message,
)
from idiolect.data.importing import import_rows
from idiolect.data.jsonl import BadRow, example_of, line_of, read_examples, row_of, write_examples
from idiolect.data.leakage import find_leaks

TEXT = st.text(min_size=1).filter(str.strip)
EXAMPLES = st.builds(
    Example,
    instruction=TEXT,
    target=TEXT,
    system=st.text(),
    context=st.text(),
    valid=st.booleans(),
    verdict=st.none() | st.builds(VerdictSummary, parsed=st.booleans(), errors=st.tuples(st.text())),
    provenance=st.builds(Provenance, source=st.none() | st.text(), line=st.none() | st.integers(1, 9)),
    split=st.sampled_from([None, "train", "test"]),
    weight=st.floats(0, 9),
    tests=st.lists(st.dictionaries(st.text(), st.integers()), max_size=2).map(tuple),
    metadata=st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3),
)


def test_there_are_forms() -> None:
    assert len(forms()) == 7


@pytest.mark.parametrize("name", list(forms()))
def test_a_forms_own_row_is_recognised_and_comes_back(name: str) -> None:
    form = forms()[name]
    row = json.loads(form.example)
    assert form_of(tuple(row)) is form
    example = to_example(row, form)
    back = from_example(example, form)
    metadata = row.pop("metadata", {})
    assert {key: back[key] for key in row} == row
    assert metadata.items() <= back.get("metadata", {}).items()
    assert to_example(back, form).id == example.id


@given(EXAMPLES)
def test_our_own_form_keeps_everything(example: Example) -> None:
    row = json.loads(line_of(row_of(example)))
    assert example_of(row) == example
    assert list(row) == ["id", *(field.name for field in fields(Example))]


@given(EXAMPLES, st.sampled_from(["messages", "prompt_completion", "instruction", "input_output"]))
def test_every_form_keeps_the_answer(example: Example, name: str) -> None:
    row = json.loads(line_of(from_example(example, form_named(name))))
    assert to_example(row, form_named(name)).target == example.target


@given(EXAMPLES, st.sampled_from([name for name in forms() if name != "example"]))
def test_what_a_form_has_columns_for_comes_back_as_it_was(example: Example, name: str) -> None:
    form = form_named(name)
    if unfit(example, form):
        return
    row = json.loads(line_of(from_example(example, form)))
    back = to_example(row, form)
    asked = user_message(example)
    if name in ("instruction", "schema_ast"):
        assert (back.instruction, back.context) == (example.instruction, example.context)
    elif name == "prompt_completion" and example.system:
        assert back.instruction == f"{example.system}\n\n{asked}"
    else:
        assert back.instruction == asked
    assert back.target == example.target
    if name in ("instruction", "messages"):
        assert back.system == example.system
    if form.labelled:
        assert back.valid == example.valid
    if name == "description_dsl":
        assert [dict(test) for test in back.tests] == [dict(test) for test in example.tests]
    if name == "instruction":
        assert dict(back.metadata) == dict(example.metadata)
        assert (back.task, back.level, back.group) == (example.task, example.level, example.group)
        assert back.id == example.id
    again = json.loads(line_of(from_example(back, form)))
    assert to_example(again, form) == back


SOURCES = [  # the forms of others' pipelines, as their documents show them
    {
        "instruction": "Route net CLK on metal layer M3.",
        "context": {"procs": [{"name": "my::route", "args": [{"name": "net"}]}]},
        "output": "my::route -net CLK\n",
        "metadata": {"validators_passed": True, "topic": "routing+rules"},
    },
    {
        "description": "Design a 2-input AND gate module named G1.",
        "dsl_code": "MODULE G1(INPUT A, INPUT B, OUTPUT Y) { Y = A & B; }",
        "tests": [{"input": {"A": 0, "B": 0}, "expected": {"Y": 0}}],
        "valid": True,
    },
    {"description": "A gate.", "dsl_code": "MODULE G1(", "tests": [], "valid": False},
    {"schema": {"type": "object"}, "query": "all", "ast_json": '{"a":1}', "is_valid": True},
    {"schema": {"type": "object"}, "query": "all", "ast_json": "{", "is_valid": False},
    {
        "messages": [
            {"role": "system", "content": "You write Lamp."},
            {"role": "user", "content": "on"},
            {"role": "assistant", "content": "lamp on"},
        ]
    },
    {"prompt": "on", "completion": "lamp on"},
    {"input": "on", "output": "lamp on"},
]


@pytest.mark.parametrize("row", SOURCES)
def test_the_source_documents_rows_come_back_as_they_were(row: dict[str, object]) -> None:
    form = form_of(tuple(row))
    back = json.loads(line_of(from_example(to_example(row, form), form)))
    if isinstance(back.get("metadata"), dict):
        back["metadata"].pop("idiolect")
    assert {name: back[name] for name in row} == row
    assert set(back) - set(row) <= {"id", "task"}


def test_a_row_whose_validators_failed_is_a_negative() -> None:
    row = {"instruction": "x", "output": "y", "metadata": {"validators_passed": False}}
    assert to_example(row, form_of(tuple(row))).valid is False


def test_a_tree_that_is_an_object_becomes_text() -> None:
    row = {"schema_json": '{"type": "object"}', "query": "all", "ast_json": {"a": [1]}}
    made = to_example(row, form_of(tuple(row)))
    assert (made.target, made.context, made.valid) == ('{"a":[1]}', '{"type": "object"}', True)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"messages": "hi"}, '"messages" is "hi", not a list'),
        ({"messages": [{"role": "bot", "content": "x"}]}, 'message 1 has the role "bot"'),
        ({"messages": [{"role": "user", "content": None}]}, "message 1 has the content missing"),
        ({"messages": [{"role": "user", "content": "x"}]}, "not a question and its answer"),
        ({"prompt": 1, "completion": "x"}, '"prompt" is 1, not text'),
        ({"prompt": " ", "completion": "x"}, '"prompt" is empty'),
        ({"instruction": "x", "output": "y", "metadata": 3}, '"metadata" is 3, not an object'),
        ({"description": "x", "dsl_code": "y", "tests": 3}, '"tests" is 3, not a list of objects'),
        ({"description": "x", "dsl_code": "y", "valid": 3}, '"valid" is 3, not true or false'),
        ({"schema": {}, "query": "x", "ast_json": None}, '"ast_json" is missing, not text'),
        ({"instruction": "x", "target": 1}, '"target" is 1'),
        ({"instruction": "x", "target": "y", "taks": "z"}, 'unknown field "taks"; did you mean "task"'),
        ({"id": "0", "instruction": "x", "target": "y"}, "is not that of the content"),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected(row: dict[str, object], told: str) -> None:
    with pytest.raises(BadRow) as caught:
        to_example(row, form_of(tuple(row)))
    assert told in caught.value.message


def test_an_unknown_shape_is_refused_with_a_row_of_the_nearest_form() -> None:
    with pytest.raises(UnknownForm) as caught:
        form_of(("dsl_code", "name"))
    assert forms()["description_dsl"].example in str(caught.value)


def test_earlier_turns_of_a_chat_become_context() -> None:
    turns = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    example = to_example(row, form_of(tuple(row)))
    assert (example.instruction, example.target, example.context) == ("c", "d", "user: a\nassistant: b")


def test_context_fields_go_before_the_prompt_and_empty_ones_are_skipped(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [["q", "a", "tone", "place"], ["hi", "yo", "kind", ""], ["short"], ["", "x", "", ""]]
        )
    columns = Columns("q", "a", ("tone", "place"))
    made, broken, empty = import_rows(table, columns=columns)
    assert isinstance(made, Example)
    assert (made.instruction, made.target) == ("tone: kind | hi", "yo")
    assert isinstance(broken, Rejected)
    assert isinstance(empty, Rejected)
    assert (broken.reason, broken.line, empty.reason) == ("broken row", 3, "unknown row")


def test_columns_without_a_meaning_go_into_the_metadata() -> None:
    row = {"prompt": "x", "completion": "y", "colour": "red"}
    assert to_example(row, form_of(tuple(row))).metadata == {"colour": "red"}


def test_a_file_is_read_strictly_with_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_examples(path, [Example(instruction="a", target="b")])
    path.write_text(path.read_text() + "\n[1]\n")
    stream = read_examples(path)
    assert next(stream).target == "b"
    with pytest.raises(BadRow, match=r"a\.jsonl:3: the line holds \[1\], not a JSON object"):
        next(stream)


def test_writing_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("before")

    def failing():
        yield Example(instruction="a", target="b")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_examples(path, failing())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def code(*names: str) -> str:
    return "\n".join(f"set {name} to [ {number} ] ;" for number, name in enumerate(names))


def test_leaks_are_told_by_their_plainest_kind() -> None:
    long = [f"w{n}" for n in range(40)]
    train = [
        Example(instruction="one", target=code("a", "b", "c", "d")),
        Example(instruction="two", target=code(*long)),
        Example(instruction="three", target="words alone that stand for nothing else here"),
    ]
    test = [
        Example(instruction="one", target=code("a", "b", "c", "d")),
        Example(instruction="other", target=code("a", "b", "c", "d")),
        Example(instruction="near", target=code(*long, "extra")),
        Example(instruction="renamed", target=code("e", "f", "g", "h")),
        Example(instruction="fresh", target="an answer of another kind altogether"),
    ]
    leaks = find_leaks(train, test)
    assert [(leak.kind, leak.test) for leak in leaks] == [
        ("same example", test[0].id),
        ("same target", test[1].id),
        ("near target", test[2].id),
        ("same structure", test[3].id),
    ]
