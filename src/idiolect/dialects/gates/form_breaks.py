"""Breaks of a text's form: what comes out does not parse."""

from __future__ import annotations

from idiolect.dialects.gates.breaks import Break, Good, misspelt, registrar
from idiolect.dialects.gates.syntax import KEYWORDS, Case, Drive, Port, Reg
from idiolect.source import Span

BREAKS: dict[str, Break] = {}
breaks = registrar(BREAKS)


@breaks("parse.semicolon")
def missing_semicolon(good: Good) -> str | None:
    found = good.token(lambda token: token.text == ";")
    return good.swap(found.span, "") if found else None


@breaks("parse")
def missing_bracket(good: Good) -> str | None:
    found = good.token(lambda token: token.text in "()[]{}")
    return good.swap(found.span, "") if found else None


@breaks("parse")
def extra_bracket(good: Good) -> str | None:
    found = good.token(lambda token: token.text in "()[]{}")
    return good.swap(found.span, found.text * 2) if found else None


@breaks("parse")
def misspelt_keyword(good: Good) -> str | None:
    found = good.token(lambda token: token.text in KEYWORDS)
    return good.swap(found.span, misspelt(good.rng, found.text)) if found else None


@breaks("parse")
def lower_case_keyword(good: Good) -> str | None:
    found = good.token(lambda token: token.text in KEYWORDS)
    return good.swap(found.span, found.text.lower()) if found else None


@breaks("parse")
def wrong_operator(good: Good) -> str | None:
    """An operator of another language."""
    foreign = {"&": ["&&", " and ", "AND"], "|": ["||", " or "], "^": ["^^", " xor "], "~": ["!", "not "],
               "==": ["===", "eq"], "!=": ["<>", "=/="], "=": [":=", "==", "=>"], "<=": ["<-", ":=", "<=="],
               "+": ["++"], "<<": ["<<<"], "?": ["??"], "~&": ["!&"], "~|": ["!|"], "~^": ["!^"]}  # fmt: skip
    found = good.token(lambda token: token.text in foreign)
    return good.swap(found.span, good.rng.choice(foreign[found.text])) if found else None


@breaks("parse.comment")
def unterminated_comment(good: Good) -> str | None:
    found = good.token(lambda token: token.text in ";{")
    return good.swap(Span(found.span.end, found.span.end), " /* checked") if found else None


@breaks("parse")
def malformed_number(good: Good) -> str | None:
    found = good.token(lambda token: token.kind == "number" and "'" in token.text)
    if found is None:
        return None
    width, _, digits = found.text.partition("'")
    bad = (f"{width}'{digits[0]}G{digits[1:]}", f"{width}'o7", f"{width}'{digits[1:]}", f"'{digits}")
    return good.swap(found.span, good.rng.choice(bad))


@breaks("parse")
def missing_operand(good: Good) -> str | None:
    found = good.pick(Drive)
    if found is None:
        return None
    value = found.value.span
    return (
        good.swap(value, "") if good.rng.random() < 0.5 else good.swap(Span(value.start, value.start), "& ")
    )


@breaks("parse")
def missing_comma(good: Good) -> str | None:
    found = good.token(lambda token: token.text == ",")
    return good.swap(found.span, "") if found else None


@breaks("parse")
def missing_port_kind(good: Good) -> str | None:
    found = good.pick(Port)
    return good.swap(Span(found.span.start, found.name.span.start), "") if found else None


@breaks("parse.reserved")
def keyword_as_name(good: Good) -> str | None:
    found = good.pick(Port)
    return good.swap(found.name.span, good.rng.choice(KEYWORDS)) if found else None


@breaks("parse.default")
def missing_default(good: Good) -> str | None:
    found = good.pick(Case)
    if found is None:
        return None
    start = good.text.rindex("DEFAULT", 0, found.default.span.start)
    return (
        good.swap(Span(good.text.rindex(",", 0, start), found.default.span.end), "") if found.arms else None
    )


@breaks("parse")
def missing_register_value(good: Good) -> str | None:
    found = good.pick(Reg)
    return (
        good.swap(Span(good.text.rindex("=", 0, found.reset.span.start), found.reset.span.end), "")
        if found
        else None
    )


@breaks("parse")
def cut_off(good: Good) -> str | None:
    """The text ends too early."""
    place = good.rng.choice(good.tokens[3:])
    return good.text[: place.span.start].rstrip()
