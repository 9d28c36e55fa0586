"""What a project's policy says of a text: forbidden and deprecated modules and constructs, limits.

A policy names modules that instances use (`HALF`), and constructs: `STAGE`, `REG`, `CASE`, and
`MULTIPLY` for the operator that costs most.
"""

from __future__ import annotations

from collections.abc import Iterator

from idiolect.dialects.gates.syntax import Case, Chain, Instance, Node, Program, Reg, Stage, nodes
from idiolect.dialects.policy import Policy, deprecated_fault, forbidden_fault, over_limit, text_faults
from idiolect.dialects.verdict import Fault
from idiolect.source import Span

PREFIX = "gates"
COMMENT = "//"


def policy_faults(policy: Policy, text: str, program: Program) -> list[Fault]:
    """Every breach of a policy by a text that parses."""
    return [
        *text_faults(policy, text, PREFIX, COMMENT),
        *_limit_faults(policy, program),
        *_symbol_faults(policy, program),
    ]


def _limit_faults(policy: Policy, program: Program) -> Iterator[Fault]:
    limits = policy.limits
    statements = sum(len(module.body) for module in program.modules)
    if limits.max_statements is not None and statements > limits.max_statements:
        yield over_limit(f"{PREFIX}.policy.limit", f"{statements} statements", limits.max_statements, None)
    if limits.max_blocks is not None and len(program.modules) > limits.max_blocks:
        yield over_limit(f"{PREFIX}.policy.limit", f"{len(program.modules)} modules", limits.max_blocks, None)


def _symbol_faults(policy: Policy, program: Program) -> Iterator[Fault]:
    """Each symbol is told once, where it is first used."""
    told: set[str] = set()
    for node in nodes(program):
        for name, span in _symbols(node):
            if name in told:
                continue
            told.add(name)
            forbidden, deprecated = policy.forbids(name), policy.deprecates(name)
            if forbidden:
                yield forbidden_fault(forbidden, name, span, PREFIX)
            elif deprecated:
                yield deprecated_fault(
                    name,
                    span,
                    PREFIX,
                    replacement=deprecated.replacement,
                    why=deprecated.why,
                    deny=policy.deny_deprecated,
                )


def _symbols(node: Node) -> Iterator[tuple[str, Span]]:
    match node:
        case Instance():
            yield node.module.text, node.module.span
        case Reg():
            yield "REG", node.span
        case Stage():
            yield "STAGE", node.span
        case Case():
            yield "CASE", node.span
        case Chain():
            yield from (("MULTIPLY", operand.span) for operator, operand in node.rest if operator == "*")
