import random

import pytest

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.catalog import Catalog, Proc
from idiolect.dialects.contract import Context
from idiolect.dialects.verdict import Level, Severity
from idiolect.grammar.replay import replay
from idiolect.grammar.walk import walk

DIALECT = Ahk2()


def test_the_grammar_takes_every_sample_and_no_mutant_of_broken_form():
    rng = random.Random(11)
    grammar = DIALECT.constraint()
    broken = 0
    for _ in range(60):
        sample = DIALECT.sample(rng)
        told = replay(grammar, sample.text)
        assert told.accepted, sample.text[: told.refused_at]
        mutant = DIALECT.mutate(sample.text, rng)
        if mutant.syntax:
            broken += 1
            assert not replay(grammar, mutant.text).accepted, mutant
    assert broken > 25


@pytest.mark.parametrize(
    "text",
    [
        "MsgBox, Hello\n",
        "x = 1\n",
        "if x {\n    y := 1 }\n",
        'x := "a" + 1\n',
        "return 1\n",
        "break\n",
        "loop := 1\n",
        'x := "a ; b"\n',
        'x := {"a": 1}\n',
        "f() { return 1 }\n",
        "^a::\nMsgBox 1\nreturn\n",
        "#NoEnv\n",
    ],
)
def test_the_grammar_refuses(text):
    assert not replay(DIALECT.constraint(), text).accepted
    assert not DIALECT.verify(text).ok


@pytest.mark.parametrize(
    "text",
    [
        'x := "a;b" . y " c"\n',
        "f(a, &b, c*) => a ? b : c\n",
        "for i, v in list {\n    if (v) {\n        continue\n    } else if (i > 2)\n        break\n}\n",
        "class A extends B {\n    static x := Map(1, 2)\n    y[i] => i\n}\n\nclass B {\n}\n",
        "try {\n    f()\n} catch Error as e {\n    throw e\n} finally {\n    g()\n}\n",
        "^a::\n{\n    return\n}\n",
        "; a comment\nx := [\n    1,\n    2\n]  ; another\n",
    ],
)
def test_the_grammar_takes(text):
    told = replay(DIALECT.constraint(), text)
    assert told.accepted, (text[: told.refused_at], told.expected)
    assert DIALECT.verify(text).ok


@pytest.mark.slow  # printing 400 names for llguidance takes tens of seconds
def test_a_catalog_limits_calls_to_known_functions():
    grammar = DIALECT.constraint(Context(catalog=Catalog(procs=(Proc(name="Greet", kind="function"),))))
    assert replay(grammar, "Greet(1)\n").accepted
    assert replay(grammar, 'MsgBox("a")\n').accepted
    assert not replay(grammar, "Salute(1)\n").accepted


def test_whatever_the_grammar_writes_has_the_form_of_the_language():
    grammar = DIALECT.constraint()
    for seed in range(600):
        text = walk(grammar, random.Random(seed), budget=200).text
        faults = [fault for fault in DIALECT.verify(text).faults if fault.severity is Severity.ERROR]
        # Which keys exist and go together is a post-check.
        wrong = [
            fault for fault in faults if fault.level is Level.PARSE and fault.code != "ahk2.parse.hotkey"
        ]
        assert not wrong, (wrong[0].message, text)
