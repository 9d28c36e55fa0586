"""Says what is wrong with a Gates text that lark refused: what stands there, what may, and the cure.

It looks at one refusal and the text around it; it does not parse.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Set
from difflib import get_close_matches

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from idiolect.dialects.gates.syntax import KEYWORDS, MAX_NESTING, MAX_TEXT
from idiolect.dialects.verdict import Fault, Fix
from idiolect.source import SourceText, Span

_STATEMENT_WORDS = ("WIRE", "REG", "CONST", "STAGE")
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_CLOSER_TERMINAL = {"(": "RPAR", "[": "RSQB", "{": "RBRACE"}
# An unclosed comment swallows the rest, so that many openers do not cost a scan each.
_BRACKETS = re.compile(r"//[^\r\n]*|/\*(?:.*?\*/|.*)|[()\[\]{}]", re.DOTALL)
_WORDS = re.compile(r"//[^\r\n]*|/\*(?:.*?\*/|.*)|[A-Za-z_][A-Za-z0-9_]*|\S", re.DOTALL)
_LITERAL = re.compile(r"[0-9][0-9A-Za-z_]*(?:'[0-9A-Za-z_]*)?|'[0-9A-Za-z_]+")
_BEGINS_STATEMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\s*(?:=(?!=)|<=|\[|[A-Za-z_])")

_IN_WORDS = {
    "NAME": "a name",
    "INT": "a number",
    "SIZED": "a number with a width",
    "INVERT": '"~"',
    "MINUS": '"-"',
    "AT_MOST": '"<="',
    "SEMICOLON": '";"',
    "COMMA": '","',
    "EQUAL": '"="',
    "LPAR": '"("',
    "RPAR": '")"',
    "LSQB": '"["',
    "RSQB": '"]"',
    "LBRACE": '"{"',
    "RBRACE": '"}"',
    "QMARK": '"?"',
    "COLON": '":"',
    "DOT": '"."',
    "$END": "the end of the text",
}
_OPERATORS = {"LOGIC", "MINUS", "LESS", "AT_MOST", "JOIN"}
_OPERAND = {"NAME", "INT", "SIZED", "LPAR", "LBRACE", "CASE"}

_CHARACTER_HINTS = {
    "!": "write ~A to invert bits, or A != B to compare",
    "#": "comments begin with //",
    '"': "Gates has no strings; names stand without quotes",
    "'": "a number is written as width'base digits: 4'b1010, 8'hFF or 8'd255",
    "@": "registers step on the module's CLOCK port by themselves: Q <= ...;",
    "%": "there is no remainder; for a power of two take the low bits: A[2:0]",
    "/": "there is no division; to divide by a power of two, shift: A >> 2",
    "\\": "names are letters, digits and _",
    "$": "there are no system functions",
}


def too_long(text: str) -> Fault:
    return Fault(
        "gates.limit.text",
        f"the text has {len(text)} characters; at most {MAX_TEXT} are read",
        Span(MAX_TEXT, MAX_TEXT),
        "split the design into several texts",
    )


def too_deep(span: Span) -> Fault:
    return Fault(
        "gates.limit.nesting",
        f"the expression is nested more than {MAX_NESTING} deep",
        span,
        "name inner parts with WIRE",
    )


def too_many_digits(span: Span) -> Fault:
    return Fault("gates.limit.digits", "the number has too many digits", span, "words have up to 256 bits")


def missing_semicolon(text: str, error: UnexpectedToken) -> Fault | None:
    """The fault, if a ";" before the refused token is all that lacks there."""
    token = error.token
    at = token.start_pos if token.type != "$END" else len(text)
    if at is None or "SEMICOLON" not in _accepts(error):
        return None
    begins = token.type in _STATEMENT_WORDS or (
        token.type == "NAME" and _BEGINS_STATEMENT.match(text, at) is not None
    )
    if not begins and token.type != "RBRACE":
        return None
    end = _end_of_code(text, at)
    return Fault(
        "gates.parse.semicolon",
        'a ";" is missing at the end of the statement',
        Span(max(0, end - 1), end),
        'put ";" here',
        fix=Fix(Span(end, end), ";"),
    )


def unclosed_comment(text: str, error: UnexpectedInput) -> Fault | None:
    """The fault, if the refused place opens a comment that nothing closes."""
    at = error.pos_in_stream
    if at is None or not text.startswith("/*", at):
        return None
    return Fault(
        "gates.parse.comment",
        'the comment is not closed: "/*" has no "*/"',
        Span(at, at + 2),
        'end the comment with "*/", or use // for one line',
    )


def explain(text: str, error: UnexpectedInput) -> Fault:
    """The fault that a refusal by lark amounts to."""
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        return _literal_fault(text, at) or _character_fault(text, at)
    assert isinstance(error, UnexpectedToken)
    token = error.token
    at = len(text) if token.type == "$END" else token.start_pos or 0
    accepts = _accepts(error)
    if not text.strip() or (token.type == "$END" and "MODULE" in accepts):
        return Fault(
            "gates.parse.empty", "there is no module here", Span(0, 0), "write MODULE NAME(...) { ... }"
        )
    return (
        _literal_fault(text, at)
        or _operator_fault(text, token, at, accepts)
        or _keyword_fault(text, token, at, accepts)
        or _form_fault(token, at, accepts)
        or _bracket_fault(text, token, at, accepts)
        or _anything_else(text, token, at, accepts)
    )


def _accepts(error: UnexpectedToken) -> set[str]:
    """The terminals that may stand where the refused one does."""
    accepted: set[str] = error.interactive_parser.accepts()  # type: ignore[no-untyped-call]
    return accepted


def _end_of_code(text: str, at: int) -> int:
    """Where the code before an offset ends, blanks and comments left out."""
    end = 0
    for found in _WORDS.finditer(text, max(0, at - 2000) and text.rfind("\n", 0, at - 1999) + 1, at):
        if not found.group().startswith(("//", "/*")):
            end = found.end()
    return end


def _character_fault(text: str, at: int) -> Fault:
    character = text[at]
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    hint = _CHARACTER_HINTS.get(character)
    if hint is None and ord(character) > 126:
        hint = "outside comments only ASCII characters stand"
    return Fault("gates.parse.character", f'"{shown}" begins nothing in Gates', Span(at, at + 1), hint)


def _literal_fault(text: str, at: int) -> Fault | None:
    """A number with a wrong base or wrong digits: lark stops inside it or right behind its good part."""
    start = at
    while start > 0 and at - start < 500 and (text[start - 1].isalnum() or text[start - 1] in "_'"):
        start -= 1
    found = _LITERAL.match(text, start)
    if found is None or found.end() <= at or not (start < at or found.group().startswith("'")):
        return None
    word = found.group()
    hint = "a number is written as width'base digits: 4'b1010, 8'hFF or 8'd255"
    if not word[0].isdigit():
        hint = f"put the width before the quote, as in 8{word}"
    elif "'" not in word:
        hint = (
            f"names can't begin with a digit: write {word.lstrip('0123456789')}; a number has a base: 8'hFF"
        )
    return Fault("gates.parse.literal", f'"{word}" is not a number', Span(start, found.end()), hint)


def _operator_fault(text: str, token: Token, at: int, accepts: Set[str]) -> Fault | None:
    before = text[at - 1 : at] if at else ""
    word = str(token)
    if before + word[:1] in ("&&", "||"):
        one = word[0]
        return Fault(
            "gates.parse.operator",
            f'"{one}{one}" is no operator of Gates',
            Span(at - 1, at + 1),
            f"write {one}; to reduce a word to one bit first, write ({one}A)",
            fix=Fix(Span(at - 1, at + 1), one),
        )
    span = Span(at, at + len(word))
    if word == "==" and "EQUAL" in accepts:
        return Fault(
            "gates.parse.operator", 'a drive is written with one "="', span, "write =", fix=Fix(span, "=")
        )
    if word == "=" and "JOIN" in accepts:
        return Fault(
            "gates.parse.operator",
            '"=" can\'t stand in an expression',
            span,
            "write == to compare",
            fix=Fix(span, "=="),
        )
    joins = token.type in _OPERATORS
    if token.type == "INVERT" and "JOIN" in accepts:
        hint = "write A & ~B for and-not"
        return Fault("gates.parse.operator", '"~" does not join two operands', span, hint)
    if joins and "QMARK" in accepts and "JOIN" not in accepts:
        message = f'a reduction can\'t be an operand of "{word}" without brackets'
        return Fault("gates.parse.operator", message, span, "put brackets round the reduction: (&A) & B")
    if token.type == "LOGIC" and "NAME" in accepts:
        message = f'the reduction "{word}" can\'t be an operand without brackets'
        return Fault("gates.parse.operator", message, span, f"put brackets round it: ({word}A)")
    if joins and accepts >= _OPERAND:
        message = f'an operand is missing before "{word}"'
        return Fault("gates.parse.operand", message, span, "write a signal or a number")
    return None


def _keyword_fault(text: str, token: Token, at: int, accepts: Set[str]) -> Fault | None:
    word = str(token)
    if word in KEYWORDS and "NAME" in accepts and not (word == "MODULE" and "RBRACE" in accepts):
        span = Span(at, at + len(word))
        return Fault(
            "gates.parse.reserved", f"{word} is a keyword and can't be a name", span, "take another name"
        )
    for name, start, allowed in _suspects(text, token, at, accepts):
        if name in KEYWORDS:
            continue
        near = get_close_matches(name.upper(), allowed, n=1, cutoff=0.7)
        if near:
            span = Span(start, start + len(name))
            return Fault(
                "gates.parse.keyword",
                f'"{name}" is no keyword',
                span,
                f"did you mean {near[0]}?",
                fix=Fix(span, near[0]),
            )
    return None


def _suspects(text: str, token: Token, at: int, accepts: Set[str]) -> list[tuple[str, int, Collection[str]]]:
    """Words that may be misspelt keywords, with the keywords that could stand there."""
    found: list[tuple[str, int, Collection[str]]] = []
    if token.type == "NAME":
        allowed = [word for word in KEYWORDS if word in accepts]
        found.append((str(token), at, allowed))
    before = [
        word for word in _WORDS.finditer(text, max(0, at - 400), at) if word.group()[:2] not in ("//", "/*")
    ]
    # "WIER T = A;" reads as an instance of module WIER until the "=".
    if len(before) >= 2 and before[-2].group().isidentifier() and before[-1].group().isidentifier():
        found.append((before[-2].group(), before[-2].start(), _STATEMENT_WORDS))
    if before and token.type == "LPAR":
        found.append((before[-1].group(), before[-1].start(), ("CASE",)))
    if token.type == "RBRACE" and "COMMA" in accepts:
        labels = [place for place, word in enumerate(before) if word.group() == ":" and place]
        if labels and before[labels[-1] - 1].group().isidentifier():
            last = before[labels[-1] - 1]
            found.append((last.group(), last.start(), ("DEFAULT",)))
    return found


def _form_fault(token: Token, at: int, accepts: Set[str]) -> Fault | None:
    """Mistakes that the language's own forms invite."""
    span = Span(at, at + len(token))
    if token.type == "SEMICOLON" and accepts & {"MODULE", "STAGE"}:
        return Fault(
            "gates.parse.unexpected", 'this ";" ends nothing', span, 'take ";" away', fix=Fix(span, "")
        )
    if accepts <= {"EQUAL", "LSQB"} and "EQUAL" in accepts:
        hint = "write the number it holds: REG Q[8] = 0; or CONST IDLE = 2'd0;"
        return Fault("gates.parse.number", "a register or constant is declared without a number", span, hint)
    if token.type == "LPAR" and accepts == {"AT_MOST", "EQUAL", "LSQB", "NAME"}:
        hint = "write the module first and then the name of the instance: HALF U1(A, B, S, C);"
        return Fault("gates.parse.instance", "an instance has a module and a name", span, hint)
    if token.type == "RBRACE" and (accepts == {"COMMA"} or "DEFAULT" in accepts):
        hint = "end the CASE with DEFAULT: value"
        return Fault("gates.parse.default", "the CASE has no DEFAULT", span, hint)
    if token.type == "EQUAL" and accepts <= {"AT_MOST", "LSQB"}:
        hint = "write <="
        return Fault(
            "gates.parse.latch", "a stage latches its values with <=", span, hint, fix=Fix(span, "<=")
        )
    if token.type == "NAME" and "INPUT" in accepts:
        hint = f"write INPUT {token}, OUTPUT {token}, CLOCK {token} or RESET {token}"
        return Fault("gates.parse.port", f"the port {token} does not say its kind", span, hint)
    return None


def _bracket_fault(text: str, token: Token, at: int, accepts: Set[str]) -> Fault | None:
    openers: list[tuple[str, int]] = []
    for found in _BRACKETS.finditer(text, 0, at):
        mark = found.group()
        if mark in _CLOSER:
            openers.append((mark, found.start()))
        elif mark in _CLOSER.values() and openers and _CLOSER[openers[-1][0]] == mark:
            openers.pop()
    word = str(token)
    if word in _CLOSER.values():
        return _stray_closer(text, word, at, openers)
    if len(accepts) <= 2 and ("LBRACE" in accepts or "LPAR" in accepts) and word not in _CLOSER:
        mark = "{" if "LBRACE" in accepts else "("
        end = _end_of_code(text, at)
        return Fault(
            "gates.parse.bracket",
            f'a "{mark}" is missing here',
            Span(at, at + len(word)),
            f'put "{mark}" before this',
            fix=Fix(Span(end, end), f" {mark}" if mark == "{" else mark),
        )
    if not openers or _CLOSER_TERMINAL[openers[-1][0]] not in accepts:
        return None
    mark, opened = openers[-1]
    if token.type not in ("SEMICOLON", "$END", "LBRACE", "MODULE", *_STATEMENT_WORDS):
        return None
    return Fault(
        "gates.parse.bracket",
        f'this "{mark}" is never closed',
        Span(opened, opened + 1),
        f'put "{_CLOSER[mark]}" at {_place(text, _end_of_code(text, at))}',
        fix=Fix(Span(_end_of_code(text, at), _end_of_code(text, at)), _CLOSER[mark]),
    )


def _stray_closer(text: str, word: str, at: int, openers: list[tuple[str, int]]) -> Fault | None:
    span = Span(at, at + 1)
    if openers and _CLOSER[openers[-1][0]] == word:
        return None
    if word not in [_CLOSER[mark] for mark, _ in openers]:
        message = f'this "{word}" closes nothing'
        return Fault("gates.parse.bracket", message, span, f'take "{word}" away', fix=Fix(span, ""))
    mark, opened = openers[-1]
    message = f'found "{word}" while the "{mark}" of {_place(text, opened)} is open'
    end = _end_of_code(text, at)
    hint = f'put "{_CLOSER[mark]}" before this'
    return Fault("gates.parse.bracket", message, span, hint, fix=Fix(Span(end, end), _CLOSER[mark]))


def _place(text: str, at: int) -> str:
    place = SourceText(text).place(at)
    return f"line {place.line}, column {place.column}"


def _anything_else(text: str, token: Token, at: int, accepts: Set[str]) -> Fault:
    word = str(token)
    span = Span(at, at + len(word))
    found = "the end of the text" if token.type == "$END" else f'"{word[:40]}"'
    expected = _expected(accepts)
    if token.type == "$END":
        return Fault(
            "gates.parse.end", f"the text ends too early; expected {expected}", span, f"write {expected}"
        )
    if accepts >= _OPERAND:
        message = f"found {found} where an operand should stand"
        return Fault(
            "gates.parse.operand", message, span, "write a signal, a number or a bracketed expression"
        )
    if token.type in ("NAME", "INT", "SIZED") and "JOIN" in accepts:
        message = f"found {found} right after an operand"
        return Fault("gates.parse.unexpected", message, span, 'put an operator between them, or end with ";"')
    return Fault("gates.parse.unexpected", f"found {found}, expected {expected}", span, f"write {expected}")


def _expected(accepts: Set[str]) -> str:
    """What may stand, in words, at most five of it."""
    left = set(accepts)
    words = []
    if left >= _OPERAND:  # with what may stand before an operand
        words.append("an expression")
        left -= _OPERAND | {"LOGIC", "INVERT", "MINUS"}
    if left >= _OPERATORS:
        words.append("an operator")
        left -= _OPERATORS
    words += [_IN_WORDS.get(name, name) for name in sorted(left)]
    if len(words) > 5:
        words = [*words[:5], "..."]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
