"""The corpus of real AutoHotkey scripts: counts close, and what is refused the interpreter refuses too."""

from __future__ import annotations

import json

import pytest

from corpora import CORPORA
from idiolect.data.corpus import Job, build_corpus, default_workers
from idiolect.data.dialect_source import DialectSource
from idiolect.data.leakage import find_leaks
from idiolect.okt.blocks.extension import Corpus

CORPUS = CORPORA / "ahk2"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no AutoHotkey scripts: set IDIOLECT_CORPORA"),
]


def test_rejections_are_those_of_the_interpreter_and_nothing_leaks() -> None:
    settings = Corpus.model_validate({"tasks": ["reference", "describe"]})
    job = Job(
        settings=settings,
        load=DialectSource("ahk2"),
        root=CORPUS,
        sources=("scripts",),
        reference=(CORPUS / "elements.csv",),
        workers=default_workers(),
    )
    result = build_corpus(job)
    assert result.counts[0].read == 300
    lines = (CORPUS / "interpreter.jsonl").read_text().splitlines()
    said = {row["file"]: row for row in map(json.loads, lines)}
    refused = {one.source.removeprefix("scripts/") for one in result.rejected if one.reason == "not valid"}
    assert len(refused) >= 40
    assert not [name for name in refused if said[name]["accepted"]]
    kept = {str(example.provenance.source).removeprefix("scripts/") for example in result.examples}
    wrong = {name for name in kept & set(said) if not said[name]["accepted"]}
    assert all(
        "nclude" in said[name]["message"] or "library not found" in said[name]["message"] for name in wrong
    )
    train = [example for example in result.examples if example.split == "train"]
    test = [example for example in result.examples if example.split == "test"]
    assert train
    assert test
    texts = [leak for leak in find_leaks(train, test) if leak.kind != "same structure"]
    codes = {example.id for example in test if example.task != "lookup"}
    assert not [leak for leak in texts if leak.test in codes]
