"""Agreement with the interpreter on real scripts; skipped where they are not there."""

import json
from pathlib import Path

import pytest

from corpora import CORPORA
from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.ahk2.formatter import format_script
from idiolect.dialects.contract import Context

CORPUS = CORPORA / "ahk2"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no AutoHotkey scripts: set IDIOLECT_CORPORA")


def read(path: Path) -> str:
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "utf-16"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp1252")


def test_scripts_are_judged_as_by_the_interpreter():
    answers = [json.loads(line) for line in (CORPUS / "interpreter.jsonl").read_text("utf-8").splitlines()]
    strict = Ahk2(includes="require", newer="ignore")
    agreed = good = refused = counted = 0
    for answer in answers:
        path = CORPUS / "scripts" / answer["file"]
        verdict = strict.verify(read(path), Context(folder=path.parent))
        codes = {fault.code for fault in verdict.faults if fault.severity == "error"}
        if answer["accepted"] and codes == {"ahk2.include.missing"}:
            continue  # its file was there when the interpreter was asked, and is no part of the corpus
        counted += 1
        agreed += verdict.ok == answer["accepted"]
        good += answer["accepted"]
        refused += answer["accepted"] and not verdict.ok
    assert counted >= 290
    assert agreed / counted >= 0.98
    assert refused / good <= 0.01


def test_formatting_keeps_every_good_script_good_and_is_done_after_once():
    count = 0
    for path in sorted((CORPUS / "scripts").rglob("*.ahk"))[::3]:
        text = read(path)
        if not Ahk2().verify(text).ok:
            continue
        count += 1
        once = format_script(text)
        assert Ahk2().verify(once).ok, path
        assert format_script(once) == once, path
    assert count > 60
