"""Tiny random models of the shapes that students have, with tokenizers, for tests that need a real one.

    folder = tiny_model(tmp_path / "base", "gemma3")   # a folder as `save_pretrained` writes it

The chat templates are written here. They have what is peculiar to each family: a BOS in the template and in
the post-processor (llama3), a system text that is put before the user's (gemma3), an empty thought before the
answer and a line end after the end-of-turn token (qwen3).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

Shape = Literal["llama", "qwen3", "gemma3", "plain", "t5"]
DECODERS: tuple[Shape, ...] = ("llama", "qwen3", "gemma3")

VOCABULARY = 512
_TEXT = (
    '{"op":"and","args":[{"field":"price","op":"lt","value":120}]} '
    "Find all orders with a price below 120. Montre les clients à Paris. "
    "proc get_value {name} { return $name } MsgBox('Hello') module and2(a, b) -> y; "
    "system user model assistant schema string integer required properties type enum "
)

LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)
GEMMA3 = (
    "{{ bos_token }}{% set ns = namespace(before='') %}"
    "{% for m in messages %}{% if m.role == 'system' %}{% set ns.before = m.content + '\n\n' %}{% else %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ ns.before }}{{ m.content | trim }}<end_of_turn>\n{% set ns.before = '' %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)

_TOKENIZERS: dict[str, dict[str, Any]] = {
    "llama": {
        "special": ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>",
                    "<|start_header_id|>", "<|end_header_id|>", "<|pad|>"),
        "bos": "<|begin_of_text|>", "eos": "<|eot_id|>", "pad": "<|pad|>", "template": LLAMA3,
        "adds_bos": True,
    },
    "qwen3": {
        "special": ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        "bos": None, "eos": "<|im_end|>", "pad": "<|endoftext|>", "template": QWEN3, "adds_bos": False,
    },
    "gemma3": {
        "special": ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
        "bos": "<bos>", "eos": "<eos>", "pad": "<pad>", "template": GEMMA3, "adds_bos": True,
    },
    "plain": {  # no chat template and one special token, as GPT-2 has
        "special": ("<|endoftext|>",),
        "bos": None, "eos": "<|endoftext|>", "pad": None, "template": None, "adds_bos": False,
    },
    "t5": {
        "special": ("<pad>", "</s>", "<unk>"),
        "bos": None, "eos": "</s>", "pad": "<pad>", "template": None, "adds_bos": False,
    },
}  # fmt: skip


def tiny_model(folder: Path, shape: Shape = "llama", *, seed: int = 0, **config: Any) -> Path:
    """A folder with a random model and its tokenizer; `config` overrides sizes (hidden_size=64, ...)."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    tokenizer = tiny_tokenizer(shape)
    settings = model_config(shape, tokenizer, **config)
    auto = AutoModelForSeq2SeqLM if shape == "t5" else AutoModelForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = auto.from_config(settings)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def model_config(shape: Shape, tokenizer: Any, **overrides: Any) -> Any:
    """The configuration of a tiny model: grouped heads, tied embeddings, a short window for gemma3."""
    from transformers import Gemma3TextConfig, LlamaConfig, Qwen3Config, T5Config

    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if shape == "gemma3":
        # one layer of each kind: the window is shorter than the tests' prompts
        sizes |= {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
        sizes |= {"query_pre_attn_scalar": 8}
        if "num_hidden_layers" in overrides and "layer_types" not in overrides:
            kinds = ("sliding_attention", "full_attention")
            overrides["layer_types"] = [kinds[at % 2] for at in range(overrides["num_hidden_layers"])]
        return Gemma3TextConfig(**(sizes | overrides))
    if shape == "qwen3":
        return Qwen3Config(**(sizes | {"head_dim": 16} | overrides))
    if shape == "t5":
        small = {"vocab_size": len(tokenizer), "d_model": 32, "d_ff": 64, "d_kv": 8, "num_heads": 4}
        small |= {"num_layers": 2, "decoder_start_token_id": tokenizer.pad_token_id}
        return T5Config(**(small | {"pad_token_id": 0, "eos_token_id": 1} | overrides))
    return LlamaConfig(**(sizes | overrides))


def tiny_tokenizer(shape: Shape = "llama", texts: Sequence[str] = ()) -> Any:
    """A byte-level BPE tokenizer of some 500 tokens with the special tokens and template of a family."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    about = _TOKENIZERS[shape]
    backend = Tokenizer.from_str(_trained(shape, tuple(texts)))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=about["bos"],
        eos_token=about["eos"],
        pad_token=about["pad"],
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )
    if about["template"]:
        tokenizer.chat_template = about["template"]
    return tokenizer


@cache
def _trained(shape: Shape, texts: tuple[str, ...]) -> str:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    about = _TOKENIZERS[shape]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=1,
        show_progress=False,
        special_tokens=list(about["special"]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([_TEXT, *texts], trainer)
    if about["adds_bos"]:
        bos = about["bos"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    if shape == "t5":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
        )
    content = json.loads(tokenizer.to_str())
    return json.dumps(content, ensure_ascii=False)
