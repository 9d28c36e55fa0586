import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from idiolect.data.example import Example
from idiolect.student.adapters import AdapterSettings, attach_adapter, linear_names
from idiolect.student.load import Student, load_student
from idiolect.student.parameters import count_parameters
from idiolect.student.precision import Hardware, choose_precision
from idiolect.student.save import save_student
from idiolect.student.tokens import make_row
from idiolect.student.trouble import StudentError
from tiny_models import DECODERS, tiny_model

LORA = AdapterSettings(rank=4, alpha=8)
EXAMPLE = Example(instruction="Orders below 120?", target="{}", context='{"type":"object"}')


def logits(student: Student) -> Any:
    row = make_row(EXAMPLE, student.tokenizer, student.form)
    with torch.no_grad():
        return student.model(torch.tensor([[*row.prompt, *row.answer]])).logits


def adapted(student: Student, settings: AdapterSettings = LORA, seed: int = 1) -> Student:
    """A student whose adapter does something: a fresh one does nothing, its B matrices being zero."""
    model = attach_adapter(student.model, settings, seed=seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.02)
    return replace(student, model=model.eval())


def code_of(load: Callable[[], Any]) -> str:
    with pytest.raises(StudentError) as caught:
        load()
    return caught.value.problem.code


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_model(tmp_path / "models" / "base", "llama")


@pytest.mark.parametrize("shape", DECODERS)
def test_a_folder_is_loaded_with_true_parameter_counts(shape: Any, tmp_path: Path) -> None:
    tiny_model(tmp_path / "base", shape)
    student = load_student("base", root=tmp_path, device="cpu")
    counts = count_parameters(student.model)
    assert counts.total == counts.trainable == sum(p.numel() for p in student.model.parameters())
    assert counts.tied
    assert counts.embedding == student.model.get_input_embeddings().weight.numel()
    assert counts.bytes == 4 * counts.total
    assert (student.base, student.device, student.precision) == ("base", "cpu", "fp32")
    assert not student.model.training


@pytest.mark.parametrize("shape", DECODERS)
@pytest.mark.parametrize("dora", [False, True])
def test_what_was_saved_answers_as_before(shape: Any, dora: bool, tmp_path: Path) -> None:
    tiny_model(tmp_path / "base", shape)
    plain = load_student("base", root=tmp_path, device="cpu")
    untrained = logits(plain)
    student = adapted(plain, replace(LORA, dora=dora))
    student = replace(student, dialect={"name": "gates"})
    save_student(student, tmp_path / "runs" / "one" / "train" / "checkpoint-final")
    again = load_student("one", root=tmp_path, device="cpu")
    assert not torch.allclose(untrained, logits(again), atol=1e-4)
    assert torch.equal(logits(student), logits(again))
    assert (again.form, again.dialect, again.base) == (student.form, {"name": "gates"}, "base")
    assert count_parameters(again.model).trainable == 0


def test_a_fresh_adapter_trains_every_linear_layer_and_nothing_else(base: Path, tmp_path: Path) -> None:
    student = load_student(str(base), root=tmp_path, device="cpu")
    before = logits(student)
    assert linear_names(student.model) == (
        "down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj",
    )  # fmt: skip
    model = attach_adapter(student.model, LORA, seed=1)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(trained) == 2 * 2 * 7  # A and B, layers, linear layers
    assert all("lora_" in name for name in trained)
    assert torch.equal(before, logits(replace(student, model=model)))


def test_the_same_seed_makes_the_same_adapter(base: Path, tmp_path: Path) -> None:
    def weights(seed: int) -> list[Any]:
        student = load_student(str(base), root=tmp_path, device="cpu")
        torch.rand(seed + 5)
        model = attach_adapter(student.model, LORA, seed=seed)
        return [parameter for name, parameter in model.named_parameters() if "lora_A" in name]

    first, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_listed_layers_get_the_adapter_and_unknown_ones_are_named(base: Path, tmp_path: Path) -> None:
    student = load_student(str(base), root=tmp_path, device="cpu")
    with pytest.raises(StudentError) as caught:
        attach_adapter(student.model, replace(LORA, target_modules=("q_proj", "v_prj")), seed=1)
    assert caught.value.problem.code == "L614"
    assert 'did you mean "v_proj"?' in caught.value.help
    model = attach_adapter(student.model, replace(LORA, target_modules=("q_proj", "v_proj")), seed=1)
    assert count_parameters(model).trainable == 2 * 2 * 4 * 32 + 2 * 4 * (32 + 16)


def test_a_saved_student_has_the_same_bytes_each_time_and_no_path_of_the_machine(
    base: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        student = adapted(load_student("models/base", root=tmp_path, device="cpu"))
        save_student(student, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == [
        "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja", "idiolect.json",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    for name in files:
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes(), name
        assert str(tmp_path).encode() not in content, name


def test_a_whole_model_is_saved_and_loaded_without_its_base(base: Path, tmp_path: Path) -> None:
    student = load_student(str(base), root=tmp_path, device="cpu")
    with torch.no_grad():
        student.model.get_input_embeddings().weight[5] += 1
    save_student(student, tmp_path / "full")
    shutil.rmtree(base)
    again = load_student("full", root=tmp_path, device="cpu")
    assert torch.equal(logits(student), logits(again))
    assert count_parameters(again.model).tied
    assert again.base == student.base


def test_an_adapter_is_refused_by_another_base(base: Path, tmp_path: Path) -> None:
    save_student(adapted(load_student("models/base", root=tmp_path, device="cpu")), tmp_path / "one")
    shutil.rmtree(base)
    tiny_model(base, "llama", seed=7)  # the same shapes, other weights
    assert code_of(lambda: load_student("one", root=tmp_path, device="cpu")) == "L613"
    other = tiny_model(tmp_path / "other", "qwen3", hidden_size=64)
    load = lambda: load_student(str(other), root=tmp_path, adapter=tmp_path / "one", device="cpu")  # noqa: E731
    assert code_of(load) == "L613"


def test_a_damaged_record_is_one_line(base: Path, tmp_path: Path) -> None:
    save_student(adapted(load_student("models/base", root=tmp_path, device="cpu")), tmp_path / "one")
    record = tmp_path / "one" / "idiolect.json"
    content = json.loads(record.read_text())
    for broken in (
        "{",
        json.dumps(content | {"format": 2}),
        json.dumps(content | {"form": {"kind": "chat"}}),
    ):
        record.write_text(broken)
        assert code_of(lambda: load_student("one", root=tmp_path, device="cpu")) == "L612"


def test_a_pickle_adapter_is_not_opened(base: Path, tmp_path: Path) -> None:
    save_student(adapted(load_student("models/base", root=tmp_path, device="cpu")), tmp_path / "one")
    (tmp_path / "one" / "adapter_model.safetensors").rename(tmp_path / "one" / "adapter_model.bin")
    assert code_of(lambda: load_student("one", root=tmp_path, device="cpu")) == "L425"


def test_weights_that_are_missing_are_never_random(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(base / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    assert code_of(lambda: load_student("models/base", root=tmp_path, device="cpu")) == "L422"


def test_code_of_a_model_does_not_run(base: Path, tmp_path: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    config |= {
        "model_type": "homemade",
        "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.M"},
    }
    (base / "config.json").write_text(json.dumps(config))
    (base / "mine.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(StudentError) as caught:
        load_student("models/base", root=tmp_path, device="cpu")
    assert caught.value.problem.code == "L610"
    assert "its own code" in str(caught.value)


def test_an_alias_leads_to_a_folder(base: Path, tmp_path: Path) -> None:
    (tmp_path / ".okt-aliases.toml").write_text('[aliases]\n"owner/private-7b" = "models/base"\n')
    student = load_student("owner/private-7b", root=tmp_path, device="cpu")
    assert student.base == "owner/private-7b"
    save_student(adapted(student), tmp_path / "one")
    assert load_student("one", root=tmp_path, device="cpu").base == "owner/private-7b"


def test_a_hub_model_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(StudentError) as caught:
        load_student("google/gemma-3-270m-it", root=tmp_path, offline=True)
    assert caught.value.problem.code == "V004"
    assert "hf download google/gemma-3-270m-it" in caught.value.help


def test_a_hub_that_can_not_be_reached_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    def nowhere(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", nowhere)
    with pytest.raises(StudentError) as caught:
        load_student("google/gemma-3-270m-it", root=tmp_path)
    assert "no route to host" in str(caught.value)
    assert "hf download" in caught.value.help


def test_a_hub_model_is_fetched_without_pickles_or_code(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def fetched(name: str, **options: Any) -> str:
        asked[name] = options["allow_patterns"]
        return str(base)

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    student = load_student("someone/some-model", root=tmp_path, device="cpu")
    assert student.base == "someone/some-model"
    assert not any(pattern.endswith((".bin", ".py", ".pt", "*")) for pattern in asked["someone/some-model"])


@pytest.mark.parametrize(
    ("source", "code"), [("models/none", "V004"), ("", "V004"), ("no such thing", "V004")]
)
def test_what_leads_nowhere_is_one_line(source: str, code: str, tmp_path: Path) -> None:
    assert code_of(lambda: load_student(source, root=tmp_path, device="cpu")) == code


def test_packed_students_are_trained_saved_and_loaded(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    student = load_student("models/base", root=tmp_path, device="cpu", quantization="nf4")
    plain = load_student("models/base", root=tmp_path, device="cpu")
    assert count_parameters(student.model).total == count_parameters(plain.model).total
    assert count_parameters(student.model).bytes < count_parameters(plain.model).bytes
    model = attach_adapter(student.model, LORA, seed=1)
    row = make_row(EXAMPLE, student.tokenizer, student.form)
    ids = torch.tensor([[*row.prompt, *row.answer]])
    model(ids, labels=ids).loss.backward()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert trained
    assert any(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in trained)
    save_student(replace(adapted(plain), quantization="nf4"), tmp_path / "one")
    assert load_student("one", root=tmp_path, device="cpu").quantization == "nf4"


def test_an_encoder_decoder_is_one(tmp_path: Path) -> None:
    tiny_model(tmp_path / "base", "t5")
    student = load_student("base", root=tmp_path, device="cpu")
    assert student.encoder_decoder
    model = attach_adapter(student.model, LORA, seed=1, encoder_decoder=True)
    save_student(replace(student, model=model), tmp_path / "one")
    assert load_student("one", root=tmp_path, device="cpu").encoder_decoder


def test_a_classifier_keeps_its_head(base: Path, tmp_path: Path) -> None:
    student = load_student("models/base", root=tmp_path, device="cpu", classes=3)
    assert student.model.config.num_labels == 3
    model = attach_adapter(student.model, LORA, seed=1, classes=True)
    save_student(replace(student, model=model.eval()), tmp_path / "one")
    again = load_student("one", root=tmp_path, device="cpu")
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(model(ids).logits, again.model(ids).logits)
    assert again.classes == 3


ON_CPU, ON_AMX = Hardware("cpu"), Hardware("cpu", multiplies_bf16=True)
ON_A100, ON_T4 = Hardware("cuda", (8, 0)), Hardware("cuda", (7, 5))


@pytest.mark.parametrize(
    ("wanted", "hardware", "model_type", "stored", "parameters", "expected"),
    [
        (None, ON_CPU, "llama", "bfloat16", 10**9, "fp32"),
        ("auto", ON_AMX, "llama", "bfloat16", 10**9, "bf16"),
        ("auto", ON_AMX, "llama", "float32", 10**9, "fp32"),
        ("auto", ON_AMX, "qwen3", "bfloat16", 4 * 10**6, "fp32"),
        ("bf16", ON_CPU, "gemma3_text", "bfloat16", None, "bf16"),
        ("auto", ON_A100, "gemma3_text", "bfloat16", None, "bf16"),
        ("auto", ON_T4, "llama", "bfloat16", None, "fp16"),
        ("auto", ON_T4, "gemma3_text", "bfloat16", None, "fp32"),
        ("fp16", ON_A100, "llama", None, None, "fp16"),
    ],
)
def test_the_number_type_suits_model_and_device(
    wanted: str | None, hardware: Hardware, model_type: str, stored: str, parameters: int, expected: str
) -> None:
    chosen, why = choose_precision(
        wanted, hardware, model_type=model_type, stored=stored, parameters=parameters
    )
    assert chosen == expected
    assert why


@pytest.mark.parametrize(
    ("model_type", "hardware"), [("gemma3_text", ON_A100), ("gemma3", ON_T4), ("llama", ON_CPU)]
)
def test_fp16_is_refused_where_it_can_not_work(model_type: str, hardware: Hardware) -> None:
    assert code_of(lambda: choose_precision("fp16", hardware, model_type=model_type)) == "L611"


def test_gemma_in_fp16_is_refused_at_the_door(tmp_path: Path) -> None:
    tiny_model(tmp_path / "base", "gemma3")
    assert code_of(lambda: load_student("base", root=tmp_path, device="cpu", precision="fp16")) == "L611"


def test_bf16_is_what_it_says(base: Path, tmp_path: Path) -> None:
    student = load_student("models/base", root=tmp_path, device="cpu", precision="bf16")
    assert {parameter.dtype for parameter in student.model.parameters()} == {torch.bfloat16}
    model = attach_adapter(student.model, LORA, seed=1)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}


def test_a_device_that_is_not_there_is_one_line(base: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        assert code_of(lambda: load_student("models/base", root=tmp_path, device="cuda")) == "L503"
    assert code_of(lambda: load_student("models/base", root=tmp_path, device="abacus")) == "L503"


def test_a_library_that_is_missing_names_its_cure(base: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(StudentError) as caught:
        load_student("models/base", root=tmp_path, device="cpu")
    assert caught.value.help == 'pip install "idiolect[train]"'


def test_an_attention_of_ones_own_can_be_named(base: Path, tmp_path: Path) -> None:
    student = load_student("models/base", root=tmp_path, device="cpu", attention="eager")
    assert student.model.config._attn_implementation == "eager"


def test_parts_for_images_get_no_adapter(tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText, Gemma3Config, SiglipVisionConfig

    from tiny_models import model_config, tiny_tokenizer

    eye = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    sight = SiglipVisionConfig(**eye, image_size=28, patch_size=14)
    text = model_config("gemma3", tiny_tokenizer("gemma3"))
    config = Gemma3Config(text_config=text.to_dict(), vision_config=sight.to_dict(), mm_tokens_per_image=4)
    model = attach_adapter(AutoModelForImageTextToText.from_config(config), LORA, seed=1)
    trained = [name for name, one in model.named_parameters() if one.requires_grad]
    assert len(trained) == 2 * 2 * 7
    assert not any("vision" in name for name in trained)
