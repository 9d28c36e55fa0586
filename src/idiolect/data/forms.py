"""Rows of the forms in common use, to examples and back: chat messages, prompts, instructions, trees.

`forms.toml` lists the forms. A row of none of them is refused with an example of what was expected. This
module reads no files, and does **not** verify targets.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from idiolect.data.example import Example
from idiolect.data.jsonl import BadRow, Row, example_of, row_of
from idiolect.data.probe_fields import context_prompt
from idiolect.text_hints import listed, nearest, shortened

_TODAY = "\nToday: "  # between a schema and the current day in a context
_SYSTEM_ROLES = ("system", "developer")
_ROLES = (*_SYSTEM_ROLES, "user", "assistant", "tool")
_OWN = "idiolect"  # the key of our own in the metadata of the form "instruction"


@dataclass(frozen=True, slots=True)
class Form:
    """What a form's rows look like."""

    name: str
    columns: tuple[str, ...]
    known: tuple[str, ...]
    about: str
    example: str

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a row with these columns is of this form."""
        return all(any(name in names for name in column.split("|")) for column in self.columns)

    @property
    def labelled(self) -> bool:
        """Whether its rows say that a target is wrong; without that, a negative would be learned as right."""
        return bool({"valid", "is_valid"} & set(self.known))

    @property
    def meant(self) -> frozenset[str]:
        """Columns that have a meaning in this form."""
        return frozenset(name for column in (*self.columns, *self.known) for name in column.split("|"))


class UnknownForm(Exception):
    """Rows of no known form, or a form's name that is not known."""


@cache
def forms() -> Mapping[str, Form]:
    """The forms by name, in the order in which they are tried."""
    table = tomllib.loads(files("idiolect.data").joinpath("forms.toml").read_text("utf-8"))
    return {
        name: Form(name, tuple(row["columns"]), tuple(row["known"]), row["about"], row["example"])
        for name, row in table.items()
    }


def form_named(name: str) -> Form:
    """A form by name; UnknownForm with the nearest one."""
    if name in forms():
        return forms()[name]
    near = nearest(name, forms())
    hint = f'did you mean "{near}"?' if near else f"forms: {', '.join(forms())}"
    raise UnknownForm(f'no form "{shortened(name)}"; {hint}')


def form_of(columns: Sequence[str]) -> Form:
    """The form that a row with these columns has; UnknownForm shows what was expected."""
    found = next((form for form in forms().values() if form.fits(columns)), None)
    if found:
        return found
    near = max(forms().values(), key=lambda form: len(form.meant & set(columns)))
    near = near if near.meant & set(columns) else forms()["instruction"]
    raise UnknownForm(
        f"columns {listed(columns) or '(none)'} are of no known form\n"
        f"   help: the nearest is {near.name}, {near.about}; a row of it:\n   {near.example}\n"
        f"   forms: {', '.join(forms())}; --input and --output name columns of your own"
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns that the user names for rows of no known form, and those put in front of the prompt."""

    input: str | None = None
    output: str | None = None
    context: tuple[str, ...] = ()


NO_COLUMNS = Columns()


def to_example(row: Row, form: Form, columns: Columns = NO_COLUMNS) -> Example:
    """The example that a row is; BadRow where a value is not what the form asks for."""
    if form.name == "example":
        return example_of(row)
    missing = (
        [name for name in form.columns if not any(option in row for option in name.split("|"))]
        if not columns.output
        else []
    )
    if missing:
        raise BadRow("", f'no column "{missing[0]}"; a {form.name} row: {form.example}')
    return _READERS[form.name](_Reading(row, form, columns))


def from_example(example: Example, form: Form) -> Row:
    """An example as a row of a form; what the form has no column for is in `metadata` or left out."""
    return _WRITERS[form.name](example)


def unfit(example: Example, form: Form) -> tuple[str, str] | None:
    """Why a form can't hold an example, as a reason to count by and a sentence; None where it can."""
    if not example.valid and not form.labelled:
        return "negative", f"a row of {form.name} can't say that its answer is wrong"
    if form.name == "schema_ast" and not example.context.strip():
        return "no schema", "a row of schema_ast has a schema, and the example has no context"
    return None


def user_message(example: Example) -> str:
    """What the user says: the instruction, and below it the context that it is about."""
    return f"{example.instruction}\n\n{example.context}" if example.context else example.instruction


@dataclass(frozen=True, slots=True)
class _Reading:
    """A row being read as a form."""

    row: Row
    form: Form
    columns: Columns

    def text(self, name: str, *, empty: bool = False) -> str:
        value = self.row.get(name)
        if not isinstance(value, str):
            raise BadRow(
                "", f'"{name}" is {_shown(value)}, not text; a {self.form.name} row: {self.form.example}'
            )
        if not empty and not value.strip():
            raise BadRow("", f'"{name}" is empty')
        return value

    def text_or_json(self, name: str) -> str:
        """Text as it is, or a JSON value written compactly."""
        value = self.row.get(name)
        return self.text(name) if value is None or isinstance(value, str) else _compact(value)

    def flag(self, name: str) -> bool:
        value = self.row.get(name, True)
        if isinstance(value, str) and value.casefold() in ("true", "false"):
            return value.casefold() == "true"  # tables without types
        if not isinstance(value, bool):
            raise BadRow("", f'"{name}" is {_shown(value)}, not true or false')
        return value

    def either(self, *names: str) -> str:
        return next(name for name in names if name in self.row)

    def make(self, instruction: str, target: str, **more: Any) -> Example:
        own = {self.columns.input, self.columns.output, *self.columns.context}
        extra = {name: value for name, value in self.row.items() if name not in self.form.meant | own}
        metadata = {**extra, **more.pop("metadata", {})}
        task = self.row.get("task")
        split = self.row.get("split")
        if isinstance(task, str) and task:
            more["task"] = task
        if split in ("train", "validation", "test"):
            more["split"] = split
        return Example(instruction=instruction, target=target, metadata=metadata, **more)


def _from_messages(reading: _Reading) -> Example:
    turns = _turns(reading.row["messages"], reading.form)
    system = "\n\n".join(text for role, text in turns if role in _SYSTEM_ROLES)
    talk = [(role, text) for role, text in turns if role not in _SYSTEM_ROLES]
    if len(talk) < 2 or talk[-1][0] != "assistant" or talk[-2][0] not in ("user", "tool"):
        raise BadRow(
            "", f"the last two messages are not a question and its answer; a row: {reading.form.example}"
        )
    earlier = "\n".join(f"{role}: {text}" for role, text in talk[:-2])
    return reading.make(talk[-2][1], talk[-1][1], system=system, context=earlier)


def _turns(messages: object, form: Form) -> list[tuple[str, str]]:
    if not isinstance(messages, list):
        raise BadRow("", f'"messages" is {_shown(messages)}, not a list; a row: {form.example}')
    turns = []
    for number, message in enumerate(messages, 1):
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role not in _ROLES:
            raise BadRow("", f"message {number} has the role {_shown(role)}; roles: {', '.join(_ROLES)}")
        if not isinstance(content, str):
            raise BadRow("", f"message {number} has the content {_shown(content)}, not text")
        turns.append((role, content))
    return turns


def _from_schema_ast(reading: _Reading) -> Example:
    schema = reading.text_or_json(reading.either("schema", "schema_json"))
    today = reading.row.get("today")
    if isinstance(today, str) and today:  # the day that "last month" is counted from
        schema = f"{schema}{_TODAY}{today}"
    valid = reading.flag("is_valid")
    return reading.make(
        reading.text("query"),
        reading.text_or_json("ast_json"),
        context=schema,
        valid=valid,
        task="schema_ast",
    )


def _from_description_dsl(reading: _Reading) -> Example:
    tests = reading.row.get("tests") or []
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
        raise BadRow("", f'"tests" is {_shown(tests)}, not a list of objects; a row: {reading.form.example}')
    return reading.make(
        reading.text("description"), reading.text("dsl_code"), valid=reading.flag("valid"), tests=tuple(tests)
    )


def _from_prompt_completion(reading: _Reading) -> Example:
    return reading.make(reading.text("prompt"), reading.text("completion"))


def _from_instruction(reading: _Reading) -> Example:
    given = reading.row.get("context")
    context = "" if given in (None, {}) else given if isinstance(given, str) else _compact(given)
    metadata = reading.row.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRow("", f'"metadata" is {_shown(metadata)}, not an object')
    metadata = dict(metadata)
    more: dict[str, Any] = {"context": context}
    if isinstance(reading.row.get("system"), str):
        more["system"] = reading.row["system"]
    if isinstance(metadata.get(_OWN), dict):  # written by us: what the form has no column for
        own = metadata.pop(_OWN)
        more |= {name: own[name] for name in ("task", "valid", "level", "group") if name in own}
    elif metadata.get("validators_passed") is False:
        more["valid"] = False
    try:
        return reading.make(reading.text("instruction"), reading.text("output"), metadata=metadata, **more)
    except TypeError as error:
        raise BadRow("", f'"metadata.{_OWN}": {error}') from error


def _from_input_output(reading: _Reading) -> Example:
    source = reading.columns.input or "input"
    answer = reading.columns.output or reading.either("output", "target")
    absent = [name for name in (source, answer, *reading.columns.context) if name not in reading.row]
    if absent:
        raise BadRow("", f'no column "{absent[0]}"; columns in the row: {listed(tuple(reading.row))}')
    reading.text(source)
    prompt = context_prompt(reading.row, reading.columns.context, source)
    return reading.make(prompt, reading.text(answer))


def _to_messages(example: Example) -> Row:
    turns = [("system", example.system)] if example.system else []
    turns += [("user", user_message(example)), ("assistant", example.target)]
    messages = [{"role": role, "content": content} for role, content in turns]
    return {"messages": messages, "id": example.id, "task": example.task}


def _to_schema_ast(example: Example) -> Row:
    schema, _, today = example.context.partition(_TODAY)
    return {
        "schema": _json_or_text(schema),
        **({"today": today} if today else {}),
        "query": example.instruction,
        "ast_json": example.target,
        "is_valid": example.valid,
    }


def _to_description_dsl(example: Example) -> Row:
    tests = [dict(test) for test in example.tests]
    return {
        "description": user_message(example),
        "dsl_code": example.target,
        "tests": tests,
        "valid": example.valid,
    }


def _to_prompt_completion(example: Example) -> Row:
    prompt = f"{example.system}\n\n{user_message(example)}" if example.system else user_message(example)
    return {"prompt": prompt, "completion": example.target, "id": example.id, "task": example.task}


def _to_instruction(example: Example) -> Row:
    own: Row = {"id": example.id, "task": example.task, "valid": example.valid}
    own |= {name: value for name, value in (("level", example.level), ("group", example.group)) if value}
    if example.provenance.source:
        own["source"] = example.provenance.source
    row = {
        "instruction": example.instruction,
        "context": _json_or_text(example.context),
        "output": example.target,
        "metadata": {**example.metadata, _OWN: own},
    }
    return {"system": example.system, **row} if example.system else row


def _to_input_output(example: Example) -> Row:
    return {"input": user_message(example), "output": example.target}


_READERS: Mapping[str, Callable[[_Reading], Example]] = {
    "messages": _from_messages,
    "schema_ast": _from_schema_ast,
    "description_dsl": _from_description_dsl,
    "prompt_completion": _from_prompt_completion,
    "instruction": _from_instruction,
    "input_output": _from_input_output,
}
_WRITERS: Mapping[str, Callable[[Example], Row]] = {
    "example": row_of,
    "messages": _to_messages,
    "schema_ast": _to_schema_ast,
    "description_dsl": _to_description_dsl,
    "prompt_completion": _to_prompt_completion,
    "instruction": _to_instruction,
    "input_output": _to_input_output,
}


def _json_or_text(text: str) -> Any:
    """An object that a text is the very JSON of, so that it comes back as it was; else the text."""
    if not text.startswith("{"):
        return text
    try:
        found = json.loads(text)
        return found if _compact(found) == text else text
    except (ValueError, RecursionError):
        return text


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shown(value: object) -> str:
    return "missing" if value is None else shortened(json.dumps(value, default=str), 40)
