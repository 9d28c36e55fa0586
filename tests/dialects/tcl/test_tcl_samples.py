"""Samples verify, mutants don't, and the grammar takes the first and refuses the second."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from idiolect.dialects.catalog import Arg, Catalog, Dsl, Proc, SharedType, Statement, Variable
from idiolect.dialects.catalog_json import parse_catalog
from idiolect.dialects.contract import EMPTY, Context
from idiolect.dialects.policy import parse_policy
from idiolect.dialects.tcl.constraint import NothingToConstrain
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.dialects.tcl.mutate import KINDS, SYNTAX
from idiolect.dialects.tcl.sample import LEVELS, NoSample
from idiolect.dialects.tcl.subject import Subject
from idiolect.grammar.lexemes import part_lexemes
from idiolect.grammar.recognize import accepts
from idiolect.grammar.replay import replay
from idiolect.grammar.walk import walk

TCL = Tcl()
SEED_FORM = """{
 "procs": [{"name": "my::route", "args": [{"name": "net", "type": "string"},
            {"name": "layer", "type": "enum", "values": ["M1", "M2", "M3"]}], "returns": "int",
            "examples": ["my::route -net CLK -layer M3"], "notes": "Fails if layer is blocked in techfile"}],
 "variables": [{"name": "::tech::corner", "values": ["tt", "ss", "ff"]}],
 "dsl": {"embedding": {"open": "dsl {", "close": "}"}, "grammar_summary": "... short EBNF here ..."}}"""

OTHER = Catalog(
    name="network",
    types=(SharedType(name="vlan", type="int", range=(1, 4094)), SharedType(name="host", type="identifier")),
    procs=(
        Proc(
            name="net::vlan create",
            args=(Arg(name="id", type="vlan"), Arg(name="tags", type="vlan", list=True, required=False)),
        ),
        Proc(
            name="net::move",
            args=(
                Arg(name="by", type="int", range=(-5, 5), passed="positional"),
                Arg(name="why", type="text", passed="positional", default="none"),
                Arg(name="quiet", passed="switch"),
                Arg(name="host", type="host", required=False),
                Arg(name="addr", type="ip", required=False),
                Arg(name="block", type="cidr", required=False),
                Arg(name="on", type="bool", required=False),
                Arg(name="port", type="port", required=False),
            ),
        ),
        Proc(name="net::name", args=(Arg(name="n", pattern="[A-Z]{2,4}", type="string"),)),
    ),
    variables=(Variable(name="net::mode", values=("fast", "slow mode")), Variable(name="limit", type="int")),
    dsl=(
        Dsl(
            embedding=demo_catalog().dsl[0].embedding,
            statements=(
                Statement(
                    name="allow",
                    form='allow <h> port:<p> ?note: "<text>"?',
                    slots=(Arg(name="h", type="host"), Arg(name="p", type="port"), Arg(name="text")),
                ),
            ),
        ),
    ),
)

STRICT = """
[required]
headers = ["# Flow: *"]
packages = ["tech"]
lines = ["set done 1"]
"""
CONTEXTS = {
    "demo": EMPTY,
    "manifest": Context(catalog=parse_catalog(SEED_FORM)),
    "network": Context(catalog=OTHER),
    "strict": Context(catalog=demo_catalog(), policy=parse_policy(STRICT)),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_samples_verify_are_canonical_and_fit_the_grammar(name: str) -> None:
    context = CONTEXTS[name]
    if name == "strict":  # "demo" does not fit a check's kind: the line is given as it shall be
        context = replace(
            context, policy=parse_policy('[required]\nheaders = ["# Flow: *"]\npackages = ["tech"]')
        )
    made = TCL.constraint(context)
    texts = set()
    for seed in range(60):
        sample = TCL.sample(random.Random(seed), replace(context, level=LEVELS[seed % 3]))
        verdict = TCL.verify(sample.text, sample.context)
        assert verdict.ok, (sample.text, verdict.faults)
        assert verdict.faults == ()
        assert TCL.canonical(sample.text, sample.context) == sample.text
        assert sample.description
        assert sample.productions
        assert sample.level == LEVELS[seed % 3]
        played = replay(made, sample.text)
        assert played.accepted, (
            sample.text[: played.refused_at] + "<!>" + sample.text[played.refused_at or 0 :]
        )
        texts.add(sample.text)
    assert len(texts) > 20


def test_samples_repeat_with_the_seed_and_differ_between_seeds() -> None:
    assert TCL.sample(random.Random(3)) == TCL.sample(random.Random(3))
    assert len({TCL.sample(random.Random(seed)).text for seed in range(100)}) > 85


def test_samples_cover_the_whole_catalog() -> None:
    used: Counter[str] = Counter()
    for seed in range(400):
        used.update(TCL.sample(random.Random(seed)).productions)
    usable = [proc for proc in demo_catalog().procs if not proc.deprecated]
    assert {f"call:{proc.name}" for proc in usable} <= set(used)
    assert {f"set:{item.name}" for item in demo_catalog().variables} <= set(used)
    assert {f"dsl:{item.name}" for item in demo_catalog().dsl[0].statements} <= set(used)
    assert {"foreach", "if", "else"} <= set(used)
    assert "call:my::wire" not in used


def test_descriptions_name_every_value_of_the_script() -> None:
    for seed in range(80):
        sample = TCL.sample(random.Random(seed))
        analysis = TCL.analyse(sample.text, sample.context)
        for text in (sample.description, TCL.describe(sample.text, sample.context)):
            for call in analysis.calls:
                for word in call.values.values():
                    value = analysis.walk.value(word)
                    for part in (value or "").split() if value and value not in text else ():
                        assert part in text, (part, text)


def test_describe_names_core_commands_and_says_so_where_it_knows_no_better() -> None:
    said = TCL.describe('proc f {a b} {}\nputs "hi"\nset x 3\nif {$x > 2} {puts y}\nfoo bar')
    assert said == (
        "Define the procedure f with the arguments (a b). Print hi. Set x to 3. "
        "If $x > 2, print y. Run foo bar."
    )
    assert "no commands" in TCL.describe("# nothing")


def test_every_kind_of_mutant_is_made_and_none_verifies() -> None:
    made: Counter[str] = Counter()
    for seed in range(150):
        rng = random.Random(seed)
        sample = TCL.sample(rng)
        mutant = TCL.mutate(sample.text, rng, sample.context)
        assert mutant is not None
        assert not TCL.verify(mutant.text, sample.context).ok
        assert mutant.syntax == (mutant.kind in SYNTAX)
        made[mutant.kind] += 1
    assert len(made) >= 25
    assert len(KINDS) >= 30


def test_the_grammar_refuses_what_the_verifier_refuses() -> None:
    grammar = TCL.constraint()
    tried: Counter[str] = Counter()
    for seed in range(60):
        rng = random.Random(seed)
        sample = TCL.sample(rng)
        subject = Subject(TCL.analyse(sample.text, sample.context), rng)
        for kind, make in KINDS.items():
            broken = make(subject)
            if broken is None or TCL.verify(broken.text, sample.context).ok:
                continue
            tried[kind] += 1
            assert not replay(grammar, broken.text).accepted, (kind, broken.text)
    assert set(tried) == set(KINDS)


def test_random_walks_of_the_grammar_verify_and_are_canonical() -> None:
    for context in (CONTEXTS["demo"], CONTEXTS["network"], CONTEXTS["manifest"]):
        grammar = TCL.constraint(context)
        judged = TCL.for_samples(context)
        for seed in range(60):
            text = walk(grammar, random.Random(seed)).text
            verdict = TCL.verify(text, judged)
            assert verdict.ok, (text, verdict.faults)
            assert TCL.canonical(text, judged) == text


def test_the_slow_recognizer_agrees_on_samples_and_mutants() -> None:
    grammar = TCL.constraint()
    for seed in range(6):
        rng = random.Random(seed)
        sample = TCL.sample(rng, Context(level="micro"))
        mutant = TCL.mutate(sample.text, rng, sample.context)
        assert mutant is not None
        assert accepts(grammar, sample.text)
        assert not accepts(grammar, mutant.text)


@pytest.mark.parametrize("name", ["demo", "manifest", "network"])
def test_no_lexeme_of_the_grammar_runs_on_into_the_next(name: str) -> None:
    grammar = TCL.constraint(CONTEXTS[name])
    assert grammar.parted
    parted = part_lexemes(replace(grammar, parted=False, memo={}))
    assert (parted.rules, parted.terminals) == (grammar.rules, grammar.terminals)


def test_statements_that_begin_alike_are_told_apart() -> None:
    slot = Arg(name="net", type="identifier")
    forms = (
        Statement(name="one", form="limit <net>", slots=(slot,)),
        Statement(name="all", form="limit all"),
    )
    grammar = TCL.constraint(Context(catalog=Catalog(dsl=(Dsl(statements=forms),))))
    assert not grammar.parted
    for net in ("alpha", "all", "allow", "b"):
        assert replay(grammar, f"dsl {{\n    limit {net}\n}}\n").accepted


def test_flags_come_in_any_order_each_once_and_the_needed_ones_always() -> None:
    grammar = TCL.constraint(CONTEXTS["manifest"])
    for text, good in (
        ("my::route -net CLK -layer M3\n", True),
        ("my::route -layer M3 -net CLK\n", True),
        ("my::route -net CLK\n", False),
        ("my::route -net CLK -net RST -layer M3\n", False),
        ("my::route -net CLK -layer M4\n", False),
        ("foreach net {A B} {\n    my::route -net $net -layer M3\n}\n", True),
        ("my::route -net $net -layer M3\n", False),
        ("set ::tech::corner ss\n", True),
        ("set ::tech::corner s\n", False),
        ("exec ls\n", False),
        ("", True),
    ):
        assert replay(grammar, text).accepted is good, text


def test_an_empty_catalog_has_neither_samples_nor_a_grammar() -> None:
    context = Context(catalog=Catalog())
    with pytest.raises(NothingToConstrain, match="no procs"):
        TCL.constraint(context)
    with pytest.raises(NoSample, match="neither procs"):
        TCL.sample(random.Random(0), context)
