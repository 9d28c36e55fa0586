"""Makes random scripts over a catalog, in canonical form, each with the request that it answers.

Levels: "micro" is one call or one block, "multi" a handful of steps with a block, "scenario" a whole
flow with settings, a loop, a condition and blocks. A sample is checked by the verifier before it is
returned; it does **not** use deprecated or forbidden symbols.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from idiolect.dialects.catalog import Arg, Catalog, Dsl, Proc, bare
from idiolect.dialects.contract import Context, Sample
from idiolect.dialects.policy import Policy
from idiolect.dialects.tcl.describe import request
from idiolect.dialects.tcl.embed import is_braced
from idiolect.dialects.tcl.forms import sample_statement
from idiolect.dialects.tcl.loops import NAMES, loop_over
from idiolect.dialects.tcl.pick import POOLS, NoValue, pick

if TYPE_CHECKING:
    from idiolect.dialects.tcl.analysis import Analysis
    from idiolect.dialects.tcl.dialect import Tcl

LEVELS = ("micro", "multi", "scenario")
STEP = "    "
COMMENTS = {
    "call": ("# next step", "# layout"),
    "sweep": ("# each of them in turn", "# some variants"),
    "loop": ("# the same for each of them", "# loop"),
    "if": ("# depends on the state", "# only where it applies"),
    "set": ("# settings", "# setup"),
    "dsl": ("# DSL block", "# rules"),
}
TRIES = 40
PREDICATES = ("bool", "boolean")
_SWEPT = "\0"  # stands for the value of a sweep while its call is made


class NoSample(Exception):
    """A catalog from which no script could be made."""


@dataclass(slots=True)
class _Maker:
    """One script in the making."""

    rng: random.Random
    catalog: Catalog
    policy: Policy
    plain: bool = False  # no comments, and flags in the catalog's order: what a request tells, and no more
    pools: Mapping[str, Sequence[str]] = field(default_factory=lambda: POOLS)  # names by type
    used: set[str] = field(default_factory=set)  # productions
    chosen: dict[str, str] = field(default_factory=dict)  # values by type, to come back to

    def procs(self) -> list[Proc]:
        """The symbols that may be called as a statement."""
        return [
            proc
            for proc in self.catalog.procs
            if proc.kind in ("proc", "function") and proc.returns not in PREDICATES and self._allowed(proc)
        ]

    def predicates(self) -> list[Proc]:
        return [proc for proc in self.catalog.procs if proc.returns in PREDICATES and self._allowed(proc)]

    def _allowed(self, proc: Proc) -> bool:
        names = (bare(proc.name), f"::{bare(proc.name)}")
        return not (proc.deprecated or self.policy.forbids(*names) or self.policy.deprecates(*names))

    def value(self, arg: Arg, taken: set[str]) -> str:
        """A value for an argument, not one of those taken; a net named before is often named again."""
        known = self.chosen.get(arg.type)
        if known is not None and known not in taken and self.rng.random() < 0.5:
            taken.add(known)
            return known
        word = pick(self.rng, self.catalog, arg, arg.name, self.pools)
        for _ in range(TRIES):
            if word not in taken:
                break
            word = pick(self.rng, self.catalog, arg, arg.name, self.pools)
        resolved = self.catalog.resolve(arg)
        if not (arg.list or resolved.values) and resolved.type in NAMES and arg.type not in NAMES:
            self.chosen[arg.type] = word
        taken.add(word)
        return word

    def call(self, proc: Proc, given: dict[str, str] | None = None) -> str:
        """A call with all that is needed and some of the rest; `given` words are used as they are."""
        words = [proc.name]
        flags: list[str] = []
        taken: set[str] = set()
        for arg in proc.args:
            if not arg.needed and arg.name not in (given or {}) and self.rng.random() < 0.6:
                if arg.passed == "positional":
                    break  # later positional words would take its place
                continue
            self.used.add(f"arg:{proc.name}.{arg.name}")
            if arg.passed == "switch":
                flags.append(f"-{arg.name}")
                continue
            try:
                word = (given or {}).get(arg.name) or self.value(arg, taken)
            except NoValue:
                if arg.needed:
                    raise
                continue
            if arg.passed == "positional":
                words.append(word)
            else:
                flags.append(f"-{arg.name} {word}")
        if not self.plain and self.rng.random() < 0.2:
            self.rng.shuffle(flags)
        self.used.add(f"call:{proc.name}")
        return " ".join(words + flags)

    def setting(self) -> list[str]:
        variable = self.rng.choice(self.catalog.variables)
        self.used.add(f"set:{variable.name}")
        return [f"set {variable.name} {pick(self.rng, self.catalog, variable, variable.name, self.pools)}"]

    def block(self, dsl: Dsl, least: int = 1, most: int = 2) -> list[str]:
        """An embedded block with some statements."""
        lines = []
        for _ in range(self.rng.randint(least, most)):
            statement = self.rng.choice(dsl.statements)
            taken: set[str] = set()
            line = sample_statement(statement, self.rng, partial(self.value, taken=taken))
            self.used.add(f"dsl:{statement.name}")
            lines.append(STEP + line)
        return [dsl.embedding.open.strip(), *dict.fromkeys(lines), dsl.embedding.close.strip()]

    def loop(self) -> list[str]:
        """A loop over some names, each given to one or two calls."""
        options = [
            (proc, arg, loop)
            for proc in self.procs()
            for arg in proc.args
            if arg.needed and (loop := loop_over(self.catalog, arg)) is not None
        ]
        if not options:
            return self.statement()
        proc, arg, loop = self.rng.choice(options)
        items = list(dict.fromkeys(pick(self.rng, self.catalog, arg, arg.name, self.pools) for _ in range(3)))
        body = [self.call(proc, {arg.name: f"${loop.variable}"})]
        others = [(p, a) for p, a, its in options if its == loop and p is not proc]
        if others and self.rng.random() < 0.5:
            other, its = self.rng.choice(others)
            body.append(self.call(other, {its.name: f"${loop.variable}"}))
        self.used.add("foreach")
        return [f"foreach {loop.variable} {{{' '.join(items)}}} {{", *(STEP + line for line in body), "}"]

    def sweep(self) -> list[str]:
        """One call after the other with some values of an argument that no loop may run over."""
        options = [
            (proc, arg)
            for proc in self.procs()
            for arg in proc.args
            if arg.needed and not arg.list and not arg.variadic and loop_over(self.catalog, arg) is None
        ]
        if not options:
            return self.statement()
        proc, arg = self.rng.choice(options)
        values = [pick(self.rng, self.catalog, arg, arg.name, self.pools) for _ in range(6)]
        values = list(dict.fromkeys(values))[: self.rng.randint(2, 4)]
        first = self.call(proc, {arg.name: _SWEPT})
        self.used.add(f"sweep:{proc.name}.{arg.name}")
        return [first.replace(_SWEPT, value, 1) for value in values]

    def condition(self) -> list[str]:
        """A condition on a predicate, with or without an else."""
        test = self.test()
        if test is None:
            return self.statement()
        lines = [f"if {{{test}}} {{", *(STEP + line for line in self.statement())]
        self.used.add("if")
        if self.rng.random() < 0.6:
            self.used.add("else")
            lines += ["} else {", *(STEP + line for line in self.statement())]
        return [*lines, "}"]

    def test(self) -> str | None:
        """A call of a predicate, or a comparison of a setting; None where the catalog has neither."""
        listed = [item for item in self.catalog.variables if self.catalog.resolve(item).values]
        if listed and (not self.predicates() or self.rng.random() < 0.3):
            variable = self.rng.choice(listed)
            self.used.add(f"compare:{variable.name}")
            operator = self.rng.choice(("eq", "eq", "ne"))
            return f'${variable.name} {operator} "{self.rng.choice(self.catalog.resolve(variable).words)}"'
        if not self.predicates():
            return None
        mark = "!" if self.rng.random() < 0.3 else ""
        return f"{mark}[{self.call(self.rng.choice(self.predicates()))}]"

    def statement(self) -> list[str]:
        return [self.call(self.rng.choice(self.procs()))]


def preamble(policy: Policy) -> list[str]:
    """The lines that a policy demands at the top."""
    required = policy.required
    lines = [required.first_line] if required.first_line else []
    lines += [_filled(line) for line in required.headers if _filled(line) not in lines]
    lines += [f"package require {name}" for name in required.packages]
    return lines + [_filled(line) for line in required.lines]


def _filled(glob: str) -> str:
    return glob.replace("*", "demo").replace("?", "x")


def sample(dialect: Tcl, rng: random.Random, context: Context) -> Sample:
    """A random script that verifies, and what it asks for in words."""
    drawn = draw(dialect, rng, context)
    return Sample(
        drawn.found.text,
        request(drawn.found, rng),
        replace(context, level=drawn.level),
        drawn.level,
        drawn.productions,
        {"procs": tuple(sorted({call.proc.name for call in drawn.found.calls}))},
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A random script, analysed."""

    found: Analysis
    level: str
    productions: tuple[str, ...]


def draw(
    dialect: Tcl,
    rng: random.Random,
    context: Context,
    *,
    plain: bool = False,
    pools: Mapping[str, Sequence[str]] = POOLS,
) -> Drawn:
    """A random script that verifies. A `plain` one has nothing that a request for it would not tell."""
    catalog = context.catalog
    assert catalog is not None
    settings = dialect.settings(context)
    level = context.level or rng.choice(LEVELS)
    policy = settings.policy or Policy()
    dsls = [dsl for dsl in settings.dsls if dsl.statements and is_braced(dsl.embedding)]
    for _ in range(TRIES):
        maker = _Maker(rng, catalog, policy, plain, pools)
        try:
            steps = _steps(maker, level, dsls)
        except NoValue:
            continue
        text = "\n".join([*preamble(policy), *steps]) + "\n"
        found = dialect.analyse(text, context)
        if found.faults:
            continue
        return Drawn(found, level, tuple(sorted(maker.used)))
    raise NoSample(f"no script of level {level} could be made from the catalog {catalog.name or '(no name)'}")


def _steps(maker: _Maker, level: str, dsls: list[Dsl]) -> list[str]:
    """The lines of a script of a level, from what the catalog has."""
    rng = maker.rng
    parts: dict[str, Callable[[], list[str]]] = {}
    if maker.procs():
        parts["call"] = maker.statement
        parts["loop"] = maker.loop
        parts["sweep"] = maker.sweep
        parts["if"] = maker.condition
    if maker.catalog.variables:
        parts["set"] = maker.setting
    if dsls:
        parts["dsl"] = lambda: maker.block(rng.choice(dsls), 1, 3)
    if not parts:
        raise NoSample("the catalog has neither procs nor variables nor DSL statements")
    if level == "micro":
        plan = [
            rng.choice(
                [part for part in ("call", "call", "set", "dsl", "if", "sweep") if part in parts] or ["call"]
            )
        ]
    elif level == "multi":
        plan = ["call", rng.choice(("call", "loop", "if", "sweep")), rng.choice(("dsl", "dsl", "set"))]
        plan += rng.choices(("call", "dsl", "set"), k=rng.randint(0, 2))
        rng.shuffle(plan)
    else:
        plan = ["set"] * rng.randint(1, 2)
        plan += ["call", "call", "loop", "if", "dsl"]
        plan += rng.choices(("call", "call", "loop", "dsl"), k=rng.randint(0, 3))
        plan[2:] = rng.sample(plan[2:], len(plan) - 2)
    lines: list[str] = []
    seen: set[str] = set()
    for part in [part for part in plan if part in parts] or [next(iter(parts))]:
        made = parts[part]()
        key = (
            made[0]
            if part in ("call", "loop", "if", "sweep")
            else part
            if part != "set"
            else made[0].split()[1]
        )
        if part == "dsl" or key not in seen:
            seen.add(key)
            if level == "scenario" and not maker.plain and rng.random() < 0.25:
                lines.append(rng.choice(COMMENTS[part]))
            lines += made
    return lines
