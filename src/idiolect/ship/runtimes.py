"""Asks the real runtime of each exported form what it says of probes.

llama.cpp runs in a process of its own; transformers and PEFT run here, from the files alone. A runtime that
is not installed is told as such, and never taken for a pass.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from idiolect.ship.probes import Probe, logits_of
from idiolect.student.quiet import quiet

TEXTS = (
    '{"op":"and","args":[{"field":"price","value":120.5}]}',
    "  proc get {name} {\n\treturn $name\n}\r\n\n",
    "Montre les clients à Zürich: œuvres, ça l'a dit… 日本 🙂",
    "a1b22c333 don't ___ ;;; 3.14",
)
_TIMEOUT_S = 600.0


class NoRuntime(Exception):
    """The runtime of a form can't be asked here; `str()` says why and what to install."""


class RuntimeFailed(Exception):
    """The runtime is there, and can't load the form or dies with it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a runtime says of probes, and how it reads TEXTS where it brings a tokenizer of its own."""

    runtime: str
    logits: tuple[Any, ...]  # [positions, vocabulary] each
    tokens: tuple[tuple[int, ...], ...] | None = None


def ask_llama_cpp(path: Path, probes: Sequence[Probe], *, adapter: Path | None = None) -> Said:
    """A GGUF file in llama.cpp, alone or with an adapter's."""
    import numpy as np
    import torch

    if find_spec("llama_cpp") is None:
        raise NoRuntime("llama.cpp is not installed here: pip install llama-cpp-python")
    told, data = _hosted(
        {
            "model": str(path),
            "adapter": str(adapter) if adapter else None,
            "probes": [{"ids": list(probe.ids), "start": probe.start} for probe in probes],
            "texts": list(TEXTS),
        }
    )
    every = torch.from_numpy(np.frombuffer(data, "<f4").reshape(-1, told["width"]).copy())
    parts = torch.split(every, [probe.positions for probe in probes])
    return Said(told["runtime"], tuple(parts), tuple(tuple(one) for one in told["tokens"]))


def llama_cpp_answers(
    path: Path, prompts: Sequence[Sequence[int]], stops: Sequence[int], most: int
) -> tuple[tuple[int, ...], ...]:
    """The greedy answers of a GGUF file to prompts of token ids, with the token that ends each."""
    if find_spec("llama_cpp") is None:
        raise NoRuntime("llama.cpp is not installed here: pip install llama-cpp-python")
    wanted = {"prompts": [list(one) for one in prompts], "stops": list(stops), "most": most}
    told, _ = _hosted({"model": str(path), **wanted})
    return tuple(tuple(one) for one in told["answers"])


def _hosted(request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What llama.cpp, in its process, has to say to a request."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "idiolect.ship.llama_host"],
            input=json.dumps(request).encode() + b"\n", capture_output=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RuntimeFailed(f"llama.cpp did not answer within {_TIMEOUT_S:.0f} s") from error
    head, _, data = done.stdout.partition(b"\n")
    if done.returncode or not head:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise RuntimeFailed(f"llama.cpp ended with code {done.returncode}: {last[0][:300]}")
    told = json.loads(head)
    if "error" in told:
        raise RuntimeFailed(f"llama.cpp: {told['error'][:300]}")
    return told, data


def ask_onnx(folder: Path, probes: Sequence[Probe]) -> Said:
    """A graph in onnxruntime, read in two pieces so that its cache has a part in what it says."""
    import torch

    for name in ("onnxruntime", "tokenizers"):
        if find_spec(name) is None:
            raise NoRuntime(f"{name} is not installed here: pip install {name}")
    from tokenizers import Tokenizer

    from idiolect.ship.onnx_run import OnnxModel

    try:
        model = OnnxModel(folder, threads=1)
        logits = tuple(_in_two(model, probe) for probe in probes)
    except Exception as error:  # onnxruntime's own have no common base
        raise RuntimeFailed(f"onnxruntime: {str(error)[:300]}") from error
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens = tuple(tuple(tokenizer.encode(text, add_special_tokens=False).ids) for text in TEXTS)
    return Said(model.runtime, tuple(torch.from_numpy(one) for one in logits), tokens)


def onnx_answers(
    folder: Path, prompts: Sequence[Sequence[int]], stops: Sequence[int], most: int
) -> tuple[tuple[int, ...], ...]:
    """The greedy answers of a graph to prompts of token ids."""
    from idiolect.ship.onnx_run import OnnxModel

    model = OnnxModel(folder, threads=1)
    model.stops = frozenset(stops)
    return tuple(tuple(model.generate(one, most=most)) for one in prompts)


def _in_two(model: Any, probe: Probe) -> Any:
    """[positions, vocabulary] The logits of a probe, its first half read into the cache before the rest."""
    import numpy as np

    half = max(1, len(probe.ids) // 2)
    first, past = model.read(probe.ids[:half], model.empty(), keep=0)
    if half == len(probe.ids):
        return first[probe.start :]
    second, _ = model.read(probe.ids[half:], past, keep=0)
    return np.concatenate([first, second])[probe.start :]


def ask_transformers(folder: Path, probes: Sequence[Probe]) -> Said:
    """A model's folder in transformers, from its files alone."""
    import torch
    import transformers

    with quiet():
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False
        ).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokens = tuple(tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in TEXTS)
    logits = tuple(logits_of(model, probe) for probe in probes)
    return Said(f"transformers {transformers.__version__}", logits, tokens)


def ask_peft(base: Any, adapter: Path, probes: Sequence[Probe]) -> Said:
    """An adapter's folder on its base, in plain PEFT."""
    import peft

    with quiet():
        model = peft.PeftModel.from_pretrained(base, str(adapter)).eval()
    return Said(f"PEFT {peft.__version__}", tuple(logits_of(model, probe) for probe in probes))


def tokens_of(tokenizer: Any) -> tuple[tuple[int, ...], ...]:
    """How a student's own tokenizer reads TEXTS."""
    return tuple(tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in TEXTS)
