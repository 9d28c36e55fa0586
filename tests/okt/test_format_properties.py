"""What formatting keeps, over random scripts of the whole language."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripts import body, comments_in, scripts, tokens_of_script, written

from idiolect.okt.check import KEYWORDS, check_text
from idiolect.okt.diagnostics import Reporter
from idiolect.okt.format import format_text, shape
from idiolect.okt.language import BLOCKS, walk_blocks
from idiolect.okt.lexer import tokenize
from idiolect.okt.parser import parse
from idiolect.okt.syntax import Script
from idiolect.source import SourceText


def tree(text: str) -> Script:
    return parse(SourceText(text), Reporter(), KEYWORDS)


@settings(max_examples=80, deadline=None)
@given(scripts())
def test_formatting_keeps_the_tree_and_every_comment_and_is_done_after_one_pass(text: str) -> None:
    made = format_text(text)
    assert made.text is not None, made.errors
    assert shape(tree(made.text)) == shape(tree(text))
    assert comments_in(made.text) == comments_in(text)
    assert format_text(made.text).text == made.text
    assert "\r" not in made.text
    assert not made.text.startswith("\ufeff")
    assert not made.text or (made.text.endswith("\n") and not made.text.endswith("\n\n"))
    assert all(line == line.rstrip() for line in made.text.split("\n"))


@settings(max_examples=30, deadline=None)
@given(scripts(comments=False), st.randoms(use_true_random=False))
def test_white_space_between_tokens_does_not_matter(text: str, rng: Random) -> None:
    tokens, _ = tokenize(text)
    tight = " ".join(token.text for token in tokens)
    assert format_text(tight).text is not None
    lines = [line for line in (format_text(tight).text or "").split("\n") if line]
    assert lines == [line for line in (format_text(text).text or "").split("\n") if line and line[0] != "#"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(scripts(whole=True))
def test_whole_scripts_have_no_faults_before_or_after(text: str) -> None:
    assert check_text(text).errors == []
    made = format_text(text).text
    assert made is not None
    assert check_text(made).errors == []


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='aIF{}[]:,"#\n =>1.\\é', max_size=60))
def test_any_text_is_formatted_or_refused_with_a_reason(text: str) -> None:
    made = format_text(text)
    assert (made.text is None) == bool(made.errors)
    if made.text is not None:
        assert format_text(made.text).text == made.text


def test_the_generator_writes_every_block_and_every_field() -> None:
    rng = Random(1)
    text = written(tokens_of_script(rng, blocks=len(BLOCKS), share=1.0, whole=True), rng)
    script = tree(text)
    assert {item.keyword for item in script.items if hasattr(item, "keyword")} == set(BLOCKS)
    seen = {token.text for token in script.tokens}
    named = [spec for block in walk_blocks() for spec in block.fields if not spec.implicit]
    assert len(named) > 200
    assert [spec.name for spec in named if not seen & set(spec.all_names)] == []


def test_an_empty_share_leaves_only_what_is_required() -> None:
    made = [piece.text for piece in body(BLOCKS["ENV"], Random(1), share=0.0)]
    assert made == []
