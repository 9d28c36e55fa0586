"""The nano base's architecture, written into the folder that the package ships.

    python recipes/nano/architecture.py --to src/idiolect/student/nano

Qwen3's layout: every exporter and runtime knows it, its rotary embedding needs no permutation on the way to
GGUF, and the norms over queries and keys keep small models stable. Every row length is a multiple of 256,
so that K-quants apply to all of it. Six layers, since copying from a prompt takes depth; 6.0 million numbers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

SIZES = {
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
}
ROPE = {"rope_theta": 100_000.0, "rope_type": "default"}


def write_architecture(folder: Path) -> None:
    """Write config.json and generation_config.json beside the tokenizer of a folder."""
    from transformers import AutoTokenizer, GenerationConfig, Qwen3Config

    tokenizer = AutoTokenizer.from_pretrained(folder)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = Qwen3Config(
        vocab_size=len(tokenizer), architectures=["Qwen3ForCausalLM"], rope_parameters=ROPE, **SIZES, **ends
    )
    config.save_pretrained(folder)
    # Serving stops at the end of a turn, and at the padding that ends a document.
    stops = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    GenerationConfig(eos_token_id=stops, pad_token_id=tokenizer.pad_token_id).save_pretrained(folder)
    for name in ("config.json", "generation_config.json"):
        content = json.loads((folder / name).read_text("utf-8"))
        content.pop("transformers_version", None)
        (folder / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, required=True)
    write_architecture(parser.parse_args().to)
