"""Work out the expressions of rules over a JSON tree, exactly and in bounded time.

Numbers are exact fractions, so that 0.1 + 0.2 == 0.3 holds. Texts that are both dates are compared
as dates. A comparison between unlike types, or with a missing value, gives `MISSING`: the rule says
nothing there, which is not the same as being broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from operator import ge, gt, le, lt
from typing import Any

from idiolect.dialects.json_ast.document import Node
from idiolect.dialects.json_ast.equality import image_of_value
from idiolect.dialects.json_ast.expressions import Expression, PathTerm, paths_of


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
# What the rules of one verdict may cost, in units of about a microsecond.
BUDGET = 500_000
PER_PLACE = 10
PER_STEP = 3
LONGEST_GLOB = 200
ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?\Z", re.DOTALL)


class OverBudget(Exception):
    """The rules ask for more work on this text than a verdict may take."""


class Evaluator:
    """Evaluates expressions over one document; its work over all of them is limited."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.budget = BUDGET
        self._known: dict[int, tuple[Expression, Any]] = {}  # results that do not depend on the place
        self._pictured: dict[int, tuple[Any, str]] = {}  # images of arrays and objects
        self._sets: dict[int, tuple[Any, frozenset[str]]] = {}  # images of such results

    def spend(self, work: int) -> None:
        self.budget -= work
        if self.budget < 0:
            raise OverBudget("the rules take too long on this text")

    def nodes(self, path: PathTerm, here: Node) -> list[Node]:
        """The nodes that a path leads to."""
        found = [self.root if path.from_root else here]
        for step in path.steps:
            if step == "*":
                found = [child for node in found for child in node.children()]
            else:
                found = [child for node in found if (child := node.child(step)) is not None]
            self.spend(len(found) + 1)
        return found

    def value(self, expression: Expression, here: Node) -> Any:
        """The value of an expression at a place, or `MISSING`."""
        if id(expression) in self._known:
            return self._known[id(expression)][1]
        self.spend(PER_STEP)
        made = self._value(expression, here)
        if all(path.from_root for path in paths_of(expression)):
            self._known[id(expression)] = (expression, made)  # held, so that its id stays its own
        return made

    def _value(self, expression: Expression, here: Node) -> Any:
        if isinstance(expression, PathTerm):
            found = self.nodes(expression, here)
            if "*" in expression.steps:
                return [_exact(node.value) for node in found]
            return _exact(found[0].value) if found else MISSING
        operator, *operands = expression
        if operator == "value":
            return _exact(operands[0])
        if operator == "has":
            return bool(isinstance(operands[0], PathTerm) and self.nodes(operands[0], here))
        values = [self.value(part, here) for part in operands]
        if operator in ("and", "or"):
            return _logic(operator, values)
        if any(value is MISSING for value in values):
            return MISSING
        return self._apply(operator, values)

    def _apply(self, operator: str, values: list[Any]) -> Any:
        if operator == "list":
            return values
        if operator == "not":
            return not values[0] if isinstance(values[0], bool) else MISSING
        if operator in ("==", "!="):
            return self._equal(*values) is (operator == "==")
        if operator in ("in", "all_in"):
            return self._within(values[0] if operator == "all_in" else [values[0]], values[1])
        if operator == "unique":
            return len(self._images(values[0])) == len(values[0]) if isinstance(values[0], list) else MISSING
        if isinstance(values[0], list):
            self.spend(len(values[0]))
        return _OPERATIONS[operator](*values)

    def _equal(self, left: Any, right: Any) -> bool:
        pair = _pair(left, right)
        return pair[0] == pair[1] if pair else self._image(left) == self._image(right)

    def _within(self, values: Any, allowed: Any) -> Any:
        if not isinstance(values, list) or not isinstance(allowed, list | dict):
            return MISSING
        images = self._images(allowed)
        return all(self._image(value) in images for value in values)

    def _images(self, values: Any) -> frozenset[str]:
        held = self._sets.get(id(values))
        if held is None or held[0] is not values:
            held = self._sets[id(values)] = (values, frozenset(self._image(value) for value in values))
        return held[1]

    def _image(self, value: Any) -> str:
        held = self._pictured.get(id(value))
        if held is not None and held[0] is value:
            return held[1]
        made = image_of_value(_plain(value))
        self.spend(len(made))
        if isinstance(value, list | dict):
            self._pictured[id(value)] = (value, made)
        return made


def _exact(value: Any) -> Any:
    """Floats as the fractions that their digits write; all else as it is."""
    return Fraction(repr(value)) if isinstance(value, float) else value


def _logic(operator: str, values: Sequence[Any]) -> Any:
    decisive = operator == "or"
    if any(value is decisive for value in values):
        return decisive
    return MISSING if any(not isinstance(value, bool) for value in values) else not decisive


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)


def as_date(value: Any) -> Any:
    """A text as a point in time (a bare date is its midnight, no zone is UTC), or `MISSING`."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) > 40 or not ISO_DATE.match(value):
        return MISSING
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return MISSING
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pair(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Two values that have an order, made comparable."""
    if _is_number(left) and _is_number(right):
        return left, right
    first, second = as_date(left), as_date(right)
    if first is not MISSING and second is not MISSING:
        return first, second
    return (left, right) if isinstance(left, str) and isinstance(right, str) else None


def _order(operator: str) -> Callable[[Any, Any], Any]:
    def compare(left: Any, right: Any) -> Any:
        pair = _pair(left, right)
        return ORDERS[operator](*pair) if pair else MISSING

    return compare


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _arithmetic(operator: str) -> Callable[[Any, Any], Any]:
    def compute(left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            return MISSING
        if operator == "+":
            return left + right
        if operator == "-":
            return left - right
        if operator == "*":
            return left * right
        if right == 0:
            return MISSING
        return Fraction(left) / right if operator == "/" else left % right

    return compute


def _sum(values: Any) -> Any:
    return sum(values) if isinstance(values, list) and all(_is_number(value) for value in values) else MISSING


def _extreme(pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def compute(values: Any) -> Any:
        if not isinstance(values, list) or not values:
            return MISSING
        alike = all(_is_number(value) for value in values) or all(isinstance(value, str) for value in values)
        return pick(values) if alike else MISSING

    return compute


def _sorted(values: Any) -> Any:
    if not isinstance(values, list):
        return MISSING
    pairs = [_pair(left, right) for left, right in pairwise(values)]
    return MISSING if None in pairs else all(pair is not None and pair[0] <= pair[1] for pair in pairs)


def _count(values: Any) -> Any:
    return len(values) if isinstance(values, list | dict) else MISSING


def _days(first: Any, second: Any) -> Any:
    start, end = as_date(first), as_date(second)
    if start is MISSING or end is MISSING:
        return MISSING
    gap = end - start
    return Fraction(gap.days) + Fraction(gap.seconds, 86_400)


def _matches(value: Any, pattern: Any) -> Any:
    """Glob matching without backtracking over more than the last star: linear times the pattern."""
    if not (isinstance(value, str) and isinstance(pattern, str)) or len(pattern) > LONGEST_GLOB:
        return MISSING
    at = mark = 0
    star = -1
    position = 0
    while position < len(value):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", value[position]):
            at += 1
            position += 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")


_OPERATIONS: dict[str, Callable[..., Any]] = {
    **{operator: _order(operator) for operator in ORDERS},
    **{operator: _arithmetic(operator) for operator in "+-*/%"},
    "count": _count,
    "sum": _sum,
    "min": _extreme(min),
    "max": _extreme(max),
    "length": lambda text: len(text) if isinstance(text, str) else MISSING,
    "sorted": _sorted,
    "keys": lambda value: list(value) if isinstance(value, dict) else MISSING,
    "abs": lambda value: abs(value) if _is_number(value) else MISSING,
    "lower": lambda text: text.lower() if isinstance(text, str) else MISSING,
    "date": as_date,
    "days": _days,
    "matches": _matches,
}
