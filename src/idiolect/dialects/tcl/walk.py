"""Finds every command of a Tcl text: in the script itself, in `[...]`, in bodies, in class definitions.

The result is a flat list of sites, each with the namespace and the procedure it stands in, plus the
faults of the words, expressions and core commands met on the way. A work list replaces recursion, so
that bodies may nest as deep as they like. It does **not** know catalogs or policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from idiolect.dialects.tcl.commands import Spec, check_arguments, core, definitions, find_sub
from idiolect.dialects.tcl.expr import Checked, check_expr
from idiolect.dialects.tcl.values import value_of
from idiolect.dialects.tcl.words import Command, Nested, Part, Script, Splitter, Var, Word
from idiolect.dialects.verdict import Fault, Severity
from idiolect.source import Span

Kind = Literal["script", "oo", "snit"]


@dataclass(frozen=True, slots=True)
class Where:
    """The surroundings of a script."""

    namespace: str = ""  # without the leading "::"
    scope: str = ""  # the procedure, "" at top level
    kind: Kind = "script"
    depth: int = 0  # of bodies
    joined: int = 0  # of commands made of another's arguments: eval eval ...


@dataclass(slots=True)
class Site:
    """One command and where it stands. `name` is None where the command word is substituted."""

    command: Command
    name: str | None
    where: Where
    spec: Spec | None = None  # of the core command, or of its subcommand


@dataclass(slots=True)
class Definition:
    """A procedure or method that the text defines."""

    name: str  # qualified, without the leading "::"
    kind: str
    site: Site
    formals: Word | None
    body: Word | None


@dataclass(slots=True)
class Walk:
    """All that a walk over a text found."""

    text: str
    top: Script
    splitter: Splitter
    sites: list[Site] = field(default_factory=list)
    variables: list[Var] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    scripts: dict[int, Script] = field(default_factory=dict)  # by the start of the body's region
    exprs: dict[int, Checked] = field(default_factory=dict)
    comments: list[Span] = field(default_factory=list)
    packages: list[tuple[str, Span]] = field(default_factory=list)  # that the text requires
    faults: list[Fault] = field(default_factory=list)
    pending: list[tuple[Script, Where]] = field(default_factory=list)
    joined: list[tuple[Command, Where]] = field(default_factory=list)

    def value(self, word: Word) -> str | None:
        """The value of a word, where the text alone tells it."""
        return value_of(word, self.text)

    def body(self, word: Word, where: Where) -> None:
        """Queue a word that is a script."""
        region = word.region
        if region is not None:
            self.script(region, where)

    def script(self, region: tuple[int, int], where: Where) -> None:
        """Queue a region that is a script."""
        script = self.splitter.region(*region)
        self.scripts[region[0]] = script
        self.pending.append((script, where))

    def expr(self, word: Word, where: Where) -> None:
        """Check a word that is an expression."""
        region = word.region
        if region is None:
            return
        checked = check_expr(self.splitter, *region)
        self.exprs[region[0]] = checked
        self.faults.extend(checked.faults)
        self.parts(checked.parts, where)

    def parts(self, parts: Sequence[Part], where: Where) -> None:
        """Note variables and queue command substitutions, also those in array indexes."""
        stack = list(parts)
        while stack:
            part = stack.pop()
            if isinstance(part, Nested):
                self.pending.append((part.script, where if where.kind == "script" else _plain(where)))
            else:
                self.variables.append(part)
                stack.extend(part.parts)


def walk(text: str) -> Walk:
    """Walk over all commands of a text."""
    splitter = Splitter(text)
    end = text.find("\x1a")  # where `source` stops reading
    start = 1 if text.startswith("\ufeff") else 0
    top = splitter.region(start, len(text) if end < 0 else end)
    found = Walk(text, top, splitter)
    found.pending.append((top, Where()))
    while found.pending or found.joined:
        while found.joined:
            visit(found, *found.joined.pop())
        if not found.pending:
            break
        script, where = found.pending.pop()
        found.comments.extend(script.comments)
        for command in script.commands:
            for word in command.words:
                if word.parts:
                    found.parts(word.parts, where)
            visit(found, command, where)
    found.faults.extend(splitter.faults)
    found.faults.extend(_argument_faults(found))
    return found


def visit(found: Walk, command: Command, where: Where) -> None:
    """Note a command, and queue those of its words that are scripts or expressions."""
    from idiolect.dialects.tcl.shapes import SHAPES, fill_roles

    name = found.value(command.words[0])
    site = Site(command, name, where, None if name is None else _spec(found, name, command, where))
    found.sites.append(site)
    if site.spec is not None and not any(word.expand for word in command.words):
        fill_roles(found, site, site.spec)
        if site.spec.shape:
            SHAPES[site.spec.shape](found, site)


def _spec(found: Walk, name: str, command: Command, where: Where) -> Spec | None:
    table = core() if where.kind == "script" else definitions(where.kind)
    spec = _ensemble_member(name, where.namespace) or table.get(name.removeprefix("::"))
    if spec is not None and spec.sub and len(command.words) > 1:
        spec = find_sub(spec, command.words[1], found.text)[0] or spec
    return spec


def _ensemble_member(name: str, namespace: str) -> Spec | None:
    """In the namespace of a core ensemble its subcommands are commands: ::tcl::dict::set is `dict set`."""
    if not namespace.startswith("tcl::"):
        return None
    ensemble = core().get(namespace[5:])
    member = ensemble.sub.get(name) if ensemble else None
    return replace(member, names=1) if member else None


def _argument_faults(found: Walk) -> list[Fault]:
    """Wrong counts, options and subcommands of core commands that the text does not redefine."""
    faults: list[Fault] = []
    defined = {definition.name for definition in found.definitions}
    extended = any(name.lower() not in ("tcl", "tk") for name, _ in found.packages)
    for site in found.sites:
        spec, name = site.spec, site.name
        if spec is None or name is None or shadowed(name, site.where.namespace, defined):
            continue
        words = site.command.words
        if spec.sub and len(words) > 1:
            fault = find_sub(spec, words[1], found.text)[1]
            if fault is not None:
                # A package may have added the subcommand.
                faults.append(replace(fault, severity=Severity.WARNING) if extended else fault)
        elif not spec.free:
            faults.extend(check_arguments(spec, words, found.text))
    return faults


def shadowed(name: str, namespace: str, defined: set[str]) -> bool:
    """Whether a name means something of the text's own, seen from a namespace."""
    if name.startswith("::"):
        return name[2:] in defined
    return name in defined or f"{namespace}::{name}" in defined


def _plain(where: Where) -> Where:
    return Where(where.namespace, where.scope, "script", where.depth)


def qualified(name: str, namespace: str) -> str:
    """A name as seen from the global namespace, without the leading `::`."""
    if name.startswith("::") or not namespace:
        return name.removeprefix("::")
    return f"{namespace}::{name}"
