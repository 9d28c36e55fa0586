import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from llama_engine import ask, divergence

from idiolect.ship.gguf.convert import convert, metadata_of
from idiolect.ship.gguf.kquants import error_of, pack
from idiolect.ship.gguf.types import TypeChoice
from idiolect.ship.gguf.vocabulary import CantConvert, read_vocabulary
from tiny_models import tiny_model

TEXTS = (
    '{"op":"and","args":[{"field":"price"}]}',
    "  proc get {name} {\n\treturn $name\n}\r\n\n",
    "Montre les clients à Zürich: 12345 œuvres, ça l'a dit… 日本 🙂",
    "a1b22c333 don't ___ ;;; 3.14",
)
SIZES = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 6}
ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {**SIZES, "head_dim": 32, "rope_parameters": ROPE},
    "qwen3": {**SIZES, "head_dim": 48},
    "gemma3": {**SIZES, "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 16,
               "layer_types": ["sliding_attention"] * 5 + ["full_attention"]},
}  # fmt: skip


def model_folder(folder: Path, shape: str, **sizes: Any) -> Path:
    """A model whose norms differ from one, so that a missing "+ 1" or permutation shows."""
    import torch
    from safetensors.torch import load_file, save_file

    tiny_model(folder, shape, seed=3, **(SHAPES[shape] | sizes))
    path = folder / "model.safetensors"
    weights = load_file(path)
    torch.manual_seed(4)
    for name, value in weights.items():
        if "norm" in name:
            weights[name] = value + 0.3 * torch.randn_like(value)
        elif "layers" in name:
            weights[name] = 6.0 * value  # else a random model says the same of everything
        elif "embed" in name:
            weights[name] = 8.0 * value
    save_file(weights, path, metadata={"format": "pt"})
    if shape == "gemma3":
        sentence_piece(folder)
    return folder


def sentence_piece(folder: Path) -> None:
    """A tokenizer as Gemma's: BPE over text with "▁" for spaces, and bytes to fall back on."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    bytes_ = [f"<0x{number:02X}>" for number in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[*special, *bytes_], show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(
        ["Show all orders below a price of 120, and the clients of Paris."], trainer
    )
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in special]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", special.index("<bos>"))]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.save_pretrained(folder)


def expected(folder: Path, ids: list[int]) -> np.ndarray:
    """The distributions that transformers has."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0].softmax(-1).double().numpy()


def ids_of(folder: Path, count: int = 60) -> list[int]:
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    return [int(one) for one in np.random.default_rng(5).integers(6, min(size, 400), count)]


@pytest.mark.parametrize("shape", SHAPES)
def test_llama_cpp_answers_as_the_model_does_and_reads_the_same_tokens(tmp_path: Path, shape: str):
    from transformers import AutoTokenizer

    folder = model_folder(tmp_path / shape, shape)
    ids = ids_of(folder)
    wanted = expected(folder, ids)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for file_type in ("f32", "f16"):
        path = convert(folder, tmp_path / f"{file_type}.gguf", file_type, name="tiny")
        found = ask(path, ids, TEXTS)
        assert (found.probabilities.argmax(-1) == wanted.argmax(-1)).mean() > 0.98
        assert divergence(wanted, found.probabilities) < 1e-4
        assert found.tokens == [
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS
        ]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("file_type", "most"), [("q8_0", 0.03), ("q5_k_m", 0.4), ("q4_k_m", 0.6), ("q4_0", 1.5)]
)
def test_packed_files_stay_near_the_model(tmp_path: Path, shape: str, file_type: str, most: float):
    folder = model_folder(tmp_path / shape, shape)
    ids = ids_of(folder, 30)
    path = convert(folder, tmp_path / "packed.gguf", file_type, name="tiny")
    far = divergence(expected(folder, ids), ask(path, ids).probabilities)
    assert far < most
    whole = convert(folder, tmp_path / "whole.gguf", "f16", name="tiny")
    assert path.stat().st_size < whole.stat().st_size


@pytest.mark.parametrize(
    ("kind", "most"), [("Q4_K", 0.08), ("Q5_K", 0.04), ("Q6_K", 0.02)]
)  # ggml's own: .0714 and .0177 for Q4_K and Q6_K of normal numbers
def test_k_quants_are_read_back_near_what_was_packed(kind: str, most: float):
    weights = np.random.default_rng(0).normal(size=(64, 1024)).astype(np.float32)
    weights[0] = 0.0
    weights[1] = 3.0
    weights[2, :256] = np.abs(weights[2, :256])
    packed = pack(weights, kind)
    read = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType[kind])
    assert read.shape == weights.shape
    assert error_of(weights[2:], read[2:]) < most
    assert not read[0].any()
    assert np.abs(read[1] - 3.0).max() < 0.1
    assert (pack(weights, kind) == packed).all()


def test_rows_that_do_not_part_into_blocks_fall_back():
    choice = TypeChoice("q4_k_m", layers=16, tied=True)
    assert choice.of("blk.5.attn_q.weight", (640, 640)) == "Q5_0"
    assert choice.of("token_embd.weight", (1000, 640)) == "Q8_0"
    assert choice.of("blk.5.attn_q.weight", (512, 512)) == "Q4_K"
    assert choice.of("blk.0.attn_v.weight", (512, 512)) == "Q6_K"
    assert choice.of("blk.0.attn_norm.weight", (512,)) == "F32"
    assert choice.of("blk.5.attn_q.weight", (10, 33)) == "F16"


def test_a_file_tells_its_template_and_where_to_stop(tmp_path: Path):
    folder = model_folder(tmp_path / "qwen3", "qwen3")
    path = convert(folder, tmp_path / "a.gguf", "f16", name="tiny one")
    told = metadata_of(path)
    assert told["general.name"] == "tiny one"
    assert told["tokenizer.chat_template"] == (folder / "chat_template.jinja").read_text()
    tokens = told["tokenizer.ggml.tokens"]
    assert tokens[told["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert told["tokenizer.ggml.add_bos_token"] is False
    second = convert(folder, tmp_path / "b.gguf", "f16", name="tiny one")
    assert path.read_bytes() == second.read_bytes()


def test_what_would_load_and_answer_wrong_is_refused(tmp_path: Path):
    folder = model_folder(tmp_path / "m", "gemma3")
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for change, why in [
        ({"model_type": "mamba"}, 'type "mamba"'),
        ({"layer_types": ["full_attention"] * 6}, "every sixth layer"),
        ({"query_pre_attn_scalar": 99}, "scales Gemma"),
        ({"final_logit_softcapping": 30.0}, "soft cap"),
    ]:
        path.write_text(json.dumps({**config, **change}))
        with pytest.raises(CantConvert, match=why):
            convert(folder, tmp_path / "no.gguf", "f16", name="x")
        assert not list(tmp_path.glob("*.gguf*"))
        assert not list(tmp_path.glob(".*gguf*"))


def test_a_split_that_llama_cpp_does_not_know_is_refused(tmp_path: Path):
    folder = model_folder(tmp_path / "m", "llama")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "[a-z]"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ]}  # fmt: skip
    path.write_text(json.dumps(content))
    with pytest.raises(CantConvert, match="no name for the way"):
        read_vocabulary(folder, 512)
