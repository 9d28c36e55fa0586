"""Which productions a text uses, by one derivation of it. Slow, bounded, and right for every grammar.

Production names are those of `walk`. It asks the recognizer's chart how it came to the end of the text.
"""

from __future__ import annotations

from idiolect.grammar.form import Choice, Grammar
from idiolect.grammar.recognize import MOST_STEPS, Chart, Item
from idiolect.grammar.spacing import canonical_variant
from idiolect.grammar.walk import production_name


def productions_of(
    grammar: Grammar, text: str, *, most_steps: int = MOST_STEPS
) -> tuple[frozenset[str] | None, int]:
    """The productions of a text in canonical spacing, and the steps that it took; None: not in the language.

    TooMuchWork where the bound does not suffice.
    """
    woven = canonical_variant(grammar)
    chart = Chart(woven, text, most_steps, remember=True)
    ends = chart.ends(woven.start)
    taken = most_steps - chart.left
    if len(text) not in ends:
        return None, taken
    return frozenset(_names(woven, chart, ((woven.start, 0), len(text), -1))), taken


def _names(grammar: Grammar, chart: Chart, last: Item) -> set[str]:
    """Names of the productions on the way to an item: its own, and those of the goals that it waited for."""
    names = set()
    seen: set[Item] = set()
    stack = [last]
    while stack:
        item = stack.pop()
        if item in seen:
            continue
        seen.add(item)
        goal, _, _ = item
        body = grammar.rules[goal[0]]
        if item in chart.chosen:
            names.add(production_name(grammar, goal[0], chart.chosen[item]))
        elif item not in chart.came and not isinstance(body, Choice):
            names.add(production_name(grammar, goal[0], 0))
        before, inner = chart.came.get(item, (None, None))
        stack += [one for one in (before, inner) if one is not None]
    return names - {""}
