"""What a user's dialect says of texts that are wrong: code, place, words and fix."""

import pytest
from user_dialects import GRAMMAR, load, write

from idiolect.dialects.catalog import Catalog, Proc
from idiolect.dialects.conformance import Example, conform
from idiolect.dialects.contract import Context
from idiolect.dialects.policy import Forbidden, Limits, Policy, Required
from idiolect.dialects.verdict import Level, Severity
from idiolect.grammar.replay import replay

# text, code, the text that the span covers, a part of the message, a part of the hint, the text with the fix
SHOPSQL = [
    ("selct id from orders;", "misspelt_keyword", "selct", '"selct"', '"select"', "select id from orders;"),
    ("select id form orders;", "misspelt_keyword", "form", '"from"', '"from"', "select id from orders;"),
    (
        "select id from orders",
        "missing_token",
        "",
        '";" is missing before the end',
        '";"',
        "select id from orders;",
    ),
    ("select id from orders\n\n", "missing_token", "\n\n", "", "", "select id from orders;\n\n"),
    ("select id from orders -- all", "missing_token", " -- all", "", '";"', "select id from orders; -- all"),
    ("select id,, total from orders;", "unexpected_token", ",", 'unexpected ","', "a name", None),
    ("select id from orders where (id = 3;", "unclosed_bracket", "(", "1, column 36", '")"', None),
    ("select id from orders where id in (1, 2", "unclosed_bracket", "(", "before the text ends", ")", None),
    ("select id) from orders;", "unopened_bracket", ")", "closes nothing", "", None),
    ("select id from customers where email = 'x;", "unclosed_string", "'", "not closed", None, None),
    ("select id from orders where id = é;", "unexpected_character", "é", '"é"', "an integer", None),
    ("select id from orders where id = \x00;", "unexpected_character", "\x00", "U+0000", "", None),
    (
        "select id from oders;",
        "unknown",
        "oders",
        'no table is called "oders"',
        "orders",
        "select id from orders;",
    ),
    (
        "select totl from orders;",
        "unknown",
        "totl",
        "argument of a table",
        "total",
        "select total from orders;",
    ),
    ("", "unexpected_end", "", "ends too early", "select", None),
    ("insert orders (id) values (3);", "missing_token", " ", '"into" is missing', '"into"', None),
    ("drop", "unexpected_token", "drop", "unexpected", "select", None),
]


@pytest.mark.parametrize(("text", "code", "covered", "message", "hint", "fixed"), SHOPSQL)
def test_a_fault_has_code_place_words_and_fix(shopsql, text, code, covered, message, hint, fixed):
    verdict = shopsql.verify(text)
    assert verdict.judged
    assert not verdict.ok
    fault = verdict.faults[0]
    assert fault.code.startswith("shopsql.")
    assert fault.code.endswith(f".{code}")
    assert text[fault.span.start : fault.span.end] == covered
    assert message in fault.message
    assert (hint or "") in (fault.hint or "")
    if fixed is not None:
        assert text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :] == fixed


def test_faults_after_a_known_repair_are_reported_too(shopsql):
    verdict = shopsql.verify("selct id from orders\nselect id form orders;")
    assert [fault.code.split(".")[-1] for fault in verdict.faults] == [
        "misspelt_keyword",
        "missing_token",
        "misspelt_keyword",
    ]


def test_no_message_shows_an_invented_terminal_name(tmp_path):
    grammar = 'start: /[a-z]+/ "==" /[0-9]+/\n%ignore " "\n'
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar}))
    for text in ("a 1", "a == b", "", "1"):
        fault = dialect.verify(text).faults[0]
        assert "ANON" not in fault.message + (fault.hint or "")
        assert "EQUAL" not in fault.message + (fault.hint or "")
    dialect.close()


def test_a_name_of_the_catalog_in_the_context_is_taken_instead_of_the_folders(shopsql):
    catalog = Catalog(procs=(Proc(name="staff", kind="table"),))
    assert shopsql.verify("select * from staff;", Context(catalog=catalog)).ok
    assert not shopsql.verify("select * from orders;", Context(catalog=catalog)).ok
    assert shopsql.verify("select * from orders;").ok


def test_an_unknown_name_leaves_the_form_whole(shopsql):
    verdict = shopsql.verify("select id from oders;")
    assert (verdict.parsed, verdict.valid, verdict.policy) == (True, False, True)
    assert verdict.faults[0].level is Level.VALID


def test_a_deprecated_symbol_is_a_warning_with_its_replacement(shopsql):
    text = "select id from baskets;"
    verdict = shopsql.verify(text)
    assert verdict.ok
    (fault,) = verdict.faults
    assert fault.severity is Severity.WARNING
    assert fault.fix.text == "orders"


def test_a_forbidden_phrase_of_two_words_is_found_across_white_space(shopsql):
    text = "delete\n  from orders where id = 3;"
    verdict = shopsql.verify(text)
    assert (verdict.parsed, verdict.valid, verdict.policy) == (True, True, False)
    assert text[verdict.faults[0].span.start : verdict.faults[0].span.end] == "delete\n  from"


def test_a_policy_in_the_context_demands_lines_and_limits(shopsql):
    policy = Policy(
        forbidden=(Forbidden(name="tot*"),),
        required=Required(first_line="-- shop"),
        limits=Limits(max_lines=1),
    )
    verdict = shopsql.verify("select total\nfrom orders;", Context(policy=policy))
    assert {fault.code for fault in verdict.faults} == {
        "shopsql.policy.forbidden",
        "shopsql.policy.header",
        "shopsql.policy.limit",
    }
    assert shopsql.verify("-- shop", Context(policy=policy)).policy is None


def test_line_ends_are_told_in_words(unitfile):
    fault = unitfile.verify("[Unit]\nAfter = x").faults[0]
    assert "a line end" in fault.message + (fault.hint or "")


def test_an_ambiguous_grammar_is_parsed_by_earley(tmp_path):
    grammar = (
        'start: e\ne: e "+" e | e "*" e | name | N | "-" "(" e? ")"\n'
        'name: W\nN: /[0-9]+/\nW: /[a-z]+/\n%ignore " "\n'
    )
    settings = (
        'name = "toy"\ngrammar = { parser = "earley" }\n[catalog]\nuses = { name = "variables" }\n'
        '[canonical]\nno_space_before = [")"]\n'
    )
    files = {
        "grammar.lark": grammar,
        "dialect.toml": settings,
        "catalog.json": '{"variables": [{"name": "pi"}, {"name": "tau"}]}',
    }
    dialect = load(write(tmp_path / "toy", files))
    assert dialect.parts.parser.vocabulary.method == "earley"
    assert dialect.verify("1+2 * pi").ok
    assert dialect.canonical("1+2 * -( pi )+-()") == "1 + 2 * - (pi) + - ()"
    text = "1 + pie * 2"
    fault = dialect.verify(text).faults[0]
    assert (fault.code, text[fault.span.start : fault.span.end]) == ("toy.name.unknown", "pie")
    assert 'e: e "+" e' in dialect.productions_of(text)
    assert 'e: "-" "(" ")"' not in dialect.productions_of(text)
    text = "1 + 22 33"
    fault = dialect.verify(text).faults[0]
    assert (fault.code, text[fault.span.start : fault.span.end]) == ("toy.parse.unexpected_token", "33")
    assert dialect.verify("1 +").faults[0].code == "toy.parse.unexpected_end"
    assert dialect.verify("1 + §").faults[0].code == "toy.parse.unexpected_character"
    report = conform(dialect, examples=[Example("one", "1 + pi * - ()")], samples=12)
    assert report.ok, report
    assert not report.skipped
    dialect.close()


def test_earley_reserves_no_keyword_for_verifier_and_constraint_alike(tmp_path):
    grammar = 'start: a | b\na: "let" N\nb: N N\nN: /[a-z]+/\n%ignore " "\n'
    settings = 'name = "toy"\ngrammar = { parser = "earley" }\n'
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar, "dialect.toml": settings}))
    for text in ("let x", "x let", "let let", "let"):
        assert dialect.verify(text).ok == replay(dialect.constraint(), text).accepted
    dialect.close()


def test_layout_by_indentation_is_parsed(tmp_path):
    grammar = (
        "start: stmt+\n"
        'stmt: "go" _NL | "if" NAME ":" _NL _INDENT stmt+ _DEDENT\n'
        '%import common.CNAME -> NAME\n%declare _INDENT _DEDENT\n_NL: /(\\r?\\n[ ]*)+/\n%ignore " "\n'
    )
    settings = 'name = "toy"\n[canonical]\nno_space_before = [":"]\n'
    dialect = load(write(tmp_path / "toy", {"grammar.lark": grammar, "dialect.toml": settings}))
    good = "if a:\n  go\n  if b :\n   go\ngo\n"
    assert dialect.verify(good).ok
    assert dialect.canonical(good) == "if a:\n    go\n    if b:\n        go\ngo\n"
    report = conform(dialect, examples=[Example("one", good)], samples=12)
    assert report.ok, report
    assert not report.skipped
    wrong = dialect.verify("if a:\n    go\n  go\n")
    assert wrong.faults[0].code == "toy.parse.indentation"
    assert dialect.verify("if a:\ngo\n").parsed is False
    dialect.close()


def test_blocks_of_another_dialect_are_judged_in_place(tmp_path):
    inner = {"dialect.toml": 'name = "inner"\n', "grammar.lark": GRAMMAR.replace('" "', "/[ \\n]+/")}
    write(tmp_path / "host" / "inner", inner)
    settings = 'name = "host"\n[embed]\nterminal = "BLOCK"\nopen = "dsl {"\nclose = "}"\ndialect = "inner"\n'
    grammar = 'start: ("do" | BLOCK)+\nBLOCK: /dsl \\{[^}]*\\}/\n%ignore /[ \\n]+/\n'
    dialect = load(write(tmp_path / "host", {"dialect.toml": settings, "grammar.lark": grammar}))
    good = "do dsl { on lamp; } dsl {on a;}"
    assert dialect.verify(good).details == {"dsl_blocks": {"found": 2, "valid": 2}}
    text = "do dsl { on lamp } do dsl { on a; }"
    verdict = dialect.verify(text)
    assert (verdict.parsed, verdict.valid) == (True, False)
    assert verdict.details == {"dsl_blocks": {"found": 2, "valid": 1}}
    (fault,) = verdict.faults
    assert fault.code == "host.dsl.inner.parse.missing_token"
    assert text[: fault.fix.span.start] + fault.fix.text == "do dsl { on lamp;"
    assert dialect.canonical(good) == "do dsl {\non lamp;\n} dsl {\non a;\n}\n"
    report = conform(dialect, examples=[Example("one", good)], samples=12)
    assert report.ok, report
    assert not report.skipped
    dialect.close()


def test_a_block_whose_dialect_has_no_line_ends_stays_on_its_line(tmp_path):
    write(tmp_path / "host" / "inner", {"dialect.toml": 'name = "inner"\n'})
    settings = 'name = "host"\n[embed]\nterminal = "BLOCK"\nopen = "{"\nclose = "}"\ndialect = "inner"\n'
    grammar = 'start: "do" BLOCK\nBLOCK: /\\{[^}]*\\}/\n%ignore /[ \\n]+/\n'
    dialect = load(write(tmp_path / "host", {"dialect.toml": settings, "grammar.lark": grammar}))
    assert dialect.canonical("do { on   lamp ;}") == "do {on lamp;}\n"
    report = conform(dialect, examples=[Example("one", "do {on a;}")], samples=12)
    assert report.ok, report
    dialect.close()
