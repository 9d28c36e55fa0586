"""Small scripts with the answers of AutoHotkey 2.0.18 itself (message None: accepted)."""

import json
from pathlib import Path

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.ahk2.faults import table
from idiolect.dialects.verdict import Severity, Verdict

PROBES = [
    json.loads(line) for line in (Path(__file__).parent / "probes.jsonl").read_text("utf-8").splitlines()
]
STRICT = Ahk2(newer="require")
KNOWN_TO_DIFFER = {"a & ::MsgBox"}  # the interpreter takes the second key for a space


def classes_of(verdict: Verdict) -> list[str]:
    codes = [fault.code.removeprefix("ahk2.") for fault in verdict.faults if fault.severity is Severity.ERROR]
    known = [message for code in codes for message in table().get(code, {}).get("interpreter", ())]
    return known + ["This script requires"] * any(code.startswith("version") for code in codes)


def test_probes_are_accepted_or_refused_as_by_the_interpreter():
    assert len(PROBES) > 1400
    differ = {p["text"] for p in PROBES if STRICT.verify(p["text"]).ok != (p["message"] is None)}
    assert differ == KNOWN_TO_DIFFER


def test_refused_probes_get_the_interpreters_kind_of_fault():
    refused = [p for p in PROBES if p["message"] is not None and p["text"] not in KNOWN_TO_DIFFER]
    named = [p for p in refused if any(part in p["message"] for part in classes_of(STRICT.verify(p["text"])))]
    assert len(refused) > 600
    assert len(named) / len(refused) > 0.96


def test_every_fault_of_the_probes_points_into_the_text():
    for probe in PROBES:
        for fault in Ahk2().verify(probe["text"]).faults:
            assert fault.span is not None
            assert 0 <= fault.span.start <= fault.span.end <= len(probe["text"])
            assert "{" not in fault.message.replace("{{", "") or "{" in probe["text"]
