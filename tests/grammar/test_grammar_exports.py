"""Grammars as they are written for other engines, heads and all, replayed in those engines."""

from __future__ import annotations

import random

import pytest
from grammar_engines import corrupted, llama_cpp, xgrammar

from idiolect.decode.export import export_grammar
from idiolect.dialects.contract import Context
from idiolect.dialects.registry import load_dialect
from idiolect.grammar.replay import _byte_tokenizer, replay


def good_and_bad():
    """A dialect's grammar with texts that it takes and texts that it does not."""
    rng = random.Random(5)
    dialect = load_dialect("json_ast")
    schema = dialect.sample(rng).context.schema
    context = Context(schema=schema)
    made = dialect.constraint(context)
    samples = [dialect.sample(rng, context).text for _ in range(20)]
    good = [dialect.canonical(text, context) for text in samples]
    bad = [one for one in (corrupted(text, rng) for text in good) if not replay(made, one).accepted]
    return made, good, bad, schema


def test_exports_say_the_same_in_their_own_engines():
    made, good, bad, _ = good_and_bad()
    from llguidance import LLMatcher

    written = export_grammar(made, "lark")
    assert written.startswith("%llguidance {}\n// vLLM")
    root = LLMatcher(_byte_tokenizer(), LLMatcher.grammar_from_lark(written), log_level=0)
    assert not root.is_error(), root.get_error()
    for texts, accepted in ((good, True), (bad, False)):
        for text in texts:
            matcher = root.deep_copy()
            data = list(text.encode())
            whole = matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()
            assert bool(whole) == accepted


@pytest.mark.parametrize(("form", "engine"), [("ebnf", xgrammar), ("gbnf", llama_cpp)])
def test_exports_with_heads_are_read_by_their_engines(form, engine):
    running = engine()
    made, good, bad, _ = good_and_bad()
    written = export_grammar(made, form)
    assert written.startswith("#")
    assert all(running.accepted(written, good))
    assert not any(running.accepted(written, bad))


def test_llama_cpps_python_reads_what_is_written_for_it():
    library = pytest.importorskip("llama_cpp")
    for made in (good_and_bad()[0], load_dialect("gates").constraint()):
        assert library.LlamaGrammar.from_string(export_grammar(made, "gbnf"), verbose=False)
