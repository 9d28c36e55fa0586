"""Says in English what the modules of a text do, statement by statement, by rules.

It reads what is written and does not guess what it is for.
"""

from __future__ import annotations

from collections.abc import Iterable

from idiolect.dialects.gates.printer import render_expr
from idiolect.dialects.gates.syntax import (
    Case,
    Chain,
    Choice,
    Concat,
    Const,
    Drive,
    Expr,
    Instance,
    Latch,
    Module,
    Name,
    Number,
    PortKind,
    Program,
    Reduction,
    Ref,
    Reg,
    Slice,
    Stage,
    Statement,
    Unary,
    Wire,
)

_WORDS = {
    "*": "times", "+": "plus", "-": "minus", "<<": "shifted left by", ">>": "shifted right by",
    ">>>": "shifted right with its top bit copied by", "<": "is less than", "<=": "is at most",
    ">": "is greater than", ">=": "is at least", "==": "equals", "!=": "differs from", "&": "AND",
    "~&": "NAND", "^": "XOR", "~^": "XNOR", "|": "OR", "~|": "NOR",
}  # fmt: skip
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_REDUCED = {
    "&": "whether all bits of {} are 1", "~&": "whether any bit of {} is 0",
    "|": "whether any bit of {} is 1", "~|": "whether all bits of {} are 0",
    "^": "whether {} has an odd number of ones",
    "~^": "whether {} has an even number of ones",
}  # fmt: skip


def describe(program: Program) -> str:
    """What a text does: a paragraph for each module."""
    return "\n\n".join(_module(module) for module in program.modules)


def _module(module: Module) -> str:
    parts = [f"Module {module.name} has {_ports(module)}."]
    parts += [_statement(statement) for statement in module.body]
    resets = module.ports_of(PortKind.RESET)
    if resets and any(isinstance(statement, Reg | Stage) for statement in module.body):
        parts.append(f"While {resets[0].name} is 1, a clock step puts all registers back to their start.")
    return " ".join(parts)


def _ports(module: Module) -> str:
    groups = []
    for kind in PortKind:
        ports = module.ports_of(kind)
        if ports:
            word = kind.lower() + ("s" if len(ports) > 1 else "")
            groups.append(f"{word} {_listed(_word(port.name, port.width) for port in ports)}")
    return _listed(groups) if groups else "no ports"


def _listed(words: Iterable[str]) -> str:
    given = list(words)
    return given[0] if len(given) == 1 else f"{', '.join(given[:-1])} and {given[-1]}"


def _word(name: Name, width: int) -> str:
    return name.text if width == 1 else f"{name} ({width} bits)"


def _statement(statement: Statement | Latch) -> str:
    match statement:
        case Wire(value=None):
            return f"{_word(statement.name, statement.width)} is a wire."
        case Wire(value=value) if value is not None:
            return f"The wire {_word(statement.name, statement.width)} is {_value(value)}."
        case Reg():
            word = _word(statement.name, statement.width)
            return f"{word} is a register that starts at {statement.reset.value}."
        case Const():
            return f"{statement.name} stands for {statement.value.value}."
        case Drive(clocked=True):
            return f"At each clock step {_said(statement.target)} becomes {_value(statement.value)}."
        case Drive():
            return f"{_said(statement.target)} is {_value(statement.value)}."
        case Latch():
            return f"it latches {_word(statement.name, statement.width)}, which is {_value(statement.value)}."
        case Instance():
            return _instance(statement)
        case Stage():
            after = f", after {statement.after}" if statement.after else ""
            items = " ".join(_statement(item) for item in statement.items)
            return f"In pipeline stage {statement.name}{after}: {items}"
    raise AssertionError("every statement is listed above")


def _instance(instance: Instance) -> str:
    if not instance.connections:
        return f"{instance.name} is a copy of module {instance.module}."
    ends = _listed(
        f"{connection.port} to {_said(connection.value)}" if connection.port else _said(connection.value)
        for connection in instance.connections
    )
    order = "" if instance.connections[0].port else ", in order,"
    return f"{instance.name} is a copy of module {instance.module} that connects{order} {ends}."


def _value(expression: Expr) -> str:
    """What something is; a comparison there is a question that 1 answers with yes."""
    compares = isinstance(expression, Chain) and expression.rest[0][0] in _COMPARISONS
    return f"whether {_said(expression)}" if compares else _said(expression)


def _said(expression: Expr) -> str:
    """An expression in words; brackets stay where the order of reading would be in doubt."""
    match expression:
        case Number():
            return str(expression.value)
        case Ref():
            return _reference(expression)
        case Unary():
            word = "NOT" if expression.operator == "~" else "minus"
            return f"{word} {_inner(expression.operand)}"
        case Reduction():
            return _REDUCED[expression.operator].format(_inner(expression.operand))
        case Chain():
            chain = (f"{_WORDS[operator]} {_inner(operand)}" for operator, operand in expression.rest)
            rest = " ".join(chain)
            return f"{_inner(expression.first)} {rest}"
        case Choice():
            condition, then = _condition(expression.condition), _said(expression.then)
            return f"{then} if {condition}, otherwise {_said(expression.otherwise)}"
        case Case():
            arms = "; ".join(
                f"{_said(value)} for {label if isinstance(label, Name) else label.value}"
                for label, value in expression.arms
            )
            arms = f"{arms}; " if arms else ""
            return f"chosen by {_said(expression.subject)}: {arms}else {_said(expression.default)}"
        case Concat():
            parts = _listed(_inner(part) for part in expression.parts)
            joined = f"{parts} put together" if len(expression.parts) > 1 else parts
            return joined if expression.times is None else f"{expression.times} copies of ({joined})"


def _condition(condition: Expr) -> str:
    if isinstance(condition, Ref):
        return f"{_said(condition)} is 1"
    if isinstance(condition, Reduction):
        return _said(condition).removeprefix("whether ")
    return _said(condition)


def _inner(expression: Expr) -> str:
    text = _said(expression)
    return text if isinstance(expression, Number | Ref) else f"({text})"


def _reference(reference: Ref) -> str:
    name = f"{reference.name} of {reference.owner}" if reference.owner else reference.name.text
    match reference.select:
        case None:
            return name
        case Slice(high=high, low=low):
            return f"bits {high} to {low} of {name}"
        case bit:
            return f"bit {render_expr(bit.index)} of {name}"
