"""Over Ray Data a corpus has the same bytes as here."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

from idiolect.data.corpus import Job, build_corpus
from idiolect.data.corpus_files import write_corpus
from idiolect.data.dialect_source import DialectSource
from idiolect.data.judging import judge_all
from idiolect.data.judging_ray import NoRay, judge_over_ray
from idiolect.okt.blocks.extension import Corpus


def bytes_of(folder: Path, out: Path, judge) -> dict[str, bytes]:
    job = Job(
        settings=Corpus.model_validate({"tasks": ["reference", "describe", "repair"]}),
        load=DialectSource("gates"),
        root=folder,
        sources=("scripts",),
        workers=2,
        judge=judge,
    )
    written = write_corpus(build_corpus(job), out, "messages", "toys")
    return {path.name: path.read_bytes() for path in written}


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    for number in range(80):
        text = f"MODULE N{number}(INPUT A, INPUT B{number}, OUTPUT Y) {{ Y = A & ~B{number}; }}"
        if number % 9 == 0:
            text = text.replace(";", "")
        (tmp_path / "scripts" / f"n{number:02}.gates").write_text(text)
    return tmp_path


def test_without_ray_the_cure_is_told(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(NoRay, match=r"pip install \"idiolect\[ray\]\""):
        bytes_of(scripts, scripts / "out", judge_over_ray)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason='needs Ray: pip install "idiolect[ray]"')
def test_over_ray_the_bytes_are_the_same(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    here = bytes_of(scripts, scripts / "here", judge_all)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own libraries
        import ray

        try:
            there = bytes_of(scripts, scripts / "there", judge_over_ray)
        finally:
            ray.shutdown()
    assert there == here
    assert len(here["train.jsonl"]) > 1000
