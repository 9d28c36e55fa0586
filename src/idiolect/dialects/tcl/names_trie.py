"""Names as a prefix tree of grammar rules: flat alternatives by the thousand overrun an Earley parser."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import commonprefix  # of characters, not of paths

from idiolect.grammar.form import Node, choice, ref, seq


def name_trie(rules: dict[str, Node], label: str, ends: Mapping[str, Node]) -> Node:
    """A node for "one of the names, then what belongs to it"; branching points become rules."""
    return _branch(rules, label, sorted(ends.items()), 0)


def _branch(rules: dict[str, Node], label: str, ends: list[tuple[str, Node]], depth: int) -> Node:
    """The names that share their first `depth` letters, from there on."""
    if len(ends) == 1:
        name, end = ends[0]
        return seq(name[depth:], end)
    # Sorted: the first and the last differ most.
    shared = len(commonprefix([ends[0][0], ends[-1][0]]))  # noqa: RUF071
    groups: dict[str, list[tuple[str, Node]]] = {}
    for name, end in ends:
        groups.setdefault(name[shared : shared + 1], []).append((name, end))
    ways = []
    for letter, group in groups.items():
        # A name that is the beginning of others ends here.
        ways.append(group[0][1] if not letter else _branch(rules, label, group, shared))
    rule = f"{label}_{len(rules)}"
    rules[rule] = choice(*ways)
    return seq(ends[0][0][depth:shared], ref(rule))
