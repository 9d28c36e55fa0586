"""Four judges of every printed grammar: our recognizer, llguidance, llama.cpp and XGrammar."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from grammar_engines import corrupted, llama_cpp, xgrammar
from grammar_probes import PROBES
from grammar_samples import ARITHMETIC, FLAGS, LARK_FILES, MEMBERS, PICKS, TANGLED

from idiolect.grammar.form import Grammar, grammar, listed, ref
from idiolect.grammar.from_catalog import Call, Flag, calls, cidr, decimal, identifier, integer, quoted
from idiolect.grammar.from_json_schema import lower_schema
from idiolect.grammar.from_lark import lower_lark
from idiolect.grammar.recognize import accepts
from idiolect.grammar.replay import replay
from idiolect.grammar.spacing import canonical_variant, loose_variant
from idiolect.grammar.to_gbnf import print_gbnf
from idiolect.grammar.to_xgrammar import print_xgrammar
from idiolect.grammar.walk import walk


def commands() -> Grammar:
    """A small command language over a symbol table."""
    procs = [
        Call("net::vlan", (), (Flag("-id", ref("VLAN"), True), Flag("-name", ref("NAME")), Flag("-up"))),
        Call("net::vlan_drop", (ref("VLAN"),)),
        Call("net::route", (ref("NET"), ref("WIDTH")), (Flag("-q"),), optional=1),
        Call("log", (ref("LABEL"),)),
    ]
    values = {
        "VLAN": integer(1, 4094),
        "NAME": identifier(but=["all", "none"]),
        "NET": cidr(),
        "WIDTH": decimal(0, 2.5, places=3, unit="um"),
        "LABEL": quoted(most=20),
    }
    return grammar("start", {"start": listed(ref("call"), "\n"), **calls(procs)}, values)


def all_grammars() -> Iterator[tuple[str, Grammar]]:
    for name, made in {"arithmetic": ARITHMETIC, "tangled": TANGLED, "flags": FLAGS, "picks": PICKS}.items():
        yield name, canonical_variant(made)
    yield "members", MEMBERS
    yield "arithmetic, loose", loose_variant(ARITHMETIC)
    yield "commands", commands()
    for name, text in LARK_FILES.items():
        lowered = lower_lark(text)
        yield f"lark {name}", canonical_variant(lowered)
        yield f"lark {name}, loose", loose_variant(lowered)
    for name, schema, _, _ in PROBES:
        yield f"schema {name}", lower_schema(schema).grammar


GRAMMARS = dict(all_grammars())


def texts_of(made: Grammar, seed: int, walks: int) -> list[str]:
    """Walked texts, each also corrupted and cut off."""
    rng = random.Random(seed)
    found = []
    for _ in range(walks):
        text = walk(made, rng, budget=70).text
        found += [text, corrupted(text, rng), text[: rng.randrange(len(text) + 1)]]
    return found


def compare(name: str, walks: int, seed: int = 7) -> int:
    made = GRAMMARS[name]
    texts = texts_of(made, seed, walks)
    obvious = [accepts(made, text) for text in texts]
    assert any(obvious)
    assert [replay(made, text).accepted for text in texts] == obvious
    assert llama_cpp().accepted(print_gbnf(made), texts) == obvious
    assert xgrammar().accepted(print_xgrammar(made), texts) == obvious
    return len(texts)


def test_there_are_grammars_of_every_kind():
    assert len(GRAMMARS) == 7 + 2 * len(LARK_FILES) + len(PROBES)


@pytest.mark.parametrize("name", GRAMMARS)
def test_four_judges_agree_on_walked_corrupted_and_cut_texts(name: str):
    assert compare(name, walks=8) == 24


@pytest.mark.slow
def test_four_judges_agree_on_more_than_five_thousand_texts():
    assert sum(compare(name, walks=40, seed=11) for name in GRAMMARS) >= 5_000
