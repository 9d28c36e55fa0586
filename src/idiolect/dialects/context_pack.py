"""Context packs: the part of a catalog that a task needs, and how a prompt shows it.

A pack holds signatures, the excerpt of the DSL, variables and some tiny examples, within a budget of tokens.
The same function makes packs for training and for serving, and the catalog that it carries is what decoding
is held to: what is not shown can't be written. Packs of one slice begin alike, so that their prompts share
a prefix. It does **not** find out what a task needs: retrieval and recipes do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from idiolect.dialects.catalog import Arg, Catalog, Dsl, Proc, Statement, ValueType, Variable, bare
from idiolect.dialects.catalog_json import SLOT

Count = Callable[[str], int]

HEADING = "Context:"
STEP = "    "

_KINDS = {"proc": "procs", "class": "classes", "property": "properties"}
_NUMBERS = ("int", "float", "port")


@dataclass(frozen=True, slots=True)
class ContextPack:
    """What a prompt shows of a catalog, and that part of it."""

    text: str
    catalog: Catalog  # what is shown, and no more
    examples: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # names that found no room

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols, statements and variables that the pack shows."""
        return names_in(self.catalog)


class BudgetTooSmall(ValueError):
    """Not even an empty pack has room."""


def rough_tokens(text: str) -> int:
    """About how many tokens a text has, where no tokenizer is at hand: one for each three bytes."""
    return -(-len(text.encode("utf-8")) // 3)


def prompt_format(language: str) -> str:
    """The INFERENCE.format of prompts with a pack: {context} is the pack's text, {input} what is asked.

    The pack comes first, where many prompts share it. A request may end with a line "Constraints: ...".
    """
    return f"{{context}}\n\nGoal: {{input}}\n\nProduce a single {language} file."


def names_in(catalog: Catalog) -> tuple[str, ...]:
    """All names that a slice can be asked for by: symbols, statements of DSLs or else DSLs, variables."""
    statements = [form.name for dsl in catalog.dsl for form in dsl.statements]
    languages = [dsl.name for dsl in catalog.dsl if not dsl.statements]
    variables = [item.name for item in catalog.variables]
    return tuple(dict.fromkeys([*(proc.name for proc in catalog.procs), *statements, *languages, *variables]))


def catalog_slice(catalog: Catalog, names: Sequence[str]) -> Catalog:
    """The part of a catalog with these names, in its order, and what they rest on.

    A name is that of a symbol, a variable, a statement, or a whole DSL. Shared types that are used, the
    blocks of kept statements, packages and constraints come along; names that the catalog lacks do not count.
    """
    wanted = {bare(name) for name in names}
    procs = [proc.name for proc in catalog.procs if bare(proc.name) in wanted]
    variables = [item.name for item in catalog.variables if bare(item.name) in wanted]
    languages = []
    for dsl in catalog.dsl:
        statements = tuple(form for form in dsl.statements if form.name in wanted)
        if dsl.name in wanted:
            languages.append(dsl)
        elif statements:
            languages.append(replace(dsl, statements=statements, examples=()))
    return replace(catalog, dsl=tuple(languages)).slice(procs, variables)


def make_pack(
    catalog: Catalog,
    names: Sequence[str] | None = None,
    *,
    examples: Sequence[str] = (),
    budget: int | None = None,
    count: Count = rough_tokens,
) -> ContextPack:
    """The pack with some names of a catalog, or all, and tiny scripts that use it, within a budget.

    What does not fit goes in this order: examples from the last, remarks, names from the last. So give
    names and examples with the most needed first.
    """
    wanted = tuple(dict.fromkeys(names_in(catalog) if names is None else names))
    whole = catalog if names is None else catalog_slice(catalog, wanted)

    def fits(text: str) -> bool:
        return budget is None or count(text) <= budget

    for kept in range(len(examples), -1, -1):
        text = pack_text(whole, examples[:kept])
        if fits(text):
            return ContextPack(text, whole, tuple(examples[:kept]))
    text = pack_text(whole, remarks=False)
    if fits(text):
        return ContextPack(text, whole)
    return _shortened(catalog, wanted, fits)


def _shortened(catalog: Catalog, names: Sequence[str], fits: Callable[[str], bool]) -> ContextPack:
    """The pack with as many names, from the first, as there is room for."""

    def text_of(kept: int) -> str:
        return pack_text(catalog_slice(catalog, names[:kept]), remarks=False)

    kept = bisect_right(range(len(names) + 1), False, key=lambda number: not fits(text_of(number))) - 1
    if kept < 0:
        raise BudgetTooSmall("the budget has no room for a context pack without any symbol")
    return ContextPack(text_of(kept), catalog_slice(catalog, names[:kept]), left_out=tuple(names[kept:]))


def pack_text(catalog: Catalog, examples: Sequence[str] = (), *, remarks: bool = True) -> str:
    """A catalog as prompts show it: signatures, the DSL's excerpt, variables, examples."""
    lines = [HEADING]
    for kind in dict.fromkeys(proc.kind for proc in catalog.procs):
        lines.append(f"- {_KINDS.get(kind, kind + 's')}:")
        lines += [_proc_line(catalog, proc, remarks) for proc in catalog.of_kind(kind)]
    for dsl in catalog.dsl:
        lines += ["- DSL excerpt:", *_excerpt(catalog, dsl, remarks)]
    if catalog.variables:
        lines.append("- variables:")
        lines += [_variable_line(catalog, item, remarks) for item in catalog.variables]
    if examples:
        lines.append("- examples:")
        lines += [line for example in examples for line in example.rstrip("\n").split("\n")]
    return "\n".join(lines)


def _proc_line(catalog: Catalog, proc: Proc, remarks: bool) -> str:
    said = [_first_line(proc.notes), *_arg_remarks(catalog, proc.args)] if remarks else []
    return f"- {catalog.signature(proc)}{_remark(said)}"


def _excerpt(catalog: Catalog, dsl: Dsl, remarks: bool) -> Iterator[str]:
    """The DSL's block with the forms of its statements, or else what its author says of its grammar."""
    yield dsl.embedding.open.strip()
    if dsl.statements:
        for form in dsl.statements:
            said = [_first_line(form.notes), *_arg_remarks(catalog, form.slots)] if remarks else []
            yield STEP + _form_shown(catalog, form) + _remark(said)
    else:
        summary = dsl.grammar_summary or dsl.grammar or "..."
        yield from (STEP + line for line in summary.strip().splitlines())
    yield dsl.embedding.close.strip()


def _form_shown(catalog: Catalog, form: Statement) -> str:
    """A statement's form with the values of enums and the types of numbers: `spacing: <float>um`."""
    slots = {slot.name: slot for slot in form.slots}
    keywords = {word.strip(':=,"').casefold() for word in SLOT.sub(" ", form.form).split()}

    def shown(name: str) -> str:
        value = catalog.resolve(slots[name])
        if value.values:
            return "{" + "|".join(value.words) + "}"
        if value.type not in _NUMBERS:
            return f"<{name}>"
        unit = value.unit if value.unit and value.unit_written else ""
        return (f"<{value.type}>" if name.casefold() in keywords else f"<{name}:{value.type}>") + unit

    return SLOT.sub(lambda found: shown(found[1]), form.form)


def _arg_remarks(catalog: Catalog, args: Sequence[Arg]) -> Iterator[str]:
    """What a signature can't show of arguments: what they are, and their ranges."""
    for arg in args:
        said = " ".join(filter(None, [_first_line(arg.notes), _range(catalog.resolve(arg))]))
        if said:
            yield f"{arg.name}: {said}"


def _range(value: ValueType) -> str:
    if value.range is None:
        return ""
    low, high = value.range
    if low is None:
        return f"up to {high:g}" if high is not None else ""
    return f"{low:g} to {high:g}" if high is not None else f"from {low:g}"


def _variable_line(catalog: Catalog, item: Variable, remarks: bool) -> str:
    value = catalog.resolve(item)
    options = f"in {{{', '.join(value.words)}}}" if value.values else f"<{value.type}>"
    limits = "" if value.values else _range(value)
    return " ".join(filter(None, [item.name, options, limits])) + (
        _remark([_first_line(item.notes)]) if remarks else ""
    )


def _remark(said: Sequence[str]) -> str:
    joined = "; ".join(filter(None, said))
    return f" # {joined}" if joined else ""


def _first_line(notes: str) -> str:
    return notes.strip().splitlines()[0].rstrip(". ") if notes.strip() else ""
