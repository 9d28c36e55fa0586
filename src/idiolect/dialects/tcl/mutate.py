"""Breaks a good script in one named way: what people and models get wrong in Tcl.

Each kind is a small function that returns a broken text or None. A mutant is checked before it is
returned: one that still verifies is thrown away and another kind is tried. It does **not** make
several faults at once.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from idiolect.dialects.contract import Context, Mutant
from idiolect.dialects.tcl.calls import Call
from idiolect.dialects.tcl.subject import Broken, Subject
from idiolect.dialects.tcl.words import Word
from idiolect.source import Span

if TYPE_CHECKING:
    from idiolect.dialects.tcl.dialect import Tcl

Kind = Callable[[Subject], Broken | None]


def _dropped(pattern: str) -> Kind:
    def drop(subject: Subject) -> Broken | None:
        span = subject.pick(subject.spans(pattern))
        return subject.cut(span, "", f"without {subject.text[span.start : span.end]}") if span else None

    return drop


def _inserted(pattern: str, instead: str, note: str) -> Kind:
    def insert(subject: Subject) -> Broken | None:
        span = subject.pick(subject.spans(pattern))
        return subject.cut(span, instead, note) if span else None

    return insert


def _extra_closer(subject: Subject) -> Broken | None:
    lines = subject.text.splitlines(keepends=True)
    at = subject.rng.randrange(1, len(lines) + 1) if lines else 0
    return Broken("".join([*lines[:at], "}\n", *lines[at:]]), "a } too many")


def _misspelt_proc(subject: Subject) -> Broken | None:
    call = subject.call()
    if call is None:
        return None
    word = call.site.command.words[0]
    name = subject.text[word.start : word.end]
    head, mark, tail = name.rpartition("::")
    return subject.cut(word.span, head + mark + subject.misspelt(tail), name)


def _wrong_namespace(subject: Subject) -> Broken | None:
    call = subject.call(lambda call: "::" in (call.site.name or ""))
    if call is None:
        return None
    word = call.site.command.words[0]
    name = subject.text[word.start : word.end]
    return subject.cut(word.span, name.rpartition("::")[2], f"{name} without its namespace")


def _has_flag(call: Call) -> bool:
    return any(arg.passed == "flag" and arg.name in call.values for arg in call.proc.args)


def _a_flag(subject: Subject) -> tuple[Call, str, Span] | None:
    call = subject.call(_has_flag)
    if call is None:
        return None
    names = [arg.name for arg in call.proc.args if arg.passed == "flag" and arg.name in call.values]
    name = subject.rng.choice(names)
    span = subject.flag_of(call, call.values[name])
    return (call, name, span) if span else None


def _wrong_flag(subject: Subject) -> Broken | None:
    chosen = _a_flag(subject)
    return subject.cut(chosen[2], f"-{subject.misspelt(chosen[1])}", f"-{chosen[1]}") if chosen else None


def _flag_without_dash(subject: Subject) -> Broken | None:
    chosen = _a_flag(subject)
    return subject.cut(chosen[2], chosen[1], f"-{chosen[1]} without its dash") if chosen else None


def _flag_without_value(subject: Subject) -> Broken | None:
    chosen = _a_flag(subject)
    if chosen is None:
        return None
    call, name, flag = chosen
    return subject.cut(Span(flag.end, call.values[name].end), "", f"-{name} without a value")


def _duplicate_flag(subject: Subject) -> Broken | None:
    chosen = _a_flag(subject)
    if chosen is None:
        return None
    call, name, flag = chosen
    end = call.values[name].end
    return subject.cut(Span(end, end), " " + subject.text[flag.start : end], f"-{name} twice")


def _missing_argument(subject: Subject) -> Broken | None:
    call = subject.call(lambda call: any(arg.needed and arg.name in call.values for arg in call.proc.args))
    if call is None:
        return None
    names = [arg.name for arg in call.proc.args if arg.needed and arg.name in call.values]
    name = subject.rng.choice(names)
    value = call.values[name]
    flag = subject.flag_of(call, value)
    start = (flag.start if flag else value.start) - 1
    return subject.cut(Span(start, value.end), "", f"without {name}")


def _extra_argument(subject: Subject) -> Broken | None:
    call = subject.call()
    if call is None:
        return None
    end = call.site.command.end
    return subject.cut(
        Span(end, end), subject.rng.choice((" extra", " -force 1", " 42")), "an argument too many"
    )


def _value(subject: Subject, fits: Callable[[Subject, Call, str], str | None]) -> Broken | None:
    """Replace the value of one argument by what `fits` makes of it."""
    options = []
    for call in subject.found.calls:
        for name, word in call.values.items():
            if subject.found.walk.value(word) is not None and (instead := fits(subject, call, name)):
                options.append((word.span, instead, name))
    if not options:
        return None
    span, instead, name = subject.rng.choice(options)
    return subject.cut(span, instead, f"{name} {subject.text[span.start : span.end]}")


def _bad_enum(subject: Subject) -> Broken | None:
    def fits(subject: Subject, call: Call, name: str) -> str | None:
        arg = call.proc.arg(name)
        assert arg is not None and subject.found.catalog is not None
        words = subject.found.catalog.resolve(arg).words
        return subject.rng.choice((words[0] + "9", words[-1].swapcase() + "x", "none")) if words else None

    return _value(subject, fits)


def _bad_type(subject: Subject) -> Broken | None:
    def fits(subject: Subject, call: Call, name: str) -> str | None:
        arg = call.proc.arg(name)
        assert arg is not None and subject.found.catalog is not None
        numeric = subject.found.catalog.resolve(arg).type in ("int", "float", "port")
        return subject.rng.choice(("wide", "1,5", "ten")) if numeric else None

    return _value(subject, fits)


def _out_of_range(subject: Subject) -> Broken | None:
    def fits(subject: Subject, call: Call, name: str) -> str | None:
        arg = call.proc.arg(name)
        assert arg is not None and subject.found.catalog is not None
        resolved = subject.found.catalog.resolve(arg)
        if resolved.range is None or resolved.range[1] is None:
            return None
        unit = resolved.unit if resolved.unit and resolved.unit_written else ""
        return f"{int(resolved.range[1]) + subject.rng.randint(1, 999)}{unit}"

    return _value(subject, fits)


def _bad_unit(subject: Subject) -> Broken | None:
    def fits(subject: Subject, call: Call, name: str) -> str | None:
        arg = call.proc.arg(name)
        assert arg is not None and subject.found.catalog is not None
        resolved = subject.found.catalog.resolve(arg)
        if not resolved.unit:
            return None
        word = subject.text[call.values[name].start : call.values[name].end]
        if not resolved.unit_written:
            return word + resolved.unit
        plain = word.removesuffix(resolved.unit)
        return subject.rng.choice((plain, plain + "nm" if resolved.unit != "nm" else plain + "mm"))

    return _value(subject, fits)


def _variable_word(subject: Subject, at: int) -> Word | None:
    catalog = subject.found.catalog
    if catalog is None:
        return None
    options = []
    for site in subject.found.walk.sites:
        words = site.command.words
        if (
            site.name == "set"
            and len(words) == 3
            and catalog.variable(subject.found.walk.value(words[1]) or "")
        ):
            options.append(words[at])
    return subject.rng.choice(options) if options else None


def _bad_variable_name(subject: Subject) -> Broken | None:
    word = _variable_word(subject, 1)
    if word is None:
        return None
    name = subject.text[word.start : word.end]
    head, mark, tail = name.rpartition("::")
    return subject.cut(word.span, head + mark + subject.misspelt(tail), name)


def _bad_variable_value(subject: Subject) -> Broken | None:
    word = _variable_word(subject, 2)
    return subject.cut(word.span, subject.rng.choice(("unknown", "-1", "t t"))) if word else None


def _undefined_variable(subject: Subject) -> Broken | None:
    variables = [item for item in subject.found.walk.variables if item.name]
    if not variables:
        return None
    item = subject.rng.choice(variables)
    return subject.cut(Span(item.start, item.end), f"${subject.misspelt(item.name)}", f"${item.name}")


def _block_line(subject: Subject) -> Span | None:
    lines = []
    for block in subject.found.blocks:
        for match in re.finditer(r"[^\n]*\S[^\n]*", subject.text[block.start : block.end]):
            lines.append(Span(block.start + match.start(), block.start + match.end()))
    return subject.pick(lines)


def _bad_dsl_keyword(subject: Subject) -> Broken | None:
    line = _block_line(subject)
    if line is None:
        return None
    words = re.findall(r"[a-z_]+:|^\s*[a-z_]+", subject.text[line.start : line.end])
    if not words:
        return None
    word = subject.rng.choice(words).strip()
    at = subject.text.index(word, line.start)
    return subject.cut(Span(at, at + len(word)), subject.misspelt(word), f"{word} in a DSL block")


def _truncated_dsl(subject: Subject) -> Broken | None:
    line = _block_line(subject)
    if line is None:
        return None
    shown = subject.text[line.start : line.end].rstrip()
    head = shown.rpartition(" ")[0]
    return subject.cut(line, head, "a DSL statement cut short") if head.strip() else None


def _unquoted_dsl(subject: Subject) -> Broken | None:
    line = _block_line(subject)
    quotes = [item for item in subject.spans('"') if line and line.start <= item.start < line.end]
    span = subject.pick(quotes)
    return subject.cut(span, "", "a quote lost in a DSL block") if span else None


def _dsl_outside(subject: Subject) -> Broken | None:
    """A DSL statement where Tcl is expected."""
    line = _block_line(subject)
    if line is None:
        return None
    statement = subject.text[line.start : line.end].strip()
    end = subject.found.walk.top.end
    return subject.cut(Span(end, end), statement + "\n", "a DSL statement outside of its block")


def _missing_header(subject: Subject) -> Broken | None:
    if not subject.text.startswith("#"):
        return None
    return Broken(subject.text.partition("\n")[2], "without its first line")


def _else_alone(subject: Subject) -> Broken | None:
    span = subject.pick(subject.spans(r"\} else"))
    return subject.cut(span, "}\nelse", "else in a line of its own") if span else None


def _forbidden(subject: Subject) -> Broken | None:
    call = subject.call()
    at = call.site.command.start if call else subject.found.walk.top.end
    command = subject.rng.choice(("exec rm -f out.log", "exit", "open secrets.txt r", "socket localhost 80"))
    return subject.cut(Span(at, at), command + "\n", command)


def _bad_expr(subject: Subject) -> Broken | None:
    starts = list(subject.found.walk.exprs)
    if not starts:
        return None
    start = subject.rng.choice(starts)
    instead = subject.rng.choice(("&& ", "1 + ", "( ", "yess ", "= "))
    return subject.cut(Span(start, start), instead, f"{instead.strip()} before a condition")


SYNTAX: dict[str, Kind] = {
    "open_brace_lost": _dropped(r"\{"),
    "close_brace_lost": _dropped(r"\}"),
    "close_brace_extra": _extra_closer,
    "quote_lost": _dropped('"'),
    "open_bracket_lost": _dropped(r"\["),
    "close_bracket_lost": _dropped(r"\]"),
    "extra_after_brace": _inserted(r"\} \{", "}{", "no space between } and {"),
    "space_before_brace_lost": _inserted(r"(?<=\w) \{", "{", "no space before {"),
    "else_alone": _else_alone,
    "bad_expr": _bad_expr,
    "dsl_keyword": _bad_dsl_keyword,
    "dsl_cut_short": _truncated_dsl,
    "dsl_quote_lost": _unquoted_dsl,
}

CATALOG: dict[str, Kind] = {
    "proc_misspelt": _misspelt_proc,
    "namespace_lost": _wrong_namespace,
    "argument_name_wrong": _wrong_flag,
    "dash_lost": _flag_without_dash,
    "value_lost": _flag_without_value,
    "argument_twice": _duplicate_flag,
    "argument_missing": _missing_argument,
    "argument_extra": _extra_argument,
    "enum_wrong": _bad_enum,
    "type_wrong": _bad_type,
    "out_of_range": _out_of_range,
    "unit_wrong": _bad_unit,
    "variable_misspelt": _bad_variable_name,
    "variable_value_wrong": _bad_variable_value,
    "variable_undefined": _undefined_variable,
    "dsl_outside": _dsl_outside,
}

POLICY: dict[str, Kind] = {
    "header_missing": _missing_header,
    "forbidden_proc": _forbidden,
}

KINDS: dict[str, Kind] = {**SYNTAX, **CATALOG, **POLICY}


def mutate(dialect: Tcl, text: str, rng: random.Random, context: Context) -> Mutant | None:
    """A script with one fault, or None where no kind applies."""
    found = dialect.analyse(text, context)
    subject = Subject(found, rng)
    kinds = list(KINDS)
    rng.shuffle(kinds)
    for kind in kinds * 3:
        broken = KINDS[kind](subject)
        if broken is None or broken.text == text or dialect.verify(broken.text, context).ok:
            continue
        return Mutant(broken.text, kind, kind in SYNTAX, broken.note)
    return None
