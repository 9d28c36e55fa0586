"""Choose a break for a good text, and make sure that it is the break that its label says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

from idiolect.dialects.contract import Mutant
from idiolect.dialects.json_ast.branches import BECAUSE
from idiolect.dialects.json_ast.document import Node
from idiolect.dialects.json_ast.mutation import (
    BROKEN_RULE,
    FROM_OFFERED,
    KEEPS_FORM,
    SCHEMA,
    SYNTAX,
    Break,
    Offered,
    applied,
    exchanged,
    other_value,
)
from idiolect.dialects.verdict import Verdict

TRIES = 12  # breaks of one kind that are tried on one text
KINDS = (*SYNTAX, *SCHEMA, *FROM_OFFERED, BROKEN_RULE)
Judge = Callable[[str], Verdict]


def make_mutant(
    text: str, root: Node, rng: random.Random, judge: Judge, offered: Offered, kinds: tuple[str, ...] = KINDS
) -> Mutant | None:
    """A broken version of a text, of a random kind that applies; None where none does."""
    for kind in rng.sample(kinds, len(kinds)):
        for one in islice(_breaks(kind, text, root, rng, offered), TRIES):
            broken = applied(text, one)
            verdict = judge(broken)
            if verdict.judged and not verdict.ok and _is_kind(kind, verdict):
                syntax = kind in SYNTAX and kind not in KEEPS_FORM
                return Mutant(broken, kind, syntax, one.note)
    return None


def _breaks(kind: str, text: str, root: Node, rng: random.Random, offered: Offered) -> Iterator[Break]:
    if kind in SYNTAX:
        return SYNTAX[kind](text, root, rng)
    if kind in SCHEMA:
        return SCHEMA[kind][0](text, root, rng)
    if kind == BROKEN_RULE:
        return exchanged(text, root, rng)
    return other_value(text, root, rng, offered)


def _is_kind(kind: str, verdict: Verdict) -> bool:
    """Whether the faults of a mutant are those of its kind."""
    if kind in SYNTAX:
        return verdict.parsed is False
    if verdict.parsed is False:
        return False
    codes = {fault.code for fault in verdict.faults}
    if kind in SCHEMA:
        return bool(codes & SCHEMA[kind][1])
    if kind == BROKEN_RULE:
        return any(code.startswith("json.rule.") for code in codes)
    if not any(code.startswith("json.schema.") for code in codes):
        return False
    return any(BECAUSE in fault.message for fault in verdict.faults) is (kind == "broken_condition")
