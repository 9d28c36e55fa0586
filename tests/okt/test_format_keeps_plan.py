"""Formatting a valid file never changes its plan."""

import re
from pathlib import Path

import pytest

from idiolect.okt.check import check_text
from idiolect.okt.format import format_text
from idiolect.plan.plan import Plan
from idiolect.plan.resolve import resolve
from idiolect.templates import examples_folder

SCRIPTS = sorted(examples_folder().glob("*/scripts/*.okt"))


def without_places(plan: Plan) -> str:
    """A plan as JSON without lines and columns, which a formatter may change."""
    text = plan.model_dump_json(by_alias=True)
    return re.sub(r'"(line|column)":\d+', "", re.sub(r"\(?x\.okt:\d+:\d+[^\"]*", "", text))


def squeezed(text: str) -> str:
    """The same script, badly laid out: one line where comments allow it, odd spaces, CRLF."""
    lines = [line.strip() for line in text.splitlines()]
    out = "".join(line + ("\r\n" if "#" in line else "   ") for line in lines)
    return out.replace(": ", " :\t").replace("{ ", "{")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize("spoil", [str, squeezed])
def test_a_formatted_script_has_the_same_plan(script: Path, spoil: type[str]) -> None:
    text = spoil(script.read_text())
    before = check_text(text, "x.okt")
    after = check_text(format_text(text).source.text, "x.okt")
    assert before.errors == after.errors == []
    assert without_places(resolve(before, {})) == without_places(resolve(after, {}))


def test_the_examples_are_formatted() -> None:
    assert len(SCRIPTS) >= 5
    for script in SCRIPTS:
        assert format_text(script.read_text()).source.text == script.read_text(), script
