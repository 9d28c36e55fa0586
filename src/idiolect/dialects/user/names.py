"""Which names of a catalog a rule or terminal of a user's grammar must come from.

`[catalog] uses = {table = "kind:table"}` says that what the rule `table` covers is the name of a
symbol of the kind "table". Lookup, near names and deprecations are here; no text is parsed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from idiolect.dialects.catalog import Catalog, NameIndex, Proc, SharedType, Variable, spell
from idiolect.dialects.policy import deprecated_fault
from idiolect.dialects.verdict import Fault, Fix, Level
from idiolect.source import Span

WHAT = 'write "procs", "variables", "packages", "kind:<kind>", "args:<kind>" or "type:<name>"'


@dataclass(frozen=True, slots=True)
class NameSet:
    """The names that may stand at one rule."""

    what: str  # "table", for messages
    names: frozenset[str]
    ordered: tuple[str, ...]
    symbols: Mapping[str, Proc] = field(default_factory=dict)
    _index: list[NameIndex] = field(default_factory=list)

    def near(self, name: str) -> str | None:
        """The name most like an unknown one."""
        if not self._index:  # built on the first unknown name only
            self._index.append(NameIndex(self.ordered))
        return next(iter(self._index[0].near(name, 1)), None)


def is_known_use(use: str) -> bool:
    """Whether a value of `uses` has one of the forms that are understood."""
    head, colon, rest = use.partition(":")
    return use in ("procs", "variables", "packages") or (
        head in ("kind", "args", "type") and colon == ":" and bool(rest)
    )


def name_set(catalog: Catalog, use: str) -> NameSet:
    """The names of a catalog that a value of `uses` stands for."""
    head, _, rest = use.partition(":")
    symbols: dict[str, Proc] = {}
    match head:
        case "procs":
            what, symbols = "proc", {proc.name: proc for proc in catalog.procs}
            names: Iterable[str] = symbols
        case "kind":
            what, symbols = rest, {proc.name: proc for proc in catalog.of_kind(rest)}
            names = symbols
        case "args":
            what = f"argument of a {rest}"
            names = (arg.name for proc in catalog.of_kind(rest) for arg in proc.args)
        case "variables":
            what, names = "variable", (item.name for item in catalog.variables)
        case "packages":
            what, names = "package", catalog.packages
        case _:
            what = rest
            names = (spell(value) for kind in catalog.types if kind.name == rest for value in kind.values)
    ordered = tuple(dict.fromkeys(names))
    return NameSet(what, frozenset(ordered), ordered, symbols)


def name_faults(name: str, span: Span, known: NameSet, prefix: str) -> Iterable[Fault]:
    """The faults of one name: unknown, or deprecated in the catalog."""
    if name not in known.names:
        near = known.near(name)
        yield Fault(
            f"{prefix}.name.unknown",
            f'no {known.what} is called "{name[:80]}"',
            span,
            f'did you mean "{near}"?' if near else _some(known.ordered),
            Level.VALID,
            fix=Fix(span, near) if near else None,
        )
        return
    proc = known.symbols.get(name)
    if proc is not None and proc.deprecated:
        why = proc.deprecated if isinstance(proc.deprecated, str) else ""
        yield deprecated_fault(name, span, prefix, replacement=proc.replaced_by or "", why=why)


def catalog_of(found: Mapping[str, Sequence[str]]) -> Catalog:
    """A catalog of names that were found in sources, by what they are used as."""
    procs: list[Proc] = []
    variables: list[Variable] = []
    types: list[SharedType] = []
    packages: list[str] = []
    for use, listed in found.items():
        head, _, rest = use.partition(":")
        names = sorted(set(listed))
        match head:
            case "procs" | "kind":
                procs += [Proc(name=name, kind=rest or "proc") for name in names]
            case "variables":
                variables += [Variable(name=name) for name in names]
            case "packages":
                packages += names
            case "type":
                types.append(SharedType(name=rest, type="enum", values=tuple(names)))
    return Catalog(
        procs=tuple(procs), variables=tuple(variables), types=tuple(types), packages=tuple(packages)
    )


def _some(names: tuple[str, ...]) -> str:
    if not names:
        return "the catalog has none"
    return "known: " + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
