"""Rewrites of a grammar for printers that lack something: any-order items, left recursion, differences.

Every rewrite keeps the language. What would grow too large is refused with the rule's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from idiolect.grammar.automaton import Dfa, compile_node
from idiolect.grammar.checks import reachable
from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
    Both,
    Chars,
    Choice,
    Grammar,
    Minus,
    Node,
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
    """A node rebuilt from the leaves up, each node put through `change`."""
    match node:
        case Seq(items):
            node = seq(*(map_nodes(item, change) for item in items))
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
            node = AnyOrder(slots, map_nodes(separator, change))
        case _:
            pass
    return change(node)


def fresh(wanted: str, taken: Iterable[str]) -> str:
    """A name near the wanted one that nobody has."""
    names = set(taken)
    number = 2
    name = wanted
    while name in names:
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
        self.names: dict[tuple[AnyOrder, int, bool], str] = {}
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
        return self._state(node, (1 << len(node.slots)) - 1, True, rule)

    def _state(self, node: AnyOrder, free: int, first: bool, rule: str) -> Node:
        """The node for "these items are still free"; `first` while none has been written."""
        required = [number for number, slot in enumerate(node.slots) if slot.required and free >> number & 1]
        if not free:
            return EMPTY
        key = (node, free, first or node.separator == EMPTY)
        if key not in self.names:
            name = fresh(f"{rule}_free{free:x}{'' if first else 'n'}", self.taken)
            self.taken.add(name)
            self.names[key] = name
            ways: list[Node] = [] if required else [EMPTY]
            for number, slot in enumerate(node.slots):
                if free >> number & 1:
                    rest = self._state(node, free & ~(1 << number), False, rule)
                    ways.append(seq("" if first else node.separator, slot.node, rest))
            self.rules[name] = choice(*ways)
        return Ref(self.names[key])

    def _in_order(self, node: AnyOrder, rule: str) -> Node:
        if node.separator == EMPTY:
            return seq(*(slot.node if slot.required else Repeat(slot.node, 0, 1) for slot in node.slots))
        # With a separator: one rule for "nothing written yet" and one for "something is", from the back.
        empty: Node = EMPTY
        later: Node = EMPTY
        for number in range(len(node.slots) - 1, -1, -1):
            slot = node.slots[number]
            after = later
            ways = [seq(slot.node, after)]
            following = [seq(node.separator, slot.node, after)]
            if not slot.required:
                ways.append(empty)
                following.append(after)
            empty = self._named(f"{rule}_from{number}", choice(*ways))
            later = self._named(f"{rule}_then{number}", choice(*following))
        return empty

    def _named(self, wanted: str, body: Node) -> Node:
        name = fresh(wanted, self.taken)
        self.taken.add(name)
        self.rules[name] = body
        return Ref(name)


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
