"""Forms that real files have beyond the grammar: each is read, and said to be odd where it is."""

import pytest

from idiolect.okt.check import Checked, check_text
from idiolect.okt.diagnostics import Severity

HEAD = 'PROJECT "x"\nDATASET { train: "a.jsonl" }\nMODEL { base: "nano" }\n'
LOOP = "TRAIN { epochs: 1 batch_size: 1 }\n"
OUT = 'EXPORT { format: ["okm"] path: "out/" }\n'

# What the form is, the text, and the codes that it draws beside notes on its surroundings.
FORMS = [
    (
        "flat inference settings",
        "INFERENCE { max_tokens: 100 temperature: 0.7 top_p: 0.9 top_k: 40 }",
        {"L316"},
    ),
    ("flat repetition penalty", "INFERENCE { repetition_penalty: 1.1 }", {"L316"}),
    ("stop sequences", 'INFERENCE { stop_sequences: ["\\n\\n", "User:"] }', set()),
    ("gpu in TRAIN", "TRAIN { epochs: 1 batch_size: 1 gpu: true }", {"L316"}),
    ("mixed_precision as a truth value", "TRAIN { epochs: 1 batch_size: 1 mixed_precision: true }", set()),
    ("log_metrics", 'MONITOR { log_metrics: ["loss"] }', {"L316"}),
    ("flat security", "SECURITY { encrypt_model: true watermark: true }", set()),
    ("batch_size only in EXPLORER", "TRAIN { epochs: 1 }\nEXPLORER { try { batch_size: [4, 8] } }", set()),
    ("endpoint with a URL", 'DEPLOY { target: "api" endpoint: "http://localhost:9000/x" }', {"L316"}),
    ("api without host and port", 'DEPLOY { target: "api" endpoint: "/x" }', {"L308"}),
    ("web with a remote URL", 'DEPLOY { target: "web" endpoint: "https://a.example/x" }', {"L316", "L310"}),
    ("confidence in METRICS", "METRICS { confidence }", set()),
    ("percent", "MONITOR { notify_if { gpu_usage > 90% } }", set()),
    ("size", "CONTROL { WHEN gpu_memory < 12GB { SET batch_size = 4 } }", set()),
    ("AND", 'CONTROL { IF loss > 2.0 AND epoch >= 3 { LOG "x" } }', set()),
    ("bool signals", 'INFERENCE { CONTROL { IF toxic == true { REPLACE WITH "no" } } }', set()),
    ("LOG in INFERENCE", 'INFERENCE { CONTROL { IF repetition > 3 { LOG "again" REGENERATE } } }', set()),
    ("SAVE with a template", 'CONTROL { on_epoch_end { SAVE "model_{epoch}" } }', set()),
    ("text after STOP_TRAINING", 'CONTROL { on_nan { STOP_TRAINING LOG "NaN" } }', set()),
    (
        "action and message on one line",
        'GUARD { prevent { bias } on_violation { REPLACE with_message: "no" } }',
        set(),
    ),
    ("message beside STOP", 'GUARD { prevent { bias } on_violation { STOP with_message: "no" } }', set()),
    ("escapes", 'INFERENCE { format: "U: {input}\\nA:" }', set()),
    ("content format on jsonl", 'DATASET { train: "a.jsonl" format: "qa" type: "qa" }', {"L103"}),
    (
        "metric off its task",
        'DATASET { train: "a.jsonl" type: "chat" }\nMETRICS { accuracy }',
        {"V007", "L103"},
    ),
    (
        "vision counts as classification",
        'DATASET { train: "d/" type: "vision" }\nMETRICS { accuracy }',
        {"L103"},
    ),
    (
        "substrings as patterns",
        'SECURITY { input_validation { disallow_patterns: ["eval(", "exec("] } }',
        set(),
    ),
    ("relative change", "CONTROL { on_plateau { DECREASE LR BY 0.5 } }", set()),
    ("context fields", 'DATASET { train: "a.jsonl" context_fields: ["menu", "prices"] }', {"L103"}),
    ("target_field", 'DATASET { train: "a.jsonl" target_field: "answer" }', {"L103"}),
    ("adapter beside training", 'MODEL "p" { base: "nano" ADAPTER { type: "lora" path: "a/" } }', set()),
    ("intent-classification", 'INFERENCE { mode: "intent-classification" labels: ["a", "b"] }', {"L316"}),
    ("RETURN with a label", 'INFERENCE { CONTROL { IF label == "greeting" { RETURN "Hello" } } }', set()),
    ("INFER block", 'INFER { input: "hello" max_tokens: 20 }', {"L332"}),
    ("precision in TRAIN", 'TRAIN { epochs: 1 batch_size: 1 precision: "fp16" }', set()),
    ("parent without base", 'MODEL "p" { device: "cpu" }', set()),
    (
        "hook targets",
        'HOOKS { before_train: "python:my.module.run" after_train: "api:http://localhost/x" }',
        set(),
    ),
    ("MERGE", 'MERGE { source: "a" target: "b" output: "c" format: ["okm", "onnx"] }', {"L332"}),
    ("metrics of 1.3", 'MONITOR { metrics: ["gemm_tflops", "memory_bandwidth"] }', set()),
    ("comment inside a list", 'TAGS [\n    "a", # one\n    "b"\n]', set()),
    ("bare units", "ENV { min_memory: 16GB }\nMONITOR { refresh_interval: 2s }", {"L202"}),
    ("quoted units", 'MODEL "p" { parameters: "120M" }\nMONITOR { refresh_interval: "2s" }', set()),
    ("unit behind a space", 'ENV { min_memory: "16 GB" }', set()),
    ("scientific number", "TRAIN { epochs: 1 batch_size: 1 learning_rate: 5e-5 }", set()),
    ("VALIDATION", "VALIDATION { on_validation: true }", {"L316"}),
    (
        "several statements on a line",
        "CONTROL { on_step_end { LOG loss SAVE checkpoint SET LR = 0.1 } }",
        set(),
    ),
    (
        "nested conditions",
        'CONTROL { IF loss > 1 { WHEN epoch > 2 { EVERY 5 epochs { LOG "deep" } } } }',
        set(),
    ),
    ("singular units of EVERY", "CONTROL { EVERY 1 epoch { SAVE model } }", set()),
    (
        "hardware blocks",
        'BLAS { backend: "auto" }\nACCELERATE { gemm: "auto" }\nTENSOR_CORES { enabled: true }',
        {"L318"},
    ),
    ("benchmark", 'BENCHMARK { operations: ["gemm_fp16"] iterations: 3 }', {"L318"}),
    (
        "several parents",
        'MODEL "a" { base: "nano" }\nMODEL "b" { inherit: "a" }\nMODEL "c" { inherit: "b" }',
        set(),
    ),
    ("params with max_tokens", "INFERENCE { params { max_tokens: 20 } }", set()),
    ("block before its needs", "EXPLORER { try { lr: [0.1] } }", set()),
]
QUIET = {"L301", "L305", "L313", "L322", "L312"}  # what the surroundings of a form draw


def text_of(form: str) -> str:
    loop = "" if "TRAIN {" in form else LOOP
    return HEAD + loop + OUT + form + "\n"


def odd_codes(checked: Checked) -> set[str]:
    return {item.code for item in checked.diagnostics} - QUIET


@pytest.mark.parametrize(("form", "codes"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_a_form_of_real_files_is_read_without_an_error(form: str, codes: set[str]) -> None:
    checked = check_text(text_of(form))
    assert checked.errors == []
    assert odd_codes(checked) == codes


@pytest.mark.parametrize("form", [row[1] for row in FORMS], ids=[row[0] for row in FORMS])
def test_line_ends_tabs_and_a_byte_order_mark_change_nothing(form: str) -> None:
    text = text_of(form)
    plain = check_text(text)
    for other in (
        "\ufeff" + text,
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        text.replace("    ", "\t"),
    ):
        changed = check_text(other)
        assert [(item.code, item.message) for item in changed.diagnostics] == [
            (item.code, item.message) for item in plain.diagnostics
        ]
        assert [changed.source.place(item.span.start).line for item in changed.diagnostics] == [
            plain.source.place(item.span.start).line for item in plain.diagnostics
        ]


@pytest.mark.parametrize(
    "snippet",
    [
        'MODEL { base: "nano" }\nFT_LORA { base_model: "nano" train_dataset: "a.jsonl" lora_rank: 8 }\n',
        'SECURITY { encrypt_model: true }\nMONITOR { level: "full" dashboard: true }\n',
        'TRAIN { resume_from_checkpoint: "./checkpoints/checkpoint-500" epochs: 10 batch_size: 2 }\n',
        'HOOKS { on_checkpoint: "scripts/backup.sh" custom_metric: "scripts/t.py" }\n',
        'LOGGING { save_logs: true log_level: "debug" log_every: 1 }\n',
    ],
)
def test_snippets_of_the_language_faq_have_no_error_of_their_own(snippet: str) -> None:
    checked = check_text(HEAD + LOOP + OUT + snippet)
    assert checked.errors == []


def test_block_order_does_not_matter() -> None:
    blocks = [HEAD, LOOP, OUT, "STABILITY { stop_if_nan: true }\n"]
    orders = [blocks, blocks[::-1], blocks[2:] + blocks[:2]]
    found = [
        sorted((item.code, item.severity) for item in check_text("".join(order)).diagnostics)
        for order in orders
    ]
    assert found[0] == found[1] == found[2]


def test_strict_makes_errors_of_warnings_and_nothing_else() -> None:
    text = HEAD + LOOP + 'GUARD { prevent { bias } detect_using: ["classifier"] }\n'
    plain, strict = check_text(text), check_text(text, strict=True)
    assert [item.code for item in plain.diagnostics] == [item.code for item in strict.diagnostics]
    assert plain.errors == []
    severities = {Severity.WARNING: Severity.ERROR}
    assert [item.severity for item in strict.diagnostics] == [
        severities.get(item.severity, item.severity) for item in plain.diagnostics
    ]


def test_a_fault_does_not_hide_those_behind_it() -> None:
    text = 'PROJECT "x\nTRAIN { epochs: 5000 optimizer: "adanw"\nMODEL { base: "nano" device: "gpu" }\n'
    codes = [item.code for item in check_text(text).diagnostics]
    assert {"L002", "L007", "V010", "V002"} <= set(codes)


def test_a_value_that_is_wrong_is_not_also_missing() -> None:
    checked = check_text(HEAD + LOOP + 'EXPORT { format: ["okx"] path: "out/" }\n')
    assert [item.code for item in checked.errors] == ["V008"]
