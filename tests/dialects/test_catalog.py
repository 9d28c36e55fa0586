"""The catalog: reading, refusing, looking up, comparing and writing back."""

from __future__ import annotations

import json
import time
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.catalog import Arg, Catalog, Proc, SharedType, Variable
from idiolect.dialects.catalog_diff import diff
from idiolect.dialects.catalog_json import dump_catalog, parse_catalog, read_catalog
from idiolect.dialects.records import RecordsError

MANIFEST = """{
  "procs": [{"name": "my::route",
             "args": [{"name": "net", "type": "string"},
                      {"name": "layer", "type": "enum", "values": ["M1", "M2", "M3"]}],
             "returns": "int", "examples": ["my::route -net CLK -layer M3"],
             "notes": "Fails if layer is blocked in techfile"}],
  "variables": [{"name": "::tech::corner", "values": ["tt", "ss", "ff"]}],
  "dsl": {"embedding": {"open": "dsl {", "close": "}"}, "grammar_summary": "rule ..."}
}"""


def problems_of(text: str) -> list[tuple[str, str, str | None]]:
    with pytest.raises(RecordsError) as caught:
        parse_catalog(text)
    return [(problem.path, problem.message, problem.hint) for problem in caught.value.problems]


def test_the_plain_manifest_form_is_read() -> None:
    catalog = parse_catalog(MANIFEST)
    route = catalog.proc("my::route")
    assert route is not None
    assert route.signature == "my::route -net <string> -layer {M1|M2|M3}"
    assert [arg.needed for arg in route.args] == [True, True]
    assert catalog.dsl[0].embedding.open == "dsl {"
    corner = catalog.variable("tech::corner")
    assert corner is not None
    assert corner.words == ("tt", "ss", "ff")


def test_a_catalog_that_is_written_is_read_back_equal_and_bytes_are_stable() -> None:
    catalog = parse_catalog(MANIFEST)
    text = dump_catalog(catalog)
    assert parse_catalog(text) == catalog
    assert dump_catalog(parse_catalog(text)) == text


@given(
    st.lists(
        st.builds(
            Proc,
            name=st.from_regex(r"[a-z]{1,5}::[a-z]{1,5}", fullmatch=True),
            kind=st.sampled_from(["proc", "class", "module"]),
            args=st.lists(
                st.builds(
                    Arg,
                    name=st.from_regex(r"[a-z]{1,6}", fullmatch=True),
                    passed=st.sampled_from(["flag", "positional", "switch"]),
                    required=st.sampled_from([None, True, False]),
                    default=st.none() | st.booleans() | st.integers() | st.text(),
                ),
                unique_by=lambda arg: arg.name,
                max_size=3,
            ).map(tuple),
            deprecated=st.booleans() | st.text(),
            notes=st.text(),
        ),
        unique_by=lambda proc: proc.name,
        max_size=4,
    )
)
def test_any_catalog_survives_the_way_through_json(procs: list[Proc]) -> None:
    catalog = Catalog(procs=tuple(procs))
    assert parse_catalog(dump_catalog(catalog)) == catalog


REFUSED = [
    ('{"procs": [{"nam": "x"}]}', "$.procs[0].nam", 'unknown key "nam"'),
    ('{"procs": [{"args": []}]}', "$.procs[0].name", '"name" is required and missing'),
    ('{"procs": 3}', "$.procs", "input should be a valid array, found 3"),
    ('{"procs": [{"name": "a"}, {"name": "::a"}]}', "$.procs[1].name", "already defined at $.procs[0]"),
    ('{"procs": [{"name": " "}]}', "$.procs[0].name", "must not be empty"),
    ('{"procs": [], "procs": []}', "$", 'key "procs" stands twice'),
    ('{"procs": [{"name": "a", "args": [{"name": "x", "type": "enm"}]}]}', "$.procs[0].args[0].type", "enm"),
    (
        '{"procs": [{"name": "a", "args": [{"name": "x", "type": "enum"}]}]}',
        "$.procs[0].args[0].values",
        "needs",
    ),
    ('{"procs": [{"name": "a", "args": [{"name": "x y"}]}]}', "$.procs[0].args[0].name", "no name"),
    (
        '{"procs": [{"name": "a", "args": [{"name": "x"}, {"name": "x"}]}]}',
        "$.procs[0].args[1].name",
        "twice",
    ),
    ('{"variables": [{"name": "v", "values": ["a"], "default": "b"}]}', "$.variables[0].default", '"b"'),
    ('{"variables": [{"name": "v", "type": "int", "range": [3, 1]}]}', "$.variables[0].range", "no number"),
    ('{"variables": [{"name": "v", "range": [1, 3]}]}', "$.variables[0].range", "has no range"),
    ('{"variables": [{"name": "v", "pattern": "("}]}', "$.variables[0].pattern", "not a regular expression"),
    ('{"types": [{"name": "int"}]}', "$.types[0].name", "built-in"),
    ('{"dsl": {"statements": [{"name": "r", "form": "r <a>"}]}}', "$.dsl[0].statements[0].form", "<a>"),
    (
        '{"dsl": {"statements": [{"name": "r", "form": "<a>:<b>", "slots": [{"name": "a"}, '
        '{"name": "b"}]}]}}',
        "$.dsl[0].statements[0].form",
        "two slots",
    ),
    ('{"dsl": {"embedding": {"open": " "}}}', "$.dsl[0].embedding.open", "empty"),
    ('{"constraints": {"forbidden": ["exec", {"nme": 1}]}}', "$.constraints.forbidden[1].nme", "nme"),
    ("[]", "$", "should be an object"),
    ("{", "line 1, column 2", "not JSON"),
    ("[" * 100_000, "$", "nested too deeply"),
]


@pytest.mark.parametrize(("text", "path", "message"), REFUSED, ids=range(len(REFUSED)))
def test_a_bad_catalog_is_refused_with_its_path(text: str, path: str, message: str) -> None:
    found = problems_of(text)
    assert any(path == where and message in what for where, what, _ in found), found


def test_all_problems_are_told_at_once_with_the_nearest_name() -> None:
    found = problems_of('{"procs": [{"name": "a", "exmples": []}], "varaibles": []}')
    assert {(path, hint) for path, _, hint in found} == {
        ("$.procs[0].exmples", 'did you mean "examples"?'),
        ("$.varaibles", 'did you mean "variables"?'),
    }


def test_a_file_that_is_not_utf8_is_refused_in_words(tmp_path) -> None:
    (tmp_path / "c.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(RecordsError, match="not UTF-8 text: byte 10 is 0xff"):
        read_catalog(tmp_path / "c.json")


def test_shared_types_are_filled_in_and_own_limits_win() -> None:
    catalog = Catalog(
        types=(SharedType(name="width", type="float", range=(0.01, 5.0), unit="um"),),
        procs=(Proc(name="p", args=(Arg(name="w", type="width", range=(1, 2)),)),),
    )
    resolved = catalog.resolve(catalog.procs[0].args[0])
    assert (resolved.type, resolved.unit, resolved.range) == ("float", "um", (1, 2))


def test_unknown_names_find_their_neighbours() -> None:
    catalog = Catalog(
        procs=tuple(Proc(name=name) for name in ("my::route", "my::keepout", "net::width", "layer")),
        variables=(Variable(name="::tech::corner"),),
    )
    assert catalog.near_procs("my::roune")[0] == "my::route"
    assert catalog.near_procs("zzz") == ()
    assert catalog.near_variables("::tech::cornr") == ("::tech::corner",)


def test_fifty_thousand_symbols_are_looked_up_fast() -> None:
    procs = [{"name": f"ns{number % 50}::proc_{number}"} for number in range(50_000)]
    catalog = parse_catalog(json.dumps({"procs": procs}))
    catalog.near_procs("warm")
    start = time.process_time()
    assert all(catalog.proc(proc["name"]) for proc in procs)
    assert "ns3::proc_4003" in catalog.near_procs("ns3::porc_4003")
    assert time.process_time() - start < 2


def test_a_slice_keeps_only_what_is_asked_for() -> None:
    catalog = parse_catalog(MANIFEST)
    assert [proc.name for proc in catalog.slice(["::my::route"]).procs] == ["my::route"]
    assert catalog.slice([]).procs == ()
    assert catalog.slice([]).dsl == catalog.dsl


def test_a_diff_names_what_was_added_removed_renamed_and_changed() -> None:
    layer = Arg(name="layer", type="enum", values=("M1", "M2"))
    old = Catalog(
        procs=(
            Proc(name="a::route_net", args=(Arg(name="net"), layer)),
            Proc(name="gone", args=(Arg(name="x"),)),
            Proc(name="same", args=(layer,)),
        )
    )
    new = Catalog(
        procs=(
            Proc(name="a::route_one_net", args=(Arg(name="net"), layer)),
            Proc(name="fresh", args=(Arg(name="y"),)),
            Proc(name="same", args=(Arg(name="layer", type="enum", values=("M2", "M3")), Arg(name="net"))),
        )
    )
    found = diff(old, new)
    assert found.added == ("fresh",)
    assert found.removed == ("gone",)
    assert [(rename.old, rename.new) for rename in found.renamed] == [("a::route_net", "a::route_one_net")]
    assert [(change.what, change.detail, change.breaking) for change in found.changed] == [
        ("argument added", "net", True),
        ("values", "layer: -M1 +M3", True),
    ]
    assert found.affected == {"gone", "a::route_net", "same"}
    assert diff(old, old).empty


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Catalog().name = "x"  # type: ignore[misc]
