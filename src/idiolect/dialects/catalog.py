"""The symbols that a model may use: procs, variables, types, embedded blocks, constraints.

One catalog serves the verifier, the grammar, the sampler, retrieval and prompts. Its symbols are
not only Tcl procs: a gates module, an AutoHotkey class or function is the same record with another
`kind`. Here are the frozen records and their lookup; `catalog_json` reads and writes them,
`catalog_diff` compares two. It does **not** check any text against a catalog: dialects do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, ClassVar, Literal

from idiolect.dialects.policy import Policy

Scalar = str | int | float | bool | None

BASE_TYPES = (
    "string", "int", "float", "bool", "enum", "identifier", "text", "list", "script", "expr",
    "path", "port", "ip", "cidr", "any",
)  # fmt: skip

STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """What a value may be: a base type or the name of a shared one, and its limits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    type: str = "string"
    values: tuple[Scalar, ...] = ()  # enum: what is allowed, in catalog order
    range: tuple[float | None, float | None] | None = None  # inclusive; null leaves a side open
    unit: str | None = None  # "um"
    unit_written: bool = True  # whether the unit is part of the text: 0.12um, not 0.12
    pattern: str | None = None  # a regular expression that the whole value matches

    @property
    def words(self) -> tuple[str, ...]:
        """The allowed values as they are written in a text."""
        return tuple(spell(value) for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedType(ValueType):
    """A type that several arguments share by name."""

    name: str
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg(ValueType):
    """One argument of a symbol, one slot of a DSL statement, or one port of a module."""

    name: str
    passed: Literal["flag", "positional", "switch"] = "flag"  # -net CLK, CLK, or -verbose alone
    required: bool | None = None  # None: required unless there is a default or it is a switch
    default: Scalar = None
    list: bool = False  # the value is a list of such values
    variadic: bool = False  # positional and last: takes all the words that are left
    notes: str = ""

    @property
    def needed(self) -> bool:
        """Whether a call without this argument is wrong."""
        if self.required is not None:
            return self.required
        return self.default is None and self.passed != "switch" and not self.variadic


@dataclass(frozen=True, slots=True, kw_only=True)
class Proc:
    """A symbol that can be called or used: a proc, function, class, method, module or field."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str  # as written in a text; a subcommand is "ensemble subcommand"
    kind: str = "proc"
    args: tuple[Arg, ...] = ()
    returns: str | None = None
    side_effects: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    notes: str = ""
    deprecated: bool | str = False  # a text says why
    replaced_by: str | None = None
    since: str | None = None
    parent: str | None = None  # the class or namespace that holds it
    defined_in: str | None = None  # "file:line"

    def arg(self, name: str) -> Arg | None:
        """The argument of that name."""
        return next((arg for arg in self.args if arg.name == name), None)

    @property
    def signature(self) -> str:
        """One line: `my::route -net <string> -layer {M1|M2|M3}`, optional parts between question marks."""
        return " ".join([self.name, *(_shown(arg, arg) for arg in self.args)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(ValueType):
    """A variable that a text may read or set."""

    name: str
    scope: str = "global"
    default: Scalar = None
    notes: str = ""
    defined_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """How a block stands in its host text: what opens it and what closes it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    open: str = "dsl {"
    close: str = "}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a DSL as a form with slots: `rule "<id>" apply_to: <net> spacing: <spacing>`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str
    form: str
    slots: tuple[Arg, ...] = ()
    examples: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsl:
    """A language embedded in the host: by statement forms, by a Lark grammar or by a dialect's name."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str = "dsl"
    embedding: Embedding = Embedding()
    statements: tuple[Statement, ...] = ()
    grammar: str | None = None  # Lark text
    dialect: str | None = None  # a built-in dialect or a dialect folder
    grammar_summary: str = ""  # for people and prompts; nothing is checked by it
    attributes: tuple[Arg, ...] = ()
    examples: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All symbols, with lookup by name that stays fast at 50,000 of them."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str = ""
    version: str = ""
    notes: str = ""
    types: tuple[SharedType, ...] = ()
    procs: tuple[Proc, ...] = ()
    variables: tuple[Variable, ...] = ()
    dsl: tuple[Dsl, ...] = ()
    packages: tuple[str, ...] = ()  # that provide the symbols: `package require` names
    constraints: Policy = Policy()  # noqa: RUF009 (frozen)
    _procs: dict[str, Proc] = field(init=False, repr=False, compare=False)
    _variables: dict[str, Variable] = field(init=False, repr=False, compare=False)
    _types: dict[str, SharedType] = field(init=False, repr=False, compare=False)
    _near: dict[str, NameIndex] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_procs", {bare(proc.name): proc for proc in self.procs})
        object.__setattr__(self, "_variables", {bare(item.name): item for item in self.variables})
        object.__setattr__(self, "_types", {item.name: item for item in self.types})
        object.__setattr__(self, "_near", {})

    def proc(self, name: str) -> Proc | None:
        """The symbol of that name; `::my::route` and `my::route` are the same."""
        return self._procs.get(bare(name))

    def variable(self, name: str) -> Variable | None:
        """The variable of that name; a leading `::` does not matter."""
        return self._variables.get(bare(name))

    def of_kind(self, kind: str) -> Iterator[Proc]:
        """All symbols of one kind, in catalog order."""
        return (proc for proc in self.procs if proc.kind == kind)

    def near_procs(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The names of symbols most like a name that is unknown, best first."""
        return self._index("procs", [proc.name for proc in self.procs]).near(name, count)

    def near_variables(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The names of variables most like a name that is unknown, best first."""
        return self._index("variables", [item.name for item in self.variables]).near(name, count)

    def resolve(self, value: ValueType) -> ValueType:
        """A value's type with the shared type it names filled in; its own limits win."""
        shared = self._types.get(value.type)
        if shared is None:
            return value
        return ValueType(
            type=shared.type,
            values=value.values or shared.values,
            range=value.range or shared.range,
            unit=value.unit or shared.unit,
            unit_written=value.unit_written and shared.unit_written,
            pattern=value.pattern or shared.pattern,
        )

    def signature(self, proc: Proc) -> str:
        """A symbol's signature with shared types spelled out: `-layer {M1|M2}` for `-layer <layer>`."""
        return " ".join([proc.name, *(_shown(arg, self.resolve(arg)) for arg in proc.args)])

    def slice(self, procs: Sequence[str] = (), variables: Sequence[str] = ()) -> Catalog:
        """The part of the catalog with these symbols only (a context pack); DSL and constraints stay."""
        wanted_procs = {bare(name) for name in procs}
        wanted_variables = {bare(name) for name in variables}
        kept = tuple(proc for proc in self.procs if bare(proc.name) in wanted_procs)
        used = {arg.type for proc in kept for arg in proc.args}
        used |= {slot.type for dsl in self.dsl for form in dsl.statements for slot in form.slots}
        listed = tuple(item for item in self.variables if bare(item.name) in wanted_variables)
        used |= {item.type for item in listed}
        types = tuple(item for item in self.types if item.name in used)
        return replace(self, procs=kept, variables=listed, types=types)

    def _index(self, what: str, names: list[str]) -> NameIndex:
        if what not in self._near:  # built on the first unknown name only
            self._near[what] = NameIndex(names)
        return self._near[what]


class NameIndex:
    """Finds the names most like a given one by shared three-letter pieces, without a scan over all."""

    COMMON = 400  # a piece that more names share says little, and is skipped while rarer ones exist

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._pieces: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(names):
            for piece in _pieces(name):
                self._pieces[piece].append(number)

    def near(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The best `count` names, best first, that are similar enough to be meant."""
        if len(name) > 200:  # nobody misspelt that
            return ()
        lists = sorted((self._pieces[piece] for piece in _pieces(name) if piece in self._pieces), key=len)
        hits: Counter[int] = Counter()
        for listed in lists:
            if len(listed) > self.COMMON and len(hits) >= count:
                break
            hits.update(listed[: 10 * self.COMMON])
        wanted = bare(name).lower()
        scored = [
            (SequenceMatcher(None, wanted, bare(self.names[number]).lower()).ratio(), self.names[number])
            for number, _ in hits.most_common(40)
        ]
        good = sorted((-score, found) for score, found in scored if score >= 0.6)
        return tuple(found for _, found in good[:count])


def bare(name: str) -> str:
    """A name without the leading `::` of the global namespace."""
    return name.removeprefix("::")


def spell(value: Scalar) -> str:
    """A scalar as it is written in a text: true and false in lower case, nothing as nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _pieces(name: str) -> set[str]:
    padded = f"  {bare(name).lower()} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


MOST_SHOWN = 12  # values of an enum in a signature


def _shown(arg: Arg, value: ValueType) -> str:
    if arg.passed == "switch":
        inner = f"-{arg.name}"
    else:
        listed = "{" + "|".join(value.words) + "}" if 0 < len(value.words) <= MOST_SHOWN else ""
        unit = f"_{value.unit}" if value.unit else ""
        inner = listed or f"<{arg.name if arg.passed == 'positional' else arg.type + unit}>"
        inner += "..." if arg.variadic or arg.list else ""
        inner = f"-{arg.name} {inner}" if arg.passed == "flag" else inner
    return inner if arg.needed else f"?{inner}?"
