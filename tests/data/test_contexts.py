import json

from idiolect.data.contexts import context_of, schema_in
from idiolect.data.example import Example
from idiolect.dialects.catalog import Catalog, Proc
from idiolect.dialects.catalog_json import dump_catalog
from idiolect.dialects.contract import Context


def example(**given: object) -> Example:
    return Example(instruction="do it", target="x", **given)  # type: ignore[arg-type]


def test_a_schema_in_front_of_a_context_is_read_and_what_follows_it_is_not():
    assert schema_in('{"type": "object"}\nToday is 2026-01-02.') == {"type": "object"}
    assert schema_in("procs:\n- my::route") is None
    assert schema_in('{"type": ') is None
    assert schema_in("[1]") is None


def test_the_projects_schema_stands_before_the_examples_own():
    made = example(context='{"type": "object"}')
    assert context_of(made).schema == {"type": "object"}
    assert context_of(made, Context(schema={"type": "array"})).schema == {"type": "array"}


def test_an_examples_own_catalog_stands_before_the_projects():
    own = Catalog(procs=(Proc(name="my::route"),))
    project = Catalog(procs=(Proc(name="other"),))
    made = example(metadata={"catalog": json.loads(dump_catalog(own))})
    assert [proc.name for proc in context_of(made, Context(catalog=project)).catalog.procs] == ["my::route"]
    assert context_of(example(), Context(catalog=project)).catalog is project


def test_tests_and_level_of_an_example_are_its_contexts():
    made = example(tests=({"input": {"A": 1}, "expected": {"Y": 0}},), level="unit")
    assert context_of(made).tests == made.tests
    assert context_of(made).level == "unit"
