"""Diagnostics, hover, outline, folds, layout, cures, definitions, links and colours, of the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from editor import Editor, applied, page

from idiolect.okt.format import format_text
from idiolect.okt.language import walk_blocks
from idiolect.okt.lsp.cards import field_card

GOOD = (
    'PROJECT "x"\nDATASET { train: "a.jsonl" }\nMODEL { base: "nano" }\nTRAIN { epochs: 3 batch_size: 8 }\n'
)


def marked(text: str, spot: dict[str, Any]) -> str:
    """The text that a range of one line covers, by UTF-16 columns."""
    start, end = spot["start"], spot["end"]
    assert start["line"] == end["line"]
    line = text.split("\n")[start["line"]].encode("utf-16-le")
    return line[start["character"] * 2 : end["character"] * 2].decode("utf-16-le")


# --- diagnostics


def test_a_fault_is_told_where_it_is_with_its_code_and_cure(editor: Editor) -> None:
    with page(
        editor, f"{GOOD.replace('epochs: 3', 'epochs: 3 optimizer: ' + chr(34) + 'adanw' + chr(34))}"
    ) as opened:
        (fault,) = [found for found in opened.diagnostics if found["severity"] == 1]
    assert fault["code"] == "V002"
    assert fault["source"] == "idiolect"
    assert marked(opened.text, fault["range"]) == '"adanw"'
    assert fault["message"].startswith('unknown optimizer "adanw"\nwrite "adamw"')


def test_columns_count_utf16_units_behind_astral_characters(editor: Editor) -> None:
    with page(editor, 'DATASET { system: "𝔘𝔫𝔦 😀" formt: "csv" } # 😀\nMODEL { bsae: "漢字" }') as opened:
        found = {
            fault["message"].split('"')[1]: fault for fault in opened.diagnostics if fault["code"] == "L102"
        }
    assert marked(opened.text, found["formt"]["range"]) == "formt"
    assert found["formt"]["range"]["start"]["character"] == 30
    assert marked(opened.text, found["bsae"]["range"]) == "bsae"


@pytest.mark.parametrize(
    ("encodings", "column"), [(["utf-8"], 24), (["utf-32"], 18), (["utf-16"], 20), (None, 20)]
)
def test_the_units_of_columns_are_agreed_with_the_editor(
    encodings: list[str] | None, column: int, tmp_path: Path
) -> None:
    with Editor(tmp_path, encodings=encodings) as agreed:
        found = agreed.open("untitled:1", 'DATASET { a: "😀😀" formt: 1 }')
        (fault,) = [one for one in found if "formt" in one["message"]]
        assert fault["range"]["start"]["character"] == column
        answer = agreed.at("hover", "untitled:1", 0, 2)
        assert "DATASET" in answer["contents"]["value"]
        assert agreed.leave() == 0


def test_places_that_belong_to_a_fault_are_told_with_it(editor: Editor) -> None:
    with page(editor, "TRAIN { epochs: 3 }\nTRAIN { epochs: 4 }") as opened:
        (fault,) = [found for found in opened.diagnostics if found["code"] == "L103"]
    (other,) = fault["relatedInformation"]
    assert other["location"]["uri"] == opened.uri
    assert other["location"]["range"]["start"]["line"] == 0


def test_half_written_files_have_diagnostics_too(editor: Editor) -> None:
    for text in ("MODEL {", 'TRAIN { optimizer: "ad', "CONTROL { IF loss >", "MODEL { base: [", '"', "}"):
        with page(editor, text) as opened:
            assert any(found["severity"] == 1 for found in opened.diagnostics), text


# --- hover

HOVERS = {
    "a block": ("MO|DEL { }", ["**MODEL**", "base model", "`base`"]),
    "a single value": ('PRO|JECT "x"', ["**PROJECT**", "Required", "Length: 1 to 100"]),
    "a field": (
        "TRAIN { learn|ing_rate: 0.1 }",
        [
            "float in TRAIN",
            "> 0 and <= 1",
            "`0.00005` (this engine's choice)",
            "`lr`",
            "learning_rate: 0.00005",
        ],
    ),
    "an alias": ("TRAIN { l|r: 0.1 }", ["**learning_rate**"]),
    "a default that follows": ("FT_LORA { epo|chs: 1 }", ["Default: TRAIN.epochs", "Since 1.1"]),
    "an extension": ("TRAIN { se|ed: 1 }", ["Status: extension of this engine"]),
    "a value": ('TRAIN { optimizer: "ad|am" }', ["**optimizer**", "adafactor", "stated by the language"]),
    "a metric's name": ('VALIDATE { metric_to_monitor: "lo|ss" }', ["Lower is better", "metric_to_monitor"]),
    "a nested field": ("MODEL { ADAPTER { ra|nk: 1 } }", ["int in MODEL.ADAPTER"]),
    "an event": ("CONTROL { on_n|an { STOP } }", ["NaN"]),
    "a statement": ("CONTROL { SA|VE model }", ["**SAVE**", "checkpoint"]),
    "a signal": ("CONTROL { IF gpu|_memory < 1 { STOP } }", ["Signal of training"]),
    "a metric": ("METRICS { accu|racy }", ["Higher is better", "classification"]),
    "a flag": ("GUARD { prevent { tox|icity } }", ["**prevent**"]),
    "a parameter": ("CONTROL { SET L|R = 1 }", ["learning_rate"]),
    "the end of a word": ("MODEL| { }", ["**MODEL**"]),
    "behind astral characters": ('DATASET { system: "𝔘😀" forma|t: "csv" }', ["**format**"]),
    "an unknown field": ("TRAIN { fo|o: 1 }", []),
    "an unknown block": ("FO|O { a: 1 }", []),
    "a comment": ("# MOD|EL", []),
    "nothing": ("MODEL { }\n|\n", []),
}


@pytest.mark.parametrize("case", HOVERS)
def test_hover_says_what_a_word_means(case: str, editor: Editor) -> None:
    text, said = HOVERS[case]
    with page(editor, text) as opened:
        card = opened.hover()
    assert bool(card) == bool(said)
    assert [part for part in said if part not in card] == []


def test_every_field_has_a_card_with_type_help_and_version() -> None:
    cards = [field_card(spec, block) for block in walk_blocks() for spec in block.fields]
    assert len(cards) > 250
    assert all("Since" in card and card.count("\n") > 2 for card in cards)


# --- outline and folds


def test_the_outline_nests_blocks_and_fields(editor: Editor) -> None:
    text = 'PROJECT "x"\nMODEL "small" {\n  ADAPTER { rank: 8 }\n}\nCONTROL { IF loss > 2 { STOP } }'
    with page(editor, text) as opened:
        outline = editor.about("documentSymbol", opened.uri)
    assert [(one["name"], one.get("detail")) for one in outline] == [
        ("PROJECT", "x"),
        ("MODEL", "small"),
        ("CONTROL", None),
    ]
    (adapter,) = outline[1]["children"]
    assert adapter["name"] == "ADAPTER"
    assert [(one["name"], one["detail"]) for one in adapter["children"]] == [("rank", "8")]
    assert [one["name"] for one in outline[2]["children"]] == ["IF"]
    assert marked(text, adapter["selectionRange"]) == "ADAPTER"


def test_blocks_lists_and_comments_fold(editor: Editor) -> None:
    text = "# a\n# b\n\nMODEL {\n  x: [\n    1\n  ]\n}\nTRAIN { }\n# c\n"
    with page(editor, text) as opened:
        folds = editor.about("foldingRange", opened.uri)
    assert sorted((one["startLine"], one["endLine"], one.get("kind")) for one in folds) == [
        (0, 1, "comment"),
        (3, 6, None),
        (4, 5, None),
    ]


# --- layout


@pytest.mark.parametrize(
    "text",
    [
        "MODEL{base:1}",
        'PROJECT "😀"\r\n\r\n\r\nMODEL { a: 1 }\r\n',
        "# c\nTAGS [1,2]",
        'PROJECT "x"\nVERSION "1"',
    ],
)
def test_formatting_gives_the_text_of_idiolect_fmt(text: str, editor: Editor) -> None:
    with page(editor, text) as opened:
        changes = editor.about("formatting", opened.uri, options={"tabSize": 4, "insertSpaces": True})
        assert applied(text, changes) == format_text(text).text


def test_formatting_touches_only_what_changes(editor: Editor) -> None:
    text = 'PROJECT "x"\n\nMODEL {\n    base:  1\n}\n'
    with page(editor, text) as opened:
        (change,) = editor.about("formatting", opened.uri, options={"tabSize": 4, "insertSpaces": True})
    assert change["newText"] == ""
    assert change["range"]["start"]["line"] == change["range"]["end"]["line"] == 3


def test_a_file_with_syntax_errors_is_not_formatted(editor: Editor) -> None:
    with page(editor, "MODEL  {") as opened:
        assert editor.about("formatting", opened.uri, options={"tabSize": 4, "insertSpaces": True}) == []


# --- cures

CURES = {
    "a misspelt value": ('TRAIN { optimizer: "adanw" }', 'Write "adamw"', 'TRAIN { optimizer: "adamw" }'),
    "a misspelt field": ("TRAIN { epohcs: 1 }", "Write epochs", "TRAIN { epochs: 1 }"),
    "a misspelt block": ("MODLE { }", "Write MODEL", "MODEL { }"),
    "an open string": ('PROJECT "x', "Close the string", 'PROJECT "x"'),
    "a missing brace": ("MODEL { base: 1", 'Add "}"', "MODEL { base: 1\n}"),
    "a missing colon": ("MODEL { base 1 }", 'Insert ":"', "MODEL { base: 1 }"),
    "astral characters before": ('DATASET { system: "😀" fromat: "csv" }', "Write format", None),
}


@pytest.mark.parametrize("case", CURES)
def test_a_fault_with_a_known_cure_offers_it(case: str, editor: Editor) -> None:
    text, title, expected = CURES[case]
    with page(editor, text) as opened:
        for fault in opened.diagnostics:
            actions = editor.about(
                "codeAction", opened.uri, range=fault["range"], context={"diagnostics": [fault]}
            )
            chosen = [one for one in actions if one["title"] == title]
            if chosen:
                break
        assert chosen[0]["kind"] == "quickfix"
        assert chosen[0]["diagnostics"][0] in opened.diagnostics
        made = applied(text, chosen[0]["edit"]["changes"][opened.uri])
    assert made == (expected or text.replace("fromat", "format"))


def test_fix_all_takes_every_cure_in_as_many_rounds_as_it_needs(editor: Editor) -> None:
    text = (
        'PROJECT "x"\nMODLE { bsae = "nano" }\nTRAIN { epochs 3 optimizer: "adanw", early_stopping: "yes" }\n'
    )
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    with page(editor, text) as opened:
        (action,) = editor.about(
            "codeAction", opened.uri, range=whole, context={"diagnostics": [], "only": ["source.fixAll"]}
        )
        made = applied(text, action["edit"]["changes"][opened.uri])
    assert made == (
        'PROJECT "x"\nMODEL { base: "nano" }\nTRAIN { epochs: 3 optimizer: "adamw", early_stopping: true }\n'
    )


def test_a_good_file_has_nothing_to_cure(editor: Editor) -> None:
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    with page(editor, GOOD) as opened:
        assert [one for one in opened.diagnostics if one["severity"] == 1] == []
        actions = editor.about("codeAction", opened.uri, range=whole, context={"diagnostics": []})
    assert [one for one in actions if one["kind"].startswith("source")] == []


# --- definitions and links


def test_inherit_leads_to_the_parent(editor: Editor) -> None:
    with page(editor, 'MODEL "small" { base: "nano" }\nMODEL { inherit: "sm|all" }') as opened:
        (place,) = opened.ask("definition")
    assert place["uri"] == opened.uri
    assert marked(opened.text, place["range"]) == '"small"'


def test_paths_lead_to_files_that_exist(project: Path, editor: Editor) -> None:
    uri = (project / "scripts" / "train.okt").as_uri()
    text = 'DATASET { train: "data/été|.jsonl" test: "none" }\nHOOKS { after_train: "scripts/hook.py" }'
    with page(editor, text, uri) as opened:
        (place,) = opened.ask("definition")
        assert place["uri"].endswith("t%C3%A9.jsonl")
        links = editor.about("documentLink", uri)
    assert [marked(opened.text, link["range"]) for link in links] == ["data/été.jsonl", "scripts/hook.py"]
    assert links[1]["target"] == (project / "scripts" / "hook.py").as_uri()


def test_what_leads_nowhere_has_no_definition(editor: Editor) -> None:
    for text in ('MODEL { inherit: "no|ne" }', "MO|DEL { }", 'TRAIN { optimizer: "ad|am" }', "|"):
        with page(editor, text) as opened:
            assert opened.ask("definition") in ([], None)


# --- colours


def test_words_are_coloured_by_what_they_are(editor: Editor) -> None:
    text = 'MODEL { base: "😀" }\nCONTROL {\n  IF loss > 2 { SET LR = 1 }\n}\nINFERENCE { max_tokens: 5 }'
    names = editor.server["capabilities"]["semanticTokensProvider"]["legend"]["tokenTypes"]
    with page(editor, text) as opened:
        data = editor.about("semanticTokens/full", opened.uri)["data"]
    line = column = 0
    seen = []
    for skipped, step, length, kind, modifiers in zip(*(data[part::5] for part in range(5)), strict=True):
        line, column = line + skipped, step if skipped else column + step
        spot = {
            "start": {"line": line, "character": column},
            "end": {"line": line, "character": column + length},
        }
        seen.append((marked(text, spot), names[kind], modifiers))
    assert seen == [
        ("MODEL", "namespace", 0),
        ("base", "property", 0),
        ("CONTROL", "namespace", 0),
        ("IF", "keyword", 0),
        ("loss", "variable", 0),
        ("SET", "keyword", 0),
        ("LR", "variable", 0),
        ("INFERENCE", "namespace", 0),
        ("max_tokens", "property", 1),
    ]
