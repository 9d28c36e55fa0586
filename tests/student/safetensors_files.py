"""Small model folders for tests, written byte by byte."""

import json
from math import prod
from pathlib import Path

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": 32,
    "max_position_embeddings": 64,
    "torch_dtype": "float32",
}


def header_bytes(tensors: dict[str, list[int]], dtype: str = "F32", width: int = 4) -> bytes:
    entries, end = {}, 0
    for name, shape in tensors.items():
        start, end = end, end + prod(shape) * width
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    return len(text).to_bytes(8, "little") + text + b"\0" * end


def model_folder(folder: Path, config: object = LLAMA, *, tokenizer: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(header_bytes({"embed": [32, 8], "layer.0": [8, 8]}))
    if tokenizer:
        (folder / "tokenizer.json").write_text("{}")
    return folder
