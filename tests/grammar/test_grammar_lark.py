"""Lark files as grammars, held to Lark itself: what is walked, it parses; what it refuses is refused."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest
from grammar_engines import corrupted
from grammar_samples import LARK_FILES, LARK_SCRIPT
from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import Indenter

from idiolect.grammar.form import GrammarError
from idiolect.grammar.from_lark import lower_lark
from idiolect.grammar.replay import replay
from idiolect.grammar.spacing import Spacing, canonical_variant, loose_variant
from idiolect.grammar.walk import productions, walk


class Blocks(Indenter):
    NL_type = "_NL"
    OPEN_PAREN_types: list[str] = []  # noqa: RUF012
    CLOSE_PAREN_types: list[str] = []  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 4


def judge(text: str) -> Lark:
    return Lark(text, parser="lalr", postlex=Blocks() if "_INDENT" in text else None)


def takes(lark: Lark, text: str) -> bool:
    try:
        lark.parse(text)
    except (LarkError, AssertionError):
        return False
    return True


@pytest.mark.parametrize("name", LARK_FILES)
def test_lark_parses_every_walk_and_agrees_on_broken_texts(name: str):
    file = LARK_FILES[name]
    lowered, lark = lower_lark(file), judge(file)
    canonical, loose = canonical_variant(lowered), loose_variant(lowered)
    rng = random.Random(3)
    narrower: list[str] = []
    total = 0
    for _ in range(120):
        text = walk(lowered, rng, budget=80).text
        assert takes(lark, text), text
        assert replay(canonical, text).accepted, text
        assert replay(loose, text).accepted, text
        for other in (corrupted(text, rng), walk(loose, rng, budget=80).text):
            total += 1
            if replay(loose, other).accepted:
                assert takes(lark, other), other
            elif takes(lark, other):
                narrower.append(other)
    # Indentation by other widths, and words that run together where Lark happens to part them.
    assert len(narrower) <= total * 0.01, narrower


def accepted(file: str, text: str, **more: object) -> bool:
    return replay(loose_variant(lower_lark(file, **more)), text).accepted  # type: ignore[arg-type]


def test_keywords_are_reserved_where_lark_reserves_them():
    assert not accepted(LARK_SCRIPT, "print = 3;")
    assert accepted(LARK_SCRIPT, "printer = 3;")
    keywords = LARK_FILES["keywords"]
    for text in (
        "print print",
        "print x",
        "print = 3",
        "int = 3",
        "LET a:int",
        "leT a:str",
        "let abh:int",
        "x = 3",
    ):
        assert accepted(keywords, text) == takes(judge(keywords), text), text


def test_a_terminal_of_higher_priority_takes_its_texts():
    keywords = LARK_FILES["keywords"]
    for text, good in (("abh = 3", False), ("abg = 3", True), ("abh !", True), ("abg !", False)):
        assert accepted(keywords, text) == takes(judge(keywords), text) == good, text


def test_comments_stand_where_white_space_may():
    for text in ("//x\nprint 1;", "print//x\n1;", "print 1;//", "print 1//;"):
        assert accepted(LARK_SCRIPT, text) == takes(judge(LARK_SCRIPT), text), text


def test_strings_end_at_the_first_quote_that_is_not_escaped():
    for text in ('print "a";', r'print "a\"b";', r'print "a\\";', r'print "a\";', 'print "a"b";'):
        assert accepted(LARK_SCRIPT, text) == takes(judge(LARK_SCRIPT), text), text


def test_canonical_text_has_a_space_only_where_tokens_run_together():
    canonical = canonical_variant(lower_lark(LARK_SCRIPT))
    assert replay(canonical, 'x=1+y;if(a)<=2{print z;}else{print"s";}').accepted
    for text in ("x =1;", "printz;", "x=1; ", "print  z;", "x=1;\n"):
        assert not replay(canonical, text).accepted, text


def test_spacing_tells_printers_the_same():
    lowered = lower_lark(LARK_SCRIPT)
    spacing = Spacing(lowered)
    lark = judge(LARK_SCRIPT)
    rng = random.Random(9)
    for _ in range(60):
        text = walk(lowered, rng, budget=80).text
        tokens = list(lark.lex(text))
        printed = "".join(
            (spacing.between(tokens[index - 1].type, token.type) if index else "") + token
            for index, token in enumerate(tokens)
        )
        assert printed == text


def test_blocks_are_indented_by_their_depth():
    lowered = lower_lark(LARK_FILES["blocks"], indent="  ")
    canonical = canonical_variant(lowered)
    assert replay(canonical, "if a:\n  b\n  if c:\n    d\ne\n").accepted
    for text in ("if a:\nb\n", "if a:\n   b\n", "if a:\n  b\n    c\n", "  b\n"):
        assert not replay(canonical, text).accepted, text


def test_blocks_nest_as_deep_as_is_asked_for():
    def nest(depth: int) -> str:
        return "".join("    " * level + "if a:\n" for level in range(depth)) + "    " * depth + "b\n"

    canonical = canonical_variant(lower_lark(LARK_FILES["blocks"], deepest=2))
    assert replay(canonical, nest(2)).accepted
    assert not replay(canonical, nest(3)).accepted


def test_productions_are_named_by_rule_and_alias():
    lowered = lower_lark(LARK_SCRIPT)
    names = productions(lowered)
    assert "print_" in names
    assert "stmt/2" in names
    assert not any(name.startswith("__") or name.endswith(("_0_1", "_loop")) for name in names)
    used: Counter[str] = Counter()
    rng = random.Random(0)
    for _ in range(80):
        used.update(walk(lowered, rng, budget=200).productions)
    assert used.keys() == set(names)


def test_imports_of_ones_own_files(tmp_path: Path):
    (tmp_path / "words.lark").write_text("word: WORD\nWORD: /[a-z]+/\n")
    assert accepted("start: word+\n%import .words.word\n%ignore / /\n", "a b", folder=tmp_path)
    assert accepted("start: NAME\n%import python.NAME\n", "größe_1")


def test_without_ignored_text_neighbours_can_not_run_together():
    file = 'start: (WORD | INT | "-")+\nWORD: /[a-z]+/\nINT: /[0-9]+/\n'
    made = lower_lark(file)
    rng = random.Random(2)
    lark = judge(file)
    for _ in range(40):
        text = walk(made, rng, budget=20).text
        tokens = [str(token) for token in lark.lex(text)]
        assert all(not (one.isalpha() and two.isalpha()) for one, two in itertools.pairwise(tokens))
        assert replay(made, text).accepted


def test_grammars_that_are_not_lalr_are_taken_with_a_note():
    lowered = lower_lark('start: a | b\na: "x" c\nb: "x" c\nc: "y"\n')
    assert any("not LALR" in note for note in lowered.notes)
    assert replay(lowered, "xy").accepted


def test_choices_of_larks_parser_are_a_post_check():
    file = 'start: item+\nitem: "if" item ("else" item)? | "x"\n%ignore " "\n'
    assert [check.name for check in lower_lark(file).post_checks] == ["lalr_choices"]
    assert lower_lark(LARK_SCRIPT).post_checks == ()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("start: lost", "Rule 'lost' used but not defined"),
        ("start: /(a/", "Cannot compile token"),
        ('start: "a', "Lark can't load the grammar"),
        ("start: A\nA: /a?/", "zero-width"),
        ("start: A\nA: /(a)\\1/", 'terminal "A": back-references'),
        ("start: X\n%declare X", '"X" is declared but has no text'),
        ('start: "a" _INDENT "b"\n%declare _INDENT _DEDENT', "block"),
        ("start: start", "never end"),
        ("%import lost.THING\nstart: THING", "Lark can't load the grammar"),
        ("", "Lark can't load the grammar"),
    ],
)
def test_what_can_not_be_lowered_says_why(file: str, said: str):
    with pytest.raises(GrammarError) as caught:
        lower_lark(file)
    assert said in str(caught.value)
