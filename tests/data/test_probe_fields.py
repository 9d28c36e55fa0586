import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.data.probe_fields import context_prompt, resolve_fields, row_form_of, row_forms

NAMES = [
    "input",
    "output",
    "target",
    "text",
    "prompt",
    "completion",
    "messages",
    "instruction",
    "question",
    "answer",
    "x",
]


def strings(*names: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names, ("string",))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["input", "output", "target", "text"], ("input", "output")),
        (["text", "target", "input"], ("input", "target")),
        (["a", "text", "output"], ("text", "text")),
        (["prompt", "completion"], ("prompt", "completion")),
        (["prompt", "chosen", "rejected"], ("prompt", "chosen")),
        (["schema", "query", "ast_json", "is_valid"], ("query", "ast_json")),
        (["description", "dsl_code", "tests", "valid"], ("description", "dsl_code")),
        (["instruction", "context", "output", "metadata"], ("instruction", "output")),
        (["question", "answer"], ("question", "answer")),
        (["messages"], ("messages", "messages")),
        (["body", "title"], ("body", "body")),
    ],
)
def test_columns_are_chosen_in_the_stated_order(columns: list[str], expected: tuple[str, str]) -> None:
    fields = resolve_fields(strings(*columns))
    assert (fields.input, fields.output) == expected


def test_the_first_text_column_is_a_guess_and_said_to_be_one() -> None:
    fields = resolve_fields({"id": ("integer",), "body": ("string",), "title": ("string",)})
    assert (fields.input, fields.output) == ("body", "body")
    assert [found.code for found in fields.problems] == ["L411"]


@pytest.mark.parametrize("columns", [{"id": ("integer",)}, {}])
def test_without_any_text_column_it_is_an_error(columns: dict[str, tuple[str, ...]]) -> None:
    fields = resolve_fields(columns)
    assert [(found.code, found.severity) for found in fields.problems] == [("L408", "error")]
    assert fields.input is None


def test_declared_columns_win() -> None:
    fields = resolve_fields(strings("input", "output", "q", "a"), "q", "a")
    assert (fields.input, fields.output, fields.problems) == ("q", "a", ())


def test_declared_columns_of_a_known_form_may_hold_what_it_allows() -> None:
    columns = strings("schema", "query") | {"ast_json": ("object",)}
    form = resolve_fields(columns, "query", "ast_json").form
    assert form is not None
    assert "object" in form.output_types


@pytest.mark.parametrize(
    ("columns", "declared", "expected"),
    [
        (["q", "target", "output"], ("q", None), ("q", "output")),
        (["q", "target"], ("q", None), ("q", "target")),
        (["input", "a"], (None, "a"), ("input", "a")),
    ],
)
def test_a_single_declared_column_is_completed_by_name(
    columns: list[str], declared: tuple[str | None, str | None], expected: tuple[str, str]
) -> None:
    fields = resolve_fields(strings(*columns), *declared)
    assert (fields.input, fields.output) == expected


@pytest.mark.parametrize("declared", [("q", None), (None, "q")])
def test_a_single_declared_column_without_its_partner_is_an_error(
    declared: tuple[str | None, str | None],
) -> None:
    fields = resolve_fields(strings("q", "z"), *declared)
    assert [found.code for found in fields.problems] == ["L408"]


def test_unused_labels_and_instructions_are_pointed_out() -> None:
    label = resolve_fields(strings("text", "label")).problems
    assert ('output_field: "label"' in (label[0].help or ""), label[0].code) == (True, "L411")
    columns = strings("instruction", "input", "output")
    assert [found.code for found in resolve_fields(columns).problems] == ["L411"]
    assert resolve_fields(columns, context_fields=["instruction"]).problems == ()


@given(
    st.lists(st.sampled_from(NAMES), unique=True),
    st.none() | st.sampled_from(NAMES),
    st.none() | st.sampled_from(NAMES),
)
def test_what_is_chosen_is_in_the_file_and_a_missing_choice_is_an_error(
    columns: list[str], input_field: str | None, output_field: str | None
) -> None:
    fields = resolve_fields(strings(*columns), input_field, output_field)
    if any(found.severity == "error" for found in fields.problems):
        return
    assert fields.input in columns
    assert fields.output in columns
    assert input_field in (None, fields.input)
    assert output_field in (None, fields.output)


def test_every_known_form_is_recognised_by_its_own_columns() -> None:
    forms = row_forms()
    assert len(forms) >= 10
    for form in forms:
        assert row_form_of(form.columns) == form
        assert {form.input, form.output} <= set(form.columns)


def test_the_form_with_most_columns_names_the_row() -> None:
    found = row_form_of(["text", "schema", "query", "ast_json", "is_valid"])
    assert found is not None
    assert found.name == "schema_query_ast"


@pytest.mark.parametrize(
    ("row", "fields", "expected"),
    [
        ({"a": "1", "b": "2", "input": "go"}, ["b", "a"], "b: 2 | a: 1 | go"),
        ({"a": "", "b": None, "c": " ", "d": [], "input": "go"}, ["a", "b", "c", "d", "e"], "go"),
        ({"n": 0, "t": False, "input": "go"}, ["n", "t"], "n: 0 | t: False | go"),
        ({"input": "go"}, [], "go"),
    ],
)
def test_context_stands_in_front_of_the_prompt(
    row: dict[str, object], fields: list[str], expected: str
) -> None:
    assert context_prompt(row, fields, "input") == expected
