"""Embedded blocks: where they are found, who judges them, and where their faults point."""

from __future__ import annotations

import pytest

from idiolect.dialects.catalog import Catalog, Dsl, Embedding, Proc
from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.dialects.tcl.embed import parse_embedding
from idiolect.dialects.verdict import Fault, Fix, Verdict, could_not_judge, verdict_of
from idiolect.source import Span

STATEMENTS = demo_catalog().dsl[0].statements
TYPES = demo_catalog().types


class NoX(Dialect):
    """A toy language: any text without an x."""

    name = "nox"

    def verify(self, text: str, context: Context = Context()) -> Verdict:
        if text == "?":
            return could_not_judge("it is a riddle")
        at = text.find("x")
        span = Span(at, at + 1)
        return verdict_of([] if at < 0 else [Fault("nox.parse", "an x", span, fix=Fix(span, "y"))])

    def constraint(self, context: Context = Context()):
        from idiolect.grammar.form import chars, grammar, ref, some

        return grammar("start", {"start": ref("TEXT")}, {"TEXT": some(chars("a-w"))})

    def canonical(self, text: str, context: Context = Context()) -> str:
        return text


@pytest.mark.parametrize(
    ("shown", "open_", "close"),
    [
        ("dsl { ... }", "dsl {", "}"),
        ("tcl: dsl { ... }", "dsl {", "}"),
        ("@dsl(...)", "@dsl(", ")"),
        ("dsl <<END ... END", "dsl <<END", "END"),
    ],
)
def test_embeddings_are_read_as_people_show_them(shown: str, open_: str, close: str) -> None:
    assert parse_embedding(shown) == Embedding(open=open_, close=close)


def test_an_embedding_without_dots_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"open \.\.\. close"):
        parse_embedding("dsl {}")


EMBEDDINGS = [
    ("dsl { ... }", "dsl {\n  %\n}"),
    ("my::rules dsl { ... }", "my::rules dsl {\n  %\n}"),
    ("@dsl(...)", "@dsl(\n  %\n)"),
    ("dsl <<END ... END", "dsl <<END\n  %\n  END"),
]


@pytest.mark.parametrize(("shown", "block"), EMBEDDINGS)
def test_every_embedding_finds_its_blocks_and_maps_their_faults(shown: str, block: str) -> None:
    catalog = Catalog(types=TYPES, dsl=(Dsl(embedding=parse_embedding(shown), statements=STATEMENTS),))
    tcl, context = Tcl(), Context(catalog=catalog)
    good = "set a 1\n" + block.replace("%", "forbid M1 for: CLK") + "\nset b 2\n"
    verdict = tcl.verify(good, context)
    assert verdict.ok, verdict.faults
    assert verdict.details["dsl_blocks"]["valid"] == 1
    bad = good.replace("M1", "M9")
    fault = tcl.verify(bad, context).faults[0]
    assert fault.code == "tcl.dsl.value.enum"
    assert bad[fault.span.start : fault.span.end] == "M9"
    assert tcl.canonical(tcl.canonical(good, context), context) == tcl.canonical(good, context)
    assert tcl.verify(tcl.canonical(good, context), context).ok


@pytest.mark.parametrize("text", ["@dsl(\n a", "dsl <<END\n a\n"])
def test_a_block_that_is_never_closed_is_a_fault(text: str) -> None:
    embed = "@dsl(...)" if text[0] == "@" else "dsl <<END ... END"
    assert "tcl.dsl.unclosed" in [fault.code for fault in Tcl(embed=embed).verify(text).faults]


def test_parentheses_in_quotes_do_not_close_a_marked_region() -> None:
    verdict = Tcl(embed="@dsl(...)", dsl=NoX()).verify('@dsl(a "(" (b) ")")\nputs x')
    assert verdict.ok
    assert verdict.details["dsl_blocks"]["valid"] == 1


def test_a_dialect_judges_its_blocks_and_its_repairs_fit_the_host() -> None:
    tcl = Tcl(dsl=NoX())
    text = "if {1} {\n  dsl {\n    abxc\n  }\n}\ndsl {abc}\n"
    verdict = tcl.verify(text)
    assert verdict.details["dsl_blocks"] == {"found": 2, "valid": 1, "invalid": 1, "not_judged": 0}
    fault = verdict.faults[0]
    assert (fault.code, text[fault.span.start : fault.span.end]) == ("tcl.dsl.nox.parse", "x")
    assert (verdict.parsed, verdict.valid) == (True, False)
    fixed = text[: fault.fix.span.start] + fault.fix.text + text[fault.fix.span.end :]
    assert tcl.verify(fixed).ok


def test_a_block_that_could_not_be_judged_is_not_wrong() -> None:
    verdict = Tcl(dsl=NoX()).verify("dsl {?}")
    assert verdict.ok
    assert verdict.details["valid_DSL_blocks"] is None
    assert verdict.details["not_judged"] == ["it is a riddle"]


def test_a_block_whose_language_nobody_described_is_found_and_not_judged() -> None:
    catalog = Catalog(dsl=(Dsl(grammar_summary="rule ..."),))
    verdict = Tcl().verify("dsl {anything goes}", Context(catalog=catalog))
    assert verdict.ok
    assert verdict.details["dsl_blocks"]["not_judged"] == 1


class Crash(NoX):
    name = "crash"

    def verify(self, text: str, context: Context = Context()) -> Verdict:
        raise RuntimeError("boom")


def test_a_dialect_that_crashes_or_is_missing_makes_no_verdict_of_wrong() -> None:
    verdict = Tcl(dsl=Crash()).verify("dsl {a}")
    assert verdict.ok
    assert "boom" in verdict.details["not_judged"][0]
    missing = Tcl().verify("dsl {a}", Context(catalog=Catalog(dsl=(Dsl(dialect="no_such_dialect"),))))
    assert "no_such_dialect" in (missing.not_judged or "")


LARK = 'start: stmt+\nstmt: "go" NAME ";"\nNAME: /[a-z]+/\n%ignore /[ \\n]+/\n'


def test_a_lark_grammar_judges_its_blocks() -> None:
    pytest.importorskip("idiolect.grammar.from_lark")
    catalog = Catalog(dsl=(Dsl(grammar=LARK),))
    tcl, context = Tcl(), Context(catalog=catalog)
    assert tcl.verify("dsl {\n  go a;\n  go b;\n}", context).ok
    text = "dsl {\n  go a;\n  stop b;\n}"
    fault = tcl.verify(text, context).faults[0]
    assert fault.code == "tcl.dsl.parse.unexpected"
    assert text[fault.span.start :].startswith("stop") or text[fault.span.start - 1 :].startswith("stop")
    broken = Catalog(dsl=(Dsl(grammar="start: nothing_of_that_name"),))
    assert tcl.verify(text, Context(catalog=broken)).details["dsl_blocks"]["not_judged"] == 1


def test_the_grammar_of_a_foreign_block_is_part_of_the_scripts_grammar() -> None:
    from idiolect.grammar.replay import replay

    catalog = Catalog(procs=(Proc(name="p"),), dsl=(Dsl(name="nox"),))
    made = Tcl(dsl=NoX()).constraint(Context(catalog=catalog))
    assert replay(made, "p\ndsl { abc }\n").accepted
    assert not replay(made, "p\ndsl { abxc }\n").accepted
    if pytest.importorskip("idiolect.grammar.from_lark"):
        made = Tcl().constraint(Context(catalog=Catalog(procs=(Proc(name="p"),), dsl=(Dsl(grammar=LARK),))))
        assert replay(made, "p\ndsl {\n    go a;\n    go b;\n}\n").accepted
        assert not replay(made, "p\ndsl {\n    go a\n}\n").accepted
