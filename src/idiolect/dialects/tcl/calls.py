"""Checks the calls of a script against a catalog: names, arguments, values, deprecations.

A word with a substitution has no known value: it counts as an argument and is not judged further.
Commands that Tcl or the script itself defines are let pass. It does **not** check core commands'
own arguments: `walk` did.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from idiolect.dialects.catalog import Arg, Catalog, Proc, bare
from idiolect.dialects.policy import deprecated_fault
from idiolect.dialects.tcl.commands import core
from idiolect.dialects.tcl.stray import CLAUSES
from idiolect.dialects.tcl.typed import NUMBER, Misfit, misfit
from idiolect.dialects.tcl.walk import Site, Walk, qualified
from idiolect.dialects.tcl.words import Word
from idiolect.dialects.verdict import Fault, Fix, Level
from idiolect.source import Span

MOST_HINTS = 40  # names that neighbours are looked up for in one text


@dataclass(slots=True)
class Call:
    """One call of a catalog symbol: which word went to which argument."""

    proc: Proc
    site: Site
    values: dict[str, Word] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)
    uncertain: bool = False  # a substituted word may be a flag, or several words


def find_proc(found: Walk, catalog: Catalog, site: Site) -> tuple[Proc | None, int]:
    """The catalog symbol that a command calls, and how many words its name takes."""
    name = site.name
    if name is None:
        return None, 1
    second = found.value(site.command.words[1]) if len(site.command.words) > 1 else None
    for candidate in (qualified(name, site.where.namespace), name):
        if second is not None and (proc := catalog.proc(f"{candidate} {second}")):
            return proc, 2
        if proc := catalog.proc(candidate):
            return proc, 1
    return None, 1


class CallChecker:
    """Checks one walked text; keeps the calls it found for others (`describe`, `mutate`)."""

    def __init__(self, found: Walk, catalog: Catalog, known: frozenset[str], deny_deprecated: bool) -> None:
        self.found, self.catalog, self.deny = found, catalog, deny_deprecated
        self.known = known  # command names that are neither core nor of the catalog
        self.calls: list[Call] = []
        self.unjudged = 0  # commands whose name is substituted
        self._hinted: dict[str, tuple[str, ...]] = {}

    def faults(self) -> Iterator[Fault]:
        """All faults of calls."""
        for site in self.found.sites:
            if site.where.kind != "script":
                continue
            proc, width = find_proc(self.found, self.catalog, site)
            if proc is not None:
                yield from self._call(site, proc, width)
            elif site.name is None:
                self.unjudged += 1
            elif not self._is_known(site) and site.name not in CLAUSES:
                yield self._unknown(site)

    def _is_known(self, site: Site) -> bool:
        name = site.name
        assert name is not None
        if site.spec is not None or not name or bare(name) in core():
            return True
        places = {qualified(name, site.where.namespace), bare(name)}
        return bool(places & self.known)

    def _unknown(self, site: Site) -> Fault:
        name, word = site.name or "", site.command.words[0]
        if name not in self._hinted and len(self._hinted) < MOST_HINTS:
            near = self.catalog.near_procs(name)
            self._hinted[name] = near or self._ensembles(name)
        near = self._hinted.get(name, ())
        fix = Fix(word.span, near[0]) if near and word.kind == "bare" else None
        hint = f'did you mean "{near[0]}"?' if near else "use only the procs of the catalog"
        return Fault(
            "tcl.proc.unknown", f'invalid command name "{name[:60]}"', word.span, hint, Level.VALID, fix=fix
        )

    def _ensembles(self, name: str) -> tuple[str, ...]:
        return tuple(get_close_matches(name, core(), n=1, cutoff=0.75)) if len(name) < 40 else ()

    def _call(self, site: Site, proc: Proc, width: int) -> Iterator[Fault]:
        word = site.command.words[0]
        name = site.name or ""
        if proc.deprecated:
            why = proc.deprecated if isinstance(proc.deprecated, str) else ""
            replacement = proc.replaced_by or ""
            span = Span(word.start, site.command.words[width - 1].end)
            yield deprecated_fault(name, span, "tcl", replacement=replacement, why=why, deny=self.deny)
        call = Call(proc, site)
        self.calls.append(call)
        yield from self._arguments(call, site.command.words[width:])
        yield from self._missing(call)

    def _arguments(self, call: Call, words: list[Word]) -> Iterator[Fault]:
        flags = {arg.name: arg for arg in call.proc.args if arg.passed != "positional"}
        positional = [arg for arg in call.proc.args if arg.passed == "positional"]
        loose: list[Word] = []  # words that are neither flags nor expected
        at = taken = 0
        while at < len(words):
            word = words[at]
            value = self.found.value(word)
            arg = flags.get(value[1:]) if value and value.startswith("-") else None
            if word.expand:
                call.uncertain = True
            elif arg is not None:
                at = yield from self._flag(call, arg, words, at)
                continue
            elif value is not None and flags and value.startswith("-") and not NUMBER.fullmatch(value):
                yield self._bad_flag(call, word, value, flags)
                # What follows an unknown flag is its value, unless it is a flag itself.
                following = words[at + 1] if at + 1 < len(words) else None
                if following is not None and not self._is_flag(following, flags):
                    at += 1
                call.uncertain = True
            elif taken < len(positional):
                arg = positional[taken]
                call.values.setdefault(arg.name, word)
                yield from self._value(call, arg, word)
                taken += 0 if arg.variadic else 1
            elif value is None and flags and not loose:
                call.uncertain = True
            elif not call.uncertain:
                loose.append(word)
            at += 1
        if loose:
            yield self._loose(call, loose, list(flags.values()))

    def _flag(self, call: Call, arg: Arg, words: list[Word], at: int) -> Generator[Fault, None, int]:
        """Take a flag and its value; return where the next argument stands."""
        word = words[at]
        if arg.name in call.values or arg.name in call.switches:
            message = f"-{arg.name} is given twice to {call.proc.name}"
            yield Fault("tcl.args.duplicate", message, word.span, "give it once", Level.VALID)
        if arg.passed == "switch":
            call.switches.add(arg.name)
            return at + 1
        following = words[at + 1] if at + 1 < len(words) else None
        flags = {item.name: item for item in call.proc.args if item.passed != "positional"}
        if following is None or self._is_flag(following, flags):
            call.values[arg.name] = word
            message = f"-{arg.name} of {call.proc.name} has no value"
            yield Fault("tcl.args.no_value", message, word.span, f"write {_written(arg)}", Level.VALID)
            return at + 1
        call.values[arg.name] = following
        yield from self._value(call, arg, following)
        return at + 2

    def _is_flag(self, word: Word, flags: dict[str, Arg]) -> bool:
        value = self.found.value(word)
        return value is not None and value.startswith("-") and value[1:] in flags

    def _bad_flag(self, call: Call, word: Word, value: str, flags: dict[str, Arg]) -> Fault:
        free = [name for name in flags if name not in call.values]
        near = get_close_matches(value[1:], free or flags, n=1, cutoff=0.5) if len(value) < 60 else []
        if near:
            hint, fix = f'did you mean "-{near[0]}"?', Fix(word.span, f"-{near[0]}")
        else:
            hint, fix = f"write: {self.catalog.signature(call.proc)}", None
        message = f'{call.proc.name} has no argument "{value[:40]}"'
        return Fault("tcl.args.unknown", message, word.span, hint, Level.VALID, fix=fix)

    def _loose(self, call: Call, loose: list[Word], flags: list[Arg]) -> Fault:
        """The fault of words where only flags are taken, with the flags they probably belong to."""
        proc, text = call.proc, self.found.text
        span = Span(loose[0].start, loose[-1].end)
        unset = [arg for arg in flags if arg.passed == "flag" and arg.name not in call.values]
        shown = [text[word.start : word.end] for word in loose]
        if not unset or max(map(len, shown)) > 200:
            message = f"{proc.name} takes no such argument: {shown[0][:40]}"
            return Fault(
                "tcl.args.extra", message, span, f"write: {self.catalog.signature(proc)}", Level.VALID
            )
        names = {arg.name for arg in unset}
        fix = None
        if len(shown) % 2 == 0 and all(name in names for name in shown[::2]):
            pairs = zip(shown[::2], shown[1::2], strict=True)
            fix = Fix(span, " ".join(f"-{name} {value}" for name, value in pairs))
        elif len(shown) <= len(unset) and not names & set(shown):
            fix = Fix(span, " ".join(f"-{a.name} {value}" for a, value in zip(unset, shown, strict=False)))
        call.uncertain = True  # what is missing is told here
        message = f"{proc.name} takes its arguments as -name value, found {shown[0][:40]}"
        hint = f"write: {fix.text if fix else self.catalog.signature(proc)}"
        return Fault("tcl.args.positional", message, span, hint, Level.VALID, fix=fix)

    def _missing(self, call: Call) -> Iterator[Fault]:
        if call.uncertain:
            return
        missing = [arg for arg in call.proc.args if arg.needed and arg.name not in call.values]
        if missing:
            site = call.site
            names = ", ".join(f"-{arg.name}" if arg.passed == "flag" else arg.name for arg in missing)
            end = site.command.end
            fix = None
            only = self.catalog.resolve(missing[0]).words
            if len(missing) == len(only) == 1 and missing[0].passed == "flag":
                fix = Fix(Span(end, end), f" -{missing[0].name} {only[0]}")
            message = f"{call.proc.name} needs {names}"
            hint = f"write: {self.catalog.signature(call.proc)}"
            yield Fault(
                "tcl.args.missing", message, Span(site.command.start, end), hint, Level.VALID, fix=fix
            )

    def _value(self, call: Call, arg: Arg, word: Word) -> Iterator[Fault]:
        value = self.found.value(word)
        if value is None:
            return
        wrong = misfit(self.catalog, arg, value, is_list=arg.list)
        if wrong is not None:
            flag = f"-{arg.name}" if arg.passed == "flag" else arg.name
            yield value_fault(wrong, f"{flag} of {call.proc.name}", word)


def value_fault(wrong: Misfit, of: str, word: Word) -> Fault:
    """The fault of a value that does not have its type."""
    fix = Fix(word.span, wrong.instead) if wrong.instead and word.kind == "bare" else None
    return Fault(
        f"tcl.value.{wrong.code}", f"{of}: {wrong.message}", word.span, wrong.hint, Level.VALID, fix=fix
    )


def _written(arg: Arg) -> str:
    return f"-{arg.name} {'{' + '|'.join(arg.words) + '}' if arg.values else '<' + arg.type + '>'}"
