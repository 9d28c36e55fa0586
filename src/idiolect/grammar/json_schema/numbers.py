"""Sets of numbers, and the regular node of their canonical texts: ranges exact to the last digit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from idiolect.grammar.automaton import TooLarge, compile_node
from idiolect.grammar.form import (
    NOTHING,
    Both,
    Chars,
    Minus,
    Node,
    Repeat,
    Seq,
    Text,
    chars,
    choice,
    seq,
    text,
)
from idiolect.grammar.json_schema.values import MOST_DIGITS, write_number

_DIGIT = chars("0-9")
_NONZERO = chars("1-9")
# Fraction digits in their one form: as many as needed, the last not a zero.
_FRACTION = seq(Repeat(_DIGIT, 0, MOST_DIGITS - 1), _NONZERO)
# Values listed one by one where a step has no regular form; residues of a decimal step.
MOST_LISTED = 2_000


class NoRegularForm(Exception):
    """A set of numbers that can't be written as a regular expression of sensible size."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """An interval, perhaps only its integers or multiples, perhaps without other sets; or a finite set."""

    values: frozenset[Fraction] | None = None
    integer: bool = False
    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    steps: frozenset[Fraction] = frozenset()
    without: tuple[Numbers, ...] = ()

    def holds(self, number: Fraction) -> bool:
        if self.values is not None:
            return number in self.values
        return (
            (not self.integer or number.denominator == 1)
            and (self.low is None or number > self.low or (number == self.low and not self.low_open))
            and (self.high is None or number < self.high or (number == self.high and not self.high_open))
            and all((number / step).denominator == 1 for step in self.steps)
            and not any(other.holds(number) for other in self.without)
        )

    def meet(self, other: Numbers) -> Numbers:
        """Numbers that are in both."""
        for one, two in ((self, other), (other, self)):
            if one.values is not None:
                return Numbers(values=frozenset(number for number in one.values if two.holds(number)))
        low, low_open = _tighter(self.low, self.low_open, other.low, other.low_open, sign=1)
        high, high_open = _tighter(self.high, self.high_open, other.high, other.high_open, sign=-1)
        return Numbers(
            None,
            self.integer or other.integer,
            low,
            high,
            low_open,
            high_open,
            self.steps | other.steps,
            (*self.without, *(one for one in other.without if one not in self.without)),
        )

    def minus(self, other: Numbers) -> Numbers:
        """Numbers that are not in the other set."""
        if self.values is not None:
            return Numbers(values=frozenset(number for number in self.values if not other.holds(number)))
        if other.covers(self):
            return Numbers(values=frozenset())
        return replace(self, without=(*self.without, other))

    def covers(self, other: Numbers) -> bool:
        """Whether this set surely holds all of the other one."""
        if other.values is not None:
            return all(self.holds(number) for number in other.values)
        if self.values is not None or self.without or (self.integer and not other.integer):
            return False
        if not self.steps <= other.steps:
            return False
        low = self.low is None or (
            other.low is not None
            and (other.low > self.low or (other.low == self.low and (other.low_open or not self.low_open)))
        )
        high = self.high is None or (
            other.high is not None
            and (
                other.high < self.high
                or (other.high == self.high and (other.high_open or not self.high_open))
            )
        )
        return low and high

    @property
    def empty(self) -> bool:
        """Whether the set is surely empty."""
        if self.values is not None:
            return not self.values
        if self.without:
            return self._all_removed()
        if self.low is None or self.high is None:
            return False
        if self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)):
            return True
        if self.integer:
            low, high = self.integers()
            return low is not None and high is not None and low > high
        return False

    def _all_removed(self) -> bool:
        try:
            return compile_node(self.node()).empty
        except (NoRegularForm, TooLarge):
            return False

    def integers(self) -> tuple[int | None, int | None]:
        """The least and the greatest integer of the interval."""
        low = None if self.low is None else math.floor(self.low) + 1 if self.low_open else math.ceil(self.low)
        high = (
            None
            if self.high is None
            else math.ceil(self.high) - 1
            if self.high_open
            else math.floor(self.high)
        )
        return low, high

    def node(self) -> Node:
        """The canonical texts of the set; NoRegularForm where there is no expression of sensible size."""
        if self.values is not None:
            return choice(*(text(write_number(number)) for number in sorted(self.values)))
        listed = self._listed()
        if listed is not None:
            return listed.node()
        found = self._interval()
        for step in sorted(self.steps):
            found = Both(found, multiples(step))
        return Minus(found, choice(*(one.node() for one in self.without))) if self.without else found

    def _listed(self) -> Numbers | None:
        """The set one by one, where a step leaves few enough."""
        if not self.steps or self.low is None or self.high is None:
            return None
        step = max(self.steps)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        if last - first >= MOST_LISTED or all(_decimal(one) for one in self.steps):
            return None
        return Numbers(values=frozenset(n * step for n in range(first, last + 1) if self.holds(n * step)))

    def _interval(self) -> Node:
        low, high = self.integers()
        ways = [integers(low, high)]
        if not self.integer:
            ways.append(fractions(self.low, self.high))
            for edge, is_open in ((self.low, self.low_open), (self.high, self.high_open)):
                if edge is not None and is_open and edge.denominator != 1:
                    ways[1] = Minus(ways[1], text(write_number(edge)))
        return choice(*(way for way in ways if way != NOTHING))


def _tighter(
    one: Fraction | None, one_open: bool, two: Fraction | None, two_open: bool, *, sign: int
) -> tuple[Fraction | None, bool]:
    """The bound that leaves less: the greater lower one (sign 1), the smaller upper one (sign -1)."""
    if one is None or two is None:
        return (two, two_open) if one is None else (one, one_open)
    if one == two:
        return one, one_open or two_open
    return (one, one_open) if (one - two) * sign > 0 else (two, two_open)


def integers(low: int | None, high: int | None) -> Node:
    """Integers from low to high in their one decimal form; None is no bound."""
    top = 10**MOST_DIGITS - 1
    low, high = -top if low is None else low, top if high is None else high
    ways: list[Node] = []
    if low < 0:
        negative = naturals(max(1, -high), -low)
        if negative != NOTHING:
            ways.append(seq("-", negative))
    if high >= 0:
        ways.append(naturals(max(0, low), high))
    return choice(*(way for way in ways if way != NOTHING))


def naturals(low: int, high: int) -> Node:
    """Natural numbers from low to high without leading zeros."""
    ways: list[Node] = []
    if low > high:
        return NOTHING
    if low == 0:
        ways.append(Text("0"))
        low = 1
    first, last = len(str(low)), len(str(high))
    if first <= last and low <= high:
        if first == last:
            ways.append(_digits(str(low), str(high)))
        else:
            ways.append(_digits(str(low), "9" * first))
            if last - first > 1:
                ways.append(seq(_NONZERO, Repeat(_DIGIT, first, last - 2)))
            ways.append(_digits("1" + "0" * (last - 1), str(high)))
    return choice(*ways)


def _digits(low: str, high: str) -> Node:
    """Digit strings of one length between two others."""
    if low == high:
        return Text(low)
    size = len(low)
    if low == "0" * size and high == "9" * size:
        return Repeat(_DIGIT, size, size) if size > 1 else _DIGIT
    if low[0] == high[0]:
        return seq(low[0], _digits(low[1:], high[1:]))
    ways: list[Node] = []
    inner_low, inner_high = int(low[0]), int(high[0])
    if low[1:] != "0" * (size - 1):
        ways.append(seq(low[0], _digits(low[1:], "9" * (size - 1))))
        inner_low += 1
    last = None
    if high[1:] != "9" * (size - 1):
        last = seq(high[0], _digits("0" * (size - 1), high[1:]))
        inner_high -= 1
    if inner_low <= inner_high:
        one = Chars(((48 + inner_low, 48 + inner_high),))
        ways.append(seq(one, Repeat(_DIGIT, size - 1, size - 1)) if size > 1 else one)
    if last is not None:
        ways.append(last)
    return choice(*ways)


def fractions(low: Fraction | None, high: Fraction | None) -> Node:
    """Numbers that are no integers, between two bounds or on them."""
    ways: list[Node] = []
    if low is None or low < 0:
        ways.append(
            seq("-", _positive(max(Fraction(0), -high) if high is not None else Fraction(0), _negated(low)))
        )
    if high is None or high > 0:
        ways.append(_positive(max(Fraction(0), low) if low is not None else Fraction(0), high))
    return choice(*(way for way in ways if not _impossible(way)))


def _negated(number: Fraction | None) -> Fraction | None:
    return None if number is None else -number


def _impossible(node: Node) -> bool:
    return node == NOTHING or (isinstance(node, Seq) and NOTHING in node.items)


def _positive(low: Fraction, high: Fraction | None) -> Node:
    """Positive non-integers between two bounds or on them."""
    whole_low, low_digits = _split(low)
    if high is None:
        rest = seq(naturals(whole_low + 1, 10**MOST_DIGITS - 1), ".", _FRACTION)
        return choice(seq(str(whole_low), ".", _at_least(low_digits)), rest)
    if high <= low and high.denominator == 1:
        return NOTHING
    whole_high, high_digits = _split(high)
    if whole_low > whole_high or low > high:
        return NOTHING
    if whole_low == whole_high:
        return (
            seq(str(whole_low), ".", Both(_at_least(low_digits), _at_most(high_digits)))
            if high_digits
            else NOTHING
        )
    ways = [seq(str(whole_low), ".", _at_least(low_digits))]
    between = naturals(whole_low + 1, whole_high - 1)
    if between != NOTHING:
        ways.append(seq(between, ".", _FRACTION))
    if high_digits:
        ways.append(seq(str(whole_high), ".", _at_most(high_digits)))
    return choice(*ways)


def _split(number: Fraction) -> tuple[int, str]:
    whole, _, digits = write_number(number).partition(".")
    return int(whole), digits


def _at_least(digits: str) -> Node:
    """Fraction digits that say as much as the given ones, or more."""
    if not digits:
        return _FRACTION
    ways: list[Node] = [Text(digits), seq(digits, _FRACTION)]
    for index, one in enumerate(digits):
        if one < "9":
            larger = Chars(((ord(one) + 1, ord("9")),))
            ways.append(seq(digits[:index], larger, Repeat(_FRACTION, 0, 1)))
    return choice(*ways)


def _at_most(digits: str) -> Node:
    """Fraction digits that say as much as the given ones, or less."""
    ways: list[Node] = [Text(digits)]
    for index, one in enumerate(digits):
        if index and digits[index - 1] != "0":
            ways.append(Text(digits[:index]))
        if one > "0":
            ways.append(seq(digits[:index], Chars(((ord("0"), ord(one) - 1),)), _FRACTION))
        if one > "1":
            ways.append(seq(digits[:index], Chars(((ord("1"), ord(one) - 1),))))
    return choice(*ways)


def _decimal(step: Fraction) -> bool:
    """Whether multiples of a step can be told by their last digits."""
    scaled: int = abs((step * 10**MOST_DIGITS).numerator)
    for prime in (2, 5):
        while scaled % prime == 0:
            scaled //= prime
    return scaled == 1


def multiples(step: Fraction) -> Node:
    """The canonical texts of a step's multiples."""
    if step == 1:
        return integers(None, None)
    if not _decimal(step):
        raise NoRegularForm("multiples of it can't be told by their last digits")
    places = 0
    while (step * 10**places).denominator != 1:
        places += 1
    scaled = (step * 10**places).numerator
    width = places
    while 10**width % scaled:
        width += 1
    if width > MOST_DIGITS // 2:
        raise NoRegularForm("it has too many digits")
    if 10**width // scaled > MOST_LISTED:
        raise NoRegularForm(f"its multiples have more than {MOST_LISTED} different endings")
    by_fraction: dict[str, list[str]] = {}
    for residue in range(0, 10**width, scaled):
        digits = str(residue).zfill(width) if width else ""
        fraction = digits[width - places :].rstrip("0")
        by_fraction.setdefault(fraction, []).append(digits[: width - places])
    ways: list[Node] = []
    for fraction, endings in by_fraction.items():
        tail = f".{fraction}" if fraction else ""
        ways += [seq(_ending_in(ending, signed=False), tail) for ending in endings]
        ways += [seq("-", _ending_in(ending, signed=not fraction), tail) for ending in endings]
    return choice(*ways)


def _ending_in(ending: str, *, signed: bool) -> Node:
    """Natural numbers whose last digits are given; not zero where a sign stands before."""
    if not ending:
        return naturals(1 if signed else 0, 10**MOST_DIGITS - 1)
    longer = seq(_NONZERO, Repeat(_DIGIT, 0, MOST_DIGITS - len(ending) - 1), ending)
    short = str(int(ending))
    if signed and short == "0":
        return longer
    return choice(longer, short)
