"""Which arguments a `foreach` of a generated script may run over, and what its variable is called.

One rule, shared by the sampler and the grammar, so that what the one writes the other accepts.
"""

from __future__ import annotations

from dataclasses import dataclass

from idiolect.dialects.catalog import Arg, Catalog

NAMES = ("identifier", "string")


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop variable and the type of the values that it takes."""

    variable: str
    type: str


def loop_over(catalog: Catalog, arg: Arg) -> Loop | None:
    """The loop that may give an argument its value: names only, no lists and no enums."""
    resolved = catalog.resolve(arg)
    if arg.list or arg.variadic or arg.passed == "switch" or resolved.values or resolved.type not in NAMES:
        return None
    if resolved.pattern is not None or not arg.name.isidentifier() or not arg.name.isascii():
        return None
    shared = arg.type not in NAMES and arg.type.isidentifier() and arg.type.isascii()
    return Loop(arg.type if shared else arg.name, arg.type)
