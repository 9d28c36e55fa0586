"""Collects a catalog from Tcl files: procs with arguments, defaults and the comment above; variables,
classes with their methods, packages.

Names are qualified by the `namespace eval` they stand in. What a file defines by computed names is
not seen, and nothing is run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from idiolect.dialects.catalog import Arg, Catalog, Proc, Variable
from idiolect.dialects.tcl.values import BadList, list_elements, unescape
from idiolect.dialects.tcl.walk import Site, Walk, qualified, walk
from idiolect.dialects.tcl.words import Word
from idiolect.source import SourceText, Span


def extract(sources: Sequence[Path]) -> Catalog:
    """The catalog of all symbols that the files define, in the order of files and lines."""
    procs: dict[str, Proc] = {}
    variables: dict[str, Variable] = {}
    packages: dict[str, None] = {}
    for path in sources:
        text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
        found = walk(text)
        source = SourceText(text, path.name)
        for proc in _procs(found, source):
            # A later definition of a name replaces an earlier one, as it does in Tcl.
            procs.pop(proc.name, None)
            procs[proc.name] = proc
        for variable in _variables(found, source):
            variables.setdefault(variable.name, variable)
        for site in found.sites:
            packages.update(dict.fromkeys(_provided(found, site)))
    return Catalog(procs=tuple(procs.values()), variables=tuple(variables.values()), packages=tuple(packages))


def _procs(found: Walk, source: SourceText) -> Iterator[Proc]:
    comments = sorted(found.comments)
    ends = [span.end for span in comments]
    for definition in sorted(found.definitions, key=lambda item: item.site.command.start):
        if "*" in definition.name or not definition.name.strip(":"):
            continue
        start = definition.site.command.start
        line = source.place(start).line
        space = definition.name.rpartition("::")[0]
        yield Proc(
            name=definition.name,
            kind=definition.kind,
            args=tuple(_args(found, definition.formals)) if definition.formals else (),
            notes=_comment_above(found.text, comments, bisect_right(ends, start), start),
            parent=space or None,
            defined_in=f"{source.name}:{line}",
        )


def _args(found: Walk, formals: Word) -> Iterator[Arg]:
    region = formals.region
    if region is None:
        return
    try:
        elements = list_elements(found.splitter, *region)
        specs = [_fields(found, element.inner, element.kind == "braced") for element in elements]
    except BadList:
        return
    seen: set[str] = set()
    for number, spec in enumerate(specs):
        name = spec[0] if spec else ""
        if not name or name in seen or any(character.isspace() for character in name):
            continue
        seen.add(name)
        last = number == len(specs) - 1
        if name == "args" and last and len(spec) == 1:
            yield Arg(name=name, type="any", passed="positional", variadic=True)
        elif len(spec) > 1:
            yield Arg(name=name, type="any", passed="positional", default=spec[1], required=False)
        else:
            yield Arg(name=name, type="any", passed="positional")


def _fields(found: Walk, region: tuple[int, int], braced: bool) -> list[str]:
    text = found.text
    if not braced:
        return [unescape(text[slice(*region)])]
    elements = list_elements(found.splitter, *region)
    fields = []
    for element in elements:
        inner = text[slice(*element.inner)]
        fields.append(inner if element.kind == "braced" else unescape(inner))
    return fields


def _comment_above(text: str, comments: list[Span], index: int, start: int) -> str:
    """The comment lines that end right above a command, without their marks."""
    lines: list[str] = []
    at = start
    while index > 0:
        span = comments[index - 1]
        gap = text[span.end : at]
        if gap.count("\n") != 1 or gap.strip():
            break
        line_start = text.rfind("\n", 0, span.start) + 1
        if text[line_start : span.start].strip():  # behind a command, so about that command
            break
        lines.append(text[span.start : span.end].lstrip("#").strip())
        at = line_start + len(text[line_start : span.start])
        index -= 1
    kept = [line for line in reversed(lines) if not line.startswith("!") and line.strip("-=*# ")]
    return "\n".join(kept)


def _variables(found: Walk, source: SourceText) -> Iterator[Variable]:
    for site in sorted(found.sites, key=lambda item: item.command.start):
        where = site.where
        if where.kind != "script" or where.scope:
            continue
        words = site.command.words
        if site.name == "variable":
            names = words[1::2]
        elif site.name == "set" and len(words) == 3:
            names = words[1:2]
        else:
            continue
        for word in names:
            name = found.value(word)
            at = words.index(word)
            value = found.value(words[at + 1]) if at + 1 < len(words) else None
            if not name or "(" in name or any(character.isspace() for character in name):
                continue
            full = qualified(name, where.namespace)
            if "*" in full or (site.name == "set" and "::" not in full):
                continue
            line = source.place(word.start).line
            default = value if value is not None and len(value) <= 200 else None
            yield Variable(
                name=f"::{full}",
                type="any",
                scope=full.rpartition("::")[0] or "global",
                default=default,
                defined_in=f"{source.name}:{line}",
            )


def _provided(found: Walk, site: Site) -> list[str]:
    words = site.command.words
    if site.name != "package" or len(words) < 3 or found.value(words[1]) != "provide":
        return []
    name = found.value(words[2])
    return [name] if name else []
