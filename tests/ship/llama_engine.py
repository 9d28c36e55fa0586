"""llama.cpp as a process: the tokens of texts and the distributions behind given tokens, of a GGUF file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ENGINES = Path(__file__).parent.parent / "engines"


@dataclass(frozen=True)
class Told:
    tokens: list[list[int]]
    probabilities: np.ndarray  # [positions, vocabulary]
    greedy: list[int]


@cache
def _process() -> subprocess.Popen[str]:
    if shutil.which("node") is None or not (ENGINES / "node_modules" / "node-llama-cpp").exists():
        pytest.skip("llama.cpp is not installed: npm install --ignore-scripts in tests/engines")
    return subprocess.Popen(
        ["node", "logits.mjs"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ENGINES,
    )  # fmt: skip


def ask(model: Path, ids: Sequence[int], texts: Sequence[str] = (), greedy: int = 0) -> Told:
    """What llama.cpp says; the test is skipped where it is not installed, and fails where it fails."""
    process = _process()
    request = {"model": str(model), "texts": list(texts), "ids": list(ids), "greedy": greedy}
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert "error" not in answer, answer["error"]
    return Told(answer["tokens"], np.array(answer["probabilities"]), answer["greedy"])


def divergence(wanted: np.ndarray, found: np.ndarray) -> float:
    """The mean Kullback-Leibler divergence of distributions, [positions, vocabulary]."""
    return float((wanted * (np.log(wanted + 1e-12) - np.log(found + 1e-12))).sum(-1).mean())
