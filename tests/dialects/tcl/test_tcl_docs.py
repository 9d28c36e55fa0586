"""The page on the dialect names every code that the dialect can give, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import idiolect.dialects.tcl.dialect as module

FOLDER = Path(module.__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "dialects" / "tcl.md"


def test_every_code_is_in_the_table_and_every_code_of_the_table_exists() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    named = set(re.findall(r'"(tcl\.(?:parse|expr|args|proc|value|var|dsl|policy)\.[a-z_]+)"', source))
    shown = set(re.findall(r"`(tcl\.[a-z]+\.[a-z_]+)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 25
    assert named <= shown
    # Some codes are put together from a prefix and a word.
    policy = (FOLDER.parent / "policy.py").read_text(encoding="utf-8")
    words = set(re.findall(r'"([a-z_]+)"', source)) | set(re.findall(r"\.policy\.([a-z]+)", policy))
    for code in shown - named:
        last = code.rpartition(".")[2]
        parts = {last, last.removeprefix("stray_"), last.removeprefix("extra_after_")}
        assert parts & words, code
