"""What names mean in a script: functions and their variables, and the rules that the loader keeps.

Statements and expressions note uses while they are read; `settle` judges them all at the end,
since a function may be defined below its use. It does **not** guess values: only what is fixed at
load time is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.builtins import Arity
from idiolect.dialects.ahk2.faults import Faults
from idiolect.source import Span

How = Literal["written", "modified", "referenced"]
MOST_NESTED = 100  # functions in functions; each step outwards costs time at every use of a name
_CANNOT = {
    "written": "be assigned",
    "modified": "be assigned a value",
    "referenced": "have its reference taken",
}


class Use(NamedTuple):
    """A variable that is assigned, changed in place, or whose reference is taken."""

    name: str
    span: Span
    how: How


class Call(NamedTuple):
    """A call by plain name: which arguments are given (False: left out), and whether more are spread."""

    name: str
    span: Span
    given: tuple[bool, ...]
    spread: bool


@dataclass(slots=True, eq=False)
class Scope:
    """The global scope, or that of one function or fat arrow."""

    parent: Scope | None = None
    in_class: bool = False
    depth: int = 0
    params: set[str] = field(default_factory=set)
    declared: dict[str, str] = field(default_factory=dict)  # name: "local", "static" or "global"
    assume: str | None = None
    functions: dict[str, Arity] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)  # global scope only; nested ones with dots
    assigned: set[str] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    children: list[Scope] = field(default_factory=list)
    too_deep: bool = False  # global scope only

    @property
    def is_global(self) -> bool:
        return self.parent is None

    def child(self, params: set[str], in_class: bool | None = None) -> Scope:
        """A function's scope inside this one."""
        outer: Scope = self
        if self.depth >= MOST_NESTED and self.parent is not None:
            outer = self.parent  # names are then looked up one function further out
            root_of(self).too_deep = True
        scope = Scope(outer, self.in_class if in_class is None else in_class, outer.depth + 1, params)
        outer.children.append(scope)
        return scope

    def use(self, name: str, span: Span, how: How) -> None:
        """Note that a variable is assigned or referenced here."""
        self.assigned.add(name.lower())
        self.uses.append(Use(name, span, how))

    def call(self, name: str, span: Span, given: tuple[bool, ...], spread: bool) -> None:
        """Note a call by plain name."""
        self.calls.append(Call(name, span, given, spread))


def settle(root: Scope, faults: Faults) -> list[Call]:
    """Judge every use and call of a script; the calls of names that nothing in it defines."""
    unknown: list[Call] = []
    waiting = [root]
    if root.too_deep:
        faults.add("parse.nesting", Span(0, 0), most=MOST_NESTED)
    while waiting:
        scope = waiting.pop()
        for use in scope.uses:
            _judge_use(scope, use, faults)
        for call in scope.calls:
            _judge_call(scope, call, faults)
            if not _is_known(scope, call.name.lower()):
                unknown.append(call)
        waiting.extend(scope.children)
    return unknown


def _is_known(scope: Scope, name: str) -> bool:
    """Whether anything defines a name: an assignment, a parameter, a function, a class, the language."""
    if name in builtins.functions() or name in builtins.classes() or name in builtins.RESERVED:
        return True
    holder: Scope | None = scope
    while holder is not None:
        if name in holder.assigned or name in holder.params or name in holder.functions:
            return True
        if name in holder.declared or name in holder.classes:
            return True
        holder = holder.parent
    return name in builtins.variables()


def _judge_use(scope: Scope, use: Use, faults: Faults) -> None:
    name = use.name.lower()
    variable = builtins.variables().get(name)
    if variable is not None:
        if not variable[1]:
            faults.add("name.readonly", use.span, name=variable[0])
        return
    holder: Scope = scope
    while holder.parent is not None:
        declared = holder.declared.get(name)
        if name in holder.params or declared in ("local", "static"):
            return
        if name in holder.functions:
            faults.add("name.function", use.span, name=use.name, cannot=_CANNOT[use.how])
            return
        if declared == "global" or holder.assume == "global":
            break
        outer = _outer_owner(holder, name)
        if outer is None:
            return  # a local variable of the function itself
        holder = outer
    _judge_global_use(root_of(scope), name, use, faults)


def _outer_owner(scope: Scope, name: str) -> Scope | None:
    """The nearest enclosing function that has this name as its own."""
    outer = scope.parent
    while outer is not None and outer.parent is not None:
        owned = name in outer.params or name in outer.declared or name in outer.functions
        if owned:
            return outer
        outer = outer.parent
    return None


def root_of(scope: Scope) -> Scope:
    """The global scope."""
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _judge_global_use(root: Scope, name: str, use: Use, faults: Faults) -> None:
    if name in root.functions or (name in builtins.functions() and name not in root.classes):
        faults.add("name.function", use.span, name=use.name, cannot=_CANNOT[use.how])
    elif name in root.classes or name in builtins.classes():
        faults.add("name.class", use.span, name=use.name, cannot=_CANNOT[use.how])


def _judge_call(scope: Scope, call: Call, faults: Faults) -> None:
    arity = _callee(scope, call.name.lower())
    if arity is None:
        return
    given = len(call.given)
    while given and not call.given[given - 1]:
        given -= 1
    if arity.most is not None and given > arity.most:
        faults.add("args.many", call.span, name=arity.name, most=arity.most, given=given)
    elif given < arity.least and not call.spread:
        faults.add("args.few", call.span, name=arity.name, least=arity.least, given=given)
    else:
        for index, needed in enumerate(arity.required):
            if needed and index < len(call.given) and not call.given[index]:
                faults.add("args.missing", call.span, name=arity.name, number=index + 1)
                return


def _callee(scope: Scope, name: str) -> Arity | None:
    """The function that a name is sure to mean, if any."""
    holder: Scope = scope
    while holder.parent is not None:
        declared = holder.declared.get(name)
        if name in holder.params or declared in ("local", "static"):
            return None
        if name in holder.functions:
            return holder.functions[name]
        if declared == "global":
            break
        if name in holder.assigned and holder.assume != "global":
            return None
        holder = holder.parent
    root = root_of(holder)
    if name in root.functions:
        return root.functions[name]
    if name in root.classes or name in root.assigned:
        return None
    return builtins.functions().get(name)
