"""Writes a Gates tree in its one canonical layout: reading what is written gives the same tree.

Comments are no part of the tree, so they are not written.
"""

from __future__ import annotations

from idiolect.dialects.gates.syntax import (
    LEVEL_OF,
    MAX_WIDTH,
    Bit,
    Case,
    Chain,
    Choice,
    Concat,
    Connection,
    Const,
    Drive,
    Expr,
    Instance,
    Latch,
    Module,
    Name,
    Number,
    Port,
    PortKind,
    Program,
    Reduction,
    Ref,
    Reg,
    Select,
    Slice,
    Stage,
    Statement,
    Unary,
    Wire,
)

INDENT = "    "
ONE_LINE = 80  # characters; a module of one statement that fits is written on one line, as `MODULE G1` is
LINE = 110  # a longer list of ports stands one port a line


def render(program: Program) -> str:
    """The canonical text of a program."""
    return "\n".join(render_module(module) for module in program.modules)


def render_module(module: Module) -> str:
    """The canonical text of one module."""
    ports = [_port(port) for port in module.ports]
    head = f"MODULE {module.name}({', '.join(ports)}) {{"
    if len(head) > LINE:
        head = f"MODULE {module.name}(\n{INDENT}" + f",\n{INDENT}".join(ports) + "\n) {"
    body = [_statement(statement) for statement in module.body]
    if len(body) <= 1 and not any("\n" in part for part in (head, *body)):
        short = " ".join([head, *body, "}"])
        if len(short) <= ONE_LINE:
            return short
    return "\n".join([head, *(INDENT + part.replace("\n", "\n" + INDENT) for part in body), "}"])


def render_expr(expression: Expr) -> str:
    """An expression on one line."""
    match expression:
        case Number():
            return _number(expression)
        case Ref():
            owner = f"{expression.owner}." if expression.owner else ""
            return f"{owner}{expression.name}{_select(expression.select)}"
        case Unary():
            return expression.operator + _operand(expression.operand, -1)
        case Reduction():
            return expression.operator + _primary(expression.operand)
        case Chain():
            level = LEVEL_OF[expression.rest[0][0]]
            rest = (f" {operator} {_operand(operand, level)}" for operator, operand in expression.rest)
            return _operand(expression.first, level) + "".join(rest)
        case Choice():
            condition = render_expr(expression.condition)
            if isinstance(expression.condition, Choice):
                condition = f"({condition})"
            return f"{condition} ? {render_expr(expression.then)} : {render_expr(expression.otherwise)}"
        case Case():
            return f"CASE ({render_expr(expression.subject)}) {{ {', '.join(_arms(expression, False))} }}"
        case Concat():
            parts = "{" + ", ".join(render_expr(part) for part in expression.parts) + "}"
            return parts if expression.times is None else f"{{{expression.times}{parts}}}"


# Rows that stand in brackets inside any other: nobody should have to know that == binds tighter than &.
_ALWAYS_BRACKETED = (LEVEL_OF["<<"], LEVEL_OF["<"], LEVEL_OF["=="])


def _operand(expression: Expr, level: int) -> str:
    """An operand of a chain of some level, in brackets where the meaning or the reader needs them."""
    text = render_expr(expression)
    if isinstance(expression, Chain):
        inner = LEVEL_OF[expression.rest[0][0]]
        return f"({text})" if inner >= level or inner in _ALWAYS_BRACKETED else text
    return f"({text})" if isinstance(expression, Choice | Reduction) else text


def _primary(expression: Expr) -> str:
    text = render_expr(expression)
    return text if isinstance(expression, Number | Ref | Concat | Case) else f"({text})"


def _number(number: Number) -> str:
    if number.width is None:
        return str(number.value)
    width = min(number.width, MAX_WIDTH)  # an impossible width is shown, not padded to
    if number.base == "b":
        return f"{number.width}'b{number.value:0{width}b}"
    if number.base == "h":
        return f"{number.width}'h{number.value:0{(width + 3) // 4}X}"
    return f"{number.width}'d{number.value}"


def _select(select: Select | None) -> str:
    match select:
        case Bit():
            return f"[{render_expr(select.index)}]"
        case Slice():
            return f"[{select.high}:{select.low}]"
        case _:
            return ""


def _arms(case: Case, tall: bool) -> list[str]:
    show = _value if tall else render_expr
    arms = [
        f"{label if isinstance(label, Name) else _number(label)}: {show(value)}" for label, value in case.arms
    ]
    return [*arms, f"DEFAULT: {show(case.default)}"]


def _value(expression: Expr) -> str:
    """What a statement or an arm holds: a CASE there has a line for each arm."""
    if not isinstance(expression, Case):
        return render_expr(expression)
    arms = ",\n".join(_arms(expression, True)).replace("\n", "\n" + INDENT)
    return f"CASE ({render_expr(expression.subject)}) {{\n{INDENT}{arms}\n}}"


def _sized(name: Name, width: int) -> str:
    return name.text if width == 1 else f"{name}[{width}]"


def _port(port: Port) -> str:
    return f"{PortKind(port.kind).value} {_sized(port.name, port.width)}"


def _connection(connection: Connection) -> str:
    port = f"{connection.port} = " if connection.port else ""
    return port + render_expr(connection.value)


def _statement(statement: Statement | Latch) -> str:
    match statement:
        case Wire():
            value = "" if statement.value is None else f" = {_value(statement.value)}"
            return f"WIRE {_sized(statement.name, statement.width)}{value};"
        case Reg():
            return f"REG {_sized(statement.name, statement.width)} = {_number(statement.reset)};"
        case Const():
            return f"CONST {statement.name} = {_number(statement.value)};"
        case Drive():
            arrow = "<=" if statement.clocked else "="
            return f"{render_expr(statement.target)} {arrow} {_value(statement.value)};"
        case Latch():
            return f"{_sized(statement.name, statement.width)} <= {_value(statement.value)};"
        case Instance():
            ports = ", ".join(_connection(connection) for connection in statement.connections)
            return f"{statement.module} {statement.name}({ports});"
        case Stage():
            return _stage(statement)


def _stage(stage: Stage) -> str:
    after = f" AFTER {stage.after}" if stage.after else ""
    items = [INDENT + _statement(item).replace("\n", "\n" + INDENT) for item in stage.items]
    return "\n".join([f"STAGE {stage.name}{after} {{", *items, "}"])
