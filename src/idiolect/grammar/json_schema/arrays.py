"""Rules for arrays: their counts, items that must be there, items that must differ."""

from __future__ import annotations

from itertools import product
from typing import Any, Protocol

from idiolect.grammar.form import EMPTY, AnyOrder, Node, Ref, Repeat, Text, choice
from idiolect.grammar.form import Slot as OrderSlot
from idiolect.grammar.json_schema.normalize import Normalizer
from idiolect.grammar.json_schema.shapes import Array, Spec, listed_texts
from idiolect.grammar.rewrite import row

# Places in one array or object whose count matters; a state machine of this size still prints quickly.
MOST_STATES = 5_000
# Values that may each stand once: llguidance keeps a bit for each.
MOST_DISTINCT = 64

COMMA = Text(",")


class _Emits(Protocol):
    """What arrays ask of the emitter."""

    normalizer: Normalizer
    rules: dict[str, Node]

    def value(self, spec: Spec, hint: str) -> Node: ...
    def rule(self, hint: str, body: Node) -> Ref: ...
    def fresh(self, hint: str) -> str: ...


class ArrayRules:
    def __init__(self, emitter: _Emits) -> None:
        self.emitter = emitter

    def array(self, shape: Array, hint: str) -> Node:
        item = f"{hint}_item"
        if shape.unique is not None and (shape.high is None or shape.high > 1):
            node = self._unique(shape, item)
            if node is not None:
                return node
        if shape.contains:
            return self._containing(shape, item)
        return self._plain_array(shape, item)

    def _plain_array(self, shape: Array, hint: str) -> Node:
        size = len(shape.prefix) if shape.high is None else min(len(shape.prefix), shape.high)
        room = None if shape.high is None else shape.high - size
        tail: Node = EMPTY
        if room is None or room > 0:
            more = (
                row(COMMA, self.emitter.value(shape.rest, hint))
                if size
                else self.emitter.value(shape.rest, hint)
            )
            if not size:
                return _separated(more, shape.low, shape.high)
            tail = Repeat(more, max(shape.low - size, 0), room)
        for index in range(size - 1, -1, -1):
            tail = row(COMMA if index else EMPTY, self.emitter.value(shape.prefix[index], hint), tail)
            if index >= shape.low:
                tail = self.emitter.rule(f"{hint}_from{index}", choice(tail, EMPTY))
        return tail

    def _unique(self, shape: Array, hint: str) -> Node | None:
        """Distinct items out of a short list, in any order; None where it became a post-check."""
        found = [listed_texts(one) for one in self.emitter.normalizer.shapes(shape.rest)]
        texts = [text for one in found for text in one or ()]
        assert shape.unique is not None
        if shape.prefix or shape.contains or None in found or len(texts) > MOST_DISTINCT:
            self.emitter.normalizer.cannot(
                shape.unique.path,
                "uniqueItems",
                "items that are not out of a short list can't be told apart",
                "list the items' values by enum, or set maxItems to 1",
            )
            return None
        slots = tuple(OrderSlot(Text(text)) for text in texts)
        if shape.low > len(slots):
            return choice()
        return AnyOrder(slots, COMMA, shape.low, shape.high)

    def _containing(self, shape: Array, hint: str) -> Node:
        """A machine over places and numbers of matches, for contains."""
        top = max(len(shape.prefix), shape.low, 1) if shape.high is None else shape.high
        wants = [wanted for wanted, _ in shape.contains]
        caps = [wanted.least if wanted.most is None else wanted.most for wanted in wants]
        sizes = [range(cap + 1) for cap in (top, *caps)]
        total = 1
        for one in sizes:
            total *= len(one)
        if total > MOST_STATES:
            place = shape.contains[0][1]
            self.emitter.normalizer.cannot(
                place.path, "contains", f"counting needs more than {MOST_STATES} rules", "ask for fewer items"
            )
            return self._plain_array(shape, hint)
        states = list(product(*sizes))
        names = {state: self.emitter.fresh(f"{hint}_{'_'.join(map(str, state))}") for state in states}
        for state in states:
            ways: list[Node] = []
            index, counts = state[0], state[1:]
            enough = all(count >= wanted.least for count, wanted in zip(counts, wants, strict=True))
            if index >= shape.low and enough:
                ways.append(EMPTY)
            if shape.high is None or index < shape.high:
                ways += self._matches(shape, state, top, caps, names, hint)
            self.emitter.rules[names[state]] = choice(*ways)
        return Ref(names[states[0]])

    def _matches(
        self, shape: Array, state: Any, top: int, caps: list[int], names: dict[Any, str], hint: str
    ) -> list[Node]:
        index, counts = state[0], state[1:]
        ways: list[Node] = []
        for hits in product((True, False), repeat=len(caps)):
            spec = shape.item(index)
            following = [min(index + 1, top)]
            for (wanted, _), hit, count, cap in zip(shape.contains, hits, counts, caps, strict=True):
                if hit:
                    spec = spec.meet(wanted.spec)
                elif wanted.most is not None:
                    spec = spec.minus(wanted.spec)
                grown = count + hit
                following.append(grown if wanted.most is not None else min(grown, cap))
            if tuple(following) in names and not self.emitter.normalizer.never(spec):
                comma = COMMA if index else EMPTY
                ways.append(row(comma, self.emitter.value(spec, hint), Ref(names[tuple(following)])))
        return ways


def _separated(item: Node, least: int, most: int | None) -> Node:
    if most == 0:
        return EMPTY
    rest = Repeat(row(COMMA, item), max(least - 1, 0), None if most is None else most - 1)
    whole = item if most == 1 else row(item, rest)
    return whole if least else Repeat(whole, 0, 1)
