"""Puts the modules of a text in an order in which used ones come first; circles are faults."""

from __future__ import annotations

from collections.abc import Iterator

from idiolect.dialects.gates.scope import Report
from idiolect.dialects.gates.syntax import Instance, Module


def bottom_up(modules: dict[str, Module], report: Report) -> list[str]:
    """Module names with those they use first; modules that use themselves are reported."""
    order: list[str] = []
    done: dict[str, bool] = {}  # False while a module's own instances are being walked
    for root in modules:
        path = [] if root in done else [(root, _used(modules, root))]
        done.setdefault(root, False)
        while path:
            name, left = path[-1]
            instance = next(left, None)
            if instance is None:
                done[name] = True
                order.append(name)
                path.pop()
                continue
            used = instance.module.text
            if done.get(used) is False:
                _report_circle([step for step, _ in path], instance, report)
            elif used not in done:
                done[used] = False
                path.append((used, _used(modules, used)))
    return order


def _used(modules: dict[str, Module], name: str) -> Iterator[Instance]:
    """The first instance of each known module that a module uses."""
    first: dict[str, Instance] = {}
    for item in modules[name].body:
        if isinstance(item, Instance) and item.module.text in modules:
            first.setdefault(item.module.text, item)
    return iter(first.values())


def _report_circle(path: list[str], instance: Instance, report: Report) -> None:
    used = instance.module.text
    circle = [*path[path.index(used) :], used]
    shown = " -> ".join(circle if len(circle) <= 12 else [*circle[:11], "...", used])
    message = f"modules use each other in a circle: {shown}"
    report.add("instance.recursive", message, instance.module.span, "break the circle")
