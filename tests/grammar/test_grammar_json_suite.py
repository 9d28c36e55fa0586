"""The official JSON Schema test suite: nothing invalid is ever accepted, and what is refused is counted."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from corpora import CORPORA
from idiolect.grammar.from_json_schema import NotEnforceable, lower_schema
from idiolect.grammar.replay import replay

DRAFTS = {"draft4": 4, "draft6": 6, "draft7": 7, "draft2019-09": 2019, "draft2020-12": 2020}
# Valid values that the grammar is too narrow for, by the suite's file. Formats have rare forms left out
# on purpose; the file "format" says that formats are not checked, which is not what a grammar is for.
NARROWER = {
    "format": 99,
    "date-time": 9,
    "duration": 9,
    "email": 9,
    "hostname": 20,
    "ipv6": 9,
    "time": 9,
    "uri": 9,
    "unevaluatedItems": 1,  # items matched by contains count as evaluated
    "unevaluatedProperties": 1,  # two branches of anyOf hold at once
    "vocabulary": 1,  # a metaschema that switches validation off
}


def suite() -> Path:
    folder = CORPORA / "json-schema-test-suite"
    if not folder.is_dir():
        pytest.skip("the JSON Schema test suite is not there; point IDIOLECT_CORPORA to it")
    return folder


@cache
def store() -> dict[str, Any]:
    remotes = suite() / "remotes"
    return {
        f"http://localhost:1234/{path.relative_to(remotes)}": json.loads(path.read_text("utf-8"))
        for path in sorted(remotes.rglob("*.json"))
    }


# Only these files refer to other documents; indexing all of them for every schema would take minutes.
WITH_REMOTES = {"refRemote", "dynamicRef", "vocabulary", "ref", "anchor", "id"}


@pytest.mark.parametrize(
    "draft", [pytest.param(one, marks=pytest.mark.slow) if one != "draft4" else one for one in DRAFTS]
)
def test_nothing_invalid_is_accepted(draft: str):
    folder = suite() / "tests" / draft
    files = [*sorted(folder.glob("*.json")), *sorted((folder / "optional" / "format").glob("*.json"))]
    counts: Counter[str] = Counter()
    narrower: Counter[str] = Counter()
    impossible: list[str] = []
    for path in files:
        for group in json.loads(path.read_text("utf-8")):
            known = store() if path.stem in WITH_REMOTES else {}
            try:
                lowered = lower_schema(group["schema"], store=known, default_draft=DRAFTS[draft])
            except NotEnforceable as error:
                counts["refused"] += 1
                fitting = [test["description"] for test in group["tests"] if test["valid"]]
                impossible += fitting if error.reason == "no finite value fits it" else []
                continue
            counts["lowered"] += 1
            for test in group["tests"]:
                if test["valid"]:
                    taken = fits(lowered, test["data"])
                    counts["valid"] += taken
                    narrower[path.stem] += not taken
                else:
                    counts["invalid"] += 1
                    assert not fits(lowered, test["data"]), (
                        path.stem,
                        group["description"],
                        test["description"],
                    )
    print(f"\n{draft}: {dict(counts)}, narrower {dict(+narrower)}")
    assert impossible == []
    assert counts["lowered"] > 120
    assert counts["refused"] < counts["lowered"] / 3
    assert all(count <= NARROWER.get(name, 0) for name, count in narrower.items()), +narrower


def fits(lowered: Any, value: Any) -> bool:
    """Whether a value can be written and is taken; a value that can't be must not be taken as it stands."""
    try:
        text = lowered.write(value)
    except ValueError:
        return replay(lowered.grammar, json.dumps(value, separators=(",", ":"), ensure_ascii=False)).accepted
    return replay(lowered.grammar, text).accepted
