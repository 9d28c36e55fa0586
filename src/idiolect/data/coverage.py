"""What a set of examples covers: productions of the grammar, symbols of the catalog, and what it leaves out.

Productions are those of the author's grammar for a dialect folder, else those of the decoding grammar, found
by one derivation of each text. Derivations are slow, so their steps are bounded and a set is looked at
evenly; the report says how many texts were looked at. Symbols are looked for by name. It does **not** draw
reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from idiolect.data.contexts import context_of
from idiolect.data.example import WORDS, Example
from idiolect.dialects.catalog import Catalog, bare
from idiolect.dialects.contract import Context, Dialect
from idiolect.grammar.form import Grammar

MOST_STEPS = 600_000  # of all derivations of a set: about 6 s
MOST_OF_ONE = 150_000
MOST_TEXTS = 2_000
_LOWERING = 20_000  # steps that making a grammar counts as
_STRIDE = 16


@dataclass(frozen=True, slots=True)
class Covered:
    """What one set of examples covers."""

    name: str
    texts: int  # in the dialect
    looked_at: int  # whose productions were found
    too_long: int  # whose derivation would take too many steps
    not_canonical: int  # that the grammar does not write
    productions: Mapping[str, int]  # by name, the texts that use it
    symbols: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What there is to cover, and what each set covers of it."""

    productions: tuple[str, ...]  # empty where the dialect has no grammar
    symbols: tuple[str, ...]  # empty without a catalog
    sets: tuple[Covered, ...]
    why_none: str = ""  # why there are no productions

    def missing(self, what: str, within: Iterable[str] = ()) -> tuple[str, ...]:
        """Productions or symbols that no set covers; `within` names the sets that count."""
        wanted = set(within)
        used = {name for one in self.sets if not wanted or one.name in wanted for name in getattr(one, what)}
        return tuple(name for name in getattr(self, what) if name not in used)


def coverage_of(
    dialect: Dialect,
    project: Context,
    sets: Mapping[str, Sequence[Example]],
    step: Callable[[str], None] = lambda doing: None,
    *,
    uses: dict[str, tuple[str, ...]] | None = None,
    most_steps: int = MOST_STEPS,
) -> Coverage:
    """The coverage of some sets of examples: positives in the dialect's own language.

    `uses`, if given, is filled with the productions of each example that was looked at, by id.
    """
    reader = _Productions(dialect, most_steps, {} if uses is None else uses)
    found = []
    symbols: dict[str, None] = {}
    for name, examples in sets.items():
        step(f"looking what {name} covers")
        chosen = [one for one in examples if one.valid and one.task not in WORDS]
        contexts = _contexts(chosen, project)
        for context in _each_once(contexts):
            symbols.update(dict.fromkeys(_symbols(context.catalog)))
        used = _used_symbols(chosen, contexts)
        if project.schema is not None:
            symbols.update(dict.fromkeys(schema_names(project.schema)))
            used |= _used_names(chosen, symbols)
        found.append(reader.covered(name, chosen, contexts, used))
    return Coverage(tuple(reader.all), tuple(symbols), tuple(found), reader.why_none)


def _contexts(examples: Sequence[Example], project: Context) -> list[Context]:
    """The context of each example, one object for examples of one schema and catalog."""
    known: dict[str, Context] = {}
    made = []
    for example in examples:
        context = replace(context_of(example, project), tests=(), level=None)
        key = json.dumps([context.schema, example.metadata.get("catalog")], sort_keys=True, default=repr)
        made.append(known.setdefault(key, context))
    return made


def _each_once(contexts: Iterable[Context]) -> Iterable[Context]:
    return {id(context): context for context in contexts}.values()


class _Productions:
    """Finds productions, and collects all that there are."""

    def __init__(self, dialect: Dialect, most_steps: int, uses: dict[str, tuple[str, ...]]) -> None:
        self.dialect = dialect
        self.most_steps = most_steps
        self.uses = uses
        self.own: Callable[[str], Iterable[str]] | None = getattr(dialect, "productions_of", None)
        self.all: dict[str, None] = dict.fromkeys(getattr(dialect, "productions", ()))
        self.why_none = ""
        self.grammars: dict[int, tuple[Context, Grammar | None]] = {}  # the context keeps its number its own

    def covered(
        self,
        name: str,
        examples: Sequence[Example],
        contexts: Sequence[Context],
        symbols: Mapping[str, int],
    ) -> Covered:
        tally = _Tally()
        left = self.most_steps
        for at in _evenly(len(examples), MOST_TEXTS):
            if left <= 0:
                break
            left -= self._look(examples[at], contexts[at], min(left, MOST_OF_ONE), tally)
        return Covered(
            name,
            len(examples),
            tally.looked_at,
            tally.too_long,
            tally.not_canonical,
            dict(sorted(tally.productions.items())),
            dict(sorted(symbols.items())),
        )

    def _look(self, example: Example, context: Context, most: int, tally: _Tally) -> int:
        """Note the productions of one example's text; the steps that it took."""
        text = example.target
        if self.own is not None:
            self._note(example, self.own(text), tally)
            return 0
        lowering = 0 if id(context) in self.grammars else _LOWERING
        grammar = self._grammar(context)
        if grammar is None:
            return lowering
        from idiolect.grammar.derive import productions_of
        from idiolect.grammar.recognize import TooMuchWork

        try:
            productions, steps = productions_of(grammar, text, most_steps=most)
        except TooMuchWork:
            tally.too_long += 1
            return most + lowering
        if productions is None:
            tally.not_canonical += 1
        else:
            self._note(example, productions, tally)
        return steps + lowering

    def _note(self, example: Example, productions: Iterable[str], tally: _Tally) -> None:
        found = tuple(sorted(productions))
        tally.add(found)
        self.uses[example.id] = found

    def _grammar(self, context: Context) -> Grammar | None:
        """The decoding grammar in a context; None where there is none."""
        known = self.grammars.get(id(context))
        if known is None:
            known = (context, self._lowered(context))
            self.grammars[id(context)] = known
        return known[1]

    def _lowered(self, context: Context) -> Grammar | None:
        from idiolect.grammar.walk import productions

        try:
            grammar = self.dialect.constraint(context)
        except Exception as error:  # a user's dialect may raise anything; the report says what
            self.why_none = str(error) or type(error).__name__
            return None
        self.all.update(dict.fromkeys(productions(grammar)))
        return grammar


@dataclass(slots=True)
class _Tally:
    productions: dict[str, int] = field(default_factory=dict)
    looked_at: int = 0
    too_long: int = 0
    not_canonical: int = 0

    def add(self, productions: Iterable[str]) -> None:
        self.looked_at += 1
        for name in productions:
            self.productions[name] = self.productions.get(name, 0) + 1


def _evenly(count: int, most: int) -> Iterable[int]:
    """Places of at most so many, in an order in which every beginning is spread over the whole."""
    chosen = [number * count // most for number in range(most)] if count > most else list(range(count))
    for first in range(_STRIDE):
        yield from chosen[first::_STRIDE]


def _symbols(catalog: Catalog | None) -> list[str]:
    """The names that a text can use, as reports show them."""
    if catalog is None:
        return []
    procs = [proc.name for proc in catalog.procs]
    flags = [
        f"{proc.name} -{arg.name}"
        for proc in catalog.procs
        for arg in proc.args
        if arg.passed != "positional"
    ]
    return [*procs, *flags, *(variable.name for variable in catalog.variables)]


def _used_symbols(examples: Sequence[Example], contexts: Sequence[Context]) -> dict[str, int]:
    """How many texts use each symbol of their catalogs, by name."""
    used: dict[str, int] = {}
    for example, context in zip(examples, contexts, strict=True):
        if context.catalog is not None:
            for name in symbols_in(example.target, context.catalog):
                used[name] = used.get(name, 0) + 1
    return used


def schema_names(schema: Mapping[str, Any]) -> Iterable[str]:
    """The names of members and the words of enums that a JSON Schema has."""
    stack: list[Any] = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += reversed(value)
        elif isinstance(value, dict):
            members = value.get("properties")
            yield from members if isinstance(members, dict) else ()
            words = [*value["enum"]] if isinstance(value.get("enum"), list) else []
            yield from (word for word in [*words, value.get("const")] if isinstance(word, str) and word)
            stack += reversed([*value.values()])


_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def _used_names(examples: Sequence[Example], names: Mapping[str, None]) -> dict[str, int]:
    """How many trees hold each name, as a member or as a value."""
    used: dict[str, int] = {}
    for example in examples:
        for quoted in sorted(set(_JSON_TEXT.findall(example.target))):
            name = json.loads(quoted, strict=False)
            if name in names:
                used[name] = used.get(name, 0) + 1
    return used


_TOKEN = re.compile(r"-?[\w:]+(?:\.\w+)*")


def symbols_in(text: str, catalog: Catalog) -> Iterable[str]:
    """The catalog's symbols that a text names: procs, those of their flags that stand in it, variables."""
    tokens = [bare(token) for token in _TOKEN.findall(text)]
    words = set(tokens) | {part for token in tokens if "." in token for part in token.split(".")}
    words |= {f"{one} {other}" for one, other in pairwise(tokens)}  # a subcommand has two words
    for proc in catalog.procs:
        if bare(proc.name) in words:
            yield proc.name
            for arg in proc.args:
                if arg.passed != "positional" and f"-{arg.name}" in words:
                    yield f"{proc.name} -{arg.name}"
    for variable in catalog.variables:
        if bare(variable.name) in words:
            yield variable.name


def coverage_data(coverage: Coverage, train: str = "train") -> dict[str, Any]:
    """The coverage as JSON: what each set uses, what none uses, and what is tested but never learned."""
    data: dict[str, Any] = {"why_no_productions": coverage.why_none}
    for what in ("productions", "symbols"):
        known = getattr(coverage, what)
        learned: set[str] = set()
        for one in coverage.sets:
            if one.name == train:
                learned = set(getattr(one, what))
        data[what] = {
            "known": len(known),
            "covered": {one.name: len(getattr(one, what)) for one in coverage.sets},
            "uses": {one.name: dict(getattr(one, what)) for one in coverage.sets},
            "in_no_example": list(coverage.missing(what)),
            "not_learned": {
                one.name: sorted(set(getattr(one, what)) - learned)
                for one in coverage.sets
                if one.name != train
            },
        }
    data["texts"] = {
        one.name: {
            "texts": one.texts,
            "looked_at": one.looked_at,
            "too_long": one.too_long,
            "not_canonical": one.not_canonical,
        }
        for one in coverage.sets
    }
    return data
