"""Reading JSON strictly, with places and repairs."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.dialects.json_ast.document import MAX_DEPTH
from idiolect.dialects.json_ast.places import tree_of
from idiolect.dialects.json_ast.scan import MAX_FAULTS, scan
from idiolect.dialects.json_ast.strict import LookCloser, nesting, read_strict

# text, [(code, text of the span, repaired text or None)]
BAD = [
    ("", [("empty", "", None)]),
    ("  ", [("empty", "  ", None)]),
    ("hello", [("value", "hello", None)]),
    ('{"a":1,}', [("comma.trailing", ",", '{"a":1}')]),
    ("[1,,2]", [("comma.extra", ",", "[1,2]")]),
    ("[1 2]", [("comma.missing", "1", "[1, 2]")]),
    ('{"a" 1}', [("colon.missing", '"a"', '{"a": 1}')]),
    ("{a:1}", [("key.unquoted", "a", '{"a":1}')]),
    ("['x']", [("string.quotes", "'x'", '["x"]')]),
    ('{"a":1,"a":2}', [("key.duplicate", '"a"', None)]),
    ('{"a":}', [("value.missing", '"a"', None)]),
    ("[NaN]", [("constant", "NaN", None)]),
    ("[-Infinity]", [("constant", "-Infinity", None)]),
    ("[True]", [("word", "True", "[true]")]),
    ("[nul]", [("word", "nul", "[null]")]),
    ("[blue]", [("word", "blue", None)]),
    ("[01]", [("number", "01", "[1]")]),
    ("[.5]", [("number", ".5", "[0.5]")]),
    ("[1.]", [("number", "1.", "[1.0]")]),
    ("[0x1]", [("number", "0x1", None)]),
    ("1e999", [("number.range", "1e999", None)]),
    ("9" * 2000, [("number.range", "9" * 2000, None)]),
    ('["a\tb"]', [("string.control", "\t", '["a\\tb"]')]),
    ('["a\\qb"]', [("string.escape", "\\q", '["a\\\\qb"]')]),
    ('["\\u12"]', [("string.escape", "\\u", '["\\\\u12"]')]),
    ('["\\ud800"]', [("string.surrogate", '"\\ud800"', None)]),
    ('["abc', [("string.unclosed", '"abc', None)]),
    ("[1}", [("bracket.mismatch", "}", "[1]")]),
    ('{"a":[1}', [("bracket.unclosed", "}", '{"a":[1]}')]),
    ('{"a":[1', [("truncated", "1", '{"a":[1]}')]),
    ('{"a":', [("truncated", ":", None)]),
    ("[1] // x", [("comment", "// x", "[1] ")]),
    ("[1] x", [("extra", "x", "[1] ")]),
    ("Sure: [1]", [("before", "Sure: ", "[1]")]),
    ("```json\n[1]\n```", [("fence", "```json\n", "[1]\n"), ("fence", "```", "[1]\n")]),
    ("\ufeff[1]", [("bom", "\ufeff", "[1]")]),
    ("[1;2]", [("stray", ";", None)]),
]


def repaired(text, faults):
    """The text with every repair applied."""
    for fix in sorted((fault.fix for fault in faults), key=lambda fix: fix.span, reverse=True):
        text = text[: fix.span.start] + fix.text + text[fix.span.end :]
    return text


@pytest.mark.parametrize(("text", "expected"), BAD, ids=lambda value: repr(value)[:30])
def test_each_mistake_has_its_code_its_place_and_its_repair(text, expected):
    faults = scan(text).faults
    found = [(fault.code, text[fault.span.start : fault.span.end]) for fault in faults]
    assert found == [(f"json.parse.{code}", span) for code, span, _ in expected]
    if expected[0][2] is None:
        assert faults[0].fix is None
        assert faults[0].hint
    else:
        assert repaired(text, faults) == expected[0][2]


def test_all_mistakes_of_a_text_are_reported_at_once():
    text = '{a: \'x\', "b" 2 "c": [1 2, 3}'
    codes = [fault.code.removeprefix("json.parse.") for fault in scan(text).faults]
    assert codes == [
        *("key.unquoted", "string.quotes", "colon.missing"),
        *("comma.missing", "comma.missing", "bracket.unclosed"),
    ]
    assert scan(repaired(text, scan(text).faults)).root.value == {"a": "x", "b": 2, "c": [1, 2, 3]}


def test_a_hopeless_text_lists_no_more_faults_than_help():
    assert len(scan("[" + "1 " * 1000 + "]").faults) == MAX_FAULTS


def test_nesting_past_the_limit_is_a_fault_at_its_place():
    good = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert not scan(good).faults
    assert read_strict(good) == scan(good).root.value
    bad = f"[{good}]"
    (fault,) = scan(bad).faults
    assert fault.code == "json.parse.depth"
    assert fault.span.start == MAX_DEPTH
    with pytest.raises(LookCloser):
        read_strict(bad)


def test_brackets_in_strings_do_not_nest():
    assert nesting('["[[[{{{", {"\\"[": 1}]') == 2


HOSTILE = {
    "open brackets": "[" * 100_000,
    "open objects": '{"a":' * 20_000,
    "quotes": '"' * 100_000,
    "backslashes": '"' + "\\" * 100_000,
    "bad escapes": '["' + "\\q" * 50_000 + '"]',
    "single quotes": "'" + '\\"' * 50_000,
    "comments": "/*" * 50_000,
    "line comments": "#\n" * 50_000,
    "digits": "1" * 100_000,
    "zeros": "0" * 100_000,
    "no commas": "[1 " * 33_000,
    "points": ".1" * 50_000,
    "spaces": " " * 100_000,
    "prose": "word " * 20_000,
    "commas": "[" + "," * 100_000,
    "one deep, many wide": "[" * 150 + "1," * 49_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_read_in_bounded_time(text):
    started = time.process_time()
    assert scan(text).faults
    assert time.process_time() - started < 4


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def encodable(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@given(values.filter(encodable), st.sampled_from([None, 1]), st.booleans())
def test_both_readers_take_what_the_standard_writer_writes(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    scanned = scan(text)
    assert scanned.faults == ()
    assert scanned.root.value == value
    assert read_strict(text) == value


@given(values.filter(encodable), st.sampled_from([None, 1]), st.booleans())
def test_the_quick_tree_of_a_good_text_is_that_of_the_careful_reader(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    def places(root):
        return [(node.path, node.span, node.key, node.value) for node in root.walk()]

    assert places(tree_of(text, value)) == places(scan(text).root)


@given(values.filter(encodable))
def test_every_span_holds_the_value_that_it_names(value):
    text = json.dumps(value, indent=1)
    for node in scan(text).root.walk():
        assert json.loads(text[node.span.start : node.span.end]) == node.value
        if node.key is not None:
            assert json.loads(text[node.key.start : node.key.end]) == node.path[-1]
        assert scan(text).root.find(node.path).span == node.span


pieces = st.sampled_from(
    [*"{}[],:\"'\\/ \n\t", "tru", "null", "-", "1", "0", ".", "e", "NaN", '"a"', "\ufeff", "\ud800"]
)


@given(st.one_of(st.text(max_size=40), st.lists(pieces, max_size=30).map("".join)))
def test_no_text_is_too_odd_to_read_and_the_readers_agree(text):
    scanned = scan(text)
    for fault in scanned.faults:
        assert 0 <= fault.span.start <= fault.span.end <= len(text)
    try:
        value = read_strict(text)
    except LookCloser:
        return
    assert scanned.faults == ()
    assert scanned.root.value == value


@given(values.filter(encodable), st.lists(st.tuples(st.integers(0, 200), pieces), min_size=1, max_size=3))
def test_where_every_fault_has_a_repair_the_repaired_text_is_json(value, edits):
    text = json.dumps(value)
    for place, piece in edits:
        at = place % (len(text) + 1)
        text = text[:at] + (piece if place % 2 else "") + text[at + (1 - place % 2) :]
    faults = scan(text).faults
    if all(fault.fix for fault in faults):
        mended = repaired(text, faults)
        assert scan(mended).faults == ()
