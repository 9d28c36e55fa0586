"""Which nodes, rules and terminals can be empty."""

from __future__ import annotations

from idiolect.grammar.form import AnyOrder, Choice, Grammar, Node, Ref, Repeat, Seq, Text, parts


def nullable_names(grammar: Grammar) -> set[str]:
    """Rules and terminals that can be empty."""
    bodies = {**{name: one.node for name, one in grammar.terminals.items()}, **grammar.rules}
    users: dict[str, list[str]] = {}
    for name, body in bodies.items():
        for part in parts(body):
            if isinstance(part, Ref):
                users.setdefault(part.name, []).append(name)
    found: set[str] = set()
    stack = list(bodies)
    while stack:
        name = stack.pop()
        if name not in found and nullable_node(bodies[name], found):
            found.add(name)
            stack.extend(users.get(name, ()))
    return found


def nullable_node(node: Node, names: set[str]) -> bool:
    """Whether a node can be empty, given the names that can. Differences count as if they could not."""
    match node:
        case Text(literal):
            return not literal
        case Ref(name):
            return name in names
        case Seq(items):
            return all(nullable_node(item, names) for item in items)
        case Choice(items):
            return any(nullable_node(item, names) for item in items)
        case Repeat(item, least):
            return least == 0 or nullable_node(item, names)
        case AnyOrder(slots):
            return node.may_end(0) or all(nullable_node(slot.node, names) for slot in slots)
        case _:
            return False
