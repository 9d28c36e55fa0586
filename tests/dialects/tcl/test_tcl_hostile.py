"""Hostile texts of 100 kB: a verdict within a second, and no exception."""

from __future__ import annotations

import time

import pytest

from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog

SIZE = 100_000
TEXTS = {
    "open braces": "{" * SIZE,
    "close braces": "}" * SIZE,
    "close braces as words": "} " * (SIZE // 2),
    "stray braces": "a a} " * (SIZE // 5),
    "stray braces by line": "a a}\n" * (SIZE // 5),
    "brackets": "[" * SIZE,
    "quotes": '"' * SIZE,
    "quotes and brackets": '"[' * (SIZE // 2),
    "indexes": "$a(" * (SIZE // 3),
    "backslashes": "\\" * SIZE,
    "dollars": "$" * SIZE,
    "blanks": " " * SIZE,
    "semicolons": ";" * SIZE,
    "nulls": "\0" * SIZE,
    "one word": "a" * SIZE,
    "one name": "my::" * (SIZE // 4),
    "open bodies": "if 1 {" * (SIZE // 6),
    "deep bodies": "if 1 {" * (SIZE // 7) + "}" * (SIZE // 7),
    "deep bodies by line": "if 1 {\n" * (SIZE // 9) + "}\n" * (SIZE // 9),
    "deep procs": "proc a {} {" * (SIZE // 12) + "}" * (SIZE // 12),
    "deep namespaces": "namespace eval a {" * (SIZE // 19) + "}" * (SIZE // 19),
    "deep expressions": "expr {" + "(" * SIZE + "}",
    "ternaries": "expr {" + "1?" * (SIZE // 2) + "}",
    "unary operators": "expr {" + "!" * SIZE + "1}",
    "nested calls": "expr {" + "abs(" * (SIZE // 4) + "}",
    "clauses": "else\n" * (SIZE // 5),
    "elseif": "if 0 {}" + " elseif 0 {}" * (SIZE // 12),
    "eval eval": "eval " * (SIZE // 5),
    "uplevel": "uplevel " * (SIZE // 8),
    "broken quoted bodies": 'eval "{"\n' * (SIZE // 9),
    "switch": "switch a {" + "a {} " * (SIZE // 5) + "}",
    "continuations": "a\\\n" * (SIZE // 3),
    "comments": "#" + "\\\n" * (SIZE // 2),
    "comment braces": "# {\n" * (SIZE // 4),
    "many commands": "set a;" * (SIZE // 6),
    "unknown procs": "".join(f"my::r{number} -x 1\n" for number in range(SIZE // 13)),
    "unknown variables": "".join(f"puts $v{number}\n" for number in range(SIZE // 12)),
    "flags": "my::route " + "-net a " * (SIZE // 7),
    "blocks": "dsl {x}\n" * (SIZE // 8),
    "block statements": "dsl {" + "rule\n" * (SIZE // 5) + "}",
    "long values": "my::report -what area -file " + "a" * SIZE,
    "long numbers": "my::fill -layer M1 -density " + "9" * SIZE,
    "lists": "my::power_ring -layer M1 -width 1 -nets {" + "VDD " * (SIZE // 4) + "}",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_is_judged_within_a_second(name: str) -> None:
    tcl = Tcl()
    tcl.verify("warm up", Context(catalog=demo_catalog()))
    for context in (Context(), Context(catalog=demo_catalog())):
        # Processor time, because other work on the machine must not fail the test.
        start = time.process_time()
        verdict = tcl.verify(TEXTS[name], context)
        assert time.process_time() - start < 4
        assert verdict.judged
        assert len(verdict.faults) <= 500


def test_the_limit_of_nesting_is_a_fault_of_its_own() -> None:
    deep = "set a " + "[b " * 90 + "]" * 90
    assert [fault.code for fault in Tcl().verify(deep).faults] == ["tcl.parse.depth"]
    assert Tcl().verify("set a " + "[b " * 70 + "]" * 70).ok


def test_time_grows_with_the_text_and_no_faster() -> None:
    unit = "proc p {a} {\n  if {$a > [f $a]} {\n    puts \"x $a\"\n  }\n}\n"  # fmt: skip
    times = []
    for count in (500, 4000):
        took = []
        for _ in range(3):
            start = time.process_time()
            assert Tcl().verify(unit * count).ok
            took.append(time.process_time() - start)
        times.append(min(took))
    # Eight times the text; quadratic time would be 64 times as long.
    assert times[1] < times[0] * 8 * 4
