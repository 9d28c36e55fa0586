import json
from pathlib import Path

import pytest
import torch

from idiolect.student.load import Student, load_student
from idiolect.student.parameters import count_parameters
from idiolect.student.reference import NANO, locate_model

# Qwen2's, which llama.cpp has by the name qwen2
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@pytest.fixture(scope="module")
def nano() -> Student:
    return load_student("nano", root=Path(), device="cpu")


def pieces(student: Student, text: str) -> list[str]:
    return [student.tokenizer.decode([one]) for one in student.tokenizer(text)["input_ids"]]


def test_nano_is_found_under_both_names_with_what_it_is() -> None:
    for name in ("nano", "idiolect/nano"):
        found = locate_model(name)
        assert (found.kind, found.model_type, found.layers, found.problems) == ("built-in", "qwen3", 6, ())
        assert found.has_tokenizer


def test_nano_is_the_same_each_time_and_says_what_it_lacks(nano: Student) -> None:
    again = load_student("idiolect/nano", root=Path(), device="cpu")
    pairs = zip(nano.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    if not (NANO / "model.safetensors").exists():
        assert any("random" in note for note in nano.notes)


def test_nano_is_small_and_its_rows_can_be_quantized(nano: Student) -> None:
    counts = count_parameters(nano.model)
    assert 5_500_000 < counts.total < 6_500_000
    assert counts.tied
    assert all(weight.shape[1] % 256 == 0 for weight in nano.model.parameters() if weight.ndim == 2)
    assert len(nano.tokenizer) == nano.model.config.vocab_size


def test_the_tokenizer_is_one_that_llama_cpp_knows() -> None:
    content = json.loads((NANO / "tokenizer.json").read_text("utf-8"))
    split = content["pre_tokenizer"]["pretokenizers"][0]
    assert split["pattern"] == {"Regex": QWEN2}
    assert content["normalizer"] is None
    assert content["model"]["type"] == "BPE"


def test_ends_and_padding_are_apart(nano: Student) -> None:
    assert nano.form.stop == nano.tokenizer.eos_token == "<|im_end|>"
    assert nano.tokenizer.pad_token == "<|endoftext|>"
    stops = json.loads((NANO / "generation_config.json").read_text())["eos_token_id"]
    assert stops == [nano.tokenizer.eos_token_id, nano.tokenizer.pad_token_id]


def test_numbers_are_spelt_digit_by_digit(nano: Student) -> None:
    assert pieces(nano, "1250.75") == ["1", "2", "5", "0", ".", "7", "5"]


def test_punctuation_of_json_and_names_of_tcl_are_whole_tokens(nano: Student) -> None:
    found = pieces(nano, '{"filters":[{"field":"price","op":"lt"}]}')
    assert {'{"', '":"', '","', '":[{"', "filters", "field", "price"} <= set(found)
    assert "::" in pieces(nano, "chip::get_net")


@pytest.mark.parametrize(
    "text",
    [
        "l'été dernier à Besançon, où œuvre Noël",
        "  \t\n\r\n   x\u00a0\u200b\u2028y",
        "日本語 🎉 e\u0301 é",  # not composed: bytes are kept as they are
        "<|im_start|>x",
        'a"b\\"c\u0000',
    ],
)
def test_every_text_comes_back_to_the_letter(text: str, nano: Student) -> None:
    ids = nano.tokenizer(text)["input_ids"]
    assert nano.tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def test_french_is_not_spelt_in_bytes(nano: Student) -> None:
    text = "Quels sont les fournisseurs étrangers dont le délai de livraison dépasse quinze jours ?"
    assert len(text.encode()) / len(nano.tokenizer(text)["input_ids"]) > 2.5
