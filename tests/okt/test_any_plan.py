"""Whatever a script says: if it has no error, it resolves to a plan that JSON holds and its schema allows."""

from __future__ import annotations

import json

import jsonschema_rs
from hypothesis import given, settings
from scripts import scripts

from idiolect.okt.check import check_text
from idiolect.plan.explain import explain_field
from idiolect.plan.plan import Plan
from idiolect.plan.resolve import resolve
from idiolect.plan.schema import plan_schema

SCHEMA = jsonschema_rs.Draft202012Validator(plan_schema())


@settings(max_examples=60, deadline=None)
@given(scripts(blocks=12, comments=False))
def test_a_script_without_errors_resolves(text: str) -> None:
    checked = check_text('PROJECT "x"\n' + text, "x.okt")
    if checked.errors:
        return
    plan = resolve(checked, {})
    content = plan.model_dump_json(by_alias=True)
    assert Plan.model_validate_json(content) == plan
    problems = [str(error) for error in SCHEMA.iter_errors(json.loads(content))]
    assert not problems, problems[:3]
    for path, setting in plan.settings.items():
        assert explain_field(path, setting).startswith(f"{path} = ")


def test_enough_random_scripts_have_no_error() -> None:
    from random import Random

    from scripts import tokens_of_script, written

    made = [written(tokens_of_script(Random(seed), blocks=12), Random(seed)) for seed in range(60)]
    good = sum(not check_text('PROJECT "x"\n' + text).errors for text in made)
    assert good >= 10
