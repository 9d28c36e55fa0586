"""What hover and completion say of a block, a field or a word, in Markdown, from their definitions."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import get_args

from idiolect.okt.control import Statement
from idiolect.okt.fields import FieldSpec
from idiolect.okt.language import BlockSpec
from idiolect.okt.pages import STATUS_TEXT
from idiolect.okt.vocab import METRICS, Metric, metric_name


def block_card(block: BlockSpec) -> str:
    """A block: what it is for, and which fields it takes."""
    lines = [f"**{block.keyword}**{f' in {block.parent}' if block.parent else ''}", "", block.help, ""]
    lines += _facts(since=block.since, status=STATUS_TEXT.get(block.status, ""), required=block.required)
    if block.form == "block" and block.fields:
        names = [f"`{field.name}`" for field in block.fields if not field.implicit]
        lines.append(f"- Fields: {', '.join(names)}")
    return "\n".join(lines).rstrip()


def field_card(field: FieldSpec, block: BlockSpec | None = None) -> str:
    """A field: type, range, allowed values, default and where it comes from, meaning and an example."""
    place = f" in {block.path}" if block is not None and block.path != field.name else ""
    lines = [f"**{field.name}** : {field.type_text}{place}", "", field.help, ""]
    if field.allowed_text:
        others = " and others" if field.open_values else ""
        lines.append(f"- Allowed: {field.allowed_text}{others}")
    if field.length:
        lines.append(f"- Length: {field.length}")
    if default_text(field):
        lines.append(f"- Default: {default_text(field)}")
    lines += _facts(since=field.since, status=STATUS_TEXT.get(field.status, ""), required=field.required)
    if field.aliases:
        lines.append(f"- Also written {', '.join(f'`{alias}`' for alias in field.aliases)}")
    if field.example or field.form:
        lines += ["", "```okt", field.example or field.form, "```"]
    return "\n".join(lines).rstrip()


def default_text(field: FieldSpec) -> str:
    """A field's default and where it comes from; empty where there is none."""
    if not field.shown_default:
        return ""
    if field.default is None:
        return field.shown_default  # it follows from something else, which the text names
    origin = "stated by the language" if field.stated else "this engine's choice"
    return f"`{field.shown_default}` ({origin})"


def statement_card(word: str) -> str | None:
    """A word of CONTROL, by the records that a script's statements are read into."""
    union = get_args(Statement)[0]
    for record in get_args(union):
        if word in get_args(record.model_fields["do"].annotation):
            return f"**{word}**\n\n{cleandoc(record.__doc__ or '')}"
    return None


def metric_card(name: str) -> str | None:
    """A metric: which way is better, and for which tasks it is meant."""
    metric = METRICS.get(metric_name(name.removeprefix("val_").removeprefix("eval_")))
    return None if metric is None else f"**{name}**\n\nMetric. {metric_line(metric)}"


def metric_line(metric: Metric) -> str:
    better = {"max": "Higher is better", "min": "Lower is better", "none": "No direction"}[metric.direction]
    return f"{better}; for {', '.join(metric.tasks) or 'any task'}."


def _facts(*, since: str, status: str, required: bool) -> Iterator[str]:
    if required:
        yield "- Required"
    yield f"- Since {since}"
    if status:
        yield f"- Status: {status}"
