"""The grammar of canonical scripts over a catalog: host and embedded DSL in one flat grammar.

Catalog calls with typed flags in any order, settings of catalog variables, `if`/`else` on predicates
and settings, `foreach` over names, comments and DSL blocks, three blocks deep. What it leaves out on
purpose (free Tcl, free variables) the verifier knows; what it can't say is listed as post-checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from idiolect.dialects.catalog import Arg, Catalog, Dsl, Proc, Statement, bare
from idiolect.dialects.policy import Policy
from idiolect.dialects.tcl.analysis import Settings
from idiolect.dialects.tcl.embed import is_braced
from idiolect.dialects.tcl.forms import pieces_of
from idiolect.dialects.tcl.lexemes import END_OF_FILE, Lexemes, comment_line
from idiolect.dialects.tcl.loops import Loop, loop_over
from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
    Grammar,
    Node,
    PostCheck,
    Ref,
    Slot,
    Terminal,
    choice,
    grammar,
    many,
    not_chars,
    optional,
    parts,
    ref,
    seq,
    some,
    times,
)
from idiolect.grammar.from_catalog import name_tree
from idiolect.grammar.lexemes import part_lexemes
from idiolect.grammar.rewrite import map_nodes
from idiolect.grammar.spacing import loose_variant

STEP = "    "
DEEPEST = 3  # blocks inside blocks
MOST_LOOPS = 12  # loop variables that the grammar knows; each has its own set of calls
MOST_UNORDERED = 60  # flags of one call; engines keep a bit for each
PREDICATES = ("bool", "boolean")


class NothingToConstrain(ValueError):
    """A catalog that has nothing a script could be made of."""


def script_grammar(settings: Settings) -> Grammar:
    """The grammar for what the settings allow."""
    assert settings.catalog is not None
    return _Builder(settings.catalog, settings.policy or Policy(), settings.dsls, settings).build()


class _Builder:
    def __init__(self, catalog: Catalog, policy: Policy, dsls: tuple[Dsl, ...], settings: Settings) -> None:
        self.catalog, self.policy, self.settings = catalog, policy, settings
        self.dsls = [dsl for dsl in dsls if is_braced(dsl.embedding)]
        self.lexemes = Lexemes(catalog)
        self.rules: dict[str, Node] = {}
        self.post_checks: list[PostCheck] = []
        self.inner_terminals: dict[str, Node] = {}
        usable = [proc for proc in catalog.procs if self._allowed(proc)]
        self.procs = [proc for proc in usable if proc.returns not in PREDICATES]
        self.predicates = [proc for proc in usable if proc.returns in PREDICATES]
        loops = [loop_over(catalog, arg) for proc in self.procs for arg in proc.args]
        self.loops = list(dict.fromkeys(loop for loop in loops if loop is not None))[:MOST_LOOPS]

    def _allowed(self, proc: Proc) -> bool:
        names = (bare(proc.name), f"::{bare(proc.name)}")
        return not (
            proc.kind not in ("proc", "function")
            or proc.deprecated
            or self.policy.forbids(*names)
            or self.policy.deprecates(*names)
        )

    def build(self) -> Grammar:
        self._calls()
        self._settings()
        self._blocks()
        for depth in reversed(range(DEEPEST + 1)):
            for loop in (None, *self.loops) if depth else (None,):
                self._line(depth, loop)
        if self.rules["line_0"] == ref("comment"):  # nothing else could be said
            raise NothingToConstrain(
                "the catalog has no procs, variables or DSL statements to write a script of"
            )
        self.rules["start"] = seq(self._preamble(), optional(ref("body_0")))
        self.rules["comment"] = ref("COMMENT")
        terminals = {
            **self.lexemes.terminals,
            **self.inner_terminals,
            "COMMENT": comment_line(),
            "GAP": some(choice(" ", "\n")),
        }
        checks = [*self.post_checks, *self.lexemes.post_checks.values()]
        checks.append(PostCheck("policy.limits", "start", "sizes are counted by the verifier"))
        return self._used("start", terminals, checks, parted=self._parted(terminals))

    def _used(
        self,
        start: str,
        terminals: Mapping[str, Node | Terminal],
        checks: Sequence[PostCheck] = (),
        *,
        parted: bool = False,
    ) -> Grammar:
        """A grammar of what a rule needs, and nothing else."""
        used = _reachable(self.rules, start)
        return grammar(
            start,
            {name: node for name, node in self.rules.items() if name in used},
            {name: node for name, node in terminals.items() if name in used},
            post_checks=checks,
            parted=parted,
        )

    def _parted(self, terminals: Mapping[str, Node | Terminal]) -> bool:
        """Whether no lexeme can run on into the next, which spares engines a long search.

        The host's lexemes end before a blank, a line end or a closing mark that they can't hold. The
        statements of a catalog's DSL are its own: those are searched.
        """
        if any(f"foreign_{number}" in self.rules for number in range(len(self.dsls))):
            return False
        ways = [ref(f"statement_{number}") for number, dsl in enumerate(self.dsls) if dsl.statements]
        if not ways:
            return True
        self.rules["statements_alone"] = many(choice(*ways), "\n")
        alone = self._used("statements_alone", terminals)
        parted = part_lexemes(alone)
        return parted.rules == alone.rules and parted.terminals == alone.terminals

    def _preamble(self) -> Node:
        """The lines that a policy demands."""
        required = self.policy.required
        parts: list[Node] = []
        if required.first_line:
            parts.append(self._globbed(required.first_line))
        headers = [line for line in required.headers if line != required.first_line]
        parts += [self._globbed(line) for line in headers]
        parts += [seq(f"package require {name}\n") for name in required.packages]
        parts += [self._globbed(line) for line in required.lines]
        return seq(*parts)

    def _globbed(self, glob: str) -> Node:
        """A line that a glob matches; what stands for a star is plain text."""
        plain = not_chars('\n\r\\\\{}"', END_OF_FILE)
        marks = {"*": times(plain, 0, 80), "?": plain}
        name = f"HEADER_{len(self.inner_terminals)}"
        self.inner_terminals[name] = seq(*(marks.get(mark, mark) for mark in glob))
        return seq(ref(name), "\n")

    def _calls(self) -> None:
        """Rules for calls: `call` outside of loops, `call_net` where `$net` may stand for a net."""
        ends: dict[str, Node] = {}
        for number, proc in enumerate(self.procs):
            self.rules[f"args_{number}"] = self._arguments(proc, None)
            ends[proc.name] = ref(f"args_{number}")
        if ends:
            self.rules["call"] = name_tree(ends, "name", self.rules)
        for index, loop in enumerate(self.loops):
            inside = {}
            for number, proc in enumerate(self.procs):
                if any(loop_over(self.catalog, arg) == loop for arg in proc.args):
                    self.rules[f"args_{number}_{index}"] = self._arguments(proc, loop)
                    inside[proc.name] = ref(f"args_{number}_{index}")
                else:
                    inside[proc.name] = ref(f"args_{number}")
            self.rules[f"call_{index}"] = name_tree(inside, f"name_{index}", self.rules)
        tests = {}
        for number, proc in enumerate(self.predicates):
            self.rules[f"test_{number}"] = self._arguments(proc, None)
            tests[proc.name] = ref(f"test_{number}")
        if tests:
            self.rules["predicate"] = name_tree(tests, "test_name", self.rules)

    def _arguments(self, proc: Proc, loop: Loop | None) -> Node:
        """What stands behind a name: positional words in order, then flags in any order."""
        positional = [arg for arg in proc.args if arg.passed == "positional"]
        row: Node = seq("")
        for arg in reversed(positional):
            value = self._value(arg, loop, " ")
            if arg.variadic:
                row = many(value)
            else:
                row = seq(value, row) if arg.needed else optional(value, row)
        flags = [Slot(self._flag(arg, loop), arg.needed) for arg in proc.args if arg.passed != "positional"]
        if len(flags) > MOST_UNORDERED:  # then in the catalog's order
            return seq(row, *(slot.node if slot.required else optional(slot.node) for slot in flags))
        return seq(row, AnyOrder(tuple(flags))) if flags else row

    def _flag(self, arg: Arg, loop: Loop | None) -> Node:
        if arg.passed == "switch":
            return seq(f" -{arg.name}")
        return seq(f" -{arg.name}", self._value(arg, loop, " "))

    def _value(self, arg: Arg, loop: Loop | None, before: str) -> Node:
        value = self.lexemes.word(arg, is_list=arg.list, before=before)
        if loop is not None and loop_over(self.catalog, arg) == loop:
            return choice(value, f"{before}${loop.variable}")
        return value

    def _settings(self) -> None:
        """Settings of catalog variables, and comparisons of those that have listed values."""
        sets, tests = {}, {}
        for number, variable in enumerate(self.catalog.variables):
            self.rules[f"value_{number}"] = self.lexemes.word(variable, before=" ")
            sets[variable.name] = ref(f"value_{number}")
            if self.catalog.resolve(variable).values:
                words = [word for word in self.catalog.resolve(variable).words if '"' not in word]
                self.rules[f"equals_{number}"] = seq(choice(" eq ", " ne "), '"', choice(*words), '"')
                tests[variable.name] = ref(f"equals_{number}")
        if sets:
            self.rules["setting"] = seq("set ", name_tree(sets, "variable", self.rules))
        if tests:
            self.rules["comparison"] = seq("$", name_tree(tests, "compared", self.rules))

    def _blocks(self) -> None:
        for number, dsl in enumerate(self.dsls):
            if not dsl.statements:
                self._foreign(number, dsl)
                continue
            ways = []
            for at, statement in enumerate(dsl.statements):
                self.rules[f"statement_{number}_{at}"] = self._statement(statement)
                ways.append(ref(f"statement_{number}_{at}"))
            self.rules[f"statement_{number}"] = choice(*ways, ref("comment"))

    def _statement(self, statement: Statement) -> Node:
        row: list[Node] = []
        group: list[Node] = []
        open_group = 0
        for piece in pieces_of(statement):
            if piece.group != open_group and group:
                row.append(optional(*group))
                group = []
            open_group = piece.group
            node = (
                self.lexemes.slot(piece.slot, piece.before, piece.after) if piece.slot else seq(piece.before)
            )
            spaced = seq(" " if row or group else "", node)
            (group if piece.group else row).append(spaced)
        if group:
            row.append(optional(*group))
        return seq(*row)

    def _foreign(self, number: int, dsl: Dsl) -> None:
        """A block whose language has a grammar of its own: its rules are taken in under a prefix."""
        inner = _inner_grammar(dsl, self.settings)
        if inner is None:
            self.post_checks.append(PostCheck("dsl", dsl.name, "nothing describes its blocks"))
            self.dsls[number] = replace(dsl, statements=())
            return
        prefix = f"dsl{number}_"
        for name, node in inner.rules.items():
            self.rules[prefix + name] = _renamed(node, prefix, inner)
        for name, terminal in inner.terminals.items():
            self.inner_terminals[prefix.upper() + name] = _renamed(terminal.node, prefix, inner)
        self.rules[f"foreign_{number}"] = ref(prefix + inner.start)

    def _line(self, depth: int, loop: Loop | None) -> None:
        """One statement at a depth of blocks, and the body that holds such lines."""
        tag = _tag(depth, loop, self.loops)
        indent = STEP * depth
        call = "call" if loop is None else f"call_{self.loops.index(loop)}"
        ways: list[Node] = [
            ref(name) for name in (call, "setting", "comment") if name in self.rules or name == "comment"
        ]
        for number, dsl in enumerate(self.dsls):
            opened, close = dsl.embedding.open.strip(), dsl.embedding.close.strip()
            if dsl.statements:
                inside = some(indent + STEP, ref(f"statement_{number}"), "\n")
                ways.append(seq(f"{opened}\n", inside, indent, close))
            elif f"foreign_{number}" in self.rules:
                ways.append(seq(opened, ref("GAP"), ref(f"foreign_{number}"), ref("GAP"), close))
        if depth < DEEPEST:
            ways += self._compound(depth, loop)
        self.rules[f"line_{tag}"] = choice(*ways)
        line = seq(indent, ref(f"line_{tag}"), "\n")
        self.rules[f"body_{tag}"] = seq(line, many(optional("\n"), line))

    def _compound(self, depth: int, loop: Loop | None) -> list[Node]:
        indent = STEP * depth
        inner = ref(f"body_{_tag(depth + 1, loop, self.loops)}")
        ways: list[Node] = []
        tests: list[Node] = []
        if "predicate" in self.rules:
            tests.append(seq(optional("!"), "[", ref("predicate"), "]"))
        if "comparison" in self.rules:
            tests.append(ref("comparison"))
        if tests:
            other = optional(" else {\n", inner, indent, "}")
            ways.append(seq("if {", choice(*tests), "} {\n", inner, indent, "}", other))
        if loop is None:
            for each in self.loops:
                body = ref(f"body_{_tag(depth + 1, each, self.loops)}")
                item = self.lexemes.item(self._arg_of(each))
                ways.append(
                    seq(f"foreach {each.variable} {{", item, many(" ", item), "} {\n", body, indent, "}")
                )
        return ways

    def _arg_of(self, loop: Loop) -> Arg:
        return next(arg for proc in self.procs for arg in proc.args if loop_over(self.catalog, arg) == loop)


def _tag(depth: int, loop: Loop | None, loops: list[Loop]) -> str:
    return str(depth) if loop is None else f"{depth}_{loops.index(loop)}"


def _inner_grammar(dsl: Dsl, settings: Settings) -> Grammar | None:
    """The grammar of a block's own language, white space woven in; None where nobody described it."""
    dialect = settings.dialects.get(dsl.name)
    if dialect is not None:
        return loose_variant(dialect.constraint())
    if dsl.grammar is not None:
        from idiolect.grammar.from_lark import lower_lark

        return loose_variant(lower_lark(dsl.grammar))
    return None


def _renamed(node: Node, prefix: str, inner: Grammar) -> Node:
    def change(part: Node) -> Node:
        if not isinstance(part, Ref):
            return part
        return ref((prefix if part.name in inner.rules else prefix.upper()) + part.name)

    return map_nodes(node, change)


def _reachable(rules: dict[str, Node], start: str) -> set[str]:
    """Names of rules and terminals that the start rule needs."""
    seen, stack = {start}, [start]
    while stack:
        for part in parts(rules.get(stack.pop(), EMPTY)):
            if isinstance(part, Ref) and part.name not in seen:
                seen.add(part.name)
                stack.append(part.name)
    return seen
