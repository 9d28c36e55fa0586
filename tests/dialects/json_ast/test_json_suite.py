"""Agreement with the official JSON Schema test suite, and what the few differences are."""

import json
from collections import Counter

import pytest

from corpora import CORPORA
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.dialects.json_ast.schemas import read_store

SUITE = CORPORA / "json-schema-test-suite"
pytestmark = pytest.mark.skipif(
    not SUITE.is_dir(), reason=f"no JSON Schema test suite at {SUITE}; set IDIOLECT_CORPORA"
)
DRAFTS = {  # folder: (draft, tests in it)
    "draft4": ("draft4", 937),
    "draft6": ("draft6", 1270),
    "draft7": ("draft7", 1721),
    "draft2019-09": ("2019-09", 2174),
    "draft2020-12": ("2020-12", 2225),
}
# The suite's core says that formats only annotate in 2020-12; here they always assert, in every draft,
# as its optional "format" folder wants them, because a date that is no date is a wrong syntax tree.
ASSERTED_FORMATS = (
    *("email", "idn-email", "regex", "ipv4", "ipv6", "idn-hostname", "hostname", "date", "date-time", "time"),
    *("json-pointer", "relative-json-pointer", "iri", "iri-reference", "uri", "uri-reference"),
    *("uri-template", "uuid", "duration"),
)
DISAGREE = {
    folder: {
        ("format.json", f"{name} format", f"invalid {name} string is only an annotation by default"): False
        for name in (ASSERTED_FORMATS if folder == "draft2020-12" else ())
    }
    for folder in DRAFTS
}
# The walk that says why does not follow a reference into another draft; the verdict itself does.
UNEXPLAINED = {
    ("draft7", "refs to future drafts are processed as future drafts"),
    ("draft2019-09", "refs to future drafts are processed as future drafts"),
}


@pytest.fixture(scope="module")
def remotes():
    return read_store(SUITE / "remotes", "http://localhost:1234/")


def cases(folder):
    for path in sorted((SUITE / "tests" / folder).rglob("*.json")):
        for group in json.loads(path.read_text("utf-8")):
            for case in group["tests"]:
                yield path.name, group, case


@pytest.mark.parametrize("folder", DRAFTS)
def test_verdicts_agree_with_the_suite_but_for_the_known_cases(folder, remotes, capsys):
    draft, expected_count = DRAFTS[folder]
    count = 0
    differing = {}
    for name, group, case in cases(folder):
        dialect = JsonAst(group["schema"], store=remotes, default_draft=draft)
        verdict = dialect.verify(json.dumps(case["data"]))
        count += 1
        if not verdict.judged or verdict.valid is not case["valid"]:
            differing[name, group["description"], case["description"]] = verdict.not_judged or verdict.valid
    with capsys.disabled():
        print(f"\n{folder}: {count - len(differing)} of {count} agree")
    assert count == expected_count
    assert differing == DISAGREE[folder]


@pytest.mark.parametrize("folder", DRAFTS)
def test_every_invalid_case_is_explained_and_placed(folder, remotes):
    draft, _ = DRAFTS[folder]
    explained = Counter()
    for _, group, case in cases(folder):
        dialect = JsonAst(group["schema"], store=remotes, default_draft=draft)
        text = json.dumps(case["data"], indent=1)
        verdict = dialect.verify(text)
        if verdict.ok:
            assert verdict.faults == ()
            continue
        assert verdict.faults
        for fault in verdict.faults:
            assert 0 <= fault.span.start < fault.span.end <= len(text)
            json.loads(text[fault.span.start : fault.span.end])
        unexplained = verdict.faults[0].code == "json.schema.unexplained"
        assert unexplained is ((folder, group["description"]) in UNEXPLAINED)
        explained[verdict.faults[0].code] += 1
    assert len(explained) > 15
