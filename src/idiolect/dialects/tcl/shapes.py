"""Which words of a core command are scripts, expressions and argument lists, and rules of its form.

One small function a shape (`if`, `switch`, `try`, class definitions, ...), named in `commands.json`.
It does **not** judge commands that are not core: their words are data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from idiolect.dialects.tcl.commands import Spec, find_option, wrong_count
from idiolect.dialects.tcl.typed import INTEGER
from idiolect.dialects.tcl.values import BadList, Element, list_elements
from idiolect.dialects.tcl.walk import Definition, Site, Walk, Where, qualified
from idiolect.dialects.tcl.words import Command, Word
from idiolect.dialects.verdict import Fault, Level, Severity
from idiolect.source import Span

LEVEL = re.compile(r"#?[0-9]+")
MOST_JOINED = 4  # eval eval eval ...: nobody writes more, and each level costs a copy


def fill_roles(found: Walk, site: Site, spec: Spec) -> None:
    """Queue the words that the table itself gives a role."""
    arguments = site.command.words[spec.names :]
    for word, role in zip(arguments, spec.roles, strict=False):
        if role == "script":
            found.body(word, _inside(site))
        elif role == "expr":
            found.expr(word, site.where)
        elif role == "formals":
            _formals(found, word)
        elif role == "pair":
            _pair(found, word)
    if spec.last == "script" and arguments:
        found.body(arguments[-1], _inside(site))


def _inside(site: Site) -> Where:
    where = site.where
    return Where(where.namespace, where.scope, "script", where.depth + 1, where.joined)


def _fault(found: Walk, message: str, span: Span, hint: str | None = None, code: str = "count") -> None:
    found.faults.append(Fault(f"tcl.args.{code}", message, span, hint, Level.VALID))


def _list(found: Walk, word: Word, what: str) -> list[Element] | None:
    """The elements of a literal list word; None where they can't be told. Bad lists become faults."""
    region = word.region
    if region is None:
        return None
    try:
        return list_elements(found.splitter, *region)
    except BadList as bad:
        span = Span(bad.at, bad.at + 1)
        found.faults.append(Fault("tcl.parse.list", bad.message, span, f"in {what}", Level.PARSE))
        return None


def _pair(found: Walk, word: Word) -> None:
    elements = _list(found, word, "the variable names")
    if elements is not None and len(elements) != 2:
        _fault(found, "must have exactly two variable names", word.span, "write {key value}")


def _formals(found: Walk, word: Word) -> None:
    """Check a list of formal arguments: `{a {b 1} args}`."""
    for element in _list(found, word, "the argument list") or ():
        start, end = element.inner
        text = found.text[start:end]
        fields = [text]
        if element.kind == "braced":
            try:
                parts = list_elements(found.splitter, start, end)
            except BadList as bad:
                found.faults.append(Fault("tcl.parse.list", bad.message, Span(bad.at, bad.at + 1)))
                continue
            fields = [found.text[slice(*part.inner)] for part in parts]
        span = Span(element.start, element.end)
        if not fields or not fields[0]:
            _fault(found, "argument with no name", span, code="formals")
        elif len(fields) > 2:
            shown = text if len(text) < 60 else text[:57] + "..."
            hint = "an argument is a name, or {name default}"
            _fault(found, f'too many fields in argument specifier "{shown}"', span, hint, "formals")
        elif fields[0].endswith(")") and "(" in fields[0]:
            _fault(found, f'formal parameter "{fields[0][:40]}" is an array element', span, code="formals")


def _foreach(found: Walk, site: Site) -> None:
    words = site.command.words
    for word in words[1:-1:2]:
        elements = _list(found, word, "the variable list")
        if elements == [] and len(words) > 3:
            _fault(found, f"{site.name} varlist is empty", word.span, code="varlist")
    if len(words) > 3:
        found.body(words[-1], _inside(site))


def _if(found: Walk, site: Site) -> None:
    words = site.command.words
    at, clause = 1, site.name
    while True:
        if at >= len(words):
            return _fault(found, f'wrong # args: no expression after "{clause}" argument', words[at - 1].span)
        condition = words[at]
        found.expr(condition, site.where)
        at += 1
        if at < len(words) and found.value(words[at]) == "then":
            at += 1
        if at >= len(words):
            after = words[at - 1]
            shown = found.text[after.start : after.end]
            shown = shown if len(shown) < 40 else shown[:37] + "..."
            return _fault(found, f'wrong # args: no script following "{shown}" argument', after.span)
        # `if 0 {...}` is a common way to comment text out; Tcl never reads that body.
        if found.value(condition) != "0":
            found.body(words[at], _inside(site))
        at += 1
        if at < len(words) and found.value(words[at]) == "elseif":
            at, clause = at + 1, "elseif"
            continue
        break
    if at >= len(words):
        return None
    if found.value(words[at]) == "else":
        at += 1
        if at >= len(words):
            return _fault(found, 'wrong # args: no script following "else" argument', words[at - 1].span)
    found.body(words[at], _inside(site))
    if at + 1 < len(words):
        span = Span(words[at].start, words[-1].end)
        message = 'wrong # args: extra words after "else" clause in "if" command'
        _fault(found, message, span, "write else or elseif between a condition's body and the next")
    return None


def _switch(found: Walk, site: Site) -> None:
    words = site.command.words
    spec = site.spec
    assert spec is not None
    at = 1
    while at < len(words) - 1:
        value = found.value(words[at])
        if value is None or not value.startswith("-"):
            break
        # With two words left the first is the string, unless it is an option all the same.
        option = find_option(value, spec.options)
        if option is None:
            if len(words) - at == 2:
                break
            names = ", ".join(spec.options)
            return _fault(found, f'bad option "{value[:40]}"', words[at].span, f"must be {names}", "option")
        at += 1 + spec.options[option]
        if option == "--":
            break
    rest = words[at + 1 :]
    if at >= len(words) or not rest:
        found.faults.append(wrong_count(spec.usage, words))
    elif len(rest) == 1:
        elements = _list(found, rest[0], "the patterns and bodies of switch")
        if elements is not None:
            _switch_list(found, site, rest[0], elements)
    elif words[at].parts and at == 1 and len(rest) % 2:
        pass  # a substituted word may have been an option
    elif len(rest) % 2:
        _fault(found, "extra switch pattern with no body", rest[-1].span)
    else:
        for pattern, word in zip(rest[::2], rest[1::2], strict=True):
            if found.value(word) != "-":
                found.body(word, _inside(site))
            elif word is rest[-1]:
                _no_body(found, found.text[pattern.start : pattern.end], word.span)
    return None


def _switch_list(found: Walk, site: Site, word: Word, elements: list[Element]) -> None:
    text = found.text
    if len(elements) % 2:
        hint = None
        if any(text[element.start] == "#" for element in elements[::2]):
            hint = "a comment may not stand between the patterns: put it inside a body"
        span = Span(elements[-1].start, elements[-1].end)
        return _fault(found, "extra switch pattern with no body", span, hint)
    for element in elements[::2]:
        if text[element.start] == "#":
            message = '"#" is a pattern here, not a comment'
            span = Span(element.start, element.end)
            hint = "put the comment inside a body"
            found.faults.append(
                Fault("tcl.args.switch_comment", message, span, hint, Level.VALID, Severity.WARNING)
            )
    if not elements:
        return _fault(found, "wrong # args: switch has no pattern and body", word.span)
    for pattern, body in zip(elements[::2], elements[1::2], strict=True):
        start, end = body.inner
        if text[start:end] == "-":
            if body is elements[-1]:
                _no_body(found, text[pattern.start : pattern.end], Span(body.start, body.end))
        elif body.kind == "braced" or "\\" not in text[start:end]:
            found.script((start, end), _inside(site))
    return None


def _no_body(found: Walk, pattern: str, span: Span) -> None:
    _fault(
        found, f'no body specified for pattern "{pattern[:40]}"', span, "- takes the body of the next pattern"
    )


def _try(found: Walk, site: Site) -> None:
    words = site.command.words
    if len(words) < 2:
        return found.faults.append(wrong_count("try body ?handler ...? ?finally script?", words))
    found.body(words[1], _inside(site))
    at = 2
    while at < len(words):
        handler = found.value(words[at])
        if handler == "finally":
            if at + 2 != len(words):
                where = Span(words[at].start, words[-1].end)
                return _fault(found, "finally clause must be last and have one script", where)
            return found.body(words[at + 1], _inside(site))
        if handler is None:
            return None
        if handler not in ("on", "trap"):
            message = f'bad handler "{handler[:40]}": must be finally, on, or trap'
            return _fault(found, message, words[at].span, code="option")
        if at + 3 >= len(words):
            what = "on code variableList script" if handler == "on" else "trap pattern variableList script"
            return _fault(found, f'wrong # args to {handler} clause: must be "... {what}"', words[at].span)
        if found.value(words[at + 3]) != "-":
            found.body(words[at + 3], _inside(site))
        at += 4
    return None


def _expr(found: Walk, site: Site) -> None:
    if len(site.command.words) == 2:
        found.expr(site.command.words[1], site.where)


def _script_or_command(found: Walk, site: Site, words: list[Word], where: Where) -> None:
    """One word is a script; several are joined to one command when the script runs."""
    if len(words) == 1:
        found.body(words[0], where)
    elif words and words[0].kind == "bare" and where.joined < MOST_JOINED:
        command = Command(words[0].start, words[-1].end, words)
        found.joined.append((command, replace(where, joined=where.joined + 1)))


def _eval(found: Walk, site: Site) -> None:
    _script_or_command(found, site, site.command.words[1:], _inside(site))


def _uplevel(found: Walk, site: Site) -> None:
    words = site.command.words
    level = found.value(words[1]) if len(words) > 2 else None
    if len(words) == 2 or level is not None:
        at = 2 if level is not None and LEVEL.fullmatch(level) else 1
        _script_or_command(found, site, words[at:], replace(_inside(site), scope="*"))


def _after(found: Walk, site: Site) -> None:
    words = site.command.words
    if len(words) < 2:
        return found.faults.append(wrong_count("after option ?arg ...?", words))
    option = found.value(words[1])
    if option is None or option in ("cancel", "info"):
        return None
    if option != "idle" and not INTEGER.fullmatch(option):
        message = f'bad argument "{option[:40]}": must be cancel, idle, info, or an integer'
        return _fault(found, message, words[1].span, code="option")
    return _script_or_command(found, site, words[2:], replace(_inside(site), namespace="", scope="*"))


def _proc(found: Walk, site: Site) -> None:
    words = site.command.words
    if len(words) != 4:
        return
    name = found.value(words[1])
    _formals(found, words[2])
    full = qualified(name, site.where.namespace) if name else "*"
    space = full.rpartition("::")[0] if name else site.where.namespace
    if name:
        found.definitions.append(Definition(full, "proc", site, words[2], words[3]))
    found.body(words[3], replace(_inside(site), namespace=space, scope=full))


def _method(found: Walk, site: Site) -> None:
    words = site.command.words
    if len(words) not in (4, 5):
        return found.faults.append(wrong_count("method name args body", words))
    _formals(found, words[-2])
    name = found.value(words[1])
    if name:
        full = qualified(name, site.where.scope)
        found.definitions.append(Definition(full, "method", site, words[-2], words[-1]))
    return found.body(words[-1], _inside(site))


def _apply(found: Walk, site: Site) -> None:
    words = site.command.words
    elements = _list(found, words[1], "the lambda") if len(words) > 1 else None
    if elements is None:
        return
    if len(elements) not in (2, 3):
        _fault(
            found, "can't interpret the word as a lambda expression", words[1].span, "{args body ?namespace?}"
        )
        return
    body = elements[1]
    start, end = body.inner
    if body.kind == "braced" or "\\" not in found.text[start:end]:
        found.script((start, end), replace(_inside(site), scope="*"))


def _namespace(found: Walk, site: Site) -> None:
    words = site.command.words
    if len(words) < 4:
        return
    name = found.value(words[2])
    space = qualified(name, site.where.namespace).rstrip(":") if name is not None else "*"
    _script_or_command(found, site, words[3:], replace(_inside(site), namespace=space, scope=""))


def _require(found: Walk, site: Site) -> None:
    for word in site.command.words[2:]:
        name = found.value(word)
        if name is None or name != "-exact":
            found.packages.append((name or "*", word.span))
            return


def _class(found: Walk, site: Site) -> None:
    """`oo::class create Name {definitions}`."""
    words = site.command.words
    if len(words) < 2 or found.value(words[1]) != "create" or len(words) < 3:
        return
    _define_body(found, site, words[2], words[3:])


def _define(found: Walk, site: Site) -> None:
    """`oo::define Name {definitions}` and `oo::define Name method ...`."""
    words = site.command.words
    if len(words) == 3:
        _define_body(found, site, words[1], words[2:])
    elif len(words) > 3 and found.value(words[2]) in ("method", "constructor", "destructor"):
        formals = words[-2] if found.value(words[2]) != "destructor" else None
        if formals is not None:
            _formals(found, formals)
        name = found.value(words[1]) or "*"
        found.body(words[-1], Where(site.where.namespace, name, "script", site.where.depth + 1))


def _define_body(found: Walk, site: Site, name_word: Word, rest: list[Word]) -> None:
    name = found.value(name_word)
    full = qualified(name, site.where.namespace) if name else "*"
    if name and site.name == "oo::class":
        found.definitions.append(Definition(full, "class", site, None, rest[0] if rest else None))
    if rest:
        found.body(rest[0], Where(site.where.namespace, full, "oo", site.where.depth + 1))


def _snit(found: Walk, site: Site) -> None:
    words = site.command.words
    if len(words) != 3:
        return
    name = found.value(words[1])
    full = qualified(name, site.where.namespace) if name else "*"
    if name:
        found.definitions.append(Definition(full, "class", site, None, words[2]))
    found.body(words[2], Where(full, full, "snit", site.where.depth + 1))


def _definer(found: Walk, site: Site) -> None:
    """Class systems of packages that take TclOO-like definitions."""
    words = site.command.words
    if len(words) >= 3:
        found.body(words[-1], Where(site.where.namespace, "*", "oo", site.where.depth + 1))


SHAPES: dict[str, Callable[[Walk, Site], None]] = {
    "after": _after,
    "apply": _apply,
    "class": _class,
    "define": _define,
    "definer": _definer,
    "eval": _eval,
    "expr": _expr,
    "foreach": _foreach,
    "if": _if,
    "method": _method,
    "namespace": _namespace,
    "proc": _proc,
    "require": _require,
    "snit": _snit,
    "switch": _switch,
    "try": _try,
    "uplevel": _uplevel,
}
