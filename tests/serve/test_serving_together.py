"""Many clients at once, streams, websockets, clients that leave, random requests, an end without losses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import jsonschema_rs
import pytest
from serving import SCHEMA, answering, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from idiolect.decode.records import Sampling
from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.serve.keys import FILE, KeyFile
from tiny_models import tiny_model

EXAMPLES = Path(__file__).parents[2] / "examples"


def events(response: httpx.Response) -> list[tuple[str, dict]]:
    """Server-sent events by name."""
    found, name = [], ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            found.append((name, json.loads(line[6:])))
    return found


def test_64_clients_at_once_lose_nothing_and_all_answers_are_valid(trees):
    def ask(number: int) -> httpx.Response:
        with httpx.Client(base_url=trees.url, timeout=120) as client:
            if number % 3 == 0:
                message = {"role": "user", "content": f"request {number}"}
                body = {"model": "tiny", "messages": [message], "temperature": 1.0, "seed": number}
                return client.post("/v1/chat/completions", json=body)
            body = {"instruction": f"request {number}", "temperature": 1.0, "seed": number}
            return client.post("/generate", json=body)

    flow = trees.answerer.flow
    steps, rows = flow.steps, flow.rows_run
    with ThreadPoolExecutor(64) as pool:
        found = [one.json() for one in pool.map(ask, range(64))]
    texts = [one["text"] if "text" in one else one["choices"][0]["message"]["content"] for one in found]
    assert len(texts) == 64
    assert all(jsonschema_rs.is_valid(SCHEMA, json.loads(text)) for text in texts)
    assert (flow.rows_run - rows) / (flow.steps - steps) > 2  # they were decoded together


def test_drafts_come_before_the_answer_and_lead_to_it(trees):
    body = {"instruction": "show me", "stream": True, "temperature": 0.9, "seed": 4}
    with trees.client.stream("POST", "/generate", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        found = events(response)
    text = ""
    for name, said in found[:-1]:
        assert name == "draft"
        text = text[: said["start"]] + said["text"]
    name, answer = found[-1]
    assert name == "answer"
    assert answer["text"] == text
    assert answer["valid"] is True
    assert answer["context"] == ""


def test_check_says_what_is_wrong_and_where(trees):
    good = trees.post("/check", {"text": '{"op":"and","field":"a"}'}).json()
    assert good["valid"] is True
    bad = trees.post("/check", {"text": '{"op":"xor","field":"a"}'}).json()
    assert bad["valid"] is False
    fault = bad["faults"][0]
    assert fault["line"] == 1
    assert "xor" in fault["shown"]
    other = trees.post("/check", {"text": "7", "schema": {"type": "integer"}}).json()
    assert other["valid"] is True


def test_a_server_without_a_language_checks_only_by_schema(free):
    assert free.post("/check", {"text": "7"}).status_code == 400
    assert free.post("/check", {"text": "7", "schema": {"type": "string"}}).json()["valid"] is False
    body = {"instruction": "n", "schema": {"type": "integer", "minimum": 1, "maximum": 3}}
    assert json.loads(free.post("/generate", body).json()["text"]) in (1, 2, 3)


def test_the_endpoint_of_deploy_is_generate_by_another_name(trees):
    body = {"instruction": "the same", "seed": 9}
    mine, its = trees.post("/tiny", body).json(), trees.post("/generate", body).json()
    assert mine["text"] == its["text"]


def test_a_websocket_answers_one_request_after_the_other(trees):
    with connect(f"ws://127.0.0.1:{trees.port}/tiny") as socket_:
        for number in range(3):
            socket_.send(json.dumps({"instruction": f"ask {number}", "seed": number}))
            kinds = []
            while (said := json.loads(socket_.recv(timeout=60)))["type"] == "draft":
                kinds.append(said["type"])
            assert said["type"] == "answer"
            assert said["valid"] is True
        for wrong in ("{", '{"instruction": ""}', '{"instruction": "x", "max_tokens": 1}', '"\\ud800"'):
            socket_.send(wrong)
            told = json.loads(socket_.recv(timeout=60))
            assert told["type"] == "error"
            assert told["error"]["code"].startswith("L")
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{trees.port}/tiny", origin="http://evil.example")


def test_websockets_want_keys_and_keep_to_rates(tiny, tmp_path):
    key = KeyFile(tmp_path / FILE.name).add("anna")
    opened = answering(tiny, dialect=JsonAst(), project=Context(schema=SCHEMA))
    with running(opened, requires_auth=True, per_minute=2, state=tmp_path) as made:
        url = f"ws://127.0.0.1:{made.port}/generate"
        with pytest.raises(InvalidStatus):
            connect(url)
        with connect(url, subprotocols=["idiolect", f"bearer.{key}"]) as socket_:
            assert socket_.subprotocol == "idiolect"
            kinds = []
            for _ in range(3):
                socket_.send('{"instruction": "x"}')
                while (said := json.loads(socket_.recv(timeout=60)))["type"] == "draft":
                    pass
                kinds.append(said["type"])
            assert kinds == ["answer", "answer", "error"]
            assert said["error"]["code"] == "L811"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_leaves_frees_its_place(tiny, tmp_path, streamed):
    opened = answering(tiny, sampling=Sampling(max_tokens=3_500, temperature=1.8))
    with running(opened, most_requests=1, state=tmp_path) as made:
        body = json.dumps({"instruction": "go on and on", "stream": streamed}).encode()
        head = f"POST /generate HTTP/1.1\r\nHost: 127.0.0.1:{made.port}\r\nContent-Type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", made.port)) as gone:
            gone.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            flow = made.answerer.flow
            until = time.monotonic() + 20
            while not flow.going and time.monotonic() < until:
                time.sleep(0.01)
            assert flow.going
        began = time.monotonic()
        answer = made.post("/generate", {"instruction": "short", "max_tokens": 3})
        assert answer.status_code == 200
        assert time.monotonic() - began < 10


def test_random_requests_find_no_500(trees):
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, given, settings

    schema = schemathesis.openapi.from_url(f"{trees.url}/openapi.json")
    tried: list[str] = []

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def one(case):
            response = case.call(base_url=trees.url, timeout=120)
            tried.append(case.path)
            assert response.status_code < 500, (case.path, response.text)
            if response.status_code >= 400:
                assert response.json()["error"]["code"].startswith("L"), response.text

        one()
    assert len(set(tried)) >= 9
    assert len(tried) > 50


@pytest.fixture
def project(tmp_path):
    """The Tcl example with a tiny untrained base, as a server of its own process has it."""
    shutil.copytree(EXAMPLES / "tcl-routing", tmp_path / "tcl")
    tiny_model(tmp_path / "tcl" / "models" / "tiny", "llama", max_position_embeddings=2048)
    script = tmp_path / "tcl" / "scripts" / "train.okt"
    script.write_text(script.read_text().replace('"nano"', '"models/tiny"'))
    return tmp_path / "tcl"


class Process:
    """`idiolect serve` as a user starts it."""

    def __init__(self, project: Path, *words: str) -> None:
        command = [sys.executable, "-m", "idiolect", "serve", "scripts/train.okt", "--port", "0", *words]
        self.child = subprocess.Popen(
            command, cwd=project, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        self.said: list[str] = []
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self.said.append(line)
            if " answers at " in line:
                self.url = line.split()[-1]
                return
        raise AssertionError("".join(self.said))

    def end(self, how: signal.Signals) -> int:
        self.child.send_signal(how)
        assert self.child.stderr is not None
        with self.child.stderr:
            self.said += self.child.stderr.readlines()
        return self.child.wait(60)


def test_a_server_of_its_own_ends_without_losing_a_request(project):
    made = Process(project, "--max-tokens", "150")
    try:
        with ThreadPoolExecutor(8) as pool:
            body = {"instruction": "Route net CLK on layer M3", "temperature": 1.0}
            ask = [
                pool.submit(httpx.post, f"{made.url}/generate", json=body | {"seed": seed}, timeout=120)
                for seed in range(8)
            ]
            until = time.monotonic() + 30
            while httpx.get(f"{made.url}/metrics").text.find("idiolect_working 8.0") < 0:
                assert time.monotonic() < until
                time.sleep(0.02)
            made.child.send_signal(signal.SIGTERM)
            refused = 0
            while not all(one.done() for one in ask):
                try:
                    refused += httpx.post(f"{made.url}/generate", json=body, timeout=5).status_code == 503
                    assert httpx.get(f"{made.url}/healthz").status_code == 503
                except httpx.TransportError:
                    pass  # it has ended meanwhile
                time.sleep(0.05)
            found = [one.result() for one in ask]
        assert [one.status_code for one in found] == [200] * 8
        assert all(one.json()["valid"] for one in found)
        assert made.child.wait(60) == 0
    finally:
        made.end(signal.SIGKILL)


@pytest.mark.slow  # two processes, each of which loads a model
def test_a_killed_server_comes_back_with_its_keys_and_limits(project):
    added = subprocess.run(
        [sys.executable, "-m", "idiolect", "serve", "keys", "add", "anna"],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    headers = {"authorization": f"Bearer {added.stdout.strip()}"}
    body = {"text": "puts x"}
    for round_ in range(2):
        made = Process(project, "--auth", "--rate-limit", "2")
        try:
            statuses = [
                httpx.post(f"{made.url}/check", json=body, headers=headers, timeout=60).status_code
                for _ in range(2)
            ]
            assert statuses == ([200, 200] if round_ == 0 else [429, 429])
            assert httpx.post(f"{made.url}/check", json=body).status_code == 401
        finally:
            assert made.end(signal.SIGKILL) == -signal.SIGKILL
