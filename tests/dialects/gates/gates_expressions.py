"""Random expressions for tests: a text, its width, and what it is worth, computed by plain Python.

The values are worked out here on whole integers, apart from the dialect's gate by gate simulator.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

SIGNALS = {"A": 8, "B": 8, "C": 3, "D": 1, "E": 1, "F": 5}
Values = dict[str, int]


@dataclass(frozen=True)
class Expression:
    text: str
    width: int
    value: Callable[[Values], int]


def ones(width: int) -> int:
    return (1 << width) - 1


def _signal(name: str) -> Expression:
    return Expression(name, SIGNALS[name], lambda v: v[name])


def _number(width: int, value: int) -> Expression:
    value &= ones(width)
    return Expression(f"{width}'d{value}", width, lambda v: value)


def _fit(e: Expression, width: int) -> Expression:
    """The same, cut or filled with zeros to a width."""
    if e.width == width:
        return e
    if e.width < width:
        return Expression(f"{{{width - e.width}'d0, {e.text}}}", width, e.value)
    # Only signals have parts, so a wide expression is cut by a shift: its top bits fall out of a word.
    text = f"(({e.text}) == {e.width}'d0 ? {width}'d0 : {width}'d1)"
    return Expression(text, width, lambda v: int(e.value(v) != 0))


_BITWISE = {
    "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "~&": lambda a, b: ~(a & b), "~|": lambda a, b: ~(a | b), "~^": lambda a, b: ~(a ^ b),
    "+": operator.add, "-": operator.sub,
}  # fmt: skip
_COMPARISONS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_REDUCTIONS = {
    "&": lambda a, w: a == ones(w), "|": lambda a, w: a != 0, "^": lambda a, w: a.bit_count() % 2,
    "~&": lambda a, w: a != ones(w), "~|": lambda a, w: a == 0, "~^": lambda a, w: a.bit_count() % 2 == 0,
}  # fmt: skip


def _joined(sign: str, left: Expression, right: Expression) -> Expression:
    right = _fit(right, left.width)
    function, top = _BITWISE[sign], ones(left.width)
    return Expression(
        f"({left.text}) {sign} ({right.text})",
        left.width,
        lambda v: function(left.value(v), right.value(v)) & top,
    )


def _compared(sign: str, left: Expression, right: Expression) -> Expression:
    right = _fit(right, left.width)
    function = _COMPARISONS[sign]
    return Expression(
        f"({left.text}) {sign} ({right.text})", 1, lambda v: int(function(left.value(v), right.value(v)))
    )


def _product(left: Expression, right: Expression) -> Expression:
    width = left.width + right.width
    if width > 60:
        return left
    return Expression(f"({left.text}) * ({right.text})", width, lambda v: left.value(v) * right.value(v))


def _shifted(sign: str, left: Expression, right: Expression) -> Expression:
    width = left.width

    def value(v: Values) -> int:
        word, by = left.value(v), min(right.value(v), width)
        if sign == "<<":
            return word << by & ones(width)
        fill = ones(width) & ~ones(width - by) if sign == ">>>" and word >> (width - 1) else 0
        return word >> by | fill

    return Expression(f"({left.text}) {sign} ({right.text})", width, value)


def _unary(sign: str, e: Expression) -> Expression:
    return Expression(
        f"{sign}({e.text})", e.width, lambda v: (~e.value(v) if sign == "~" else -e.value(v)) & ones(e.width)
    )


def _reduced(sign: str, e: Expression) -> Expression:
    return Expression(f"({sign}({e.text}))", 1, lambda v: int(_REDUCTIONS[sign](e.value(v), e.width)))


def _choice(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    condition, otherwise = _fit(condition, 1), _fit(otherwise, then.width)
    return Expression(
        f"({condition.text}) ? ({then.text}) : ({otherwise.text})",
        then.width,
        lambda v: then.value(v) if condition.value(v) else otherwise.value(v),
    )


def _concat(parts: list[Expression], times: int) -> Expression:
    width = sum(part.width for part in parts)
    if width * times > 60:
        return parts[0]

    def value(v: Values) -> int:
        word = 0
        for _ in range(times):
            for part in parts:
                word = word << part.width | part.value(v)
        return word

    inner = "{" + ", ".join(part.text for part in parts) + "}"
    return Expression(inner if times == 1 else f"{{{times}{inner}}}", width * times, value)


def _case(
    subject: Expression, labels: list[int], values: list[Expression], default: Expression
) -> Expression:
    labels = list(dict.fromkeys(label & ones(subject.width) for label in labels))[: len(values)]
    fitted = [_fit(value, default.width) for value in values[: len(labels)]]
    arms = "".join(f"{label}: {e.text}, " for label, e in zip(labels, fitted, strict=True))

    def value(v: Values) -> int:
        number = subject.value(v)
        chosen = fitted[labels.index(number)] if number in labels else default
        return chosen.value(v)

    return Expression(f"CASE ({subject.text}) {{ {arms}DEFAULT: {default.text} }}", default.width, value)


def _part(name: str, high: int, low: int) -> Expression:
    high %= SIGNALS[name]
    low = min(low, high)
    width = high - low + 1
    return Expression(f"{name}[{high}:{low}]", width, lambda v: v[name] >> low & ones(width))


def _picked(name: str, index: Expression) -> Expression:
    # A sum, since a plain number that is no bit of the word is a fault.
    text = f"{name}[({index.text}) + {index.width}'d0]"
    return Expression(text, 1, lambda v: v[name] >> min(index.value(v), 300) & 1)


def expressions() -> st.SearchStrategy[Expression]:
    """Expressions of all kinds, nested a few deep."""
    names = st.sampled_from(sorted(SIGNALS))
    leaves = st.one_of(
        names.map(_signal),
        st.builds(_number, st.integers(1, 12), st.integers(0, 4095)),
        st.builds(_part, names, st.integers(0, 7), st.integers(0, 7)),
    )

    def bigger(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        return st.one_of(
            st.builds(_joined, st.sampled_from(sorted(_BITWISE)), inner, inner),
            st.builds(_compared, st.sampled_from(sorted(_COMPARISONS)), inner, inner),
            st.builds(_product, inner, inner),
            st.builds(_shifted, st.sampled_from(["<<", ">>", ">>>"]), inner, inner),
            st.builds(_unary, st.sampled_from("~-"), inner),
            st.builds(_reduced, st.sampled_from(sorted(_REDUCTIONS)), inner),
            st.builds(_choice, inner, inner, inner),
            st.builds(_concat, st.lists(inner, min_size=1, max_size=3), st.integers(1, 3)),
            st.builds(_picked, names, inner),
            st.builds(
                _case, inner, st.lists(st.integers(0, 300), min_size=1, max_size=3, unique=True),
                st.lists(inner, min_size=3, max_size=3), inner,
            ),
        )  # fmt: skip

    return st.recursive(leaves, bigger, max_leaves=8)


def rows() -> st.SearchStrategy[Values]:
    """Values for all signals."""
    return st.fixed_dictionaries({name: st.integers(0, ones(width)) for name, width in SIGNALS.items()})
