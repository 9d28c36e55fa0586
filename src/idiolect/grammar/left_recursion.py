"""Left recursion out of a grammar, for printers that go from the top down.

A group of rules that begin with one another is a linear system: what they begin with otherwise,
followed by tails. Its solution is written as rules for the tails. Keeps the language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idiolect.grammar.form import (
    EMPTY,
    AnyOrder,
    Chars,
    Choice,
    Grammar,
    GrammarError,
    Node,
    Problem,
    Ref,
    Repeat,
    Seq,
    Text,
    choice,
    parts,
    seq,
)
from idiolect.grammar.nullable import nullable_names, nullable_node
from idiolect.grammar.rewrite import fresh, with_rules


def drop_left_recursion(original: Grammar) -> Grammar:
    """The grammar without left recursion, direct or through other rules.

    Expects any-order items to be expanded and terminals to be rules or never empty.
    """
    nullable = nullable_names(original)
    groups = left_recursive_groups(original.rules, nullable)
    if not groups:
        return original
    rules = dict(original.rules)
    taken = {*original.rules, *original.terminals}
    for group in groups:
        _rewrite_group(group, rules, nullable, taken)
    made = with_rules(original, rules)
    left = left_recursive_groups(made.rules, nullable_names(made))
    if left:
        raise GrammarError(
            Problem(
                "left_recursion",
                name,
                f'rule "{name}" begins with itself behind items that may be empty; put those items elsewhere',
            )
            for group in left
            for name in group
        )
    return made


def _begins(node: Node, nullable: set[str]) -> set[str]:
    """Names that a node can begin with."""
    match node:
        case Ref(name):
            return {name}
        case Seq(items):
            found: set[str] = set()
            for item in items:
                found |= _begins(item, nullable)
                if not nullable_node(item, nullable):
                    break
            return found
        case Choice(items):
            return {name for item in items for name in _begins(item, nullable)}
        case Repeat(item):
            return _begins(item, nullable)
        case AnyOrder(slots, separator):
            found = {name for slot in slots for name in _begins(slot.node, nullable)}
            return found | _begins(separator, nullable)
        case _:
            return set()


def left_recursive_groups(rules: Mapping[str, Node], nullable: set[str]) -> list[list[str]]:
    """Groups of rules that begin with one another, each in the order of the rules."""
    edges = {name: _begins(body, nullable) & rules.keys() for name, body in rules.items()}
    groups = []
    for group in _components(edges):
        if len(group) > 1 or group[0] in edges[group[0]]:
            groups.append([name for name in rules if name in set(group)])
    return groups


def _components(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Strongly connected components, by Tarjan's method with a stack of its own."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: dict[str, None] = {}
    found: list[list[str]] = []
    for root in edges:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        on_stack[root] = None
        work = [(root, iter(sorted(edges[root])))]
        while work:
            name, following = work[-1]
            nearest = next(following, None)
            if nearest is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    group: list[str] = []
                    while not group or group[-1] != name:
                        group.append(on_stack.popitem()[0])
                    found.append(group)
            elif nearest not in number:
                number[nearest] = low[nearest] = len(number)
                on_stack[nearest] = None
                work.append((nearest, iter(sorted(edges[nearest]))))
            elif nearest in on_stack:
                low[name] = min(low[name], number[nearest])
    return found


def _rewrite_group(group: list[str], rules: dict[str, Node], nullable: set[str], taken: set[str]) -> None:
    inside = set(group)
    entries: dict[str, list[Node]] = {}
    # onward[one][two]: what stands after `one` where `two` begins with it.
    onward: dict[str, dict[str, list[Node]]] = {name: {} for name in group}
    for name in group:
        for head, rest in _heads(rules[name], inside, nullable):
            if head is None:
                entries.setdefault(name, []).append(rest)
            elif rest != EMPTY or head != name:
                onward[head].setdefault(name, []).append(rest)
    tails: dict[tuple[str, str], str] = {}

    def tail(source: str, goal: str) -> Node:
        if len(group) == 1:
            return Repeat(choice(*onward[source][source]), 0, None) if onward[source] else EMPTY
        key = (source, goal)
        if key not in tails:
            tails[key] = fresh(f"{source}_to_{goal}", taken)
            taken.add(tails[key])
            ways: list[Node] = [EMPTY] if source == goal else []
            for through, rests in onward[source].items():
                ways.append(seq(choice(*rests), tail(through, goal)))
            rules[tails[key]] = choice(*ways)
        return Ref(tails[key])

    for name in group:
        rules[name] = choice(*(seq(choice(*begun), tail(source, name)) for source, begun in entries.items()))
    _drop_dead(rules, [*group, *tails.values()])


def _drop_dead(rules: dict[str, Node], names: list[str]) -> None:
    """Alternatives that lead to a tail without a way out, removed."""
    from idiolect.grammar.checks import productive

    local = set(names)
    known = {part.name for name in names for part in parts(rules[name]) if isinstance(part, Ref)} - local
    ending = productive({name: rules[name] for name in names}, known)
    for name in names:
        body = rules[name]
        ways = body.items if isinstance(body, Choice) else (body,)
        alive = [
            way
            for way in ways
            if all(
                part.name in ending or part.name not in local for part in parts(way) if isinstance(part, Ref)
            )
        ]
        rules[name] = choice(*alive)


def _heads(node: Node, inside: set[str], nullable: set[str]) -> list[tuple[str | None, Node]]:
    """The ways a node can go, told apart by which rule of the group it begins with, if any."""
    if not _begins(node, nullable) & inside:
        return [(None, node)]
    match node:
        case Ref(name):
            return [(name, EMPTY)]
        case Choice(items):
            return [way for item in items for way in _heads(item, inside, nullable)]
        case Repeat(item, least, most):
            fewer = None if most is None else most - 1
            again: Node = EMPTY if fewer == 0 else Repeat(item, max(least - 1, 0), fewer)
            ways = [(head, seq(rest, again)) for head, rest in _heads(item, inside, nullable)]
            return ways if least else [*ways, (None, EMPTY)]
        case Seq(items):
            rest = seq(*items[1:])
            ways = []
            for head, before in _heads(items[0], inside, nullable):
                if head is None and before == EMPTY:
                    ways += _heads(rest, inside, nullable)
                else:
                    ways.append((head, seq(before, rest)))
            return ways
        case Text() | Chars():
            return [(None, node)]
        case _:
            raise TypeError(f"expand {type(node).__name__} before left recursion is dropped")
