"""Policies: what a project forbids in texts that are valid."""

from __future__ import annotations

import pytest

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.contract import Context
from idiolect.dialects.gates.dialect import Gates
from idiolect.dialects.policy import Deprecated, Forbidden, Limits, Policy, Required
from idiolect.dialects.verdict import Severity

GATES = Gates()
TEXT = (
    "// circuit 1\n"
    "MODULE HALF(INPUT A, INPUT B, OUTPUT S, OUTPUT C) { S = A ^ B; C = A & B; }\n"
    "MODULE M(CLOCK CLK, INPUT A, INPUT B, OUTPUT Y[2]) "
    "{ REG Q[2] = 0; HALF U1(A = A, B = B); Q <= {1'b0, U1.S} + {1'b0, U1.C}; Y = Q; }"
)


def _verify(**rules):
    return GATES.verify(TEXT, Context(policy=Policy(**rules)))


def test_without_a_policy_it_is_not_asked():
    assert GATES.verify(TEXT).policy is None


def test_a_policy_that_is_kept_is_said_to_be():
    verdict = _verify(forbidden=(Forbidden(name="STAGE"), Forbidden(name="MULTIPLY")))
    assert verdict.policy is True
    assert verdict.ok


@pytest.mark.parametrize(("name", "at"), [("HALF", "HALF"), ("REG", "Q"), ("HA*", "HALF")])
def test_forbidden_symbols_are_found_where_they_are_used(name, at):
    verdict = _verify(forbidden=(Forbidden(name=name),))
    (fault,) = verdict.faults
    assert fault.code == "gates.policy.forbidden"
    assert TEXT[fault.span.start : fault.span.end] == at
    assert (verdict.valid, verdict.policy, verdict.ok) == (True, False, False)


def test_a_multiplication_is_a_symbol_too():
    text = "MODULE M(INPUT A, INPUT B, OUTPUT Y[2]) { Y = A * B; }"
    verdict = GATES.verify(text, Context(policy=Policy(forbidden=(Forbidden(name="MULTIPLY"),))))
    assert [fault.code for fault in verdict.faults] == ["gates.policy.forbidden"]


def test_the_constraints_of_a_catalog_hold_as_well():
    catalog = Catalog(constraints=Policy(forbidden=(Forbidden(name="REG"),)))
    both = Context(catalog=catalog, policy=Policy(forbidden=(Forbidden(name="HALF"),)))
    assert len(GATES.verify(TEXT, both).faults) == 2


def test_deprecated_symbols_are_warnings_unless_denied():
    rules = (Deprecated(name="HALF", replacement="HALF2"),)
    mild = _verify(deprecated=rules)
    assert mild.faults[0].severity is Severity.WARNING
    assert mild.ok
    assert not _verify(deprecated=rules, deny_deprecated=True).ok


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"limits": Limits(max_blocks=1)}, "limit"),
        ({"limits": Limits(max_statements=3)}, "limit"),
        ({"limits": Limits(max_lines=2)}, "limit"),
        ({"required": Required(headers=("// owner*",))}, "header"),
    ],
)
def test_limits_and_headers_are_asked(rules, code):
    assert [fault.code for fault in _verify(**rules).faults] == [f"gates.policy.{code}"]


def test_a_header_comment_is_seen():
    assert _verify(required=Required(headers=("// circuit*",))).ok
