"""Answers with an exported ONNX graph. It needs onnxruntime, numpy and tokenizers, and nothing else.

    python run.py "Show all orders below 120"          in the folder of the graph
    python run.py --system "You write Tcl." --temperature 0.3 "Route CLK on M3"

As a library: `OnnxModel(folder).generate(ids)`. It holds answers to no grammar; idiolect does that.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

CHUNK = 256  # tokens of a prompt that are read at a time


class OnnxModel:
    """A graph with its cache, and the tokens that end an answer."""

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # threads that spin while they wait take the processor from whatever else runs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=providers)
        self.runtime = f"onnxruntime {onnxruntime.__version__}"
        self.past = {
            one.name: (one.shape[1], one.shape[3])
            for one in self.session.get_inputs()
            if one.name.startswith("past_key_values.")
        }
        self.stops = _stops(folder)

    def empty(self) -> dict[str, Any]:
        """The cache before anything was read."""
        return {
            name: np.zeros((1, heads, 0, width), np.float32) for name, (heads, width) in self.past.items()
        }

    def read(self, ids: Sequence[int], past: dict[str, Any], keep: int = 1) -> tuple[Any, dict[str, Any]]:
        """[kept, vocabulary] The logits behind the last ids (0 keeps all), and the cache with them in it."""
        before = next(iter(past.values())).shape[2]
        feed = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, before + len(ids)), np.int64),
            "position_ids": np.arange(before, before + len(ids), dtype=np.int64)[None],
            "num_logits_to_keep": np.array(keep, np.int64),
        }
        logits, *present = self.session.run(None, {**feed, **past})
        return logits[0], dict(zip(self.past, present, strict=True))

    def logits(self, ids: Sequence[int], start: int = 0) -> Any:
        """[positions, vocabulary] The logits behind the ids from `start` on, read in chunks."""
        past, parts = self.empty(), []
        for at in range(0, len(ids), CHUNK):
            chunk = ids[at : at + CHUNK]
            wanted = max(0, at + len(chunk) - max(start, at))
            found, past = self.read(chunk, past, wanted or 1)
            if wanted:
                parts.append(found)
        return np.concatenate(parts)

    def generate(
        self, ids: Sequence[int], *, most: int = 256, temperature: float = 0.0, seed: int = 0
    ) -> Iterator[int]:
        """Tokens of the answer, one at a time, without the one that ends it."""
        past, logits = self.empty(), None
        for at in range(0, len(ids), CHUNK):
            logits, past = self.read(ids[at : at + CHUNK], past)
        draws = np.random.default_rng(seed)
        for _ in range(most):
            assert logits is not None, "a prompt has at least one token"
            token = _chosen(logits[-1], temperature, draws)
            if token in self.stops:
                return
            yield token
            logits, past = self.read([token], past)


def prompt_of(text: str, about: dict[str, Any], system: str | None = None) -> str:
    """A question in the turns that the model was trained on."""
    system = about["system"] if system is None else system
    if not system:
        before = about["start"] + about["user_before"]
    elif about["system_in_user"]:
        before = about["start"] + about["user_before"] + system + about["system_after"]
    else:
        before = (
            about["start"] + about["system_before"] + system + about["system_after"] + about["user_before"]
        )
    asked = about["asked_before"] + text + about["asked_after"]
    return str(before + asked + about["user_after"] + about["opening"])


def _chosen(logits: Any, temperature: float, draws: Any) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    scaled = logits.astype(np.float64) / temperature
    likely = np.exp(scaled - scaled.max())
    return int(draws.choice(len(likely), p=likely / likely.sum()))


def _stops(folder: Path) -> frozenset[int]:
    path = folder / "generation_config.json"
    found = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    found = found if isinstance(found, list) else [] if found is None else [found]
    prompt = folder / "prompt.json"
    extra = json.loads(prompt.read_text("utf-8"))["stops"] if prompt.is_file() else []
    return frozenset([*found, *extra])


def main() -> None:
    parser = argparse.ArgumentParser(description="Answer with the ONNX model in this folder.")
    parser.add_argument("text", help="the question")
    parser.add_argument("--model", type=Path, default=Path(__file__).parent, help="folder of the graph")
    parser.add_argument("--system", help="what the model is told first; default: as in training")
    parser.add_argument("--most", type=int, default=512, help="tokens of the answer at most")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as there are cores")
    asked = parser.parse_args()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(asked.model / "tokenizer.json"))
    model = OnnxModel(asked.model, threads=asked.threads)
    text, before = asked.text, []
    path = asked.model / "prompt.json"
    if path.is_file():
        about = json.loads(path.read_text("utf-8"))
        special = next((one for one in about["special"] if one in text or one in (asked.system or "")), None)
        if special is not None:
            sys.exit(f"error: the question holds {special}, which is a mark of the model's own")
        text, before = prompt_of(text, about, asked.system), about["before"]
    ids = tokenizer.encode(text, add_special_tokens=not path.is_file()).ids
    if before and ids[: len(before)] != before:
        ids = [*before, *ids]
    answer: list[int] = []
    shown = ""
    for token in model.generate(ids, most=asked.most, temperature=asked.temperature, seed=asked.seed):
        answer.append(token)
        whole = tokenizer.decode(answer, skip_special_tokens=False)
        if not whole.endswith("\ufffd"):  # half of a character
            sys.stdout.write(whole[len(shown) :])
            sys.stdout.flush()
            shown = whole
    print()


if __name__ == "__main__":
    main()
