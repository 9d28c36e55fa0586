"""Names that a script defines or may use: its own commands, and its variables against a catalog.

A variable counts as defined as soon as anything in the script could set it, so that "undefined" is
only said of names that nothing mentions. It does **not** follow `source` or computed names: a script
with `source` is not judged for undefined variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from idiolect.dialects.catalog import Catalog, bare
from idiolect.dialects.tcl.calls import find_proc, value_fault
from idiolect.dialects.tcl.typed import misfit
from idiolect.dialects.tcl.walk import Site, Walk, qualified
from idiolect.dialects.verdict import Fault, Fix, Level
from idiolect.source import Span

BUILT_IN = frozenset(
    (
        "env", "argv", "argc", "argv0", "tcl_platform", "tcl_version", "tcl_patchLevel", "tcl_library",
        "tcl_interactive", "tcl_pkgPath", "tcl_precision", "tcl_rcFileName", "tcl_wordchars",
        "tcl_nonwordchars", "errorInfo", "errorCode", "auto_path", "auto_index", "auto_noload",
    )
)  # fmt: skip
NAME = re.compile(r"(?<!\$\{)(?<![$A-Za-z0-9_:])[A-Za-z0-9_:]+")
MAKERS = ("interp", "rename", "coroutine", "namespace", "oo::object")
LONGEST = 2000  # of a literal word that is searched for names


def own_commands(found: Walk) -> frozenset[str]:
    """Names of commands that the script itself makes, without the leading `::`."""
    names = {definition.name for definition in found.definitions if definition.kind != "method"}
    for site in found.sites:
        if site.name is None or (site.spec is not None and site.name not in MAKERS):
            continue
        words = [found.value(word) or "" for word in site.command.words[1:4]]
        names |= {made for made in _made(site.name, words, site.where.namespace, names) if made}
    return frozenset(names - {""})


def _made(command: str, words: list[str], space: str, known: set[str]) -> Iterator[str]:
    match [command, *words]:
        case ["interp", "alias", _, name]:
            yield qualified(name, "")
        case ["rename", _, name, *_]:
            yield qualified(name, space)
        case ["coroutine", name, *_]:
            yield qualified(name, space)
        case ["namespace", "import", *patterns]:
            yield from (qualified(item.rpartition("::")[2], space) for item in patterns if item[-1:] != "*")
        case ["namespace", "ensemble", "create", *_]:
            yield space
        case [maker, "create", name, *_] if maker in known or maker == "oo::object":
            yield qualified(name, space)
        case [maker, name, *_] if maker in known:
            yield qualified(name, space)  # so a snit type makes its instances


def variable_faults(found: Walk, catalog: Catalog) -> Iterator[Fault]:
    """Values that catalog variables may not have, unknown names beside them, undefined variables."""
    spaces = {bare(item.name).rpartition("::")[0] for item in catalog.variables} - {""}
    for site in found.sites:
        if site.name in ("set", "::set", "variable") and len(site.command.words) > 1:
            yield from _set_faults(found, catalog, site, spaces)
    if any(site.name == "source" for site in found.sites):
        return
    mentioned = _mentioned(found, catalog)
    told: set[str] = set()
    for variable in sorted(found.variables, key=lambda item: item.start):
        name = bare(variable.name)
        if not name or name in BUILT_IN or name in told or catalog.variable(name) or name in mentioned:
            continue
        told.add(name)
        yield _undefined(catalog, variable.name, Span(variable.start, variable.end), mentioned)


def _set_faults(found: Walk, catalog: Catalog, site: Site, spaces: set[str]) -> Iterator[Fault]:
    words = site.command.words
    name = found.value(words[1])
    if name is None:
        return
    full = qualified(name, site.where.namespace if site.name == "variable" else "")
    variable = catalog.variable(full)
    if variable is not None:
        value = found.value(words[2]) if len(words) > 2 else None
        wrong = misfit(catalog, variable, value) if value is not None else None
        if wrong is not None:
            yield value_fault(wrong, variable.name, words[2])
    elif full.rpartition("::")[0] in spaces:
        near = catalog.near_variables(full)
        yield Fault(
            "tcl.var.unknown",
            f'the catalog has no variable "{name[:60]}"',
            words[1].span,
            f'did you mean "{near[0]}"?' if near else None,
            Level.VALID,
            fix=Fix(words[1].span, near[0]) if near and words[1].kind == "bare" else None,
        )


def _undefined(catalog: Catalog, name: str, span: Span, mentioned: set[str]) -> Fault:
    near = catalog.near_variables(name)[:1] if "::" in name else ()
    if not near and len(name) < 40:
        near = tuple(get_close_matches(name, sorted(mentioned)[:2000], n=1))
    return Fault(
        "tcl.var.undefined",
        f'can\'t read "{name[:60]}": no such variable',
        span,
        f'did you mean "${near[0]}"?' if near else f"set {name[:60]} before",
        Level.VALID,
        fix=Fix(span, f"${near[0]}") if near else None,
    )


def _mentioned(found: Walk, catalog: Catalog) -> set[str]:
    """Every name in a literal word that might set a variable."""
    names: set[str] = set()
    for site in found.sites:
        if find_proc(found, catalog, site)[0] is not None:
            continue
        for word in site.command.words[1:]:
            start, end = word.inner
            if word.kind == "braced" and (start in found.scripts or start in found.exprs):
                continue
            if end - start <= LONGEST:
                names.update(bare(match.group()) for match in NAME.finditer(found.text, start, end))
    names |= {name.rpartition("::")[2] for name in names}
    return names
