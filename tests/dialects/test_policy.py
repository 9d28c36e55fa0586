"""The policy: reading it strictly, and the checks that hold for any language."""

from __future__ import annotations

import pytest

from idiolect.dialects.policy import Policy, parse_policy, read_policy, text_faults
from idiolect.dialects.records import RecordsError
from idiolect.dialects.verdict import Level, Severity, verdict_of

POLICY = """
forbidden = ["exec", {name = "file delete", why = "loses data", instead = "my::trash"}, "sys::*"]
[[deprecated]]
name = "my::old"
replacement = "my::new"
[required]
first_line = "#!/usr/bin/env tclsh"
headers = ["# Flow: *"]
lines = ["finish"]
[limits]
max_lines = 5
max_line_length = 30
max_characters = 90
"""

GOOD = "#!/usr/bin/env tclsh\n# Flow: demo\nputs 1\nfinish\n"


def test_names_and_globs_are_forbidden() -> None:
    policy = parse_policy(POLICY)
    assert policy.forbids("exec")
    assert policy.forbids("file", "file delete").instead == "my::trash"
    assert policy.forbids("sys::kill")
    assert policy.forbids("executor") is None
    assert policy.deprecates("my::old").replacement == "my::new"


def test_a_text_that_keeps_the_policy_has_no_fault() -> None:
    assert list(text_faults(parse_policy(POLICY), GOOD, "tcl")) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOOD.replace("#!/usr/bin/env tclsh\n", ""), "tcl.policy.header"),
        (GOOD.replace("# Flow: demo\n", ""), "tcl.policy.header"),
        (GOOD.replace("# Flow: demo\nputs 1", "puts 1\n# Flow: demo"), "tcl.policy.header"),
        (GOOD.replace("finish", "finished"), "tcl.policy.line"),
        (GOOD + "a\nb\n", "tcl.policy.limit"),
        (GOOD + "a" * 31, "tcl.policy.limit"),
        (GOOD + "a" * 90, "tcl.policy.limit"),
    ],
)
def test_each_broken_rule_is_a_policy_fault(text: str, code: str) -> None:
    faults = list(text_faults(parse_policy(POLICY), text, "tcl"))
    assert code in {fault.code for fault in faults}
    assert all(fault.level is Level.POLICY and fault.severity is Severity.ERROR for fault in faults)
    assert verdict_of(faults).policy is False
    assert verdict_of(faults).parsed is True


def test_a_missing_first_line_comes_with_its_repair() -> None:
    text = GOOD.partition("\n")[2]
    fault = next(fault for fault in text_faults(parse_policy(POLICY), text, "tcl") if fault.fix)
    fixed = text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :]
    assert fixed == GOOD


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ('forbiden = ["exec"]', "$.forbiden", 'did you mean "forbidden"?'),
        ("[limits]\nmax_lnes = 3", "$.limits.max_lnes", 'did you mean "max_lines"?'),
        ('[limits]\nmax_lines = "3"', "$.limits.max_lines", 'found "3"'),
        ("[limits]\nmax_lines = 2020-01-01", "$", "kind not taken here"),
        ("[[forbidden]]\nwhy = 'x'", "$.forbidden[0].name", "required and missing"),
        ("x = ", "$", "not TOML"),
    ],
)
def test_a_bad_policy_is_refused_with_its_path(text: str, path: str, words: str) -> None:
    with pytest.raises(RecordsError) as caught:
        parse_policy(text)
    assert any(problem.path == path and words in str(problem) for problem in caught.value.problems)


def test_a_policy_file_is_read(tmp_path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    assert read_policy(tmp_path / "policy.toml") == parse_policy(POLICY)


def test_two_policies_join_to_the_stricter_one() -> None:
    left = parse_policy('forbidden = ["a"]\n[limits]\nmax_lines = 5')
    right = parse_policy('forbidden = ["a", "b"]\n[limits]\nmax_lines = 3\n[required]\npackages = ["p"]')
    joined = left.joined(right)
    assert [rule.name for rule in joined.forbidden] == ["a", "b"]
    assert joined.limits.max_lines == 3
    assert joined.required.packages == ("p",)
    assert Policy().joined(left) == left
