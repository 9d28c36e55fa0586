"""Holds an evaluation to EVALUATE.gate: conditions on its figures, each told with the figure that decided.

A figure's name is a rate (`semantic_pass_rate`), `pass_at_8` or `best_of_rate`; in front of it a suite
(`unit_pass_at_8`), and in front of that a mode (`free_schema_valid_rate`). Without them it is that of all
suites, at the first temperature, decoded as the product decodes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from idiolect.evaluate.summary import Block
from idiolect.okt.control import Comparison
from idiolect.text_hints import did_you_mean

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def failures(
    gate: Sequence[Sequence[Comparison]], blocks: Sequence[Block], product_mode: str
) -> tuple[str, ...]:
    """What fails, one sentence a condition; a figure that was not measured fails as well."""
    figures = figures_of(blocks, product_mode)
    return tuple(
        failure
        for condition in gate
        for comparison in condition
        if (failure := _failure(comparison, figures)) is not None
    )


def figures_of(blocks: Sequence[Block], product_mode: str) -> dict[str, float]:
    """Every figure by every name that a gate may call it."""
    figures: dict[str, float] = {}
    for block in blocks:
        own = _own_figures(block)
        for name, value in own.items():
            for prefix in _prefixes(block, blocks, product_mode):
                figures.setdefault(f"{prefix}{name}", value)
    return figures


def _own_figures(block: Block) -> dict[str, float]:
    figures = {name: rate.value for name, rate in block.rates.items()}
    figures |= {f"pass_at_{k}": rate.value for k, rate in block.pass_at.items()}
    if block.best_of:
        figures["best_of_rate"] = block.best_of.value
    return figures


def _prefixes(block: Block, blocks: Sequence[Block], product_mode: str) -> list[str]:
    several = any(other.suite == "all" for other in blocks)
    suites = ["", "all_"] if block.suite == "all" or not several else []
    if block.suite != "all":
        suites.append(f"{block.suite}_")
    made = [f"{block.mode}_{suite}" for suite in suites]
    return [*suites, *made] if block.mode == product_mode else made


def _failure(comparison: Comparison, figures: Mapping[str, float]) -> str | None:
    wanted = comparison.value
    shown = f"{comparison.signal} {comparison.operator} {wanted}" + (
        "%" if comparison.unit == "percent" else ""
    )
    if comparison.signal not in figures:
        near = did_you_mean(comparison.signal, sorted(figures), "figures there are")
        return f"{shown}: no such figure was measured; {near}"
    if isinstance(wanted, bool | str):
        return f"{shown}: a figure is compared with a number"
    found = figures[comparison.signal]
    limit = wanted / 100 if comparison.unit == "percent" else wanted
    if _OPERATORS[comparison.operator](found, limit):
        return None
    return f"{shown}: it is {found:.4f}"
