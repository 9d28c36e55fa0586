"""What a script points to is looked at, and each finding stands at the field that named the thing."""

import json
from pathlib import Path

import pytest

from idiolect.okt.check import check_file
from idiolect.okt.diagnostics import Diagnostic, Severity
from idiolect.plan.preflight.run import preflight

ROW = json.dumps({"input": "a", "output": "b"}) + "\n"
LOOP = 'MODEL { base: "nano" }\nTRAIN { epochs: 1 batch_size: 1 }\nEXPORT { format: ["okm"] path: "o/" }\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text(ROW * 20)
    return tmp_path


def look(project: Path, text: str, **only: bool) -> list[tuple[str, str, int]]:
    """Code, severity and line of what is found, notes left out."""
    return [
        (item.code, item.severity.value, line)
        for item, line in found_in(project, text, **only)
        if item.severity is not Severity.INFO
    ]


def found_in(project: Path, text: str, **only: bool) -> list[tuple[Diagnostic, int]]:
    script = project / "scripts" / "train.okt"
    script.write_text('PROJECT "x"\n' + text)
    checked = check_file(script)
    found = preflight(checked, script, **only)
    return [(item, checked.source.place(item.span.start).line) for item in found]


def test_good_data_and_the_built_in_base_need_no_word(project: Path) -> None:
    assert look(project, 'DATASET { train: "data/train.jsonl" }\n' + LOOP) == []


def test_a_missing_file_is_told_with_the_nearest_name(project: Path) -> None:
    ((item, line),) = [
        found
        for found in found_in(project, 'DATASET {\n    train: "data/trian.jsonl"\n}\n' + LOOP)
        if found[0].code == "V001"
    ]
    assert line == 3
    assert item.help == 'did you mean "data/train.jsonl"?'
    assert [edit.text for edit in item.edits] == ['"data/train.jsonl"']


def test_a_source_that_another_one_beats_may_be_missing(project: Path) -> None:
    mix = 'mix_datasets: [{ path: "data/train.jsonl", weight: 100 }]'
    assert look(project, f'DATASET {{ train: "gone.jsonl"\n {mix} }}\n' + LOOP) == [("V001", "warning", 2)]


def test_broken_rows_columns_and_small_data_are_told(project: Path) -> None:
    (project / "data" / "few.jsonl").write_text(ROW * 3 + "{broken\n")
    codes = {code for code, _, _ in look(project, 'DATASET { train: "data/few.jsonl" }\n' + LOOP)}
    assert codes == {"L402", "L404"}
    columns = 'DATASET { train: "data/train.jsonl" input_field: "inptu" }\n'
    assert [code for code, _, _ in look(project, columns + LOOP)] == ["L401"]


def test_models_adapters_and_checkpoints_are_looked_for(project: Path) -> None:
    text = """DATASET { train: "data/train.jsonl" }
MODEL {
    base: "oktoseek/base-llm-7b"
    ADAPTER { type: "lora" path: "adapters/none" }
}
TRAIN { epochs: 1 batch_size: 1
    resume_from_checkpoint: "checkpoints/checkpoint-5" }
EXPORT { format: ["okm"] path: "o/" }
"""
    found = look(project, text)
    assert ("V004", "warning", 4) in found
    assert ("V001", "error", 5) in found
    assert ("V005", "error", 8) in found


def test_only_data_or_only_models_can_be_asked_for(project: Path) -> None:
    text = 'DATASET { train: "gone.jsonl" }\nMODEL { base: "./none" }\nTRAIN { epochs: 1 batch_size: 1 }\n'
    assert {code for code, _, _ in look(project, text, model=False)} == {"V001"}
    assert "V001" not in {code for code, _, _ in look(project, text, data=False)}
    assert look(project, text, data=False) != []


def test_files_that_blocks_read_must_be_there(project: Path) -> None:
    text = """DATASET { train: "data/train.jsonl" }
DIALECT { name: "tcll"
    catalog: "none.json" }
HOOKS { before_train: "hooks/none.py" after_train: "api:http://localhost/x" }
EVALUATE { suites: ["test", "sintax", "suites/none.jsonl"] }
CORPUS { sources: ["src/**/*.tcl", "data/train.jsonl"] }
"""
    found = look(project, text + LOOP)
    assert ("L338", "error", 3) in found
    assert [line for code, _, line in found if code == "V001"] == [4, 5, 6, 7]
    assert ("V010", "error", 6) in found


def test_a_run_of_this_script_on_another_machine_is_not_ruled_out(project: Path) -> None:
    text = 'ENV { platform: "windows" min_memory: "64TB" }\nDATASET { train: "data/train.jsonl" }\n'
    machine = [row for row in look(project, text + LOOP) if row[0].startswith("L5")]
    assert {severity for _, severity, _ in machine} == {"warning"}
    assert ("L501", "warning", 2) in machine


def test_the_project_file_should_name_the_same_project(project: Path) -> None:
    (project / "okt.yaml").write_text("project: other\n")
    assert ("L335", "warning", 1) in look(project, 'DATASET { train: "data/train.jsonl" }\n' + LOOP)
    (project / "okt.yaml").write_text("projct: x\n")
    assert {"L441", "L442"} & {
        code for code, _, _ in look(project, 'DATASET { train: "data/train.jsonl" }\n' + LOOP)
    }


def test_a_model_too_large_for_the_machine_is_told_at_the_batch_size(project: Path) -> None:
    folder = project / "models" / "huge"
    folder.mkdir(parents=True)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 16384,
        "intermediate_size": 53248,
        "num_hidden_layers": 126,
        "num_attention_heads": 128,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
    }
    (folder / "config.json").write_text(json.dumps(config))
    text = """DATASET { train: "data/train.jsonl" }
MODEL { base: "models/huge" }
TRAIN {
    epochs: 1
    batch_size: 64
    checkpoint_steps: 10
}
EXPORT { format: ["safetensors"] path: "o/" }
"""
    found = look(project, text)
    assert ("V006", "warning", 6) in found
    assert "L506" in {code for code, _, _ in found}
