"""Completion at every kind of place, asked of the real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import Editor, applied, page

from idiolect.okt.language import BLOCKS
from idiolect.okt.lsp.completion import _STATEMENT_SNIPPETS
from idiolect.okt.vocab import CONTROL_WORDS, METRICS, MONITOR_METRICS

# Where the cursor is, some of what is offered, and some of what is not.
PLACES: dict[str, tuple[str, set[str], set[str]]] = {
    "an empty file": ("|", {"PROJECT", "MODEL", "CONTROL"}, {"optimizer", "IF"}),
    "a block that is used": ("DATASET { train: 1 }\n|", {"MODEL", "TRAIN"}, {"DATASET"}),
    "a block that may be repeated": ("MODEL { }\n|", {"MODEL"}, set()),
    "half a keyword": ('PROJECT "x"\nTR|\nDATASET { }', {"TRAIN"}, {"PROJECT", "DATASET"}),
    "the fields of a block": ("TRAIN {\n  |\n}", {"epochs", "optimizer", "hard_examples"}, {"TRAIN", "LR"}),
    "fields set before and behind": (
        "TRAIN {\n  epochs: 3\n  |\n  lr: 0.1\n}",
        {"optimizer"},
        {"epochs", "learning_rate"},
    ),
    "half a field": ("TRAIN {\n  opti|\n}", {"optimizer"}, set()),
    "a block that is not closed": ("TRAIN {\n  |\nMODEL { base: 1 }", {"epochs"}, {"base", "MODEL"}),
    "a nested block": ("MODEL {\n  ADAPTER {\n    |\n  }\n}", {"rank", "path"}, {"base"}),
    "a value": ("TRAIN { optimizer: | }", {"adam", "adamw"}, {"epochs", "linear"}),
    "a value in quotes": ('TRAIN { optimizer: "|" }', {"adam", "adamw"}, {"epochs"}),
    "a value whose quote is open": ('TRAIN {\n  optimizer: "ad|\n}', {"adam"}, {"epochs"}),
    "the line behind a field without a value": ("TRAIN {\n  optimizer:\n  |\n}", {"epochs"}, {"adam"}),
    "truth": ("VALIDATE { on_train: | }", {"true", "false"}, {"loss"}),
    "truth in quotes": ('VALIDATE { on_train: "|" }', set(), {"true"}),
    "a metric": ('VALIDATE { metric_to_monitor: "|" }', {"loss", "f1"}, {"gpu_usage"}),
    "a metric to monitor": ('MONITOR { metrics: ["loss", "|"] }', {"gpu_usage", "val_loss"}, set()),
    "the words of METRICS": ("METRICS {\n  loss\n  |\n}", {"accuracy"}, {"loss"}),
    "items of a list": ('EXPORT { format: ["gguf", "|"] }', {"onnx"}, {"fp16"}),
    "objects of a list": ("DATASET { mix_datasets: [{ | }] }", {"path", "weight"}, {"train"}),
    "flags": ("GUARD { prevent { toxicity | } }", {"bias"}, {"toxicity", "STOP"}),
    "a reaction or a field": ("GUARD { on_violation { | } }", {"STOP", "with_message"}, {"bias"}),
    "parents": ('MODEL "small" { }\nMODEL { inherit: "|" }', {"small"}, set()),
    "dialects": ('DIALECT { name: "|" }', {"json_ast", "tcl"}, set()),
    "CONTROL": ("CONTROL {\n  |\n}", {"IF", "SET", "on_nan", "validate_every"}, {"rules", "loss"}),
    "the body of an event": ("CONTROL { on_nan {\n  |\n} }", {"STOP", "LOG"}, {"on_nan"}),
    "a signal": ("CONTROL { IF | }", {"loss", "gpu_memory"}, {"IF"}),
    "a second signal": ("CONTROL { IF loss > 2 AND | }", {"loss"}, {"AND"}),
    "an operator": ("CONTROL { IF loss | }", {">", "=="}, {"loss"}),
    "what joins conditions": ("CONTROL { IF loss > 2 | }", {"AND"}, {"loss"}),
    "a parameter": ("CONTROL { DECREASE | }", {"LR", "batch_size"}, {"loss"}),
    "BY": ("CONTROL { DECREASE LR | }", {"BY"}, {"LR"}),
    "a unit": ("CONTROL { EVERY 500 | }", {"steps", "epochs"}, set()),
    "what is saved": ("CONTROL { SAVE | }", {"model", "checkpoint"}, set()),
    "what is logged": ("CONTROL { LOG | }", {"loss"}, {"model"}),
    "WITH": ("INFERENCE { CONTROL { REPLACE | } }", {"WITH"}, set()),
    "conditions": ("MONITOR { notify_if { | } }", {"gpu_usage"}, {"IF"}),
    "a new line of conditions": ("MONITOR { notify_if {\n loss > 2\n |\n} }", {"gpu_usage"}, {"AND"}),
    "a comment": ("TRAIN {\n  # epo|\n}", set(), {"epochs"}),
    "an unknown block": ("FOO {\n  |\n}", set(), {"epochs"}),
    "a label": ('MODEL "|" { }', set(), {"TRAIN"}),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_offered(place: str, editor: Editor) -> None:
    marked, offered, kept_back = PLACES[place]
    with page(editor, marked) as opened:
        labels = set(opened.completion())
    assert offered <= labels
    assert not kept_back & labels


WRITTEN = {
    "a word gets quotes": ("TRAIN { optimizer: ad| }", "adamw", 'TRAIN { optimizer: "adamw" }'),
    "quotes are kept": ('TRAIN { optimizer: "ad|x" }', "adamw", 'TRAIN { optimizer: "adamw" }'),
    "an open quote is closed": ('TRAIN { optimizer: "ad|', "adamw", 'TRAIN { optimizer: "adamw"'),
    "a list gets brackets": ("EXPORT { format: | }", "gguf", 'EXPORT { format: ["gguf"] }'),
    "an item does not": ("EXPORT { format: [|] }", "gguf", 'EXPORT { format: ["gguf"] }'),
    "a name that has its colon": ("TRAIN { ep|: 3 }", "epochs", "TRAIN { epochs: 3 }"),
    "a field with its hole": ("TRAIN { ep| }", "epochs", "TRAIN { epochs: $1 }"),
    "a field with its values, the default first": (
        "TRAIN { early| }",
        "early_stopping",
        "TRAIN { early_stopping: ${1|true,false|} }",
    ),
    "a block with what it needs": ("MERG|", "MERGE", None),
    "a keyword that has its braces": ("MOD| { }", "MODEL", "MODEL { }"),
    "behind astral characters": (
        'DATASET { system: "𝔘𝔫𝔦 😀" format: "c|" }',
        "csv",
        'DATASET { system: "𝔘𝔫𝔦 😀" format: "csv" }',
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written(case: str, editor: Editor) -> None:
    marked, label, expected = WRITTEN[case]
    with page(editor, marked) as opened:
        made = applied(opened.text, [opened.completion()[label]["textEdit"]])
    if expected is None:
        needed = [field.name for field in BLOCKS[label].fields if field.required]
        assert needed
        assert all(f"    {name}: " in made for name in needed)
    else:
        assert made == expected


def test_an_item_tells_type_default_status_and_help(editor: Editor) -> None:
    with page(editor, "TRAIN {\n  |\n}") as opened:
        items = opened.completion()
    optimizer, tokens = items["optimizer"], items["tokens_per_batch"]
    assert optimizer["detail"] == 'word, default "adam" (stated by the language)'
    assert "Update rule." in optimizer["documentation"]["value"]
    assert "extension" in tokens["detail"]
    assert list(items)[:2] == ["epochs", "batch_size"]  # what is required comes first
    assert list(items).index("gpu") > list(items).index("seed")  # what is out of use comes last


def test_the_default_is_the_first_value(editor: Editor) -> None:
    with page(editor, "ENV { network: | }") as opened:
        items = opened.completion()
    assert next(iter(items)) == "online"
    assert items["online"]["detail"] == "default"


def test_all_metrics_are_offered_where_they_belong(editor: Editor) -> None:
    with page(editor, "METRICS { | }") as opened:
        assert set(opened.completion()) == set(METRICS)
    with page(editor, "MONITOR { metrics: [|] }") as opened:
        assert set(opened.completion()) == set(MONITOR_METRICS)


def test_every_statement_has_a_way_to_go_on() -> None:
    bare = set(CONTROL_WORDS) - set(_STATEMENT_SNIPPETS)
    assert set(_STATEMENT_SNIPPETS) <= set(CONTROL_WORDS)
    assert bare == {"STOP", "RETRY", "REGENERATE", "STOP_TRAINING"}


def test_files_are_offered_relative_to_the_project_root(project: Path, editor: Editor) -> None:
    uri = (project / "scripts" / "train.okt").as_uri()
    with page(editor, 'DATASET { train: "|" }', uri) as opened:
        items = opened.completion()
        assert {"data/", "scripts/", "okt.yaml"} <= set(items)
        assert applied(opened.text, [items["data/"]["textEdit"]]) == 'DATASET { train: "data" }'
    with page(editor, 'DATASET { train: "data/|" }', uri) as opened:
        items = opened.completion()
        assert set(items) == {"data/deep/", "data/train.jsonl", "data/été.jsonl"}
        made = applied(opened.text, [items["data/été.jsonl"]["textEdit"]])
        assert made == 'DATASET { train: "data/été.jsonl" }'
    with page(editor, 'DATASET { train: "none/|" }', uri) as opened:
        assert opened.completion() == {}
    with page(editor, 'HOOKS { before_train: "scripts/|" }', uri) as opened:
        assert "scripts/hook.py" in opened.completion()


def test_an_editor_without_snippets_gets_plain_text(tmp_path: Path) -> None:
    with Editor(tmp_path, snippets=False) as plain:
        with page(plain, "|") as opened:
            blocks = opened.completion()
        assert blocks["MERGE"]["textEdit"]["newText"] == "MERGE "
        with page(plain, "TRAIN { | }") as opened:
            items = opened.completion()
        assert all("$" not in item["textEdit"]["newText"] for item in items.values())
        assert {item["insertTextFormat"] for item in items.values()} == {1}
        assert items["epochs"]["textEdit"]["newText"] == "epochs: "
        assert plain.leave() == 0
