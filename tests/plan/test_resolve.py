"""Each priority rule of the language: who wins, what is noted, and what the plan says of it."""

from pathlib import Path

import pytest

from idiolect.okt.check import check_text
from idiolect.plan.plan import Plan
from idiolect.plan.resolve import resolve

HEAD = 'PROJECT "x"\n'
DATA = 'DATASET { train: "a.jsonl" }\n'
MODEL = 'MODEL { base: "nano" }\n'
TRAIN = "TRAIN { epochs: 10 batch_size: 4 }\n"
LORA = 'FT_LORA { base_model: "nano" lora_rank: 8 lora_alpha: 16 }\n'


def plan_of(text: str, environment: dict[str, str] | None = None, root: Path | None = None) -> Plan:
    checked = check_text(HEAD + text, "x.okt")
    assert checked.errors == []
    return resolve(checked, environment or {}, root)


def test_lora_wins_over_train_field_by_field() -> None:
    train = 'TRAIN { epochs: 10 batch_size: 4 learning_rate: 0.1 optimizer: "adamw" device: "cpu" }\n'
    lora = 'FT_LORA { base_model: "nano" lora_rank: 8 lora_alpha: 16 epochs: 5 device: "cuda" }\n'
    plan = plan_of(DATA + MODEL + train + lora)
    assert plan.train is not None
    assert (plan.train.epochs, plan.train.device) == (5, "cuda")
    assert (plan.train.batch_size, plan.train.learning_rate, plan.train.optimizer) == (4, 0.1, "adamw")
    ((_, setting),) = plan.why("TRAIN.epochs")
    assert setting.origin.source == "FT_LORA.epochs"
    assert [(lost.value, lost.origin.line) for lost in setting.lost] == [(10, 4)]
    assert {conflict.field for conflict in plan.conflicts} == {"TRAIN.epochs", "TRAIN.device"}


def test_agreeing_values_are_no_conflict() -> None:
    plan = plan_of(DATA + MODEL + TRAIN + LORA.replace("lora_rank", "epochs: 10 lora_rank"))
    assert plan.conflicts == ()


MIX_A = 'mix_datasets: [{ path: "m.jsonl", weight: 100 }]'
MIX_B = 'mix_datasets: [{ path: "n.jsonl", weight: 100 }]'


@pytest.mark.parametrize(
    ("dataset", "lora", "winner", "path"),
    [
        ('train: "t.jsonl"', "", "DATASET.train", "t.jsonl"),
        ('train: "t.jsonl"', 'train_dataset: "l.jsonl"', "FT_LORA.train_dataset", "l.jsonl"),
        (f'train: "t.jsonl" {MIX_A}', 'train_dataset: "l.jsonl"', "DATASET.mix_datasets", "m.jsonl"),
        (f'train: "t.jsonl" {MIX_A}', f'train_dataset: "l.jsonl" {MIX_B}', "FT_LORA.mix_datasets", "n.jsonl"),
        ("", MIX_B, "FT_LORA.mix_datasets", "n.jsonl"),
    ],
)
def test_training_data_are_chosen_in_the_order_of_the_faq(
    dataset: str, lora: str, winner: str, path: str
) -> None:
    text = f"DATASET {{ {dataset} }}\n{MODEL}{TRAIN}" + LORA.replace("lora_rank", f"{lora} lora_rank")
    plan = plan_of(text)
    assert plan.data is not None
    assert plan.data.given_by == winner
    assert [source.path for source in plan.data.sources] == [path]


def test_the_explicit_base_model_is_loaded() -> None:
    plan = plan_of(DATA + MODEL + TRAIN + LORA.replace('"nano"', '"t5-small"'))
    assert plan.model is not None
    assert plan.model.base == "t5-small"
    assert "MODEL.base" in {conflict.field for conflict in plan.conflicts}
    alone = plan_of(DATA + MODEL + TRAIN + "FT_LORA { lora_rank: 8 }\n")
    assert alone.ft_lora is not None
    assert (alone.ft_lora.base_model, alone.ft_lora.lora_alpha) == ("nano", 16)


def test_the_nearest_model_wins_over_a_chain_of_parents() -> None:
    models = """MODEL "a" { base: "nano" context_window: 512 device: "cpu"
    ADAPTER { type: "lora" path: "p/" } }
MODEL "b" { inherit: "a" context_window: 1024 }
MODEL { inherit: "b" precision: "fp32" }
"""
    plan = plan_of(DATA + models + TRAIN)
    assert plan.model is not None
    assert (plan.model.base, plan.model.context_window, plan.model.precision) == ("nano", 1024, "fp32")
    assert plan.model.adapter is not None
    assert plan.model.adapter.path == "p/"
    ((_, window),) = plan.why("MODEL.context_window")
    assert (window.origin.kind, window.origin.source, window.origin.line) == ("inherited", 'MODEL "b"', 5)
    assert [lost.value for lost in window.lost] == [512]
    assert plan.train is not None
    assert plan.train.device == "cpu"


@pytest.mark.parametrize(
    ("blocks", "device"),
    [
        ("", "auto"),
        ('ENV { accelerator: "gpu" }', "cuda"),
        ('ENV { accelerator: "gpu" }\nMODEL { base: "nano" device: "cpu" }', "cpu"),
        ('TRAIN { epochs: 1 batch_size: 1 gpu: true }\nMODEL { base: "nano" device: "cpu" }', "cuda"),
        ('TRAIN { epochs: 1 batch_size: 1 gpu: true device: "mps" }', "mps"),
        ('TRAIN { epochs: 1 batch_size: 1 device: "cpu" }\nFT_LORA { lora_rank: 8 device: "cuda" }', "cuda"),
    ],
)
def test_the_device_follows_its_order(blocks: str, device: str) -> None:
    text = DATA + ("" if "MODEL" in blocks else MODEL) + ("" if "TRAIN" in blocks else TRAIN) + blocks
    plan = plan_of(text)
    assert plan.train is not None
    assert plan.train.device == device


@pytest.mark.parametrize(
    ("blocks", "precision"),
    [
        ("", None),
        ('ENV { precision: "bf16" }', "bf16"),
        ('ENV { precision: "bf16" }\nMODEL { base: "nano" precision: "fp16" }', "fp16"),
        ('MODEL { base: "nano" precision: "int8" }', None),
        ('MODEL { base: "nano" dtype: "float16" }', "fp16"),
        ("TRAIN { epochs: 1 batch_size: 1 mixed_precision: false }", "fp32"),
        ('TRAIN { epochs: 1 batch_size: 1 mixed_precision: "bf16" precision: "fp32" }', "fp32"),
    ],
)
def test_the_precision_follows_its_order(blocks: str, precision: str | None) -> None:
    text = DATA + ("" if "MODEL" in blocks else MODEL) + ("" if "TRAIN" in blocks else TRAIN) + blocks
    plan = plan_of(text)
    assert plan.train is not None
    assert plan.train.precision == precision


def test_checkpoint_steps_win_and_imply_a_strategy() -> None:
    train = 'TRAIN { epochs: 1 batch_size: 1 checkpoint_steps: 50 save_steps: 100 save_strategy: "no" }\n'
    plan = plan_of(DATA + MODEL + train)
    assert plan.train is not None
    assert (plan.train.checkpoint_steps, plan.train.save_strategy) == (50, "steps")
    none = plan_of(DATA + MODEL + TRAIN)
    assert none.train is not None
    assert (none.train.checkpoint_steps, none.train.save_strategy, none.train.checkpoint_path) == (
        None,
        "no",
        "runs/x",
    )


def test_older_decoding_settings_are_folded_into_params() -> None:
    plan = plan_of(
        DATA + MODEL + TRAIN + "INFERENCE { max_tokens: 100 top_k: 5 params { max_length: 50 } }\n"
    )
    assert plan.inference is not None
    assert plan.inference.params is not None
    assert (plan.inference.params.max_length, plan.inference.params.top_k) == (50, 5)
    assert plan.inference.max_tokens is None


def test_a_url_in_endpoint_is_split_and_written_fields_win() -> None:
    deploy = 'DEPLOY { target: "api" endpoint: "https://h.example:8000/ask" port: 9001 }\n'
    plan = plan_of(DATA + MODEL + TRAIN + deploy)
    assert plan.deploy is not None
    found = (plan.deploy.protocol, plan.deploy.host, plan.deploy.port, plan.deploy.endpoint)
    assert found == ("https", "h.example", 9001, "/ask")


def test_the_teacher_is_resolved_from_outside_first(tmp_path: Path) -> None:
    text = DATA + MODEL + TRAIN + 'TEACHER { model: "in-file" }\n'
    assert plan_of(text).teacher.model == "in-file"  # type: ignore[union-attr]
    (tmp_path / ".llmrc").write_text("\nfrom-llmrc\n")
    assert plan_of(text, root=tmp_path).teacher.model == "from-llmrc"  # type: ignore[union-attr]
    plan = plan_of(text, {"LLM_MODEL": "from-env"}, tmp_path)
    assert plan.teacher is not None
    assert plan.teacher.model == "from-env"
    ((_, setting),) = plan.why("TEACHER.model")
    assert [lost.value for lost in setting.lost] == ["from-llmrc", "in-file", "gpt-oss:120b"]
    assert plan_of(DATA + MODEL + TRAIN + "TEACHER { }\n").teacher.model == "gpt-oss:120b"  # type: ignore[union-attr]


def test_a_search_stands_in_for_a_field_that_only_it_gives() -> None:
    plan = plan_of(
        DATA + MODEL + "TRAIN { epochs: 2 }\nEXPLORER { try { batch_size: [16, 8] lora_rank: [4, 8] } }\n"
    )
    assert plan.train is not None
    assert plan.train.batch_size == 16
    assert plan.explorer is not None
    assert plan.explorer.try_ is not None
    assert plan.explorer.try_.others == {"lora_rank": [4, 8]}


def test_every_setting_says_where_it_came_from() -> None:
    plan = plan_of(
        DATA + MODEL + TRAIN + LORA + 'EXPORT { format: ["gguf"] path: "o/" }\nMONITOR { }\nLOGGING { }\n'
    )
    for path, setting in plan.settings.items():
        origin = setting.origin
        assert str(origin), path
        assert (origin.line is not None) == (origin.kind in ("file", "inherited", "override")), path
    assert plan.monitor is not None
    assert plan.monitor.export_to == "runs/x/logs/system.json"
    assert plan.logging is not None
    assert plan.logging.metrics_file == "runs/x/metrics.json"
    assert plan.export is not None
    assert (plan.export.quantization, plan.export.gguf_type) == ("fp16", "f16")


def test_sections_hold_what_the_settings_say() -> None:
    plan = plan_of(DATA + MODEL + TRAIN + LORA + "STABILITY { stop_if_nan: true }\n")
    compared = 0
    for path, setting in plan.settings.items():
        block, _, name = path.partition(".")
        section = plan.section(block)
        if section is not None and name in type(section).model_fields:
            assert getattr(section, name) == setting.value, path
            compared += 1
    assert compared > 60


def test_a_plan_survives_json() -> None:
    control = "CONTROL { on_epoch_end { IF val_loss > 2 AND epoch > 1 { DECREASE LR BY 50% } } }\n"
    plan = plan_of(DATA + MODEL + TRAIN + LORA + control)
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_stages_follow_the_blocks() -> None:
    plan = plan_of(
        'DIALECT { name: "tcl" }\nSYNTHESIZE { recipe: "catalog_tasks" }\nTEACHER { offline: true }\n'
    )
    assert [stage.name for stage in plan.stages if stage.runs] == ["environment", "synth", "split"]
    full = plan_of(DATA + MODEL + TRAIN + LORA + 'EXPORT { format: ["okm"] path: "o/" }\nEVALUATE { k: 2 }\n')
    runs = [stage.name for stage in full.stages if stage.runs]
    assert runs == ["environment", "split", "train", "eval", "export"]
    assert all(stage.why for stage in full.stages)
