"""Measures expressions: every word's width, and where widths don't meet.

A width is a number, `FLEX` for plain numbers that take the width of what they meet, or None where
a fault was already reported and nothing more can be said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field

from idiolect.dialects.gates.lookup import Lookup
from idiolect.dialects.gates.printer import render_expr
from idiolect.dialects.gates.scope import Kind, Report, Scope, Signal
from idiolect.dialects.gates.syntax import (
    LEVEL_OF,
    MAX_WIDTH,
    Bit,
    Case,
    Chain,
    Choice,
    Concat,
    Expr,
    Name,
    Number,
    Reduction,
    Ref,
    Slice,
    Stage,
    Unary,
    children,
)
from idiolect.source import Span

FLEX = -1
Width = int | None

_TIMES, _SHIFT, _COMPARE = LEVEL_OF["*"], LEVEL_OF["<<"], (LEVEL_OF["<"], LEVEL_OF["=="])


@dataclass(slots=True)
class Ruler:
    """Measures the expressions of one module, in the module's body or inside one of its stages."""

    scope: Scope
    report: Report
    stage: InitVar[Stage | None] = None
    lookup: Lookup = field(init=False)

    def __post_init__(self, stage: Stage | None) -> None:
        self.lookup = Lookup(self.scope, self.report, stage)

    def fit(self, expression: Expr, width: int | None, what: str) -> None:
        """Measure an expression that should have a width; `what` says whose width that is."""
        found = self.measure(expression)
        if found is None or width is None:
            return
        if found == FLEX:
            self._settle(expression, width)
        elif found != width:
            self._mismatch(expression, f"{what} has {_bits(width)}, its value {_bits(found)}", found, width)

    def measure(self, expression: Expr) -> Width:
        """The width of an expression, after reporting every fault inside it."""
        match expression:
            case Number():
                return self._number(expression)
            case Ref():
                return self._reference(expression)
            case Unary():
                return self.measure(expression.operand)
            case Reduction():
                self._known(expression.operand, "a reduction")
                return 1
            case Chain():
                return self._chain(expression)
            case Choice():
                self._condition(expression.condition)
                return self._same((expression.then, expression.otherwise), "the arms of ?:")
            case Case():
                return self._case(expression)
            case Concat():
                return self._concat(expression)

    def target_width(self, reference: Ref) -> tuple[Signal, int, int] | None:
        """The signal and bits (high, low) that a drive's left side names."""
        found = self.scope.signals.get(reference.name.text)
        if found is None:
            self.lookup.undeclared(reference.name)
            return None
        match reference.select:
            case None:
                return found, found.width - 1, 0
            case Slice(high=high, low=low):
                good = self._slice_in(reference.select, found.width, found.name)
                return (found, high, low) if good else None
            case Bit(index=Number(value=value) as index):
                self.measure(index)
                return (found, value, value) if self._bit_in(index, value, found) else None
            case Bit():
                message = "the bit that a drive writes must be a plain number"
                self.report.add("drive.index", message, reference.select.span, f"write {found.name}[0]")
                return None

    def _number(self, number: Number) -> Width:
        if number.width is None:
            return FLEX
        if not 1 <= number.width <= MAX_WIDTH:
            message = f"a number has 1 to {MAX_WIDTH} bits, not {number.width}"
            self.report.add("width.range", message, number.span, "write its width before the quote: 8'd5")
            return None
        self._in_range(number, number.width)
        return number.width

    def _in_range(self, number: Number, width: int) -> None:
        if number.value >> width:
            message = f"{number.value} does not fit in {_bits(width)}"
            needed = number.value.bit_length()
            self.report.add(
                "number.range", message, number.span, f"it needs {_bits(needed)}; at most {_top(width)}"
            )

    def _settle(self, expression: Expr, width: int) -> None:
        """Give plain numbers the width that they meet."""
        waiting = [expression]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Number):
                self.scope.literals[id(node)] = width
                self._in_range(node, width)
            elif isinstance(node, Chain) and LEVEL_OF[node.rest[0][0]] == _SHIFT:
                waiting.append(node.first)  # amounts were settled when they were measured
            elif isinstance(node, Choice):
                waiting += [node.then, node.otherwise]
            elif isinstance(node, Case):
                waiting += [*(value for _, value in node.arms), node.default]
            else:
                waiting.extend(children(node))

    def _known(self, expression: Expr, where: str) -> Width:
        """The width of an expression that nothing else gives one."""
        found = self.measure(expression)
        if found != FLEX:
            return found
        message = f"in {where} nothing says how wide {render_expr(expression)[:40]} is"
        number = expression if isinstance(expression, Number) else None
        bits = max(1, number.value.bit_length()) if number else 8
        hint = (
            f"write its width: {bits}'d{number.value}"
            if number
            else "give a number in it a width, as in 8'd5"
        )
        self.report.add("width.unsized", message, expression.span, hint)
        return None

    def _condition(self, condition: Expr) -> None:
        found = self.measure(condition)
        if found == FLEX:
            self._settle(condition, 1)
        elif found not in (1, None):
            message = f"a condition has 1 bit, this one {found}"
            shown = render_expr(condition)[:40]
            self.report.add("width.condition", message, condition.span, f"compare it: {shown} != 0")

    def _same(self, parts: Iterable[Expr], what: str) -> Width:
        """The one width of parts that must agree."""
        measured = [(part, self.measure(part)) for part in parts]
        known = [(part, width) for part, width in measured if width is not None and width != FLEX]
        if not known:
            return FLEX if all(width == FLEX for _, width in measured) else None
        first, width = known[0]
        for part, found in measured:
            if found == FLEX:
                self._settle(part, width)
            elif found is not None and found != width:
                sides = f"{_short(first)} has {_bits(width)}, {_short(part)} has {_bits(found)}"
                message = f"{what} want one width: {sides}"
                self._mismatch(part, message, found, width)
        return width

    def _chain(self, chain: Chain) -> Width:
        level = LEVEL_OF[chain.rest[0][0]]
        operands = (chain.first, *(operand for _, operand in chain.rest))
        if level == _TIMES:
            return self._total([self._known(operand, "a product") for operand in operands], chain.span)
        if level == _SHIFT:
            for operand in operands[1:]:
                self._amount(operand, "a shift")
            return self.measure(chain.first)
        if level not in _COMPARE:
            return self._same(operands, f'the operands of "{chain.rest[0][0]}"')
        return self._comparison(chain)

    def _comparison(self, chain: Chain) -> Width:
        left: Expr = chain.first
        for place, (operator, operand) in enumerate(chain.rest):
            if place == 0:
                if self._same((left, operand), f'the sides of "{operator}"') == FLEX:
                    self._known(operand, "a comparison of plain numbers")
            else:  # A < B < C compares the 1-bit result of A < B
                self.fit(operand, 1, f'the result left of "{operator}"')
        return 1

    def _case(self, case: Case) -> Width:
        subject = self._known(case.subject, "the subject of a CASE")
        seen: set[int] = set()
        for label, _ in case.arms:
            value = self._label(label, subject)
            if value is not None and value in seen:
                message = f"the label {value} stands twice in this CASE"
                self.report.add("case.duplicate", message, label.span, "take one of the arms away")
            elif value is not None:
                seen.add(value)
        return self._same((*(value for _, value in case.arms), case.default), "the arms of a CASE")

    def _label(self, label: Name | Number, subject: Width) -> int | None:
        if isinstance(label, Number):
            self.fit(label, subject, "the subject of the CASE")
            return label.value
        found = self.scope.signals.get(label.text)
        if found is None:
            self.lookup.undeclared(label)
            return None
        found.read = True
        if found.kind is not Kind.CONST:
            message = f"the label {label} is a {found.kind}, not a constant"
            self.report.add("case.label", message, label.span, "declare it with CONST, or write a number")
            return None
        if subject is not None and found.width != subject:
            message = f"the subject of the CASE has {_bits(subject)}, the label {label} {_bits(found.width)}"
            self._mismatch(label, message, found.width, subject)
        return found.number

    def _concat(self, concat: Concat) -> Width:
        widths = [self._known(part, "braces") for part in concat.parts]
        if concat.times is None:
            return self._total(widths, concat.span)
        if not 1 <= concat.times <= MAX_WIDTH:
            message = f"{concat.times} copies"
            self.report.add("width.range", message, concat.span, f"write 1 to {MAX_WIDTH} copies")
            return None
        return self._total(widths * concat.times, concat.span)

    def _total(self, widths: list[Width], span: Span) -> Width:
        total = sum(width for width in widths if width is not None)
        if total > MAX_WIDTH:
            self.report.add(
                "width.range", f"the word has {total} bits", span, f"a word has 1 to {MAX_WIDTH} bits"
            )
            return None
        return None if None in widths else total

    def _reference(self, reference: Ref) -> Width:
        found = self.lookup.signal(reference)
        if found is not None:
            found.read = True
        if found is not None and found.kind is Kind.CLOCK:
            message = f"the clock {found.name} can't be read"
            self.report.add(
                "clock.use", message, reference.span, "registers step on it by themselves: Q <= ...;"
            )
            found = None
        if found is not None:
            self.lookup.check_moment(reference, found)
        match reference.select:
            case None:
                return found.width if found else None
            case Slice(high=high, low=low):
                good = found is not None and self._slice_in(reference.select, found.width, found.name)
                return high - low + 1 if good else None
            case Bit(index=index):
                self._amount(index, "an index")
                if isinstance(index, Number) and found is not None:
                    self._bit_in(index, index.value, found)
                return 1 if found else None

    def _amount(self, amount: Expr, where: str) -> None:
        """A shift's amount or an index: a plain number there is as wide as it needs."""
        if isinstance(amount, Number) and amount.width is None:
            self._settle(amount, max(1, amount.value.bit_length()))
        else:
            self._known(amount, where)

    def _slice_in(self, select: Slice, width: int, name: str) -> bool:
        if width > select.high >= select.low:
            return True
        if select.high < select.low:
            message = f"the slice [{select.high}:{select.low}] runs from low to high"
            hint = f"write [{select.low}:{select.high}]"
        else:
            message = f"{name} has no bit {select.high}: it has {_bits(width)}"
            hint = f"its bits are {width - 1} to 0"
        self.report.add("width.index", message, select.span, hint)
        return False

    def _bit_in(self, index: Expr, value: int, found: Signal) -> bool:
        if value < found.width:
            return True
        message = f"{found.name} has no bit {value}: it has {_bits(found.width)}"
        self.report.add("width.index", message, index.span, f"its bits are {found.width - 1} to 0")
        return False

    def _mismatch(self, part: Expr | Name, message: str, found: int, wanted: int) -> None:
        if isinstance(part, Number) and not part.value >> wanted:
            hint = f"write {wanted}'d{part.value}"
        elif found < wanted:
            hint = f"widen it with zeros: {{{wanted - found}'d0, {_short(part, '...')}}}"
        elif isinstance(part, Ref) and part.select is None:
            hint = f"take a part: {_short(part, '')}[{wanted - 1}:0]"
        else:
            hint = f"name it, WIRE T[{found}] = ...;, and take T[{wanted - 1}:0]"
        self.report.add("width.mismatch", message, part.span, hint)


def _bits(width: int) -> str:
    return "1 bit" if width == 1 else f"{width} bits"


def _top(width: int) -> str:
    return str((1 << width) - 1) if width <= 16 else f"2^{width} - 1"


def _short(part: Expr | Name, otherwise: str = "one side") -> str:
    """A short expression as it is written; another word for a long one."""
    if isinstance(part, Name):
        return part.text
    text = render_expr(part) if part.depth < 4 else ""
    return text if 0 < len(text) <= 30 else otherwise
