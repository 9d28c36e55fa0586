import pytest

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.ahk2.faults import table
from idiolect.dialects.verdict import Level, Severity

CASES = [
    ('MsgBox, Hello', "v1.comma", "MsgBox,"),
    ("StringReplace, x, y, a, b", "v1.command", "StringReplace"),
    ("x = hello", "v1.assign", "x = hello"),
    ("#NoEnv", "v1.directive", "#NoEnv"),
    ("Loop, 5\n{\n}", "v1.comma", "Loop,"),
    ("f(ByRef a) {\n}", "v1.byref", "ByRef"),
    ("f(a = 1) {\n}", "v1.default", "="),
    ("try {\n} catch e {\n}", "v1.catch", "e"),
    ("MsgBox % x", "v1.percent", "%"),
    ("if x <> 1 {\n}", "v1.operator", "<>"),
    ('x := "a ""b"" c"', "v1.quote", '"b"'),
    ('x := "abc', "parse.quote", '"abc'),
    ("x := (1 + 2", "parse.bracket.missing", "("),
    ("x := 1)", "parse.bracket.unexpected", ")"),
    ("x := 1 +", "parse.operand", "+"),
    ("if x {\n", "parse.brace.missing", "{"),
    ("if x\n", "parse.body", "if"),
    ("else\nx := 1", "parse.orphan", "else"),
    ('x := {"a": 1}', "parse.object.property", '"a"'),
    ("Foo::MsgBox", "name.key", "Foo::"),
    ("^a::\nMsgBox", "parse.hotkey.body", "^a::"),
    ("#SingelInstance Force", "parse.directive", "#SingelInstance"),
    ("StrLen := 1", "name.function", "StrLen"),
    ("x := 1\nArray := x", "name.class", "Array"),
    ("A_Now := 1", "name.readonly", "A_Now"),
    ("loop := 1", "name.reserved", "loop"),
    ("StrLen()", "args.few", "StrLen"),
    ("f(a) {\n}\nf(1, 2)", "args.many", "f"),
    ("return 1", "flow.return", "return 1"),
    ("break", "flow.loop", "break"),
    ("class A extends Nope {\n}", "class.unknown", "A"),
    ("^a::x()\n^a::y()\n", "name.hotkey", "^a::"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "shown"), CASES)
def test_a_fault_has_its_code_and_its_place(text, code, shown):
    verdict = Ahk2().verify(text)
    found = [f for f in verdict.faults if f.code == f"ahk2.{code}"]
    assert not verdict.ok
    assert found, [fault.code for fault in verdict.faults]
    assert text[found[-1].span.start : found[-1].span.end] == shown


def test_all_faults_of_a_script_are_reported():
    text = "MsgBox, Hi\nx := 1 +* 2\nclass A {\n    f() {\n        return 1 2)\n    }\n}\nA_Now := 3\n"
    codes = {fault.code for fault in Ahk2().verify(text).faults}
    assert {
        "ahk2.v1.comma",
        "ahk2.parse.operand",
        "ahk2.parse.bracket.unexpected",
        "ahk2.name.readonly",
    } <= codes


def test_a_sure_repair_is_given_and_works():
    text = 'x = "hello"\n'
    fault = Ahk2().verify(text).faults[0]
    repaired = text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :]
    assert Ahk2().verify(repaired).ok


def test_commands_of_v1_that_still_load_are_warned_of():
    verdict = Ahk2().verify("SetBatchLines -1\n")
    assert verdict.ok
    assert [(f.code, f.severity) for f in verdict.faults] == [("ahk2.v1.gone", Severity.WARNING)]


def test_a_function_of_that_name_silences_the_warning():
    assert Ahk2().verify("SetBatchLines -1\nSetBatchLines(x) {\n}\n").faults == ()


def test_an_undefined_function_is_warned_of_with_the_nearest_name():
    verdict = Ahk2().verify('MsgBx("a")\n')
    assert verdict.ok
    assert verdict.faults[0].code == "ahk2.name.unknown"
    assert "MsgBox" in verdict.faults[0].hint


def test_the_byte_order_mark_and_all_line_ends_are_read():
    assert Ahk2().verify("\ufeffif x {\r\n}\r\nelse {\r}\n").ok


def test_every_code_of_the_table_has_a_level_and_a_message():
    assert len(table()) > 100
    for code, entry in table().items():
        assert Level(entry["level"]), code
        assert entry["message"], code
