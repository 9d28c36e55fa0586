import pytest

from idiolect.student.parameter_count import estimate_parameters

# Published configurations with the parameter counts that their safetensors files add up to.
GEMMA3_270M = {
    "model_type": "gemma3_text", "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18,
    "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 262144,
}  # fmt: skip
LLAMA32_1B = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
    "tie_word_embeddings": True,
}  # fmt: skip
QWEN25_05B = {
    "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True,
}  # fmt: skip
MISTRAL_7B = {
    "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000, "tie_word_embeddings": False,
}  # fmt: skip
GPT2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "vocab_size": 50257, "n_positions": 1024}
BERT = {
    "model_type": "bert", "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
}  # fmt: skip
T5_SMALL = {
    "model_type": "t5", "d_model": 512, "d_ff": 2048, "d_kv": 64, "num_heads": 8, "num_layers": 6,
    "vocab_size": 32128,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (GEMMA3_270M, 268_098_176),
        (LLAMA32_1B, 1_235_814_400),
        (QWEN25_05B, 494_032_768),
        (MISTRAL_7B, 7_241_732_096),
        (GPT2, 124_439_808),
        (BERT, 109_482_240),
        (T5_SMALL, 60_506_624),
    ],
)
def test_known_layouts_are_counted_to_the_last_parameter(config: dict[str, object], parameters: int) -> None:
    assert estimate_parameters(config) == parameters


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_type": "brand-new"},
        {"model_type": ["llama"]},
        {"model_type": "llama"},
        {**LLAMA32_1B, "hidden_size": "2048"},
        {**LLAMA32_1B, "num_hidden_layers": -1},
        {**LLAMA32_1B, "vocab_size": 10**400},
        {**LLAMA32_1B, "head_dim": [1]},
        {**GPT2, "n_inner": [1]},
    ],
)
def test_what_is_not_known_is_not_guessed(config: dict[str, object]) -> None:
    assert estimate_parameters(config) is None
