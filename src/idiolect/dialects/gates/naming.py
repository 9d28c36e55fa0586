"""Which names a Gates text may use from where it has got to: those that it has declared before.

The checker lets a name be declared behind its use; a decoder that writes from left to right does not, so that
it never names what it then fails to declare. It reads declarations only, and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from idiolect.grammar.form import Grammar, Node, Ref, Seq, Terminal, seq

# What a name in use stands for, by the rule and the place in it.
_SIGNAL, _PART, _DRIVEN, _LATCHED = "SIGNAL_USED", "PART_USED", "DRIVEN", "LATCHED"
_MODULE, _PORT, _STAGE, _LABEL = "MODULE_USED", "PORT_USED", "STAGE_USED", "LABEL_USED"
KINDS = frozenset({_SIGNAL, _PART, _DRIVEN, _LATCHED, _MODULE, _PORT, _STAGE, _LABEL})
_FIRST_NAMES = {
    "reference": _SIGNAL, "connection": _PORT, "drive": _DRIVEN, "latch": _LATCHED, "instance": _MODULE,
    "label_name": _LABEL,
}  # fmt: skip

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9][0-9A-Za-z_']*|<=|[^\s]")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PORT_KINDS = frozenset({"INPUT", "OUTPUT", "CLOCK", "RESET"})


def names_apart(lowered: Grammar) -> tuple[Grammar, frozenset[str]]:
    """The grammar with lexemes of their own for names in use, and what those lexemes are called."""
    name = lowered.terminals["NAME"]
    terminals = {**lowered.terminals, **dict.fromkeys(KINDS, name)}
    terminals[_PART] = Terminal(seq(name.node, ".", name.node))
    rules = {rule: _apart(rule, body) for rule, body in lowered.rules.items()}
    return replace(lowered, rules=rules, terminals=terminals, memo={}), KINDS


def _apart(rule: str, body: Node) -> Node:
    items = list(body.items) if isinstance(body, Seq) else [body]
    kind = _FIRST_NAMES.get(rule.split("_way")[0])
    if kind is not None and _is_name(items[0]):
        if len(items) > 2 and items[1] == Ref("DOT"):  # owner.part is one name
            items[:3] = [Ref(_PART)]
        else:
            items[0] = Ref(kind)
    if rule.startswith("stage_way") and Ref("AFTER") in items:
        items[items.index(Ref("AFTER")) + 1] = Ref(_STAGE)
    return items[0] if len(items) == 1 else Seq(tuple(items))


def _is_name(node: Node) -> bool:
    return isinstance(node, Ref) and node.name.startswith("NAME")


@dataclass(slots=True)
class _Module:
    """What one module has declared so far."""

    ports: dict[str, str] = field(default_factory=dict)  # name to kind
    wires: list[str] = field(default_factory=list)
    driven: list[str] = field(default_factory=list)  # wires without a value of their own
    registers: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)  # owner.name, of stages and instances
    stages: list[str] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.ports.items() if kind in kinds]


def names_after(text: str) -> Mapping[str, tuple[str, ...]]:
    """The names of each kind that may stand at the end of a beginning."""
    return _Reader(_TOKEN.findall(text)).names()


class _Reader:
    """Walks over the declarations of a text; what is not whole yet declares nothing."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.modules: dict[str, _Module] = {}
        self.here = _Module()
        self.local: list[str] = []  # wires of the stage that is open
        self.opened = ""  # module of the instance that is open

    def names(self) -> Mapping[str, tuple[str, ...]]:
        while self.at < len(self.tokens):
            if not self._module():
                break
        here = self.here
        signals = [*here.of_kind("INPUT", "OUTPUT", "RESET"), *here.wires, *here.registers, *here.constants]
        ports = self.modules[self.opened].ports if self.opened else {}
        signals += here.of_kind("CLOCK") if self.opened else []  # a clock goes to instances only
        return {
            _SIGNAL: (*signals, *self.local),
            _PART: tuple(here.parts),
            _DRIVEN: (*here.of_kind("OUTPUT"), *here.driven),
            _LATCHED: tuple(here.registers),
            _MODULE: tuple(self.modules),
            _PORT: tuple(ports),
            _STAGE: tuple(here.stages),
            _LABEL: tuple(here.constants),
        }

    def _module(self) -> bool:
        """Read one module; False where it is not at its end yet."""
        self.here = _Module()
        name = self._word(self.at + 1)
        brace = self._find("{", self.at)
        if not name or brace is None:
            return False
        for at in range(self.at, brace):
            if self.tokens[at] in _PORT_KINDS:
                self.here.ports[self.tokens[at + 1]] = self.tokens[at]
        self.at = brace + 1
        while self.at < len(self.tokens):
            if self.tokens[self.at] == "}":
                self.at += 1
                self.modules[name] = self.here
                self.here = _Module()
                return True
            if not self._statement():
                return False
        return False

    def _statement(self) -> bool:
        """Read one statement of a module's body."""
        if self.tokens[self.at] == "STAGE":
            return self._stage()
        first, end = self.at, self._find(";", self.at)
        word, second = self.tokens[first], self._word(first + 1)
        if end is None:
            if second and word in self.modules:
                self.opened = word
            return False
        row = self.tokens[first:end]
        match word:
            case "WIRE":
                self.here.wires.append(second)
                if "=" not in row:
                    self.here.driven.append(second)
            case "REG":
                self.here.registers.append(second)
            case "CONST":
                self.here.constants.append(second)
            case _ if second and word in self.modules:
                outputs = self.modules[word].of_kind("OUTPUT")
                self.here.parts += [f"{second}.{output}" for output in outputs]
        self.at = end + 1
        return True

    def _stage(self) -> bool:
        """Read a stage: its values can be read with its name before them, also by what it latches itself."""
        name, brace = self._word(self.at + 1), self._find("{", self.at)
        if brace is None:
            return False
        self.at = brace + 1
        values: list[str] = []
        self.local = []
        while self.at < len(self.tokens):
            if self.tokens[self.at] == "}":
                self.at += 1
                self.here.stages.append(name)
                self.here.parts += [f"{name}.{value}" for value in values]
                self.local = []
                return True
            end = self._find(";", self.at)
            if self.tokens[self.at] != "WIRE":
                values.append(self.tokens[self.at])
            elif end is not None:
                self.local.append(self._word(self.at + 1))
            if end is None:
                break
            self.at = end + 1
        self.here.parts += [f"{name}.{value}" for value in values]
        return False

    def _find(self, token: str, start: int) -> int | None:
        try:
            return self.tokens.index(token, start)
        except ValueError:
            return None

    def _word(self, at: int) -> str:
        return self.tokens[at] if at < len(self.tokens) and _WORD.match(self.tokens[at]) else ""
