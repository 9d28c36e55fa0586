import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.data.example import Example
from idiolect.data.jsonl import write_examples
from idiolect.decode.documents import entries_of_catalog
from idiolect.decode.packs import PackRetriever, names_used, recall_of
from idiolect.decode.retrieval import build_index
from idiolect.dialects.tcl.dialect import demo_catalog

EXAMPLE = Path(__file__).parents[2] / "examples" / "tcl-routing"


def test_a_pack_shows_what_a_request_needs_and_carries_the_catalog_that_holds_its_answer():
    catalog = demo_catalog()
    retriever = PackRetriever(
        build_index(entries_of_catalog(catalog)), catalog, most={"proc": 3, "statement": 1}
    )
    pack = retriever.pack("route net CLK on layer M3")
    assert "my::route" in pack.text
    assert len(pack.catalog.procs) <= 3 < len(catalog.procs)
    assert retriever("route net CLK on layer M3") == pack.text


def test_names_are_found_as_words_of_their_own():
    catalog = demo_catalog()
    text = "set ::tech::corner tt\nmy::route -net CLK -layer M3\nmy::router x\n"
    used = names_used(text, catalog)
    assert "my::route" in used
    assert any(name.endswith("tech::corner") for name in used)
    assert not {"my::note", "my::mirror"} & set(used)


def test_examples_with_a_catalog_of_their_own_are_not_measured():
    catalog = demo_catalog()
    index = build_index(entries_of_catalog(catalog))
    good = Example(instruction="route net CLK on layer M3", target="my::route -net CLK -layer M3")
    own = Example(instruction="x", target="my::route", metadata={"catalog": {"procs": []}})
    recall = recall_of(index, catalog, [good, own])
    assert (recall.tasks, recall.symbols, recall.found) == (1, 1, 1)


def test_the_commands_build_search_and_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("runs"))
    monkeypatch.chdir(project)
    script = "scripts/train.okt"
    split = project / "runs/tcl-routing/split"
    target = "my::route -net CLK -layer M3\n"
    held = Example(instruction="Route net CLK on layer M3", target=target)
    write_examples(split / "train.jsonl", [held])
    write_examples(split / "test.jsonl", [held])
    Path("manual.md").write_text("# Routing\nNets are routed on layers.\n")
    runner = CliRunner()
    built = runner.invoke(app, ["index", "build", script, "--manual", "manual.md"])
    assert built.exit_code == 0, built.output
    assert "section" in built.output
    found = runner.invoke(app, ["index", "search", script, "route a net on a layer"])
    assert found.exit_code == 0, found.output
    assert "route" in found.output
    pack = runner.invoke(app, ["index", "search", script, "route a net on a layer", "--pack"])
    assert pack.output.startswith("Context:")
    measured = runner.invoke(app, ["index", "measure", script])
    assert "100.0% found" in measured.output, measured.output
    (project / "runs/tcl-routing/index/entries.jsonl").write_text("{}\n")
    damaged = runner.invoke(app, ["index", "search", script, "x"])
    assert damaged.exit_code == 1
    assert "build it again" in damaged.output
