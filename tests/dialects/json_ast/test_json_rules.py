"""Rules beyond a schema: the file, the expressions, the faults."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.equality import node_of
from idiolect.dialects.json_ast.evaluation import MISSING, Evaluator
from idiolect.dialects.json_ast.expressions import ExpressionError, read_expression
from idiolect.dialects.json_ast.rules import RulesError, Where, load_rules, read_rules
from idiolect.dialects.verdict import Severity

DOCUMENT = {
    "start": "2024-01-02",
    "end": "2024-01-10",
    "at": "2024-01-02T00:00:00+02:00",
    "total": 0.3,
    "lines": [{"id": "a", "amount": 0.1}, {"id": "b", "amount": 0.2}],
    "tables": [{"name": "x"}, {"name": "y"}],
    "use": ["x"],
    "ref": "y",
    "n": 7,
    "flag": True,
    "odd key": 1,
}
EXPRESSIONS = [
    ("start <= end", True),
    ("end < start", False),
    ("at < start", True),  # two hours before midnight UTC
    ("days(start, end) == 8", True),
    ("date(start) < date(end)", True),
    ("sum(lines[*].amount) == total", True),
    ("sum($.lines[*].amount) + 1 == 1.3", True),
    ("count(lines) == 2 and count(lines[*].id) == 2", True),
    ("unique(lines[*].id)", True),
    ("unique([1, 1.0])", False),
    ("ref in tables[*].name", True),
    ("'z' not in tables[*].name", True),
    ("all_in(use, $.tables[*].name)", True),
    ("min(lines[*].amount) == 0.1 and max(lines[*].amount) == 0.2", True),
    ("sorted([1, 2, 2])", True),
    ("sorted([2, 1])", False),
    ("n % 2 == 1 and n / 2 == 3.5 and -n < 0 and abs(-n) == 7", True),
    ("n * (2 + 3) == 35", True),
    ("has(n) and not has(gone)", True),
    ("has(gone) or n == 7", True),
    ("flag == true", True),
    ("flag == 1", False),
    ("n == 7.0", True),
    ("@['odd key'] == 1", True),
    ("lines[0].id == 'a' and lines[-1].id == 'b'", True),
    ("'id' in keys(lines[0])", True),
    ("length(ref) == 1 and lower('AB') == 'ab'", True),
    ("matches(start, '2024-*') and matches(ref, '?')", True),
    ("matches(start, '*-03-*')", False),
    ("gone == 1", MISSING),
    ("n < 'a'", MISSING),
    ("n / 0", MISSING),
    ("gone == 1 or n == 7", True),
    ("gone == 1 and n == 8", False),
    ("not (n == 8)", True),
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS])
def test_expressions_mean_what_they_say(text, expected):
    root = node_of(DOCUMENT)
    assert Evaluator(root).value(read_expression(text), root) is expected


BAD_EXPRESSIONS = [
    ("", "expected a value"),
    ("a <", "expected a value"),
    ("a b", "expected an operator or the end"),
    ("(a", 'expected ")"'),
    ("shout(a)", 'no function "shout"'),
    ("sum(a, b)", "sum takes 1 arguments, not 2"),
    ("a[", "a number, or a name in quotes"),
    ("a.1", "expected a name"),
    ("a ; b", "a name, number, quoted text or operator"),
    ("'open", "a name, number, quoted text or operator"),
    ("(" * 100 + "a" + ")" * 100, "fewer than 40 levels"),
    ("a" + "+a" * 5000, "no more than 200"),
    ("__import__('os')", 'no function "__import__"'),
]


@pytest.mark.parametrize(("text", "message"), BAD_EXPRESSIONS, ids=[row[0][:20] for row in BAD_EXPRESSIONS])
def test_an_expression_that_cannot_be_read_says_what_was_expected(text, message):
    with pytest.raises(ExpressionError) as caught:
        read_expression(text)
    assert message in str(caught.value)


@given(st.text(alphabet="ab01.,()[]*'\"$@<>=!+-/% inotrd\\", max_size=40))
def test_no_expression_text_does_worse_than_be_refused(text):
    try:
        expression = read_expression(text)
    except ExpressionError:
        return
    root = node_of({"a": [1, {"b": "2024-01-01"}], "b": {"a": None}, "i": 0.5, "n": "x"})
    Evaluator(root).value(expression, root)


def test_places_are_pointers_with_stars():
    root = node_of({"a": [{"b": 1}, {"b": {"b": 2}}], "x/y": 3})

    def values(*steps):
        return sorted(json.dumps(node.value) for node in Where(steps).nodes(root))

    assert values("a", "*", "b") == ["1", '{"b": 2}']
    assert values("a", "0") == ['{"b": 1}']
    assert values("**", "b") == ["1", "2", '{"b": 2}']
    assert values("**", "**", "b") == values("**", "b")
    assert values("x/y") == ["3"]


RULES = """
[[rule]]
name = "dates_in_order"
at = "/ranges/*"
when = "has(end)"
require = "start <= end"
message = "the range starts {start}, after its end {end}"
hint = "swap {start} and {end}"
point = "end"

[[rule]]
name = "known_table"
at = "/columns/*"
require = "table in $.tables[*].name"
message = "no table {table}"

[[rule]]
name = "few"
require = "count(tables) <= 2"
severity = "warning"

[[set]]
at = "/tables"
"""


def test_a_broken_rule_is_a_fault_of_its_own_code_at_its_point():
    dialect = JsonAst(True, rules=read_rules(RULES))
    text = json.dumps(
        {
            "ranges": [{"start": "2024-01-01"}, {"start": "2024-03-01", "end": "2024-02-01"}],
            "columns": [{"table": "b"}, {"table": "z"}],
            "tables": [{"name": "a"}, {"name": "b"}],
        }
    )
    verdict = dialect.verify(text)
    assert (verdict.parsed, verdict.valid) == (True, False)
    order, table = verdict.faults
    assert (order.code, order.message) == (
        "json.rule.dates_in_order",
        'the range starts "2024-03-01", after its end "2024-02-01"',
    )
    assert order.hint == 'swap "2024-03-01" and "2024-02-01"'
    assert text[order.span.start : order.span.end] == '"2024-02-01"'
    assert (table.code, table.message) == ("json.rule.known_table", 'no table "z"')


def test_a_rule_may_warn_without_making_a_text_wrong():
    dialect = JsonAst(True, rules=read_rules(RULES))
    verdict = dialect.verify(json.dumps({"tables": [{}, {}, {}]}))
    assert verdict.ok
    assert [fault.severity for fault in verdict.faults] == [Severity.WARNING]


def test_rules_are_asked_only_of_texts_that_keep_the_schema():
    dialect = JsonAst({"required": ["tables"]}, rules=read_rules(RULES))
    verdict = dialect.verify('{"ranges":[{"start":"2024-03-01","end":"2024-02-01"}]}')
    assert [fault.code for fault in verdict.faults] == ["json.schema.required"]


BAD_FILES = [
    ("[[rule]", "not TOML"),
    ("rule = 3", "write [[rule]]"),
    ('[[rules]]\nname = "x"', 'unknown key "rules"; did you mean "rule"?'),
    ('[[rule]]\nname = "x"', '"require" is missing'),
    ('[[rule]]\nname = "X y"\nrequire = "a"', '"name" must be small letters'),
    ('[[rule]]\nname = "x"\nrequire = 5', '"require" must be text, not 5'),
    ('[[rule]]\nname = "x"\nrequire = "a <"', "expected a value"),
    ('[[rule]]\nname = "x"\nrequire = "a"\nat = "b"', '"at" must be a JSON pointer'),
    ('[[rule]]\nname = "x"\nrequire = "a"\nmessage = "{b <}"', "expected a value"),
    ('[[rule]]\nname = "x"\nrequire = "a"\npoint = "1 + 1"', '"point" must be a path'),
    ('[[rule]]\nname = "x"\nrequire = "a"\nseverity = "fatal"', "error, warning or note"),
    ('[[rule]]\nname = "x"\nrequire = "a"\n[[rule]]\nname = "x"\nrequire = "b"', "two rules are named"),
    ("[[set]]\nat = 3", '"at" must be a JSON pointer'),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES, ids=[row[1] for row in BAD_FILES])
def test_a_rules_file_that_cannot_be_used_says_why(text, message):
    with pytest.raises(RulesError) as caught:
        read_rules(text)
    assert message in str(caught.value)


def test_every_problem_of_a_rules_file_is_told_at_once(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('[[rule]]\nname = "x"\nrequire = "a <"\n[[rule]]\nname = "y"\nrequire = "b )"\n')
    with pytest.raises(RulesError) as caught:
        load_rules(path)
    assert str(caught.value).count("r.toml: rule") == 2
    assert "a <\n       ^" in str(caught.value)
    with pytest.raises(RulesError, match="No such file"):
        load_rules(tmp_path / "gone.toml")


COSTLY = ["unique($[*])", "@ == $", "a in $[*].a", "sum(@[*].a) == sum($[*].a)", "matches(a, $[0].a)"]


@pytest.mark.parametrize("require", COSTLY)
def test_rules_over_large_texts_end_in_bounded_time(require):
    dialect = JsonAst(True, rules=read_rules(f'[[rule]]\nname = "x"\nat = "/**"\nrequire = "{require}"'))
    text = json.dumps([{"a": number} for number in range(8_000)])
    started = time.process_time()
    verdict = dialect.verify(text)
    assert time.process_time() - started < 4
    assert verdict.judged or "too long" in verdict.not_judged


def test_many_rules_over_one_large_text_share_one_budget():
    rules = "".join(
        f'[[rule]]\nname = "r{number}"\nat = "/**"\nrequire = "not has(a) or a >= 0"\n'
        for number in range(40)
    )
    dialect = JsonAst(True, rules=read_rules(rules))
    started = time.process_time()
    verdict = dialect.verify(json.dumps([{"a": number} for number in range(8_000)]))
    assert time.process_time() - started < 4
    assert verdict.not_judged == "the rules take too long on this text"


def test_the_longest_expression_is_evaluated_without_exhausting_the_stack():
    root = node_of({"a": 1})
    chain = read_expression("a" + " + a" * 98 + " == 99")
    assert Evaluator(root).value(chain, root) is True
    nested = read_expression("(" * 38 + "a" + ")" * 38 + " == 1")
    assert Evaluator(root).value(nested, root) is True
