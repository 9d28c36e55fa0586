"""What changed from one catalog to the next: added, removed, probably renamed, arguments changed.

Used to tell which examples a new catalog affects. It compares symbols and variables; it does
**not** compare DSL grammars beyond saying that one changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar

from idiolect.dialects.catalog import Arg, Catalog, NameIndex, Proc, ValueType, Variable, bare, spell


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of a symbol that stands in both catalogs."""

    name: str
    what: str  # "argument added", "values", "required", "deprecated", ...
    detail: str
    breaking: bool  # whether a call that was right may be wrong now


@dataclass(frozen=True, slots=True)
class Rename:
    """A removed symbol and the added one that probably replaces it."""

    old: str
    new: str
    likeness: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class CatalogDiff:
    """All differences, in catalog order."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[Rename, ...] = ()
    changed: tuple[Change, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.added or self.removed or self.renamed or self.changed)

    @property
    def affected(self) -> frozenset[str]:
        """Names of the old catalog whose uses should be checked again."""
        breaking = {change.name for change in self.changed if change.breaking}
        return frozenset({*self.removed, *(rename.old for rename in self.renamed), *breaking})


RENAMED = 0.72  # likeness from which a removed and an added symbol are taken for one
CANDIDATES = 8

Symbol = TypeVar("Symbol", Proc, Variable)


@dataclass(frozen=True, slots=True)
class _Matched(Generic[Symbol]):
    """The symbols of two catalogs, paired by name and then by likeness."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[Rename, ...]
    pairs: tuple[tuple[Symbol, Symbol], ...]


def diff(old: Catalog, new: Catalog) -> CatalogDiff:
    """What changed from the old catalog to the new one."""
    procs = _match(old.procs, new.procs, _proc_likeness)
    variables = _match(old.variables, new.variables, _variable_likeness)
    changed = [change for pair in procs.pairs for change in _proc_changes(old, new, *pair)]
    for before, after in variables.pairs:
        changed += _value_changes(before.name, "", old.resolve(before), new.resolve(after))
    changed += _dsl_changes(old, new)
    return CatalogDiff(
        procs.added + variables.added,
        procs.removed + variables.removed,
        procs.renamed + variables.renamed,
        tuple(changed),
    )


def _match(
    old: Iterable[Symbol], new: Iterable[Symbol], likeness: Callable[[Symbol, Symbol], float]
) -> _Matched[Symbol]:
    before = {bare(item.name): item for item in old}
    after = {bare(item.name): item for item in new}
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    index = NameIndex(added)
    scored = []
    for name in removed:
        candidates = index.near(name, CANDIDATES) if len(added) > CANDIDATES else added
        scored += [(likeness(before[name], after[other]), name, other) for other in candidates]
    renamed: dict[str, Rename] = {}
    for score, name, other in sorted(scored, key=lambda item: (-item[0], item[1], item[2])):
        taken = {rename.new for rename in renamed.values()}
        if score >= RENAMED and name not in renamed and other not in taken:
            renamed[name] = Rename(before[name].name, after[other].name, round(score, 3))
    gone = set(renamed)
    come = {bare(rename.new) for rename in renamed.values()}
    return _Matched(
        tuple(after[name].name for name in added if name not in come),
        tuple(before[name].name for name in removed if name not in gone),
        tuple(renamed[name] for name in removed if name in renamed),
        tuple((before[name], after[name]) for name in before if name in after),
    )


def _likeness(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right).ratio()


def _proc_likeness(left: Proc, right: Proc) -> float:
    """Half by the name, half by the arguments: a renamed proc keeps its arguments."""
    names = _likeness(bare(left.name), bare(right.name))
    mine, theirs = {arg.name for arg in left.args}, {arg.name for arg in right.args}
    if not mine and not theirs:
        return names
    return (names + len(mine & theirs) / len(mine | theirs)) / 2


def _variable_likeness(left: Variable, right: Variable) -> float:
    return (_likeness(bare(left.name), bare(right.name)) + (left.words == right.words)) / 2


def _proc_changes(old: Catalog, new: Catalog, before: Proc, after: Proc) -> Iterator[Change]:
    name = before.name
    mine = {arg.name: arg for arg in before.args}
    theirs = {arg.name: arg for arg in after.args}
    for arg in after.args:
        if arg.name not in mine:
            yield Change(name, "argument added", arg.name, arg.needed)
    for arg in before.args:
        if arg.name not in theirs:
            yield Change(name, "argument removed", arg.name, True)
        else:
            yield from _arg_changes(old, new, name, arg, theirs[arg.name])
    order = [[a.name for a in proc.args if a.passed == "positional"] for proc in (before, after)]
    if order[0] != order[1] and sorted(order[0]) == sorted(order[1]):
        yield Change(name, "argument order", " ".join(order[1]), True)
    if after.deprecated and not before.deprecated:
        yield Change(name, "deprecated", after.replaced_by or "", False)
    if after.returns != before.returns:
        yield Change(name, "returns", f"{before.returns} -> {after.returns}", False)


def _arg_changes(old: Catalog, new: Catalog, name: str, before: Arg, after: Arg) -> Iterator[Change]:
    if before.needed != after.needed:
        yield Change(name, "required", f"{after.name}: {'yes' if after.needed else 'no'}", after.needed)
    if before.passed != after.passed:
        yield Change(name, "passed", f"{after.name}: {before.passed} -> {after.passed}", True)
    if before.default != after.default:
        detail = f"{after.name}: {spell(before.default)} -> {spell(after.default)}"
        yield Change(name, "default", detail, False)
    if before.list != after.list:
        yield Change(name, "list", after.name, True)
    yield from _value_changes(name, f"{after.name}: ", old.resolve(before), new.resolve(after))


def _value_changes(name: str, prefix: str, before: ValueType, after: ValueType) -> Iterator[Change]:
    if before.type != after.type:
        yield Change(name, "type", f"{prefix}{before.type} -> {after.type}", True)
    gone = [word for word in before.words if word not in after.words]
    come = [word for word in after.words if word not in before.words]
    if gone or come:
        detail = " ".join([*(f"-{word}" for word in gone), *(f"+{word}" for word in come)])
        yield Change(name, "values", prefix + detail, bool(gone))
    if before.range != after.range:
        yield Change(name, "range", f"{prefix}{before.range} -> {after.range}", True)
    if (before.unit, before.unit_written) != (after.unit, after.unit_written):
        yield Change(name, "unit", f"{prefix}{before.unit} -> {after.unit}", True)
    if before.pattern != after.pattern:
        yield Change(name, "pattern", f"{prefix}{before.pattern} -> {after.pattern}", True)


def _dsl_changes(old: Catalog, new: Catalog) -> Iterator[Change]:
    before = {dsl.name: dsl for dsl in old.dsl}
    after = {dsl.name: dsl for dsl in new.dsl}
    for name in [*before, *(name for name in after if name not in before)]:
        if before.get(name) != after.get(name):
            kind = "added" if name not in before else "removed" if name not in after else "changed"
            yield Change(name, f"DSL {kind}", name, name in before)
