"""What is wrong with a grammar: names that are not there, rules that can't be reached or never end.

Left recursion is no problem of the form: printers that can't take it rewrite it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from idiolect.grammar.form import (
    DEEPEST_NODE,
    AnyOrder,
    Both,
    Chars,
    Choice,
    Grammar,
    Minus,
    Node,
    Problem,
    Ref,
    Repeat,
    Seq,
    Text,
    children,
    is_name,
    parts,
)
from idiolect.grammar.nullable import nullable_names, nullable_node


def problems_of(grammar: Grammar) -> list[Problem]:
    """Every problem of a grammar; graph checks only run on a grammar whose names are sound."""
    problems = [*_name_problems(grammar), *_node_problems(grammar)]
    if problems:
        return problems
    recursive = _recursive_terminals(grammar)
    if recursive:
        return [
            Problem("recursive_terminal", name, f'terminal "{name}" refers to itself; make it a rule')
            for name in recursive
        ]
    return [*_unreachable(grammar), *_unproductive(grammar), *_empty_slots(grammar)]


def _bodies(grammar: Grammar) -> Iterator[tuple[str, Node, bool]]:
    for name, node in grammar.rules.items():
        yield name, node, False
    for name, terminal in grammar.terminals.items():
        yield name, terminal.node, True


def _name_problems(grammar: Grammar) -> Iterator[Problem]:
    known = [*grammar.rules, *grammar.terminals]
    for name in known:
        if not is_name(name):
            yield Problem("bad_name", name, f'"{name}" can\'t name a rule: use letters, digits and "_"')
    for name in grammar.rules.keys() & grammar.terminals.keys():
        yield Problem("name_twice", name, f'"{name}" is both a rule and a terminal; rename one')
    if grammar.start not in grammar.rules:
        yield Problem("undefined", grammar.start, f'the start rule "{grammar.start}" is not defined')
    for name in grammar.ignore:
        if name not in grammar.terminals:
            yield Problem("undefined", name, f'the ignored terminal "{name}" is not defined')
    for name, node, in_terminal in _bodies(grammar):
        for part in parts(node):
            if not isinstance(part, Ref):
                continue
            if part.name not in grammar.rules and part.name not in grammar.terminals:
                near = get_close_matches(part.name, known, n=1)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                yield Problem(
                    "undefined", name, f'rule "{name}" uses "{part.name}", which is not defined{hint}'
                )
            elif in_terminal and part.name in grammar.rules:
                message = f'terminal "{name}" uses the rule "{part.name}"; a terminal may use terminals only'
                yield Problem("rule_in_terminal", name, message)


def _node_problems(grammar: Grammar) -> Iterator[Problem]:
    for name, node, in_terminal in _bodies(grammar):
        if too_deep(node):
            message = f'"{name}" is nested deeper than {DEEPEST_NODE}; give its parts rules of their own'
            yield Problem("too_deep", name, message)
        for part in parts(node):
            match part:
                case Repeat(_, least, most) if least < 0 or (most is not None and most < max(least, 0)):
                    bounds = f"{least} to {'any' if most is None else most}"
                    yield Problem("bad_repeat", name, f'"{name}" repeats an item {bounds} times')
                case Chars(()):
                    yield Problem("no_characters", name, f'"{name}" has an empty set of characters')
                case Minus() | Both() if not in_terminal:
                    yield Problem(
                        "regular_only", name, f'rule "{name}" takes a difference; only terminals can do that'
                    )
                case AnyOrder(slots, _, least, most) if least > len(slots) or (
                    most is not None and most < least
                ):
                    yield Problem("bad_count", name, f'"{name}" asks for {least} of {len(slots)} items')
                case AnyOrder() if in_terminal:
                    yield Problem(
                        "rule_only", name, f'terminal "{name}" has items in any order; make it a rule'
                    )
                case Text(literal) if any("\ud800" <= one <= "\udfff" for one in literal):
                    yield Problem("surrogate", name, f'"{name}" has half a surrogate pair, which is not text')
                case _:
                    pass


def too_deep(node: Node) -> bool:
    """Whether a node is nested deeper than walks over it may recurse."""
    level = [node]
    for _ in range(DEEPEST_NODE):
        level = [child for one in level for child in children(one)]
        if not level:
            return False
    return True


def _recursive_terminals(grammar: Grammar) -> list[str]:
    uses = {
        name: [part.name for part in parts(terminal.node) if isinstance(part, Ref)]
        for name, terminal in grammar.terminals.items()
    }
    settled: set[str] = set()
    waiting = dict(uses)
    while waiting:
        free = [name for name, used in waiting.items() if all(one in settled for one in used)]
        if not free:
            return sorted(waiting)
        settled.update(free)
        for name in free:
            del waiting[name]
    return []


def _unreachable(grammar: Grammar) -> Iterator[Problem]:
    seen = reachable(grammar.rules, [grammar.start])
    for name in grammar.rules:
        if name not in seen:
            yield Problem(
                "unreachable", name, f'rule "{name}" can\'t be reached from "{grammar.start}"; remove it'
            )


def reachable(rules: Mapping[str, Node], roots: list[str]) -> set[str]:
    """Names that can be reached from the roots through rules."""
    seen = set(roots)
    stack = list(roots)
    while stack:
        body = rules.get(stack.pop())
        if body is None:
            continue
        for part in parts(body):
            if isinstance(part, Ref) and part.name not in seen:
                seen.add(part.name)
                stack.append(part.name)
    return seen


def _empty_slots(grammar: Grammar) -> Iterator[Problem]:
    orders = [
        (name, part)
        for name, body in grammar.rules.items()
        for part in parts(body)
        if isinstance(part, AnyOrder)
    ]
    nullable = nullable_names(grammar) if orders else set()
    for name, order in orders:
        if any(nullable_node(slot.node, nullable) for slot in order.slots):
            message = f'"{name}" has an item in any order that can be empty; make the item optional instead'
            yield Problem("empty_slot", name, message)


def _unproductive(grammar: Grammar) -> Iterator[Problem]:
    ending = productive(grammar.rules, set(grammar.terminals))
    for name in grammar.rules:
        if name not in ending:
            yield Problem("unproductive", name, f'rule "{name}" can never end; give it a way out')


def productive(rules: Mapping[str, Node], ending: set[str]) -> set[str]:
    """Names that derive at least one text, beside those already known to."""
    ending = set(ending)
    users: dict[str, list[str]] = {}
    for name, body in rules.items():
        for part in parts(body):
            if isinstance(part, Ref):
                users.setdefault(part.name, []).append(name)
    stack = list(rules)
    while stack:
        name = stack.pop()
        if name not in ending and _ends(rules[name], ending):
            ending.add(name)
            stack.extend(one for one in users.get(name, ()) if one not in ending)
    return ending


def _ends(node: Node, ending: set[str]) -> bool:
    match node:
        case Ref(name):
            return name in ending
        case Seq(items):
            return all(_ends(item, ending) for item in items)
        case Choice(items):
            return any(_ends(item, ending) for item in items)
        case Repeat(item, least):
            return least == 0 or _ends(item, ending)
        case AnyOrder(slots, separator):
            ready = sum(_ends(slot.node, ending) for slot in slots)
            needed = max(sum(slot.required for slot in slots), node.least)
            if needed > 1 and not _ends(separator, ending):
                return False
            return ready >= needed and all(_ends(slot.node, ending) for slot in slots if slot.required)
        case _:
            return True
