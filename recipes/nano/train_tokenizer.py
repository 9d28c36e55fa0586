"""Trains the nano base's tokenizer on the corpus and says how many bytes a token holds on its test split.

    python recipes/nano/train_tokenizer.py --corpus build/nano --to src/idiolect/student/nano

Byte-level BPE behind the pre-tokenizer of Qwen2, which llama.cpp knows by its expression: digits stand alone,
so that numbers can be copied; `_name` and `::` are pieces; punctuation such as `":"` is one token. There is
no normalizer: a text that is copied must keep its bytes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from idiolect.data.example import Example
from idiolect.data.jsonl import read_examples

# The expression of Qwen2's tokenizer.json; llama.cpp calls it "qwen2".
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")  # padding, and the ends of a turn
BYTES_A_SOURCE = 1_500_000  # so that long schemas don't crowd out the rest


def train(corpus: Path, vocabulary: int, seed: int) -> Any:
    """The trained tokenizer, with its special tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=4,
        show_progress=False,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
    )
    texts = [
        text for path in sorted(corpus.glob("*.jsonl")) for text in _texts(path, "train", BYTES_A_SOURCE)
    ]
    random.Random(seed).shuffle(texts)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer: Any, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and the chat template."""
    from transformers import PreTrainedTokenizerFast

    template = Path("src/idiolect/student/templates/chatml.jinja").read_text("utf-8")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=SPECIALS[2],
        pad_token=SPECIALS[0],
        clean_up_tokenization_spaces=False,
        model_max_length=8192,
    )
    fast.chat_template = template.rstrip("\n")
    fast.save_pretrained(folder)


def bytes_a_token(tokenizer: Any, corpus: Path) -> dict[str, float]:
    """Of each source, over what the training never saw."""
    found = {}
    for path in sorted(corpus.glob("*.jsonl")):
        texts = list(_texts(path, "test", 300_000))
        tokens = sum(len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False))
        found[path.stem] = sum(len(text.encode()) for text in texts) / max(1, tokens)
    return found


def _texts(path: Path, split: str, budget: int) -> Iterator[str]:
    seen: set[str] = set()
    for example in read_examples(path):
        if example.split != split or budget < 0:
            continue
        for text in _parts(example):
            if text and text not in seen:
                seen.add(text)
                budget -= len(text.encode())
                yield text


def _parts(example: Example) -> tuple[str, ...]:
    return example.context, example.instruction, example.target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--to", type=Path, help="folder; without it nothing is written")
    parser.add_argument("--vocabulary", type=int, default=5120)
    parser.add_argument("--seed", type=int, default=11)
    wanted = parser.parse_args()
    made = train(wanted.corpus, wanted.vocabulary, wanted.seed)
    if wanted.to:
        save(made, wanted.to)
    print(f"{made.get_vocab_size():,} tokens")
    for name, ratio in bytes_a_token(made, wanted.corpus).items():
        print(f"{name:<16}{ratio:.2f} bytes a token")
