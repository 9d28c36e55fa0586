"""The kinds of breaks that mutants get: each an edit of a good text, with the fault it should cause.

An edit may turn out harmless; `mutate` judges what comes out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from idiolect.dialects.gates.syntax import (
    KEYWORDS,
    Case,
    Concat,
    Connection,
    Drive,
    Instance,
    Latch,
    Module,
    Name,
    Node,
    Number,
    Port,
    PortKind,
    Program,
    Ref,
    Reg,
    Stage,
    Wire,
    nodes,
)
from idiolect.source import Span

_TOKENS = re.compile(
    r"(?P<space>\s+|//[^\r\n]*|/\*.*?\*/)|(?P<number>\d+'[bdh][0-9A-Fa-f_]+|\d+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<operator>>>>|<<|>>|<=|>=|==|!=|~&|~\||~\^|[*+\-<>&|^~?:=])|(?P<mark>.)",
    re.DOTALL,
)

Found = TypeVar("Found", bound=Node)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    span: Span


@dataclass(slots=True)
class Good:
    """A text that verifies, ready to be edited."""

    text: str
    program: Program
    rng: random.Random
    tokens: list[Token] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = [
            Token(found.lastgroup or "mark", found.group(), Span(*found.span()))
            for found in _TOKENS.finditer(self.text)
            if found.lastgroup != "space"
        ]

    def pick(self, kind: type[Found], *, test: Callable[[Found], bool] = lambda _: True) -> Found | None:
        """A random node of a kind."""
        found = [node for node in nodes(self.program) if isinstance(node, kind) and test(node)]
        return self.rng.choice(found) if found else None

    def token(self, test: Callable[[Token], bool]) -> Token | None:
        """A random token of some sort."""
        found = [token for token in self.tokens if test(token)]
        return self.rng.choice(found) if found else None

    def swap(self, span: Span | None, text: str) -> str | None:
        """The text with something else in place of a span."""
        return None if span is None else self.text[: span.start] + text + self.text[span.end :]

    def statement(self, node: Node) -> Span:
        """A statement from its first word to its semicolon, for nodes whose span is a name or more."""
        before = self.text.rfind("\n", 0, node.span.start) + 1
        starts = [self.text.rfind(mark, before, node.span.start) + 1 for mark in (";", "{", "}")]
        start = max([before, *starts])
        return Span(start, self.text.index(";", node.span.end) + 1)

    def add(self, statement: str, module: Module | None = None) -> str:
        """The text with one more statement at the end of a module's body."""
        number = self.program.modules.index(module or self.program.top)
        after = self.program.modules[number + 1 :]
        limit = self.text.rindex("MODULE", 0, after[0].span.start) if after else len(self.text)
        end = self.text.rindex("}", 0, limit)
        return f"{self.text[:end].rstrip()}\n    {statement}\n{self.text[end:]}"


Edit = Callable[[Good], str | None]


@dataclass(frozen=True, slots=True)
class Break:
    """One kind of break: how it is made, and the beginning of the fault code it should cause."""

    edit: Edit
    code: str


BREAKS: dict[str, Break] = {}


def _break(code: str) -> Callable[[Edit], Edit]:
    def register(edit: Edit) -> Edit:
        BREAKS[edit.__name__] = Break(edit, f"gates.{code}")
        return edit

    return register


# Broken form


@_break("parse.semicolon")
def missing_semicolon(good: Good) -> str | None:
    found = good.token(lambda token: token.text == ";")
    return good.swap(found.span, "") if found else None


@_break("parse")
def missing_bracket(good: Good) -> str | None:
    found = good.token(lambda token: token.text in "()[]{}")
    return good.swap(found.span, "") if found else None


@_break("parse")
def extra_bracket(good: Good) -> str | None:
    found = good.token(lambda token: token.text in "()[]{}")
    return good.swap(found.span, found.text * 2) if found else None


@_break("parse")
def misspelt_keyword(good: Good) -> str | None:
    found = good.token(lambda token: token.text in KEYWORDS)
    return good.swap(found.span, _misspelt(good.rng, found.text)) if found else None


@_break("parse")
def lower_case_keyword(good: Good) -> str | None:
    found = good.token(lambda token: token.text in KEYWORDS)
    return good.swap(found.span, found.text.lower()) if found else None


@_break("parse")
def wrong_operator(good: Good) -> str | None:
    """An operator of another language."""
    foreign = {"&": ["&&", " and ", "AND"], "|": ["||", " or "], "^": ["^^", " xor "], "~": ["!", "not "],
               "==": ["===", "eq"], "!=": ["<>", "=/="], "=": [":=", "==", "=>"], "<=": ["<-", ":=", "<=="],
               "+": ["++"], "<<": ["<<<"], "?": ["??"], "~&": ["!&"], "~|": ["!|"], "~^": ["!^"]}  # fmt: skip
    found = good.token(lambda token: token.text in foreign)
    return good.swap(found.span, good.rng.choice(foreign[found.text])) if found else None


@_break("parse.comment")
def unterminated_comment(good: Good) -> str | None:
    found = good.token(lambda token: token.text in ";{")
    return good.swap(Span(found.span.end, found.span.end), " /* checked") if found else None


@_break("parse")
def malformed_number(good: Good) -> str | None:
    found = good.token(lambda token: token.kind == "number" and "'" in token.text)
    if found is None:
        return None
    width, _, digits = found.text.partition("'")
    bad = (f"{width}'{digits[0]}G{digits[1:]}", f"{width}'o7", f"{width}'{digits[1:]}", f"'{digits}")
    return good.swap(found.span, good.rng.choice(bad))


@_break("parse")
def missing_operand(good: Good) -> str | None:
    found = good.pick(Drive)
    if found is None:
        return None
    value = found.value.span
    return (
        good.swap(value, "") if good.rng.random() < 0.5 else good.swap(Span(value.start, value.start), "& ")
    )


@_break("parse")
def missing_comma(good: Good) -> str | None:
    found = good.token(lambda token: token.text == ",")
    return good.swap(found.span, "") if found else None


@_break("parse")
def missing_port_kind(good: Good) -> str | None:
    found = good.pick(Port)
    return good.swap(Span(found.span.start, found.name.span.start), "") if found else None


@_break("parse.reserved")
def keyword_as_name(good: Good) -> str | None:
    found = good.pick(Port)
    return good.swap(found.name.span, good.rng.choice(KEYWORDS)) if found else None


@_break("parse.default")
def missing_default(good: Good) -> str | None:
    found = good.pick(Case)
    if found is None:
        return None
    start = good.text.rindex("DEFAULT", 0, found.default.span.start)
    return (
        good.swap(Span(good.text.rindex(",", 0, start), found.default.span.end), "") if found.arms else None
    )


@_break("parse")
def missing_register_value(good: Good) -> str | None:
    found = good.pick(Reg)
    return (
        good.swap(Span(good.text.rindex("=", 0, found.reset.span.start), found.reset.span.end), "")
        if found
        else None
    )


@_break("parse")
def cut_off(good: Good) -> str | None:
    """The text ends too early."""
    place = good.rng.choice(good.tokens[3:])
    return good.text[: place.span.start].rstrip()


# Broken names


@_break("name.undeclared")
def undeclared_signal(good: Good) -> str | None:
    found = good.pick(Ref, test=lambda ref: ref.owner is None)
    fresh = good.rng.choice(["TMP", "NET1", "AUX", "W9", "INT_SIG", "NODE"])
    return good.swap(found.name.span, fresh) if found else None


@_break("name.undeclared")
def misspelt_signal(good: Good) -> str | None:
    found = good.pick(Ref, test=lambda ref: ref.owner is None and len(ref.name.text) > 1)
    return good.swap(found.name.span, _misspelt(good.rng, found.name.text)) if found else None


@_break("name.undeclared")
def missing_declaration(good: Good) -> str | None:
    found = good.pick(Wire, test=lambda wire: wire.value is None)
    return good.swap(good.statement(found), "") if found else None


@_break("name.duplicate")
def duplicate_declaration(good: Good) -> str | None:
    found = good.pick(Port) if good.rng.random() < 0.5 else good.pick(Wire)
    return good.add(f"WIRE {found.name};", _module_of(good, found)) if found else None


@_break("module.duplicate")
def module_name_clash(good: Good) -> str | None:
    return f"MODULE {good.program.top.name}(INPUT A, OUTPUT Y) {{ Y = A; }}\n{good.text}"


@_break("stage.unknown")
def wrong_stage_name(good: Good) -> str | None:
    stages = {node.name.text for node in nodes(good.program) if isinstance(node, Stage)}
    uses = [node.owner for node in nodes(good.program) if isinstance(node, Ref) and node.owner]
    uses += [node.after for node in nodes(good.program) if isinstance(node, Stage) and node.after]
    used = [name for name in uses if name.text in stages]
    if not used:
        return None
    found: Name = good.rng.choice(used)
    wrong = good.rng.choice([_misspelt(good.rng, found.text), f"{found}2", "STAGE9", "DECODE_ST"])
    return good.swap(found.span, wrong)


@_break("stage.value")
def wrong_stage_value(good: Good) -> str | None:
    stages = {node.name.text for node in nodes(good.program) if isinstance(node, Stage)}
    found = good.pick(Ref, test=lambda ref: ref.owner is not None and ref.owner.text in stages)
    return good.swap(found.name.span, f"{found.name}X") if found else None


@_break("stage.skew")
def skipped_stage(good: Good) -> str | None:
    """A later stage reads an input that no stage carried to it."""
    late = good.pick(Stage, test=lambda stage: stage.after is not None and bool(stage.items))
    inputs = good.program.top.ports_of(PortKind.INPUT)
    if late is None or not inputs:
        return None
    references = [node for node in nodes(late) if isinstance(node, Ref)]
    return (
        good.swap(good.rng.choice(references).span, good.rng.choice(inputs).name.text) if references else None
    )


# Broken drives


@_break("drive.double")
def double_drive(good: Good) -> str | None:
    found = good.pick(Drive)
    if found is None:
        return None
    arrow = "<=" if found.clocked else "="
    target = good.text[found.target.span.start : found.target.span.end]
    value = good.text[found.value.span.start : found.value.span.end]
    return good.add(f"{target} {arrow} {value};", _module_of(good, found)) if found else None


@_break("drive.missing")
def missing_drive(good: Good) -> str | None:
    found = good.pick(Drive)
    return good.swap(good.statement(found), "") if found else None


@_break("drive.input")
def input_driven(good: Good) -> str | None:
    found = good.pick(Port, test=lambda port: port.kind is PortKind.INPUT)
    return good.add(f"{found.name} = 0;", _module_of(good, found)) if found else None


@_break("drive.kind")
def wrong_arrow(good: Good) -> str | None:
    found = good.pick(Drive)
    if found is None:
        return None
    between = Span(found.target.span.end, found.value.span.start)
    return good.swap(between, " = " if found.clocked else " <= ")


@_break("loop.combinational")
def combinational_loop(good: Good) -> str | None:
    """A drive that reads what it drives."""
    found = good.pick(Drive, test=lambda drive: not drive.clocked and drive.target.select is None)
    if found is None:
        return None
    value = good.text[found.value.span.start : found.value.span.end]
    return good.swap(found.value.span, f"({value}) {good.rng.choice('^&|')} {found.target.name}")


# Broken widths and numbers


@_break("width")
def width_mismatch(good: Good) -> str | None:
    found = good.pick(Port) if good.rng.random() < 0.6 else good.pick(Wire) or good.pick(Latch)
    if found is None or (isinstance(found, Port) and found.kind in (PortKind.CLOCK, PortKind.RESET)):
        return None
    wrong = found.width + good.rng.choice([-1, 1, 2, 3])
    end = found.name.span.end
    width = re.compile(r"\s*\[\d+\]").match(good.text, end)
    return good.swap(Span(end, width.end() if width else end), f"[{wrong}]")


@_break("width.index")
def index_out_of_range(good: Good) -> str | None:
    found = good.pick(Ref, test=lambda ref: ref.select is not None)
    if found is None or found.select is None:
        return None
    high = good.rng.randint(40, 99)
    return good.swap(found.select.span, good.rng.choice([f"[{high}]", f"[{high}:{high - 3}]", "[0:3]"]))


@_break("width.unsized")
def unsized_number(good: Good) -> str | None:
    inside = [part for node in nodes(good.program) if isinstance(node, Concat) for part in node.parts]
    numbers = [part for part in inside if isinstance(part, Number)]
    if not numbers:
        return None
    found = good.rng.choice(numbers)
    return good.swap(found.span, str(found.value))


@_break("number.range")
def number_too_large(good: Good) -> str | None:
    found = good.pick(Number, test=lambda number: number.width is not None)
    if found is None or found.width is None:
        return None
    return good.swap(found.span, f"{found.width}'d{(1 << found.width) + good.rng.randint(0, 9)}")


@_break("clock.missing")
def missing_clock(good: Good) -> str | None:
    found = good.pick(Port, test=lambda port: port.kind is PortKind.CLOCK)
    if found is None:
        return None
    after = re.compile(r"\s*,\s*").match(good.text, found.span.end)
    return good.swap(Span(found.span.start, after.end() if after else found.span.end), "")


@_break("case.duplicate")
def duplicate_label(good: Good) -> str | None:
    found = good.pick(Case, test=lambda case: len(case.arms) > 1)
    if found is None:
        return None
    first, second = good.rng.sample([label for label, _ in found.arms], 2)
    return good.swap(second.span, good.text[first.span.start : first.span.end])


# Broken instances


@_break("instance.unknown")
def unknown_module(good: Good) -> str | None:
    found = good.pick(Instance)
    return good.swap(found.module.span, _misspelt(good.rng, found.module.text)) if found else None


@_break("instance.port")
def wrong_port_name(good: Good) -> str | None:
    found = good.pick(Connection, test=lambda connection: connection.port is not None)
    if found is None or found.port is None:
        return None
    return good.swap(found.port.span, good.rng.choice(["IN9", "PORT1", f"{found.port}X"]))


@_break("instance.count")
def missing_connection(good: Good) -> str | None:
    found = good.pick(Instance, test=lambda i: len(i.connections) > 1 and i.connections[0].port is None)
    if found is None:
        return None
    left, right = found.connections[-2:]
    return good.swap(Span(left.span.end, right.span.end), "")


def _misspelt(rng: random.Random, word: str) -> str:
    """A word with two letters swapped, one doubled or one left out; never the word itself."""
    for _ in range(20):
        place = rng.randrange(len(word))
        wrong = rng.choice([
            word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :],
            word[: place + 1] + word[place:],
            word[:place] + word[place + 1 :],
        ])  # fmt: skip
        if wrong != word and wrong.isidentifier():
            return wrong
    return f"{word}X"


def _module_of(good: Good, node: Node) -> Module:
    """The module in which a node stands."""
    before = [module for module in good.program.modules if module.span.start <= node.span.start]
    return before[-1]
