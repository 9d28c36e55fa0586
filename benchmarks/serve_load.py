"""A load on our server and on llama-cpp-python's: the same weights, the same schema, the same requests.

Both run in processes of their own with as many threads; clients ask /v1/chat/completions with a JSON Schema
in response_format (in the form that each server takes), one request after the other each. What is told:
requests a second, the median and the 99th percentile of a request's time, what share of answers is whole and
valid by jsonschema-rs, and how many requests had no answer.

The model is random and small, so nothing is said of quality; both engines draw at temperature 1. Ours is
transformers in float32 on CPU, llama.cpp has the same weights as a GGUF of the type that is named. The two do
not use the machine's arithmetic alike: the ratio is that of two servers as they are. Ours also verifies.

    python benchmarks/serve_load.py [--seconds 6] [--clients 1,8,64] [--type f16] [--width 256] [--layers 6]

llama-cpp-python's server is left out where it can't be imported (sse-starlette, starlette-context and
pydantic-settings are what it needs), and that is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

SCHEMA = {
    "type": "object",
    "properties": {
        "op": {"enum": ["find", "count", "sum"]},
        "table": {"enum": ["orders", "customers", "items"]},
        "field": {"type": "string", "pattern": "^[a-z]{1,12}$"},
        "below": {"type": "integer", "minimum": 0, "maximum": 9999},
        "sorted": {"type": "boolean"},
    },
    "required": ["op", "table", "field", "below", "sorted"],
    "additionalProperties": False,
}
OPENAI = {"type": "json_schema", "json_schema": {"name": "query", "schema": SCHEMA, "strict": True}}
LLAMA = {"type": "json_object", "schema": SCHEMA}  # llama-cpp-python's own form; it refuses the other
WORDS = ("orders", "customers", "Paris", "below", "120", "items", "paid", "late", "sorted", "sum", "count")


@dataclass(slots=True)
class Load:
    """What one load run has seen."""

    times: list[float] = field(default_factory=list)
    valid: int = 0
    refused: int = 0
    lost: int = 0
    seconds: float = 0.0

    def row(self) -> str:
        ordered = sorted(self.times)
        count = len(ordered)
        if not count:
            return "| - | - | - | - | - |"
        p50, p99 = ordered[count // 2], ordered[min(int(count * 0.99), count - 1)]
        share = self.valid / count
        return (
            f"| {count / self.seconds:.2f} | {p50 * 1000:.0f} | {p99 * 1000:.0f} | {share:.1%} of {count} "
            f"| {self.refused + self.lost} |"
        )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def server(words: list[str], port: int, threads: int) -> Iterator[str]:
    """A server's process, ended at the end."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    child = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 180
        while True:
            try:
                if httpx.get(f"{url}/v1/models", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            if child.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"does not start: {' '.join(words)}")
            time.sleep(0.2)
        yield url
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()


def run(url: str, format_: dict[str, Any], clients: int, seconds: float, most_tokens: int) -> Load:
    """So many clients for so long; a request that has begun is waited for."""
    load, lock = Load(), threading.Lock()
    validator = jsonschema_rs.validator_for(SCHEMA)
    began = time.monotonic()

    def client(number: int) -> None:
        with httpx.Client(base_url=url, timeout=300) as http:
            at = 0
            while time.monotonic() < began + seconds:
                at += 1
                text = " ".join(WORDS[(number * 7 + at * 3 + word) % len(WORDS)] for word in range(8))
                body = {
                    "model": "model",
                    "messages": [{"role": "user", "content": f"{text} ({number}.{at})"}],
                    "max_tokens": most_tokens,
                    "temperature": 1.0,
                    "seed": number * 10_007 + at,
                    "response_format": format_,
                }
                start = time.monotonic()
                try:
                    response = http.post("/v1/chat/completions", json=body)
                except httpx.TransportError:
                    with lock:
                        load.lost += 1
                    continue
                took = time.monotonic() - start
                with lock:
                    if response.status_code != 200:
                        load.refused += 1
                        continue
                    load.times.append(took)
                    load.valid += _valid(response, validator)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    load.seconds = time.monotonic() - began
    return load


def _valid(response: httpx.Response, validator: jsonschema_rs.Validator) -> bool:
    try:
        return validator.is_valid(json.loads(response.json()["choices"][0]["message"]["content"]))
    except ValueError:
        return False


def make_model(folder: Path, width: int, layers: int) -> Path:
    from tiny_models import tiny_model

    return tiny_model(
        folder / "model", "llama", hidden_size=width, intermediate_size=width * 3, num_hidden_layers=layers,
        num_attention_heads=width // 32, num_key_value_heads=width // 64, head_dim=32,
    )  # fmt: skip


def main() -> None:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--seconds", type=float, default=6.0)
    reader.add_argument("--clients", default="1,8,64")
    reader.add_argument("--type", default="f16")
    reader.add_argument("--width", type=int, default=256)
    reader.add_argument("--layers", type=int, default=6)
    reader.add_argument("--tokens", type=int, default=96)
    reader.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    about = reader.parse_args()
    counts = [int(one) for one in about.clients.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_model(folder, about.width, about.layers)
        print(
            f"{date.today()}, {platform.machine()}, {about.threads} threads; random Llama, {about.layers} "
            f"layers of {about.width}; answers of at most {about.tokens} tokens; {about.seconds:g} s a load"
        )
        print("\n| server | clients | requests/s | p50 ms | p99 ms | valid | not answered |")
        print("|---|---|---|---|---|---|---|")
        port = free_port()
        ours = [sys.executable, "-m", "idiolect", "serve", "--model", str(model), "--port", str(port)]
        ours += ["--device", "cpu", "--max-requests", "64", "--log", str(folder / "log.jsonl")]
        with server(ours, port, about.threads) as url:
            run(url, OPENAI, 2, 1.0, about.tokens)
            for clients in counts:
                load = run(url, OPENAI, clients, about.seconds, about.tokens)
                print(f"| idiolect | {clients} {load.row()}", flush=True)
        missing = [one for one in ("llama_cpp", "sse_starlette") if importlib.util.find_spec(one) is None]
        if missing:
            print(f"\nllama-cpp-python's server is left out: no {', '.join(missing)}")
            return
        from idiolect.ship.gguf.convert import convert

        file = convert(model, folder / "model.gguf", about.type, name="model")
        port = free_port()
        theirs = [sys.executable, "-m", "llama_cpp.server", "--model", str(file), "--port", str(port)]
        theirs += ["--n_threads", str(about.threads), "--n_ctx", "2048", "--model_alias", "model"]
        with server(theirs, port, about.threads) as url:
            run(url, LLAMA, 2, 1.0, about.tokens)
            for clients in counts:
                load = run(url, LLAMA, clients, about.seconds, about.tokens)
                print(f"| llama-cpp-python, {about.type} | {clients} {load.row()}", flush=True)


if __name__ == "__main__":
    main()
