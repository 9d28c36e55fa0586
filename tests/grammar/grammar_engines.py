"""Engines that read printed grammars back, each in a process of its own, and ways to break texts."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ENGINES = Path(__file__).parent.parent / "engines"


class Engine:
    """A process that answers one line for one line."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ENGINES,
        )

    def accepted(self, grammar: str, texts: list[str]) -> list[bool]:
        """Which texts the engine takes; fails the test where it does not take the grammar."""
        self.process.stdin.write(json.dumps({"grammar": grammar, "texts": texts}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["accepted"]


@cache
def llama_cpp() -> Engine:
    """llama.cpp's own grammar engine, by node-llama-cpp."""
    if shutil.which("node") is None or not (ENGINES / "node_modules" / "node-llama-cpp").exists():
        pytest.skip("llama.cpp's engine is not installed: npm install --ignore-scripts in tests/engines")
    return Engine(["node", "gbnf.mjs"])


@cache
def xgrammar() -> Engine:
    if importlib.util.find_spec("xgrammar") is None or importlib.util.find_spec("torch") is None:
        pytest.skip("XGrammar is not installed: pip install torch transformers, then xgrammar --no-deps")
    return Engine([sys.executable, "xgrammar_judge.py"])


def corrupted(text: str, rng: random.Random, alphabet: str = 'abc x=1(+-;[,"prtn<{}:0.é\n') -> str:
    """A text with one or two characters dropped, put in or exchanged; it may still be a good one."""
    found = list(text)
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(found) + 1)
        way = rng.random()
        if way < 0.4 and found:
            found.pop(min(at, len(found) - 1))
        elif way < 0.7:
            found.insert(at, rng.choice(alphabet))
        elif found:
            at, other = min(at, len(found) - 1), rng.randrange(len(found))
            found[at], found[other] = found[other], found[at]
    return "".join(found)
