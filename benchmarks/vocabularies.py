"""Byte-level BPE tokenizers of 32,000 and 262,144 tokens for benchmarks, trained on this Python's sources.

    python benchmarks/vocabularies.py FOLDER      trains both and keeps them in the folder

Real vocabularies are not at hand offline; these have their sizes, and merges of source text.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIZES = {"32k": 32_000, "262k": 262_144}
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CHARACTERS = {"32k": 24_000_000, "262k": 120_000_000}
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(name: str, folder: Path) -> Any:
    """The tokenizer of a size, trained if the folder does not hold it yet."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    path = folder / f"bpe-{name}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _train(SIZES[name], _CHARACTERS[name]).save(str(path))
    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(path)),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = TEMPLATE
    return made


def _train(size: int, characters: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=1,
        show_progress=False,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(_texts(characters), trainer)
    return made


def _texts(characters: int) -> Iterator[str]:
    """Source files of the standard library and of what is installed, up to so many characters."""
    left = characters
    for root in dict.fromkeys(sysconfig.get_path(kind) for kind in ("stdlib", "purelib")):
        for path in sorted(Path(root).rglob("*")):
            if path.suffix not in {".py", ".pyi", ".json", ".txt", ".md", ".rst"} or not path.is_file():
                continue
            if path.stat().st_size > 1_000_000:
                continue
            text = path.read_text("utf-8", "ignore")
            yield text
            left -= len(text)
            if left <= 0:
                return


if __name__ == "__main__":
    for each in SIZES:
        print(each, len(tokenizer(each, Path(sys.argv[1]))))
