"""What a block definition is made of: fields with a kind, bounds, default and one line of help.

A block is a pydantic model whose fields are made by `field(...)`. Everything else is read off the
model: the checker, completion, hover, docs page, JSON Schema and the formatter's field order.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo


class Kind(StrEnum):
    """How a value is written."""

    STRING = "string"
    PATH = "path"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    ENUM = "enum"
    LIST = "list"
    OBJECT = "object"
    BLOCK = "block"
    FLAGS = "flags"
    CONDITIONS = "conditions"
    STATEMENTS = "statements"
    COUNT = "count"
    SIZE = "size"
    DURATION = "duration"
    MODEL = "model"
    METRIC = "metric"
    HOOK = "hook"
    TEMPLATE = "template"
    SCALAR = "scalar"  # any number, string, bool: what a search tries


# Names for annotations: what a value is in Python, and how it is written in a script.
PathText = Annotated[str, Kind.PATH]
Count = Annotated[int, Kind.COUNT]  # a number of things: 120M
Size = Annotated[int, Kind.SIZE]  # bytes: 16GB
Duration = Annotated[float, Kind.DURATION]  # seconds: 2s
ModelRef = Annotated[str, Kind.MODEL]
MetricName = Annotated[str, Kind.METRIC]
HookRef = Annotated[str, Kind.HOOK]
Template = Annotated[str, Kind.TEMPLATE]
Scalar = Annotated[bool | int | float | str, Kind.SCALAR]


class Status(StrEnum):
    STABLE = "stable"
    LEGACY = "legacy"  # an older form, still used by files
    UNDOCUMENTED = "undocumented"  # used by files, in no grammar
    PROPOSED = "proposed"  # 1.3 hardware hints: recognised, and without effect here
    PLANNED = "planned"  # announced for a later language version
    EXTENSION = "extension"  # Idiolect's own; `--pedantic` refuses it


@dataclass(frozen=True, slots=True)
class Bounds:
    """Numeric or length bounds; None is open."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None

    def hold(self, number: float) -> bool:
        return not (
            (self.at_least is not None and number < self.at_least)
            or (self.above is not None and number <= self.above)
            or (self.at_most is not None and number > self.at_most)
        )

    def __bool__(self) -> bool:
        return (self.at_least, self.above, self.at_most) != (None, None, None)

    def __str__(self) -> str:
        low = f"> {self.above:g}" if self.above is not None else None
        if low is None and self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g} to {self.at_most:g}"
        if low is None and self.at_least is not None:
            low = f">= {self.at_least:g}"
        high = f"<= {self.at_most:g}" if self.at_most is not None else None
        return " and ".join(part for part in (low, high) if part)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a block, as every reader of the definitions sees it."""

    name: str
    attribute: str  # the model's attribute; differs where the name is a Python word
    kind: Kind
    help: str
    item: Kind | None = None  # what a list holds
    values: tuple[str, ...] = ()
    open_values: bool = False  # other well-formed words pass with a warning
    bounds: Bounds = Bounds()  # of a number, or of each number of a list
    length: Bounds = Bounds()  # characters of a string, items of a list
    default: Any = None  # a literal default that a source states or we propose
    default_text: str = ""  # where the default follows from something else
    stated: bool = False  # whether the default is the language's own
    required: bool = False
    since: str = "1.0"
    status: Status = Status.STABLE
    aliases: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()  # spellings that no source defines
    code: str = "V010"  # the published code of a bad value
    block: type[Block] | None = None  # the model of a nested block or of a list's objects
    implicit: bool = False  # not written as `name: value`: a bare word, a statement, or any other name
    form: str = ""  # how it is written, where the kind does not tell
    example: str = ""

    @property
    def all_names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases, *self.tolerated)

    @property
    def type_text(self) -> str:
        """The type as a person reads it."""
        if self.kind is Kind.LIST:
            names = {Kind.ENUM: "words", Kind.BLOCK: "objects", None: "values"}
            return f"list of {names.get(self.item, f'{self.item}s')}"
        return "word" if self.kind is Kind.ENUM else self.kind.value

    @property
    def allowed_text(self) -> str:
        """The allowed values as a person reads them; empty when anything goes."""
        if self.values:
            return ", ".join(self.values)
        return str(self.bounds) if self.bounds else ""

    @property
    def shown_default(self) -> str:
        if self.default_text:
            return self.default_text
        return "" if self.default is None else render_literal(self.default)


class Block(BaseModel):
    """Base of all block definitions."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, populate_by_name=True)


def field(
    help: str,
    *,
    name: str | None = None,
    default: Any = None,
    suggested: Any = None,
    default_text: str = "",
    required: bool = False,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    length: tuple[int, int | None] | None = None,
    open_values: tuple[str, ...] = (),
    since: str = "1.0",
    status: Status = Status.STABLE,
    aliases: tuple[str, ...] = (),
    tolerated: tuple[str, ...] = (),
    code: str = "V010",
    kind: Kind | None = None,
    implicit: bool = False,
    form: str = "",
    example: str = "",
) -> Any:
    """A field of a block. `default` is the language's own; `suggested` is what this engine uses instead.

    `at_least`, `above` and `at_most` bound a number or each number of a list; `length` bounds the characters
    of a string or the items of a list. `open_values` lists the usual words of a field that takes others too.
    """
    okt: Any = {
        "stated": default is not None,
        "default_text": default_text,
        "required": required,
        "bounds": (at_least, above, at_most),
        "length": length,
        "open_values": open_values,
        "since": since,
        "status": status.value,
        "aliases": aliases,
        "tolerated": tolerated,
        "code": code,
        "kind": kind.value if kind else None,
        "implicit": implicit,
        "form": form,
        "example": example,
    }
    value = default if default is not None else suggested
    return Field(default=value, description=help, alias=name, json_schema_extra={"x-okt": okt})


def specs(model: type[Block]) -> tuple[FieldSpec, ...]:
    """The fields of a block in the order of their definition."""
    found = _SPECS.get(model)
    if found is None:
        found = _SPECS[model] = tuple(
            _spec(attribute, info) for attribute, info in model.model_fields.items()
        )
    return found


_SPECS: dict[type[Block], tuple[FieldSpec, ...]] = {}


def _spec(attribute: str, info: FieldInfo) -> FieldSpec:
    extra = info.json_schema_extra
    assert isinstance(extra, dict)
    okt: Any = extra["x-okt"]
    # pydantic moves the outermost Annotated marker to the field's metadata.
    marker = next((part for part in info.metadata if isinstance(part, Kind)), None)
    shape = _shape(info.annotation, marker)
    if okt["kind"]:
        shape = _Shape(Kind(okt["kind"]), shape.item, shape.values, shape.block)
    low, above, high = okt["bounds"]
    least, most = okt["length"] or (None, None)
    return FieldSpec(
        name=info.alias or attribute,
        attribute=attribute,
        kind=shape.kind,
        help=info.description or "",
        item=shape.item,
        values=shape.values or tuple(okt["open_values"]),
        open_values=bool(okt["open_values"]),
        bounds=Bounds(low, above, high),
        length=Bounds(least, None, most),
        default=info.default,
        default_text=okt["default_text"],
        stated=okt["stated"],
        required=okt["required"],
        since=okt["since"],
        status=Status(okt["status"]),
        aliases=tuple(okt["aliases"]),
        tolerated=tuple(okt["tolerated"]),
        code=okt["code"],
        block=shape.block,
        implicit=okt["implicit"],
        form=okt["form"],
        example=okt["example"],
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    kind: Kind
    item: Kind | None = None
    values: tuple[str, ...] = ()
    block: type[Block] | None = None


_PLAIN = {bool: Kind.BOOL, int: Kind.INT, float: Kind.FLOAT, str: Kind.STRING}


def _shape(annotation: Any, marker: Kind | None = None) -> _Shape:
    """How a value of an annotated type is written."""
    if marker is not None:
        return _Shape(marker)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        kind = next((note for note in notes if isinstance(note, Kind)), None)
        return _shape(inner, kind)
    if origin in (Union, types.UnionType):
        options = [part for part in get_args(annotation) if part is not type(None)]
        return _shape(options[0])
    if origin is Literal:
        return _Shape(Kind.ENUM, values=tuple(str(value) for value in get_args(annotation)))
    if origin is dict:
        return _Shape(Kind.OBJECT)
    if origin in (list, tuple):
        item = _shape(get_args(annotation)[0])
        return _Shape(Kind.LIST, item=item.kind, values=item.values, block=item.block)
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return _Shape(Kind.BLOCK, block=annotation)
    return _Shape(_PLAIN[annotation])


def render_literal(value: Any) -> str:
    """A Python value as a script writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        # repr keeps 3e-05 exact; a script writes 0.00003.
        return format(value, "f").rstrip("0").rstrip(".") if 1e-9 <= abs(value) < 1 else f"{value:g}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(render_literal(item) for item in value) + "]"
    return str(value)
