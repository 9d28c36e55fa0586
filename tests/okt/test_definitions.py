"""The definitions agree with each other, and the pages and the schema are made from them."""

import json

import jsonschema_rs

from idiolect.okt.check import check_text
from idiolect.okt.fields import Kind, specs
from idiolect.okt.language import BLOCKS, walk_blocks
from idiolect.okt.pages import pages
from idiolect.plan.resolve import resolve
from idiolect.plan.schema import plan_schema

TEXT = """PROJECT "x"
DATASET { train: "a.jsonl" }
MODEL { base: "nano" }
TRAIN { epochs: 2 batch_size: 4 }
CONTROL { IF loss > 2 { STOP } }
EXPORT { format: ["okm"] path: "out/" }
"""


def test_all_blocks_and_fields_are_there() -> None:
    assert len(BLOCKS) == 37
    assert sum(len(block.fields) for block in walk_blocks()) > 300


def test_every_field_has_a_line_of_help_and_a_default_that_its_kind_allows() -> None:
    for block in walk_blocks():
        for field in block.fields:
            assert field.help.endswith((".", "number or dict.")), f"{block.path}.{field.name}"
            if field.kind is Kind.ENUM and field.default is not None:
                assert field.default in field.values
            if field.kind in (Kind.INT, Kind.FLOAT) and field.default is not None:
                assert field.bounds.hold(field.default)


def test_no_name_stands_for_two_fields_of_a_block() -> None:
    for block in walk_blocks():
        names = [name for field in block.fields for name in field.all_names]
        assert len(names) == len(set(names)), block.path


def test_models_build_from_their_defaults() -> None:
    for block in walk_blocks():
        made = block.model()
        for field in specs(block.model):
            assert getattr(made, field.attribute) == field.default


def test_every_block_has_a_page() -> None:
    made = pages()
    assert {f"blocks/{name}.md" for name in BLOCKS} <= set(made)
    for block in walk_blocks():
        page = made[f"blocks/{block.path.partition('.')[0]}.md"]
        for field in block.fields:
            assert field.help in page or block.form == "scalar"


def test_a_plan_is_valid_under_its_own_schema() -> None:
    schema = plan_schema()
    validator = jsonschema_rs.Draft202012Validator(schema)
    plan = json.loads(resolve(check_text(TEXT), {}).model_dump_json(by_alias=True))
    assert validator.is_valid(plan), [str(error) for error in validator.iter_errors(plan)][:3]
    plan["train"]["epochs"] = 0
    assert not validator.is_valid(plan)
    plan["train"]["epochs"] = 2
    plan["train"]["optimizer"] = "adanw"
    assert not validator.is_valid(plan)
