from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from toy_stages import Notes, contents, made, walk

from idiolect.runs.decide import Wanted
from idiolect.runs.folder import NoRunFolder, RunFolder, choose_folder
from idiolect.runs.manifest import read_manifest
from idiolect.runs.stage import Counts


def edit(root: Path, old: str, new: str) -> None:
    script = root / "scripts" / "train.okt"
    assert old in script.read_text()
    script.write_text(script.read_text().replace(old, new))


def again(root: Path, wanted: Wanted = Wanted()) -> Notes:
    notes = Notes()
    walk(root, wanted, notes)
    return notes


def test_a_run_makes_every_stage_and_ends_where_this_version_ends(project):
    notes = Notes()
    outcome = walk(project, notes=notes)
    assert (outcome.how, outcome.stage) == ("not available", "train") or outcome.how == "done"
    assert notes.ran() == ["corpus", "synth", "split"]
    run = project / "runs" / "toy"
    assert (run / "corpus" / "pages" / "0.txt").read_text() == "FOUR"
    assert (run / "checkpoint-1" / "rows.txt").is_file()
    record = read_manifest(run).stage("corpus")
    assert record is not None
    assert record.counts[0].rejected == {"repeat": 1}
    assert [output.name for output in record.outputs] == ["all.json", "pages"]


def test_a_second_run_skips_what_did_not_change_and_leaves_every_byte(project):
    walk(project)
    before = contents(project / "runs" / "toy")
    notes = again(project)
    assert notes.ran() == []
    assert notes.decisions["corpus"].why.startswith("unchanged: ")
    assert "3 input files" in notes.decisions["corpus"].why
    assert contents(project / "runs" / "toy") == before


def test_a_changed_setting_is_named_with_both_values(project):
    walk(project)
    edit(project, "near_dedup: 0.85", "near_dedup: 0.9")
    notes = again(project)
    assert notes.decisions["corpus"].why == "CORPUS.near_dedup was 0.85 and is 0.9"
    # The corpus came out the same, so nothing behind it had to run.
    assert notes.ran() == ["corpus"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda texts: (texts / "a.txt").write_text("zero\n"), "texts/a.txt changed"),
        (lambda texts: (texts / "d.txt").write_text("five\n"), "texts/d.txt is new"),
        (lambda texts: (texts / "b.txt").unlink(), "texts/b.txt is gone"),
    ],
)
def test_a_changed_input_is_named_and_what_depends_on_it_runs(project, change, why):
    walk(project)
    change(project / "texts")
    notes = again(project)
    assert notes.decisions["corpus"].why == why
    assert notes.decisions["synth"].why == "corpus gave other files"
    assert notes.ran()[:2] == ["corpus", "synth"]


def test_a_changed_run_ends_with_the_bytes_of_one_that_began_so(project, tmp_path):
    walk(project)
    edit(project, "count: 12", "count: 7")
    (project / "texts" / "a.txt").write_text("zero\n")
    walk(project)
    changed = contents(project / "runs" / "toy")
    (project / "runs" / "toy").rename(tmp_path / "aside")
    walk(project)
    assert contents(project / "runs" / "toy") == changed


def test_a_missing_output_is_made_again(project):
    walk(project)
    run = project / "runs" / "toy"
    before = contents(run)
    (run / "corpus" / "all.json").unlink()
    notes = again(project)
    assert notes.decisions["corpus"].why == "all.json is missing"
    assert notes.ran() == ["corpus"]
    assert contents(run) == before


@pytest.mark.parametrize("name", ["corpus/all.json", "tokenizer.json"])
def test_an_output_that_somebody_altered_is_set_aside_not_lost(project, name):
    walk(project)
    run = project / "runs" / "toy"
    (run / name).write_text("my own work")
    again(project)
    assert "my own work" not in (run / name).read_text()
    kept = [path.read_text() for path in (run / "set-aside").rglob("*") if path.is_file()]
    assert "my own work" in kept


def test_a_file_that_somebody_put_beside_a_stage_is_kept_when_the_stage_runs_again(project):
    walk(project)
    run = project / "runs" / "toy"
    (run / "corpus" / "notes.txt").write_text("mine")
    assert again(project).ran() == []
    edit(project, "near_dedup: 0.85", "near_dedup: 0.9")
    again(project)
    assert (run / "set-aside" / "corpus-1" / "notes.txt").read_text() == "mine"
    assert not (run / "corpus" / "notes.txt").exists()


def test_a_script_that_came_first_while_the_folder_was_being_chosen_keeps_it(project):
    waiting = made(project)
    walk(project)
    manifest = project / "runs" / "toy" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("scripts/train.okt", "scripts/first.okt"))
    before = manifest.read_text()
    with pytest.raises(NoRunFolder, match="is the run of another script"):
        waiting.walk()
    assert manifest.read_text() == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only UTF-8 names")
def test_a_file_name_that_is_no_utf8_is_an_input_like_others(project):
    (Path(os.fsdecode(os.fsencode(project / "texts") + b"/\xff.txt"))).write_text("odd\n")
    assert again(project).ran() == ["corpus", "synth", "split"]
    assert again(project).ran() == []


def test_a_stage_without_a_seed_of_its_own_takes_that_of_train_and_follows_it(project):
    (project / "texts" / "data.jsonl").write_text('{"input": "a", "output": "b"}\n')
    training = """
MODEL { base: "nano" }
DATASET { train: "texts/data.jsonl" }
TRAIN {
    epochs: 1
    batch_size: 1
    device: "cpu"
    seed: 5
}
EXPORT {
    format: ["safetensors"]
    path: "out/"
}
"""
    edit(project, "CORPUS", training + "\nCORPUS")
    walk(project)
    edit(project, "seed: 5", "seed: 6")
    notes = again(project)
    assert notes.decisions["split"].why == "TRAIN.seed was 5 and is 6"
    assert notes.ran() == ["split"]


@pytest.mark.parametrize("target", ["../../victim.txt", "..", ".lock", "a/b"])
def test_a_note_that_leads_out_of_the_folder_is_not_carried_out(project, target):
    walk(project)
    run = project / "runs" / "toy"
    (project / "victim.txt").write_text("mine")
    record = read_manifest(run).stage("corpus")
    assert record is not None
    (run / ".partial").mkdir()
    move = {"source": None, "target": target}
    note = {"record": record.model_dump(mode="json"), "moves": [move]}
    (run / ".partial" / "commit.json").write_text(json.dumps(note))
    before = contents(project / "runs" / "toy", finished=False)
    walk(project)
    assert (project / "victim.txt").read_text() == "mine"
    assert contents(run) == before


def test_force_runs_one_stage_or_all(project):
    walk(project)
    assert again(project, Wanted(force=frozenset({"synth"}))).ran() == ["synth"]
    assert again(project, Wanted(force=frozenset({"corpus", "synth", "split"}))).ran() == [
        "corpus",
        "synth",
        "split",
    ]


def test_until_and_from_take_a_part_of_the_run(project):
    assert again(project, Wanted(last="corpus")).ran() == ["corpus"]
    assert again(project, Wanted(first="synth", last="synth")).ran() == ["synth"]


def test_a_stage_that_needs_another_says_which_one_is_missing(project):
    outcome = walk(project, Wanted(first="synth", last="synth"))
    assert outcome.how == "failed"
    assert "synth needs the files of corpus" in outcome.reasons[0]
    assert "--until corpus" in outcome.help


def test_from_warns_that_an_earlier_stage_changed_since(project):
    walk(project)
    edit(project, "near_dedup: 0.85", "near_dedup: 0.9")
    notes = again(project, Wanted(first="synth"))
    assert notes.warnings == ["corpus: used as it is, though CORPUS.near_dedup was 0.85 and is 0.9"]


def test_a_mistake_of_the_user_ends_the_run_and_leaves_the_last_good_files(project):
    walk(project)
    run = project / "runs" / "toy"
    before = (run / "corpus" / "all.json").read_text()
    (project / "texts" / "a.txt").write_text("refuse\n")
    outcome = walk(project)
    assert (outcome.how, outcome.stage, outcome.help) == ("failed", "corpus", "take it out")
    assert (run / "corpus" / "all.json").read_text() == before
    interrupted = read_manifest(run).interrupted
    assert interrupted is not None
    assert (interrupted.stage, interrupted.how) == ("corpus", "failed")


def test_a_fault_of_ours_is_told_as_one_and_its_traceback_is_in_the_log(project):
    (project / "texts" / "a.txt").write_text("crash\n")
    outcome = walk(project)
    assert outcome.how == "failed"
    assert "RuntimeError: unforeseen" in outcome.reasons[0]
    assert "a fault of Idiolect" in outcome.help
    assert "Traceback" in RunFolder(project / "runs" / "toy").log.read_text()


def test_a_failed_gate_ends_the_run_every_time_though_nothing_changed(project):
    (project / "texts" / "a.txt").write_text("gate\n")
    for _ in range(2):
        outcome = walk(project)
        assert (outcome.how, outcome.reasons) == ("gate failed", ("a line says gate",))
    assert (project / "runs" / "toy" / "corpus" / "all.json").is_file()
    # Nor is there a way around it.
    assert walk(project, Wanted(first="synth")).how == "gate failed"


def test_a_missing_source_file_is_named_with_the_field(project):
    edit(project, "texts/*.txt", "nowhere/*.txt")
    outcome = walk(project)
    assert outcome.how == "failed"
    assert outcome.reasons == ('CORPUS.sources: no file matches "nowhere/*.txt"',)


def test_the_runs_themselves_are_never_an_input(project):
    walk(project)
    edit(project, "texts/*.txt", ".")
    outcome = walk(project)
    assert 'CORPUS.sources: "." holds the runs themselves' in outcome.reasons[0]
    edit(project, '["."]', '["**/*.txt"]')
    notes = again(project)
    found = notes.decisions["corpus"].found
    assert found is not None
    assert {path.parent.name for path in found.inputs.of("corpus.sources")} == {"texts"}


def test_another_script_of_the_same_project_is_refused_numbered_or_takes_over(project):
    walk(project)
    (project / "scripts" / "train.okt").rename(project / "scripts" / "first.okt")
    (project / "scripts" / "train.okt").write_text((project / "scripts" / "first.okt").read_text())
    manifest = project / "runs" / "toy" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("scripts/train.okt", "scripts/first.okt"))
    with pytest.raises(NoRunFolder, match=r"is the run of another script, scripts/first\.okt") as told:
        walk(project)
    assert "--new" in told.value.help
    walk(project, fresh=True)
    assert read_manifest(project / "runs" / "toy-2").script == "scripts/train.okt"
    # From now on the numbered run is this script's own.
    notes = again(project)
    assert notes.ran() == []
    assert not (project / "runs" / "toy-3").exists()
    notes = Notes()
    (project / "runs" / "toy-2").rename(project / "gone")
    walk(project, notes=notes, take_over=True)
    assert notes.ran() == []  # the other script's files serve as well: the same settings, the same inputs
    assert read_manifest(project / "runs" / "toy").script == "scripts/train.okt"


def test_files_that_no_run_made_are_not_overwritten(project):
    mine = project / "runs" / "toy" / "metrics.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    with pytest.raises(NoRunFolder, match="holds files that no run has made"):
        walk(project)
    assert [path.name for path in mine.parent.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../up", "it holds '/'"),
        ("a:b", "it holds ':'"),
        ("..", "it begins with a dot"),
        ("nul", "Windows keeps this name for a device"),
        ("é" * 61, "it is longer than 120 bytes"),
    ],
)
def test_a_project_name_that_can_be_no_folder_is_refused(project, name, reason):
    with pytest.raises(NoRunFolder) as told:
        choose_folder(project / "runs" / name, name, "scripts/train.okt")
    assert reason in str(told.value)
    assert told.value.help.startswith('write PROJECT "')


def test_a_dry_run_says_what_would_happen_and_writes_nothing(project):
    decisions = {one.stage: one for one in made(project).decisions()}
    assert not (project / "runs").exists()
    assert decisions["corpus"].why == "first time"
    assert decisions["synth"].why == "if corpus gives other files than last time"
    walk(project)
    before = contents(project / "runs" / "toy")
    edit(project, "count: 12", "count: 41")
    decisions = {one.stage: one for one in made(project).decisions()}
    assert decisions["corpus"].action == "skip"
    assert decisions["synth"].why == "SYNTHESIZE.count was 12 and is 41"
    assert contents(project / "runs" / "toy") == before


def test_the_same_run_from_another_folder_is_the_same(project, monkeypatch):
    monkeypatch.chdir(project)
    walk(Path())
    before = contents(project / "runs" / "toy")
    monkeypatch.chdir(project / "texts")
    notes = Notes()
    walk(project, notes=notes)
    assert notes.ran() == []
    assert contents(project / "runs" / "toy") == before


def test_counts_that_do_not_close_are_refused():
    with pytest.raises(ValueError, match="10 read are not 8 kept \\+ 1 rejected"):
        Counts("rows", 10, 8, {"repeat": 1})
