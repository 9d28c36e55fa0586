"""Context packs: what they show, what they carry, and how they keep a budget."""

import json

import pytest

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.catalog_json import dump_catalog, parse_catalog
from idiolect.dialects.context_pack import (
    BudgetTooSmall,
    catalog_slice,
    make_pack,
    names_in,
    pack_text,
    prompt_format,
)
from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.grammar.replay import replay

ROUTING = {
    "procs": [
        {
            "name": "my::route",
            "args": [
                {"name": "net", "type": "string"},
                {"name": "layer", "type": "enum", "values": ["M1", "M2", "M3"]},
            ],
        },
        {
            "name": "my::keepout",
            "args": [{"name": "net", "type": "string"}, {"name": "width", "type": "float", "unit": "um"}],
        },
    ],
    "variables": [{"name": "::tech::corner", "values": ["tt", "ss", "ff"]}],
    "dsl": {"grammar_summary": 'rule "<ID>" apply_to: <NET> spacing: <FLOAT>um'},
}
SHOWN = """\
Context:
- procs:
- my::route -net <string> -layer {M1|M2|M3}
- my::keepout -net <string> -width <float_um>
- DSL excerpt:
dsl {
    rule "<ID>" apply_to: <NET> spacing: <FLOAT>um
}
- variables:
::tech::corner in {tt, ss, ff}"""


def catalog(raw: object) -> Catalog:
    return parse_catalog(json.dumps(raw))


def words(text: str) -> int:
    return len(text.split())


def test_a_pack_is_shown_in_the_form_of_prompts() -> None:
    pack = make_pack(catalog(ROUTING))
    assert pack.text == SHOWN
    prompt = prompt_format("Tcl").replace("{context}", pack.text).replace("{input}", "Route net CLK.")
    assert prompt == f"{SHOWN}\n\nGoal: Route net CLK.\n\nProduce a single Tcl file."


def test_statements_show_the_types_of_their_slots_and_remarks_their_ranges() -> None:
    text = pack_text(demo_catalog())
    assert 'rule "<id>" apply_to: <net> spacing: <float>um' in text
    assert "# route a net on a layer; width: 0.05 to 10" in text


def test_examples_stand_last_so_that_packs_of_a_slice_begin_alike() -> None:
    one, other = (make_pack(catalog(ROUTING), examples=[line]).text for line in ("a b\n", "c d\n"))
    assert one.startswith(SHOWN)
    assert other.startswith(SHOWN)
    assert one.endswith("- examples:\na b")


def test_a_slice_keeps_what_its_names_rest_on() -> None:
    part = catalog_slice(demo_catalog(), ["my::route", "rule", "no_such_name"])
    assert [proc.name for proc in part.procs] == ["my::route"]
    assert {"net", "layer", "width"} <= {item.name for item in part.types}
    assert [form.name for form in part.dsl[0].statements] == ["rule"]
    assert part.constraints == demo_catalog().constraints
    assert parse_catalog(dump_catalog(part)) == part


def test_a_leading_namespace_mark_does_not_matter_to_a_slice() -> None:
    part = catalog_slice(catalog(ROUTING), ["::my::route", "tech::corner"])
    assert names_in(part) == ("my::route", "::tech::corner")


def test_a_pack_without_names_of_a_dsl_shows_no_dsl() -> None:
    assert "DSL" not in make_pack(catalog(ROUTING), ["my::route"]).text


def test_what_a_slice_of_a_script_s_names_allows_is_that_script() -> None:
    dialect = Tcl()
    script = "#!/usr/bin/env tclsh\nmy::route -net CLK -layer M3\n"
    shown = make_pack(demo_catalog(), ["my::route"])
    assert replay(dialect.constraint(Context(catalog=shown.catalog)), script).accepted
    assert not replay(
        dialect.constraint(Context(catalog=shown.catalog)), script.replace("my::route", "my::shield")
    ).accepted


def test_a_budget_costs_examples_first_then_remarks_then_the_last_names() -> None:
    whole, names = demo_catalog(), ["my::route", "my::keepout", "my::fill"]
    full = make_pack(whole, names, examples=["puts a", "puts b"])
    texts = [full]
    for _ in range(4):
        texts.append(
            make_pack(
                whole, names, examples=["puts a", "puts b"], budget=words(texts[-1].text) - 1, count=words
            )
        )
    assert [len(pack.examples) for pack in texts] == [2, 1, 0, 0, 0]
    assert [" # " in pack.text for pack in texts] == [True, True, True, False, False]
    assert texts[-1].left_out == ("my::fill",)
    assert names_in(texts[-1].catalog) == ("my::route", "my::keepout")


@pytest.mark.parametrize("budget", [1, 5, 10, 20, 40, 80, 160, 10_000])
def test_no_pack_goes_beyond_its_budget(budget: int) -> None:
    pack = make_pack(demo_catalog(), budget=budget, count=words)
    assert words(pack.text) <= budget
    assert sorted(pack.names + pack.left_out) == sorted(names_in(demo_catalog()))


def test_a_budget_without_room_for_anything_is_refused() -> None:
    with pytest.raises(BudgetTooSmall, match="no room"):
        make_pack(demo_catalog(), budget=0, count=words)
