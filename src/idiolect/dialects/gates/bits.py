"""Builds and evaluates networks of one-bit gates: and, or, xor.

A word is a list of node numbers, lowest bit first. Evaluation is bit-parallel: each node holds one
Python integer whose bit k belongs to lane k, so one pass runs as many vectors as there are lanes.
It knows no language; `netlist` builds with it.
"""

from __future__ import annotations

from collections.abc import Sequence

Word = list[int]

MAX_GATES = 150_000  # about half a second to build

AND, OR, XOR = 0, 1, 2
ZERO, ONE = 0, 1  # the nodes that never change


class TooLarge(Exception):
    """A circuit needs more gates, instances or steps than the simulator allows itself."""


class Network:
    """Gates in an order in which each stands after what it reads. Equal gates are made once."""

    def __init__(self) -> None:
        self.size = 2
        self.gates: list[tuple[int, int, int, int]] = []  # (kind, left, right, result)
        self._made: dict[tuple[int, int, int], int] = {}

    def leaf(self) -> int:
        """A new node whose value comes from outside: an input or a register."""
        self.size += 1
        return self.size - 1

    def leaves(self, width: int) -> Word:
        return [self.leaf() for _ in range(width)]

    def evaluate(self, values: list[int]) -> None:
        """Fill in every gate's lanes; constants and leaves are there already."""
        for kind, left, right, result in self.gates:
            if kind == 0:
                values[result] = values[left] & values[right]
            elif kind == 2:
                values[result] = values[left] ^ values[right]
            else:
                values[result] = values[left] | values[right]

    def conj(self, a: int, b: int) -> int:
        if a > b:
            a, b = b, a
        if a in (ZERO, b):
            return a
        return b if a == ONE else self._gate(AND, a, b)

    def disj(self, a: int, b: int) -> int:
        if a > b:
            a, b = b, a
        if a in (ONE, b):
            return a
        return b if a == ZERO else self._gate(OR, a, b)

    def exclusive(self, a: int, b: int) -> int:
        if a > b:
            a, b = b, a
        if a == b:
            return ZERO
        if a == ZERO:
            return b
        if a == ONE and b == ZERO:
            return ONE
        return self._gate(XOR, a, b)

    def invert(self, a: int) -> int:
        return 1 - a if a < 2 else self.exclusive(ONE, a)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        if then == otherwise or condition == ONE:
            return then
        if condition == ZERO:
            return otherwise
        return self.disj(self.conj(condition, then), self.conj(self.invert(condition), otherwise))

    def _gate(self, kind: int, a: int, b: int) -> int:
        key = (kind, a, b)
        known = self._made.get(key)
        if known is not None:
            return known
        if len(self.gates) >= MAX_GATES:
            raise TooLarge(f"the circuit needs more than {MAX_GATES} gates")
        result = self.leaf()
        self.gates.append((kind, a, b, result))
        self._made[key] = result
        return result

    # Words

    def constant(self, value: int, width: int) -> Word:
        return [(value >> place) & 1 for place in range(width)]

    def inverted(self, word: Sequence[int]) -> Word:
        return [self.invert(bit) for bit in word]

    def chosen(self, condition: int, then: Word, otherwise: Word) -> Word:
        return [self.choose(condition, a, b) for a, b in zip(then, otherwise, strict=True)]

    def added(self, left: Word, right: Word, carry: int = ZERO) -> Word:
        """The sum without its carry out."""
        total = []
        for a, b in zip(left, right, strict=True):
            half = self.exclusive(a, b)
            total.append(self.exclusive(half, carry))
            carry = self.disj(self.conj(a, b), self.conj(half, carry))
        return total

    def subtracted(self, left: Word, right: Word) -> Word:
        return self.added(left, self.inverted(right), ONE)

    def multiplied(self, left: Word, right: Word) -> Word:
        """The product with the bits of both factors."""
        width = len(left) + len(right)
        total: Word = [ZERO] * width
        for place, bit in enumerate(right):
            row = [self.conj(bit, other) for other in left]
            total[place:] = self.added(total[place:], row + [ZERO] * (width - place - len(row)))
        return total

    def equal(self, left: Word, right: Word) -> int:
        same = ONE
        for a, b in zip(left, right, strict=True):
            same = self.conj(same, self.invert(self.exclusive(a, b)))
        return same

    def less(self, left: Word, right: Word) -> int:
        """Whether one unsigned word is below another: decided by the highest bit that differs."""
        below = ZERO
        for a, b in zip(left, right, strict=True):
            below = self.choose(self.exclusive(a, b), b, below)
        return below

    def shifted(self, word: Word, amount: Word, *, left: bool, fill: int = ZERO) -> Word:
        """A word shifted by a variable amount, one power of two after the other."""
        width = len(word)
        for place, bit in enumerate(amount):
            step = min(1 << place, width) if place < 9 else width
            moved = [fill] * step + word[: width - step] if left else word[step:] + [fill] * step
            word = self.chosen(bit, moved, word)
        return word

    def picked(self, word: Word, index: Word) -> int:
        """One bit of a word by a variable index; 0 where there is no such bit."""
        for bit in index:
            if len(word) == 1:
                word = [self.conj(word[0], self.invert(bit))]
            else:
                even = [*word, ZERO] if len(word) % 2 else word
                word = [self.choose(bit, even[k + 1], even[k]) for k in range(0, len(even), 2)]
        return word[0]

    def reduced(self, operator: str, word: Word) -> int:
        join = {"&": self.conj, "|": self.disj, "^": self.exclusive}[operator]
        result = word[0]
        for bit in word[1:]:
            result = join(result, bit)
        return result
