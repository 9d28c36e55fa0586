"""Rewrites of a grammar for printers that lack something: any-order items, left recursion, differences.

Every rewrite keeps the language. What would grow too large is refused with the rule's name.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import replace

from idiolect.grammar.automaton import Dfa, compile_node
from idiolect.grammar.checks import productive, reachable
from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
    Both,
    Chars,
    Choice,
    Grammar,
    GrammarError,
    Minus,
    Node,
    Problem,
    Ref,
    Repeat,
    Seq,
    Terminal,
    choice,
    parts,
    seq,
)

# Items whose orders are all written out: 2**6 rules for one set of flags. More keep the written order.
MOST_UNORDERED = 6


def map_nodes(node: Node, change: Callable[[Node], Node]) -> Node:
    """A node rebuilt from the leaves up, each node put through `change`; literals are not joined."""
    match node:
        case Seq(items):
            node = row(*(map_nodes(item, change) for item in items))
        case Choice(items):
            node = Choice(tuple(map_nodes(item, change) for item in items))
        case Repeat(item):
            node = replace(node, item=map_nodes(item, change))
        case Minus(left, right):
            node = Minus(map_nodes(left, change), map_nodes(right, change))
        case Both(left, right):
            node = Both(map_nodes(left, change), map_nodes(right, change))
        case AnyOrder(slots, separator):
            slots = tuple(replace(slot, node=map_nodes(slot.node, change)) for slot in slots)
            node = replace(node, slots=slots, separator=map_nodes(separator, change))
        case _:
            pass
    return change(node)


def row(*items: Node) -> Node:
    """Items one after the other with neighbouring literals kept apart: where they end matters to a lexer."""
    flat = [
        part for item in items for part in (item.items if isinstance(item, Seq) else (item,)) if part != EMPTY
    ]
    if not flat:
        return EMPTY
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def fresh(wanted: str, taken: Container[str]) -> str:
    """A name near the wanted one that nobody has."""
    number = 2
    name = wanted
    while name in taken:
        name = f"{wanted}_{number}"
        number += 1
    return name


def with_rules(
    original: Grammar, rules: dict[str, Node], terminals: dict[str, Terminal] | None = None
) -> Grammar:
    """The grammar with other rules, what can't be reached any more left out."""
    kept = dict(original.terminals) if terminals is None else terminals
    needed = reachable(rules, [original.start])
    for name in original.ignore:
        needed.add(name)
    needed = reachable({name: one.node for name, one in kept.items()}, list(needed))
    return replace(
        original,
        rules={name: body for name, body in rules.items() if name in needed},
        terminals={name: one for name, one in kept.items() if name in needed},
        memo={},
    )


def expand_any_order(original: Grammar, most: int = MOST_UNORDERED) -> Grammar:
    """Any-order items as rules, one for each set of items still free; past `most` the written order holds."""
    if not any(isinstance(part, AnyOrder) for body in original.rules.values() for part in parts(body)):
        return original
    expander = _AnyOrderExpander(original, most)
    return with_rules(original, expander.expand())


class _AnyOrderExpander:
    def __init__(self, original: Grammar, most: int) -> None:
        self.original = original
        self.most = most
        self.rules: dict[str, Node] = {}
        self.names: dict[tuple[AnyOrder, int], str] = {}
        self.taken = {*original.rules, *original.terminals}

    def expand(self) -> dict[str, Node]:
        for name, body in self.original.rules.items():
            self.rules[name] = map_nodes(body, lambda node, name=name: self._change(node, name))  # type: ignore[misc]
        return self.rules

    def _change(self, node: Node, rule: str) -> Node:
        if not isinstance(node, AnyOrder):
            return node
        if len(node.slots) > self.most:
            return self._in_order(node, rule)
        return self._state(node, 0, rule)

    def _state(self, node: AnyOrder, written: int, rule: str) -> Node:
        """The node for "these items are there already"."""
        everything = (1 << len(node.slots)) - 1
        if written == everything or not node.may_grow(written):
            return EMPTY
        key = (node, written)
        if key not in self.names:
            name = self._name(f"{rule}_has{written:x}")
            self.names[key] = name
            ways: list[Node] = [EMPTY] if node.may_end(written) else []
            before = node.separator if written else EMPTY
            for number, slot in enumerate(node.slots):
                after = written | 1 << number
                if after != written and self._can_end(node, after):
                    ways.append(row(before, slot.node, self._state(node, after, rule)))
            self.rules[name] = choice(*ways)
        return Ref(self.names[key])

    def _can_end(self, node: AnyOrder, written: int) -> bool:
        """Whether what is required still fits under `most`."""
        missing = sum(slot.required and not written >> n & 1 for n, slot in enumerate(node.slots))
        return node.most is None or written.bit_count() + missing <= node.most

    def _in_order(self, node: AnyOrder, rule: str) -> Node:
        """The items in their written order, from the back: one rule for each number written so far."""
        size = len(node.slots)
        counted = _counted(node)
        top = (size if node.most is None else min(node.most, size)) if counted else 1
        below: list[Node | None] = [
            EMPTY if not counted or count >= node.least else None for count in range(top + 1)
        ]
        for number in range(size - 1, -1, -1):
            below = [self._place(node, number, count, top, below, rule) for count in range(top + 1)]
        if below[0] is None:
            message = f'"{rule}" asks for more items than it has'
            raise GrammarError([Problem("bad_count", rule, message)])
        return below[0]

    def _place(
        self, node: AnyOrder, number: int, count: int, top: int, below: list[Node | None], rule: str
    ) -> Node | None:
        slot = node.slots[number]
        ways: list[Node] = []
        after = below[min(count + 1, top)] if count < top or not _counted(node) else None
        if after is not None:
            ways.append(row(node.separator if count else EMPTY, slot.node, after))
        skipped = below[count]
        if not slot.required and skipped is not None:
            ways.append(skipped)
        return self._named(f"{rule}_from{number}_{count}", choice(*ways)) if ways else None

    def _name(self, wanted: str) -> str:
        name = fresh(wanted, self.taken)
        self.taken.add(name)
        return name

    def _named(self, wanted: str, body: Node) -> Node:
        name = self._name(wanted)
        self.rules[name] = body
        return Ref(name)


def _counted(node: AnyOrder) -> bool:
    """Whether the number of items says more than which are required."""
    return node.most is not None or node.least > sum(slot.required for slot in node.slots)


def spell_terminals(original: Grammar, names: Iterable[str] | None = None) -> Grammar:
    """Terminals as rules over single characters; all of them, or the ones named.

    Differences and intersections become one rule a state of their automaton.
    """
    chosen = set(original.terminals if names is None else names)
    stack = list(chosen)
    while stack:  # what a spelled terminal uses is spelled as well
        for part in parts(original.terminals[stack.pop()].node):
            if isinstance(part, Ref) and part.name not in chosen:
                chosen.add(part.name)
                stack.append(part.name)
    rules = dict(original.rules)
    taken = {*original.rules, *original.terminals}
    for name in sorted(chosen):
        node = original.terminals[name].node
        if any(isinstance(part, Minus | Both) for part in parts(node)):
            rules.update(automaton_rules(compile_node(node, original.terminals), name, taken))
        else:
            rules[name] = node
    # A terminal that stays regular may still use a spelled one by name: it keeps its own copy inlined.
    kept = {
        name: replace(one, node=_inlined(one.node, chosen, original))
        for name, one in original.terminals.items()
        if name not in chosen
    }
    return with_rules(replace(original, shown={**original.shown, **_hidden(rules, original)}), rules, kept)


def _hidden(rules: dict[str, Node], original: Grammar) -> dict[str, str]:
    return {name: "" for name in rules if name not in original.rules}


def _inlined(node: Node, names: set[str], original: Grammar) -> Node:
    def change(one: Node) -> Node:
        if isinstance(one, Ref) and one.name in names:
            return _inlined(original.terminals[one.name].node, names, original)
        return one

    return map_nodes(node, change)


def automaton_rules(dfa: Dfa, name: str, taken: set[str]) -> dict[str, Node]:
    """Right-linear rules of an automaton, the first under the name given."""
    names = [name]
    for number in range(1, len(dfa.edges)):
        names.append(fresh(f"{name}_{number}", taken))
        taken.add(names[-1])
    rules: dict[str, Node] = {}
    for state, row in enumerate(dfa.edges):
        ways: list[Node] = [seq(Chars(ranges), Ref(names[to])) for ranges, to in row]
        if dfa.accepts[state]:
            ways.append(EMPTY)
        rules[names[state]] = choice(*ways)
    return rules


def without_dead(rules: dict[str, Node], known: set[str]) -> dict[str, Node]:
    """Rules without those, and without the alternatives, that never end."""
    ending = productive(rules, known)
    if len(ending) == len(rules) + len(known) and not any(map(_holds_nothing, rules.values())):
        return rules
    return {name: _without(body, ending) for name, body in rules.items() if name in ending}


def _holds_nothing(body: Node) -> bool:
    return any(isinstance(part, Choice) and not part.items for part in parts(body))


def prune(
    rules: dict[str, Node], terminals: dict[str, Terminal], start: str
) -> tuple[dict[str, Node], dict[str, Terminal]]:
    """Rules and terminals that are left when what never ends and what is never reached is gone."""
    alive = without_dead(rules, set(terminals))
    needed = reachable(alive, [start])
    return (
        {name: body for name, body in alive.items() if name in needed},
        {name: one for name, one in terminals.items() if name in needed},
    )


def _without(node: Node, ending: set[str]) -> Node:
    """A node without the alternatives that never end."""

    def change(one: Node) -> Node:
        if isinstance(one, Choice):
            return choice(*(item for item in one.items if not _dead(item, ending)))
        if isinstance(one, Repeat) and one.least == 0 and _dead(one.item, ending):
            return EMPTY
        return one

    return map_nodes(node, change)


def _dead(node: Node, ending: set[str]) -> bool:
    match node:
        case Ref(name):
            return name not in ending
        case Seq(items):
            return any(_dead(item, ending) for item in items)
        case Choice(items):
            return all(_dead(item, ending) for item in items)
        case Repeat(item, least):
            return least > 0 and _dead(item, ending)
        case _:
            return False
