"""Which columns are prompt, answer and context: by declaration, by name, or by order.

It looks at column names and kinds only, **not** at rows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from idiolect.problem import Problem, problem
from idiolect.text_hints import listed, nearest, shortened

_OKTOSCRIPT_FORMS = ("input_output", "input_target", "text")  # the order that the language defines
_ANSWER_NAMES = ("label", "answer", "response", "completion", "target", "output")
_SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class RowForm:
    """A set of column names that tells what its rows are."""

    name: str
    columns: tuple[str, ...]
    input: str
    output: str
    input_types: tuple[str, ...] = ("string",)
    output_types: tuple[str, ...] = ("string",)


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns in use, how they were found, and what was odd about them."""

    input: str | None
    output: str | None
    form: RowForm | None  # the known form that the columns in use are of
    problems: tuple[Problem, ...] = ()


@cache
def row_forms() -> tuple[RowForm, ...]:
    """The known forms, in the order in which they are tried."""
    text = files("idiolect.data").joinpath("row_forms.toml").read_text("utf-8")
    return TypeAdapter(tuple[RowForm, ...]).validate_python(tomllib.loads(text)["form"])


def row_form_of(columns: Sequence[str]) -> RowForm | None:
    """The form that has most of its own columns among these; earlier ones win a tie."""
    fitting = [form for form in row_forms() if set(form.columns) <= set(columns)]
    return max(fitting, key=lambda form: len(form.columns), default=None)


def resolve_fields(
    columns: Mapping[str, Sequence[str]],
    input_field: str | None = None,
    output_field: str | None = None,
    context_fields: Sequence[str] = (),
) -> Fields:
    """Choose columns: declared ones, input + output, input + target, text, known forms, first text column.

    `columns` maps each name to the kinds of value seen in it.
    """
    problems = _absent(columns, input_field, output_field, context_fields)
    if problems:
        return Fields(None, None, None, tuple(problems))
    if input_field or output_field:
        fields = _complete(columns, input_field, output_field)
    else:
        fields = _by_name(columns) or _by_order(columns)
    unused = _unused_instruction(columns, fields, context_fields)
    return Fields(fields.input, fields.output, fields.form, (*fields.problems, *unused))


def context_prompt(row: Mapping[str, object], context_fields: Sequence[str], input_column: str) -> str:
    """The prompt behind its context: "field1: value1 | field2: value2 | prompt"; empty values are skipped."""
    parts = [f"{name}: {row[name]}" for name in context_fields if not _is_empty(row.get(name))]
    return _SEPARATOR.join([*parts, str(row.get(input_column, ""))])


def _is_empty(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _absent(
    columns: Mapping[str, Sequence[str]],
    input_field: str | None,
    output_field: str | None,
    context_fields: Sequence[str],
) -> list[Problem]:
    declared = [("input_field", input_field), ("output_field", output_field)]
    declared += [("context_fields", name) for name in context_fields]
    found = []
    for field, name in declared:
        if name is None or name in columns:
            continue
        near = nearest(name, tuple(columns))
        help_text = f'write {field}: "{near}"' if near and field != "context_fields" else None
        if near and not help_text:
            help_text = f'write "{near}" in context_fields'
        help_text = help_text or f"columns in the file: {listed(tuple(columns))}"
        found.append(
            problem(
                "L401", f'no column "{shortened(name)}", which {field} names', help=help_text, where=field
            )
        )
    return found


def _complete(
    columns: Mapping[str, Sequence[str]], input_field: str | None, output_field: str | None
) -> Fields:
    # One of the two is declared: the other must have one of the names that the language gives it.
    if input_field and output_field:
        return Fields(input_field, output_field, _form_with(columns, input_field, output_field))
    names, field = (("output", "target"), "output_field") if input_field else (("input",), "input_field")
    other = next((name for name in names if name in columns), None)
    if other is None:
        wanted = " or ".join(f'"{name}"' for name in names)
        return Fields(
            input_field,
            output_field,
            None,
            (
                problem(
                    "L408",
                    f"{field} is not set, and no column is named {wanted}",
                    help=f"set {field}; columns in the file: {listed(tuple(columns))}",
                ),
            ),
        )
    return Fields(input_field or other, output_field or other, None)


def _form_with(columns: Mapping[str, Sequence[str]], input: str, output: str) -> RowForm | None:
    fitting = (form for form in row_forms() if set(form.columns) <= set(columns))
    return next((form for form in fitting if (form.input, form.output) == (input, output)), None)


def _by_name(columns: Mapping[str, Sequence[str]]) -> Fields | None:
    for form in row_forms():
        if set(form.columns) <= set(columns):
            problems = _unused_answer(columns, form) if form.name == "text" else ()
            return Fields(form.input, form.output, form, problems)
    return None


def _by_order(columns: Mapping[str, Sequence[str]]) -> Fields:
    first = next((name for name, kinds in columns.items() if set(kinds) & {"string", "blank"}), None)
    if first is None:
        shown = listed(tuple(columns)) or "none"
        found = problem(
            "L408",
            "no input or output column found",
            help=f"set input_field and output_field; columns in the file: {shown}",
        )
        return Fields(None, None, None, (found,))
    guessed = problem(
        "L411",
        f'no known column name; the first text column, "{shortened(first)}", is used as prompt and answer',
        help=f"set input_field and output_field; columns in the file: {listed(tuple(columns))}",
    )
    return Fields(first, first, None, (guessed,))


def _unused_answer(columns: Mapping[str, Sequence[str]], form: RowForm) -> tuple[Problem, ...]:
    answer = next((name for name in _ANSWER_NAMES if name in columns), None)
    if answer is None:
        return ()
    return (
        problem(
            "L411",
            f'the column "text" is used as prompt and answer; "{answer}" is not used',
            help=f'to train on it, set input_field: "text" and output_field: "{answer}"',
        ),
    )


def _unused_instruction(
    columns: Mapping[str, Sequence[str]], fields: Fields, context_fields: Sequence[str]
) -> tuple[Problem, ...]:
    unused = "instruction" in columns and fields.input == "input" and "instruction" not in context_fields
    if not unused:
        return ()
    return (
        problem(
            "L411",
            'the column "instruction" is not used: "input" is the prompt',
            help='set context_fields: ["instruction"] to put it in front of the prompt',
        ),
    )
