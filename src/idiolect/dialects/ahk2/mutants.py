"""Breaks good scripts on purpose, each way with its name. What still loads is never given."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from idiolect.dialects.contract import Mutant
from idiolect.dialects.verdict import Level, Severity, Verdict

Break = Callable[[str, random.Random], str | None]

_CALL = re.compile(r"(?m)^([ \t]*)(MsgBox|ToolTip|Run|Send|SendText|Sleep|WinActivate)[ (](\"[^\"\n]*\")\)?$")
_TEXT_ASSIGNED = re.compile(r"(?m)^([ \t]*\w+) := \"([^\"\n]*)\"$")
_ASSIGNED = re.compile(r"(?m)^(\w+)( := .*)$")
_HOTKEY = re.compile(r"(?m)^([~*$<>^!+#]*)(\w+)(?: up)?::")
_HOTKEY_ONE = re.compile(r"(?m)^([~*$<>^!+#]*\w+)::[ ]?(\w.*)$")
_FUNCTION = re.compile(r"(?m)^(\w+)\(([^()\n]*)\) \{$")
_BUILT_IN = re.compile(r"\b(StrLen|StrUpper|Mod|Sleep|SendText|FileRead|DirCreate|SoundBeep|StrReplace)\(")
_OPERATOR = re.compile(r" (?:\+|\*|/|&&|\.|:=) (?=[\w\"(\[])")
_CONTROL = re.compile(r"(?m)^([ \t]*)(if|while|Loop|for|switch|try)\b.*\{$")


def make_mutant(text: str, rng: random.Random, verify: Callable[[str], Verdict]) -> Mutant | None:
    """A broken version of a script: ways are tried in random order until one really breaks it."""
    kinds = sorted(BREAKS)
    rng.shuffle(kinds)
    for kind in kinds:
        broken = BREAKS[kind](text, rng)
        if broken is None or broken == text:
            continue
        verdict = verify(broken)
        if not verdict.judged or verdict.ok:
            continue
        errors = [fault for fault in verdict.faults if fault.severity is Severity.ERROR]
        return Mutant(broken, kind, any(fault.level is Level.PARSE for fault in errors), errors[0].message)
    return None


def _pick(pattern: re.Pattern[str], text: str, rng: random.Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return rng.choice(found) if found else None


def _drop(pattern: str) -> Break:
    """Remove one match."""
    compiled = re.compile(pattern, re.M)

    def apply(text: str, rng: random.Random) -> str | None:
        match = _pick(compiled, text, rng)
        return text[: match.start()] + text[match.end() :] if match else None

    return apply


def _put(pattern: str, replacement: str) -> Break:
    """Replace one match."""
    compiled = re.compile(pattern, re.M)

    def apply(text: str, rng: random.Random) -> str | None:
        match = _pick(compiled, text, rng)
        return text[: match.start()] + match.expand(replacement) + text[match.end() :] if match else None

    return apply


def _line(*lines: str) -> Break:
    """Add a line between two others of the outermost level."""

    def apply(text: str, rng: random.Random) -> str | None:
        rows = text.rstrip("\n").split("\n")
        places = [number for number, row in enumerate(rows) if row and not row.startswith((" ", "}", "#"))]
        if not places:
            return None
        rows.insert(rng.choice(places), rng.choice(lines))
        return "\n".join(rows) + "\n"

    return apply


def _last(line: str) -> Break:
    return lambda text, rng: text.rstrip("\n") + f"\n{line}\n"


def _comma_command(text: str, rng: random.Random) -> str | None:
    match = _pick(_CALL, text, rng)
    if match is None:
        return None
    return text[: match.start()] + f"{match[1]}{match[2]}, {match[3][1:-1]}" + text[match.end() :]


def _percent_command(text: str, rng: random.Random) -> str | None:
    match = _pick(_CALL, text, rng)
    return (
        text[: match.start()] + f"{match[1]}{match[2]} % {match[3]}" + text[match.end() :] if match else None
    )


def _text_assignment(text: str, rng: random.Random) -> str | None:
    match = _pick(_TEXT_ASSIGNED, text, rng)
    return text[: match.start()] + f"{match[1]} = {match[2]}" + text[match.end() :] if match else None


def _renamed(*names: str) -> Break:
    def apply(text: str, rng: random.Random) -> str | None:
        match = _pick(_ASSIGNED, text, rng)
        return text[: match.start()] + rng.choice(names) + match[2] + text[match.end() :] if match else None

    return apply


def _unknown_key(text: str, rng: random.Random) -> str | None:
    match = _pick(_HOTKEY, text, rng)
    if match is None:
        return None
    return text[: match.start(2)] + rng.choice(("Foo", "Enterr", "F25", "Num1", "ab")) + text[match.end(2) :]


def _return_hotkey(text: str, rng: random.Random) -> str | None:
    """A hotkey as v1 wrote it: lines after it, and a return."""
    match = _pick(_HOTKEY_ONE, text, rng)
    if match is None:
        return None
    return text[: match.start()] + f"{match[1]}::\n{match[2]}\nreturn" + text[match.end() :]


def _second_hotkey(text: str, rng: random.Random) -> str | None:
    return text.rstrip("\n") + "\n^!F11::Reload\n^!F11::ExitApp\n"


def _second_function(text: str, rng: random.Random) -> str | None:
    match = _pick(_FUNCTION, text, rng)
    return f"{text}\n{match[1]}({match[2]}) {{\n}}\n" if match else None


def _many_arguments(text: str, rng: random.Random) -> str | None:
    match = _pick(_BUILT_IN, text, rng)
    return text[: match.end()] + "1, 2, 3, 4, 5, 6, 7, 8, " + text[match.end() :] if match else None


def _control_on_one_line(text: str, rng: random.Random) -> str | None:
    match = _pick(_CONTROL, text, rng)
    return text[: match.end()] + " MsgBox(1) }" + text[match.end() :] if match else None


def _truncated(text: str, rng: random.Random) -> str | None:
    opened = [match.end() for match in re.finditer(r"[({\[]|:= ", text)]
    return text[: rng.choice(opened)] if opened else None


BREAKS: dict[str, Break] = {
    "quote_missing": _put(r'("[^"\n]+)"', r"\1"),
    "paren_missing": _drop(r"\)(?=[ \t]*$)"),
    "paren_extra": _put(r"\)$", r"))"),
    "bracket_missing": _drop(r"\](?=[ \t]*$)"),
    "brace_missing": _drop(r"^\}\n"),
    "brace_extra": _last("}"),
    "brace_on_one_line": _last("Extra() { return 1 }"),
    "body_on_one_line": _control_on_one_line,
    "operand_missing": lambda text, rng: _after(_OPERATOR, text, rng),
    "operator_doubled": _put(r" := ", " := * "),
    "space_missing": _put(r'(\w) "', r'\1"'),
    "v1_command": _comma_command,
    "v1_percent": _percent_command,
    "v1_assignment": _text_assignment,
    "v1_directive": _line("#NoEnv", "#Persistent", "#IfWinActive ahk_class Notepad", "#InstallKeybdHook"),
    "v1_hotkey": _return_hotkey,
    "v1_loop": _put(r"^([ \t]*)Loop (\w+) \{", r"\1Loop, \2 {"),
    "v1_quote": _put(r'"([^"\n]+)"', r'"a ""\1"" b"'),
    "directive_misspelt": _line("#SingelInstance Force", "#Require AutoHotkey v2.0", "#HotlF"),
    "reserved_name": _renamed("if", "loop", "while", "and", "in", "return", "static"),
    "built_in_assigned": _renamed("StrLen", "Array", "MsgBox", "Map", "Gui", "A_Now", "A_ScriptDir"),
    "key_unknown": _unknown_key,
    "hotkey_twice": _second_hotkey,
    "function_twice": _second_function,
    "arguments_many": _many_arguments,
    "arguments_few": _line("StrLen()", "SendText()", "Mod(1)", 'StrReplace("a")', "Sleep()"),
    "else_alone": _line("else {\n}", "catch {\n}", "until true"),
    "return_value": _line("return 1", 'return "x"'),
    "break_outside": _line("break", "continue"),
    "key_quoted": _put(r"\{(\w+): ", r'{"\1": '),
    "member_wrong": _put(r"^(class .*\{)$", r'\1\n    MsgBox("x")'),
    "class_unknown": _put(r"^class (\w+)(?: extends \w+)? \{", r"class \1 extends NoSuchBase {"),
    "parameter_twice": _put(r"^(\w+)\((\w+), (\w+)", r"\1(\2, \2"),
    "truncated": _truncated,
}  # fmt: skip


def _after(pattern: re.Pattern[str], text: str, rng: random.Random) -> str | None:
    """Cut the line off after an operator, so that the next line is no operand."""
    match = _pick(pattern, text, rng)
    if match is None:
        return None
    end = text.find("\n", match.end())
    return text[: match.end() - 1] + "\n}" + text[end if end >= 0 else len(text) :]
