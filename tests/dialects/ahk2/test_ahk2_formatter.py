import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.ahk2.faults import Faults
from idiolect.dialects.ahk2.formatter import format_script
from idiolect.dialects.ahk2.lines import LineReader
from idiolect.dialects.ahk2.tokens import tokenize

PROBES = [
    json.loads(line) for line in (Path(__file__).parent / "probes.jsonl").read_text("utf-8").splitlines()
]
GOOD = [probe["text"] for probe in PROBES if probe["message"] is None and Ahk2().verify(probe["text"]).ok]


def words(text: str) -> list[str]:
    """The tokens of a script, line by line; strings and sections as they stand."""
    reader, found = LineReader(text.replace("\r\n", "\n"), Faults()), []
    while (line := reader.next()) is not None:
        found += [token.text for token in tokenize(line.text)]
    return found


def test_blocks_are_indented_and_operators_spaced():
    ugly = (
        "class Box{\nx:=1\nf(a,b){\nif a\nreturn b\nelse {\nreturn [\n1,\n2\n]\n}\n}\n}\n"
        "switch n {\ncase 1:\ny:=2\n}\n"
    )
    assert format_script(ugly) == (
        "class Box{\n    x := 1\n    f(a, b){\n        if a\n            return b\n        else {\n"
        "            return [\n                1,\n                2\n            ]\n        }\n    }\n}\n"
        "switch n {\n    case 1:\n        y := 2\n}\n"
    )


def test_strings_sections_and_comments_stay_as_they_are():
    text = 'x := "a,b:=c"\ny := "\n(\n  a\n\n\n    b,c:=d\n)"\n/*\n   x,y:=1\n*/\n::abc::d,e:=f\n'
    assert format_script(text) == text


def test_a_script_that_does_not_load_is_refused_with_its_line():
    with pytest.raises(ValueError, match="line 2"):
        format_script("x := 1\ny := )\n")


def test_formatting_changes_no_token_and_is_done_after_once():
    assert len(GOOD) > 1500
    for text in GOOD:
        once = format_script(text)
        assert words(once) == words(text), text
        assert Ahk2().verify(once).ok, text
        assert format_script(once) == once, text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(GOOD[::7]), min_size=1, max_size=4))
def test_joined_scripts_are_formatted_to_the_same_tokens(parts):
    text = "\n".join(parts)
    if Ahk2().verify(text).ok:
        assert words(format_script(text)) == words(text)
