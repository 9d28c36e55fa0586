"""Writes a model's folder (config.json, safetensors, tokenizer.json) as one GGUF file that llama.cpp loads.

    convert(folder, Path("model.gguf"), "q4_k_m", name="filters")

Tensors are read one at a time. The file is written beside and renamed. That llama.cpp reads it as meant is
shown by `ship/parity.py`, not here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from idiolect.ship.gguf.architectures import Shape, read_shape
from idiolect.ship.gguf.types import FILE_TYPES, TypeChoice, packed
from idiolect.ship.gguf.vocabulary import CantConvert, Vocabulary, read_vocabulary
from idiolect.student.model_folder import read_weights


def convert(folder: Path, out: Path, file_type: str, *, name: str) -> Path:
    """Write a GGUF file; CantConvert says what can't be written as such."""
    import gguf

    if file_type not in FILE_TYPES:
        raise CantConvert(f'no GGUF type "{file_type}"', f"types: {', '.join(FILE_TYPES)}")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    shape = read_shape(config)
    vocabulary = read_vocabulary(folder, shape.vocabulary)
    architecture = gguf.MODEL_ARCH[shape.architecture]
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    writer = gguf.GGUFWriter(beside, gguf.MODEL_ARCH_NAMES[architecture])
    try:
        _write_shape(writer, shape, name, file_type)
        _write_vocabulary(writer, vocabulary)
        _write_tensors(writer, folder, shape, file_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return out


def _write_shape(writer: Any, shape: Shape, name: str, file_type: str) -> None:
    import gguf

    writer.add_type("model")
    writer.add_name(name)
    writer.add_file_type(FILE_TYPES[file_type])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_vocab_size(shape.vocabulary)
    if shape.window:
        writer.add_sliding_window(shape.window)
    if shape.rope_linear:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(shape.rope_linear)


def _write_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.kinds))
    if vocabulary.scores is not None:
        writer.add_token_scores(list(vocabulary.scores))
        writer.add_add_space_prefix(False)
    else:
        writer.add_token_merges(list(vocabulary.merges))
    for short, number in vocabulary.special.items():
        getattr(writer, f"add_{short}_token_id")(number)
    writer.add_add_bos_token(vocabulary.add_bos)
    writer.add_add_eos_token(False)
    if vocabulary.template:
        writer.add_chat_template(vocabulary.template)


def _write_tensors(writer: Any, folder: Path, shape: Shape, file_type: str) -> None:
    import gguf

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[shape.architecture], shape.layers)
    choice = TypeChoice(file_type, shape.layers, shape.tied)
    if shape.rope_factors:
        writer.add_tensor("rope_freqs.weight", np.array(shape.rope_factors, np.float32))
    for source, weights in tensors_of(folder):
        if source == "lm_head.weight" and shape.tied:
            continue
        name = names.get_name(source, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise CantConvert(f'llama.cpp has no place for the tensor "{source}"')
        made = arranged(source, weights, shape)
        kind = choice.of(name, made.shape)
        writer.add_tensor(name, packed(made, kind), raw_dtype=gguf.GGMLQuantizationType[kind])


def tensors_of(folder: Path) -> Iterator[tuple[str, Any]]:
    """The tensors of a model's folder as float32, by name in the order of names."""
    from safetensors import safe_open

    header, problems = read_weights(folder)
    if header is None:
        raise CantConvert(problems[0].message, problems[0].help or "")
    places: dict[str, Path] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as opened:
            places |= dict.fromkeys(opened.keys(), path)
    for name in sorted(places):
        with safe_open(places[name], framework="pt") as opened:
            yield name.removeprefix("language_model."), opened.get_tensor(name).float().numpy()


def arranged(source: str, weights: Any, shape: Shape) -> Any:
    """A tensor as llama.cpp's own code for its architecture expects it."""
    if shape.architecture == "GEMMA3" and source.endswith("norm.weight"):
        return weights + 1.0  # Gemma's norms count from one
    if shape.architecture == "LLAMA" and "self_attn" in source:
        if ".q_proj." in source:
            return _interleaved(weights, shape.heads)
        if ".k_proj." in source:
            return _interleaved(weights, shape.kv_heads)
    return weights


def _interleaved(weights: Any, heads: int) -> Any:
    """Rows of each head from halves to pairs: llama.cpp rotates neighbours, transformers opposite halves."""
    rows = weights.shape[0] // heads // 2
    parted = weights.reshape(heads, 2, rows, *weights.shape[1:])
    return parted.swapaxes(1, 2).reshape(weights.shape)


def metadata_of(path: Path) -> Mapping[str, Any]:
    """The plain fields of a GGUF file, for `show` and tests."""
    import gguf

    reader = gguf.GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
