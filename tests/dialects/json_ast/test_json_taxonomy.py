"""The page of the dialect lists every code, every kind of mutant and every function that there is."""

import re
from pathlib import Path

import idiolect.dialects.json_ast as package
from idiolect.dialects.json_ast.expressions import FUNCTIONS
from idiolect.dialects.json_ast.mutants import KINDS
from idiolect.dialects.json_ast.wording import LEAVES, LIMITS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "dialects" / "json_ast.md"
SOURCES = Path(package.__file__).parent


# Codes that take the keyword at hand, so that no source spells them beside their fault.
MADE_FROM_KEYWORDS = {
    f"json.schema.{keyword}"
    for keyword in (
        *("items", "additionalItems", "unevaluatedItems", "unevaluatedProperties"),
        *("contains", "maxContains", "additionalProperties"),
    )
}


def codes_in_sources():
    found = {f"json.schema.{keyword}" for keyword in (*LEAVES, *LIMITS)}
    for path in SOURCES.glob("*.py"):
        text = path.read_text("utf-8")
        found |= {f"json.parse.{code}" for code in re.findall(r'(?:report|Problem)\(\s*"([a-z.]+)"', text)}
        found |= {f"json.schema.{code}" for code in re.findall(r'worded\([^"\n]*"([A-Za-z.]+)"', text)}
        found |= set(re.findall(r'"(json\.schema\.unexplained)"', text))
    return found


def test_every_code_is_on_the_page_and_no_other():
    listed = set(re.findall(r"`(json\.(?:parse|schema)\.[A-Za-z.]+)`", PAGE.read_text("utf-8")))
    in_sources = codes_in_sources()
    assert len(in_sources) > 50
    assert in_sources - listed == set()
    assert listed - in_sources == MADE_FROM_KEYWORDS


def test_every_kind_of_mutant_and_every_function_is_on_the_page():
    words = set(re.findall(r"\w+", PAGE.read_text("utf-8")))
    assert set(KINDS) <= words
    assert set(FUNCTIONS) <= words
