"""Rules beyond a schema, read from a TOML file: what must hold between values.

    [[rule]]
    name = "dates_in_order"
    at = "/ranges/*"                      # JSON pointer; * is each member or item, ** any depth
    when = "has(end)"                     # optional
    require = "start <= end"
    message = "the range starts {start}, after its end {end}"
    hint = "swap start and end"
    point = "end"                         # optional: where the fault stands; default: the first path

    [[set]]
    at = "/tags"                          # the order of this array means nothing

Each rule has its own code, `json.rule.<name>`. A rule says nothing where a path leads nowhere.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from idiolect.dialects.json_ast.document import Node, show
from idiolect.dialects.json_ast.evaluation import MISSING, PER_PLACE, Evaluator
from idiolect.dialects.json_ast.expressions import (
    Expression,
    ExpressionError,
    PathTerm,
    paths_of,
    read_expression,
)
from idiolect.dialects.verdict import Fault, Level, Severity

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class RulesError(ValueError):
    """A rules file that can't be used; every problem of it."""


@dataclass(frozen=True, slots=True)
class Where:
    """The places that a pointer with stars names."""

    steps: tuple[str, ...]

    def nodes(self, root: Node) -> Iterator[Node]:
        """The nodes at these places, in no particular order, each once."""
        seen: set[tuple[int, int]] = set()
        stack = [(root, 0)]
        while stack:
            node, at = stack.pop()
            if (id(node), at) in seen:
                continue
            seen.add((id(node), at))
            if at == len(self.steps):
                yield node
                continue
            step = self.steps[at]
            if step == "**":
                stack.append((node, at + 1))
                stack.extend((child, at) for child in node.children())
            elif step == "*":
                stack.extend((child, at + 1) for child in node.children())
            else:
                child = node.child(int(step) if node.items is not None and step.isdecimal() else step)
                if child is not None:
                    stack.append((child, at + 1))


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold at every place where it applies."""

    name: str
    at: Where
    require: Expression
    when: Expression | None = None
    message: str = ""
    hint: str | None = None
    point: PathTerm | None = None
    severity: Severity = Severity.ERROR

    @property
    def code(self) -> str:
        return f"json.rule.{self.name}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a file, and the arrays whose order means nothing."""

    rules: tuple[Rule, ...] = ()
    sets: tuple[Where, ...] = ()

    def faults(self, root: Node) -> Iterator[Fault]:
        """The rules that a document breaks, at each place."""
        evaluator = Evaluator(root)
        for rule in self.rules:
            for node in rule.at.nodes(root):
                evaluator.spend(PER_PLACE)
                if rule.when is not None and evaluator.value(rule.when, node) is not True:
                    continue
                if evaluator.value(rule.require, node) is False:
                    yield _fault(rule, node, evaluator)

    def unordered(self, root: Node) -> frozenset[int]:
        """The ids of the array nodes that are sets."""
        return frozenset(id(node) for where in self.sets for node in where.nodes(root))


def _fault(rule: Rule, here: Node, evaluator: Evaluator) -> Fault:
    paths = [rule.point] if rule.point else paths_of(rule.require)
    pointed = next((found[0] for path in paths if (found := evaluator.nodes(path, here))), here)

    def filled(template: str) -> str:
        return PLACEHOLDER.sub(lambda found: _shown(found[1], here, evaluator), template)

    message = filled(rule.message) if rule.message else f"rule {rule.name} does not hold"
    hint = filled(rule.hint) if rule.hint else None
    return Fault(rule.code, message, pointed.span, hint, Level.VALID, rule.severity)


def _shown(source: str, here: Node, evaluator: Evaluator) -> str:
    value = evaluator.value(read_expression(source), here)
    if value is MISSING:
        return "nothing"
    plain = value if isinstance(value, str | bool | int | list | dict | None) else None
    return show(plain) if plain is not None or value is None else str(float(value))


def load_rules(path: Path) -> Rules:
    """The rules of a TOML file; `RulesError` lists all that is wrong with it."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as fault:
        raise RulesError(f"{path}: {fault.strerror or fault}") from fault
    except UnicodeDecodeError as fault:
        raise RulesError(f"{path}: not UTF-8 at byte {fault.start}") from fault
    return read_rules(text, str(path))


def read_rules(text: str, name: str = "<rules>") -> Rules:
    """The rules of a TOML text."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise RulesError(f"{name}: not TOML: {fault}") from fault
    reader = _TableReader()
    rules = reader.read(table)
    if reader.problems:
        raise RulesError("\n".join(f"{name}: {problem}" for problem in reader.problems))
    return rules


class _TableReader:
    """Turns tables into rules and collects what is wrong with them."""

    KEYS = ("name", "at", "when", "require", "message", "hint", "point", "severity")

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, table: Mapping[str, Any]) -> Rules:
        self.known(table, ("rule", "set"), "the file")
        rules: dict[str, Rule] = {}
        for index, raw in enumerate(self.tables(table, "rule")):
            rule = self.rule(raw, f"rule {index + 1}")
            if rule and rule.name in rules:
                self.problems.append(f"rule {index + 1}: two rules are named {rule.name!r}")
            elif rule:
                rules[rule.name] = rule
        sets = []
        for index, raw in enumerate(self.tables(table, "set")):
            self.known(raw, ("at",), f"set {index + 1}")
            sets.append(self.where(raw.get("at"), f"set {index + 1}"))
        return Rules(tuple(rules.values()), tuple(sets))

    def tables(self, table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        found = table.get(key, [])
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            return found
        self.problems.append(f'"{key}" must be tables; write [[{key}]]')
        return []

    def known(self, table: Mapping[str, Any], keys: tuple[str, ...], place: str) -> None:
        for key in table:
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                hint = f'did you mean "{near[0]}"?' if near else f"write one of {', '.join(keys)}"
                self.problems.append(f'{place}: unknown key "{key}"; {hint}')

    def rule(self, raw: Mapping[str, Any], place: str) -> Rule | None:
        before = len(self.problems)
        self.known(raw, self.KEYS, place)
        for key in self.KEYS:
            if not isinstance(raw.get(key, ""), str):
                self.problems.append(f'{place}: "{key}" must be text, not {raw[key]!r}')
        if len(self.problems) > before:
            return None
        name = raw.get("name", "")
        place = f"{place} ({name})" if name else place
        if not NAME.match(name):
            self.problems.append(f'{place}: "name" must be small letters, digits and _; it ends the code')
        if "require" not in raw:
            self.problems.append(f'{place}: "require" is missing')
        require = self.expression(raw, "require", place)
        for key in ("message", "hint"):
            for found in PLACEHOLDER.finditer(raw.get(key, "")):
                self.expression({key: found[1]}, key, place)
        point = self.expression(raw, "point", place)
        if point is not None and not isinstance(point, PathTerm):
            self.problems.append(f'{place}: "point" must be a path')
        if raw.get("severity", "error") not in list(Severity):
            self.problems.append(f'{place}: "severity" must be error, warning or note')
        where, when = self.where(raw.get("at", ""), place), self.expression(raw, "when", place)
        if len(self.problems) > before:
            return None
        severity = Severity(raw.get("severity", "error"))
        return Rule(name, where, require, when, raw.get("message", ""), raw.get("hint"), point, severity)

    def expression(self, raw: Mapping[str, Any], key: str, place: str) -> Expression | None:
        if key not in raw:
            return None
        try:
            return read_expression(raw[key])
        except ExpressionError as fault:
            caret = " " * fault.span.start + "^" * max(1, fault.span.end - fault.span.start)
            self.problems.append(f'{place}: "{key}": {fault}\n    {raw[key]}\n    {caret}')
            return None

    def where(self, at: Any, place: str) -> Where:
        if not isinstance(at, str) or (at and not at.startswith("/")):
            self.problems.append(f'{place}: "at" must be a JSON pointer such as /filters/*, not {at!r}')
            return Where(())
        return Where(tuple(step.replace("~1", "/").replace("~0", "~") for step in at.split("/")[1:]))
