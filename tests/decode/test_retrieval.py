import random
import re
from pathlib import Path

import numpy as np
import pytest

from idiolect.data.example import Example
from idiolect.decode.documents import (
    Entry,
    entries_of_catalog,
    entries_of_examples,
    entries_of_manual,
    named,
    words,
)
from idiolect.decode.retrieval import BadIndex, build_index, load_index, measure_recall
from idiolect.dialects.catalog import Arg, Catalog, Dsl, Proc, Statement, Variable
from idiolect.dialects.contract import Context
from idiolect.dialects.registry import built_in
from idiolect.dialects.tcl.dialect import demo_catalog

LAYER = Arg(name="layer", type="enum", values=("M1", "M2"))
RULE = Statement(name="rule", form='rule "<id>" spacing: <um>', notes="A spacing rule.")
CATALOG = Catalog(
    procs=(
        Proc(name="my::route", args=(LAYER,), notes="Routes a net."),
        Proc(name="my::keepOut", notes="Puts a keepout around a net."),
        Proc(name="sys::log", notes="Writes a message."),
    ),
    variables=(Variable(name="::tech::corner", values=("tt", "ss"), notes="The process corner."),),
    dsl=(Dsl(statements=(RULE,)),),
)


def names(request: str) -> list[str]:
    return [one.entry.name for one in build_index(entries_of_catalog(CATALOG)).find(request)]


def test_names_are_searched_by_their_parts_and_words_without_their_endings():
    assert words("net::vlanCreate(HTTPServer2)") == ["net", "vlan", "creat", "http", "serv", "2"]
    assert words("creating VLANs for the nets") == ["creat", "vlan", "net"]
    assert words("Crée la règle") == words("créer les règles")
    assert words("the of and") == []


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("route CLK on layer M2", "my::route"),
        ("insert a keepout", "my::keepOut"),
        ("log a message", "sys::log"),
        ("set the corner to ss", "::tech::corner"),
        ("enforce spacing 0.12um", "rule"),
    ],
)
def test_a_request_finds_the_symbol_it_speaks_of_first_of_its_kind(request_: str, name: str):
    assert name in names(request_)[:2]


def test_a_request_that_shares_no_word_finds_nothing():
    assert names("zzz") == []
    assert names("") == []
    assert build_index([]).find("anything") == ()


def test_examples_and_sections_are_found_and_negatives_are_not():
    good = Example(instruction="route two nets", target="my::route A")
    bad = Example(instruction="route two nets badly", target="my::route", valid=False)
    manual = "intro\n# Routing\nHow nets are routed.\n# Logging\nHow messages are written."
    index = build_index([*entries_of_examples([good, bad]), *entries_of_manual(manual, "manual")])
    found = [one.entry for one in index.find("route nets")]
    assert named(found, "example") == (good.id,)
    assert named(found, "section") == ("Routing",)
    assert next(entry.shown for entry in found if entry.kind == "example") == "my::route A"


def test_a_long_section_is_parted_at_blank_lines_and_nothing_is_lost():
    text = "\n\n".join(f"paragraph {number} " + "word " * 200 for number in range(20))
    parts = list(entries_of_manual(text, "m"))
    assert len(parts) > 3
    assert re.findall(r"paragraph \d+", " ".join(part.shown for part in parts)) == [
        f"paragraph {number}" for number in range(20)
    ]


def test_an_index_is_loaded_as_it_was_saved_and_a_changed_one_is_refused(tmp_path: Path):
    index = build_index(entries_of_catalog(CATALOG))
    index.save(tmp_path)
    again = load_index(tmp_path)
    assert again.entries == index.entries
    assert again.find("route") == index.find("route")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again.save(tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with (tmp_path / "entries.jsonl").open("a") as stream:
        stream.write("{}\n")
    with pytest.raises(BadIndex, match="build it again"):
        load_index(tmp_path)
    with pytest.raises(BadIndex, match="holds no index"):
        load_index(tmp_path / "nowhere")


def test_meaning_finds_what_shares_no_word(tmp_path: Path):
    meanings = {"cat": (1.0, 0.0), "dog": (0.0, 1.0), "feline": (0.9, 0.1)}

    def embed(texts: list[str]) -> np.ndarray:
        return np.array([meanings.get(text, (0.7, 0.7)) for text in texts])

    entries = [Entry(kind="proc", name=name, text=name) for name in ("dog", "cat")]
    assert build_index(entries).find("feline") == ()
    hybrid = build_index(entries, embed)
    assert hybrid.find("feline")[0].entry.name == "cat"
    hybrid.save(tmp_path)
    assert load_index(tmp_path, embed).find("feline")[0].entry.name == "cat"
    assert load_index(tmp_path).find("feline") == ()


def test_requests_of_the_tcl_sampler_find_what_their_scripts_use():
    catalog = demo_catalog()
    dialect, rng = built_in("tcl"), random.Random(7)
    index = build_index(entries_of_catalog(catalog))
    known = [*(proc.name for proc in catalog.procs)]
    asked = []
    for _ in range(60):
        sample = dialect.sample(rng, Context(catalog=catalog, level="multi"))
        asked.append((sample.description, [name for name in known if name in sample.text]))
    recall = measure_recall(index, asked)
    assert recall.tasks == 60
    assert recall.symbols > 60
    assert recall.share > 0.9
