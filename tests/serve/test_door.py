"""Who gets in: keys, rates, sizes, places, and that no log holds a secret."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
from serving import SCHEMA, answering, running

from idiolect.decode.records import Answer
from idiolect.dialects.contract import Context
from idiolect.dialects.json_ast.dialect import JsonAst
from idiolect.serve.keys import FILE, KeyFile
from idiolect.serve.limits import RateLimiter
from idiolect.serve.server import check_start
from idiolect.serve.settings import ServeSettings, settings_of
from idiolect.serve.trouble import ServeError

PLANTED = "sk-proj-" + "Q7" * 20
ASK = {"instruction": "all of it"}


class Fixed:
    """An engine that gives one text."""

    def __init__(self, text='{"op":"and","field":"a"}'):
        self.text = text

    def generate(self, requests, sampling, *, on_piece=None):
        return [[Answer(self.text, "stop", (1, 2), 1, -0.5)] * one.candidates for one in requests]


def fixed(text='{"op":"and","field":"a"}', **about):
    return answering(None, engine=Fixed(text), dialect=JsonAst(), project=Context(schema=SCHEMA), **about)


def code(response):
    return response.status_code, response.json()["error"]["code"]


def test_keys_are_made_once_kept_as_hashes_and_taken_back(tmp_path):
    keys = KeyFile(tmp_path / FILE)
    key, other = keys.add("anna"), keys.add("ben")
    content = keys.path.read_text()
    assert key not in content
    assert keys.path.stat().st_mode & 0o077 == 0
    assert keys.owner(key).name == "anna"
    assert KeyFile(keys.path).owner(other).name == "ben"
    assert keys.owner(key[:-1]) is None
    assert [one.name for one in keys.remove("anna")] == ["anna"]
    assert keys.owner(key) is None
    keys.path.write_text("{")
    with pytest.raises(ServeError, match="can't be read"):
        keys.keys()


def test_a_server_that_asks_for_keys_does_not_start_without_one(tmp_path):
    settings = ServeSettings(requires_auth=True, state=tmp_path)
    with pytest.raises(ServeError, match="there is no key"):
        check_start(settings)
    KeyFile(tmp_path / FILE.name).add("anna")
    assert check_start(settings) == []


def test_only_known_keys_get_in_and_a_removed_one_no_more(tmp_path):
    keys = KeyFile(tmp_path / FILE.name)
    key = keys.add("anna")
    with running(fixed(), requires_auth=True, state=tmp_path, token="from-the-environment") as made:
        assert code(made.post("/generate", ASK)) == (401, "L810")
        assert made.post("/generate", ASK).headers["www-authenticate"] == "Bearer"
        for given in (f"Bearer {key}x", f"Basic {key}", "Bearer", "Bearer é".encode("latin-1")):
            assert code(made.post("/generate", ASK, headers={"authorization": given}))[0] == 401
        for given in (key, "from-the-environment"):
            assert (
                made.post("/generate", ASK, headers={"authorization": f"Bearer {given}"}).status_code == 200
            )
        for path in ("/v1/models", "/metrics", "/openapi.json"):
            assert made.client.get(path).status_code == 401, path
        for path in ("/", "/healthz", "/about", "/pages/style.css"):
            assert made.client.get(path).status_code in (200, 404), path
        keys.remove("anna")
        assert made.post("/generate", ASK, headers={"authorization": f"Bearer {key}"}).status_code == 401
        assert key not in made.written.getvalue()
        assert any(line.get("key") == "anna" for line in made.lines)


def test_rates_are_each_clients_own_and_outlive_the_server(tmp_path):
    keys = KeyFile(tmp_path / FILE.name)
    anna, ben = ({"authorization": f"Bearer {keys.add(name)}"} for name in ("anna", "ben"))
    about = {"requires_auth": True, "state": tmp_path, "per_minute": 3}
    with running(fixed(), **about) as made:
        found = [made.post("/generate", ASK, headers=anna) for _ in range(4)]
        assert [one.status_code for one in found] == [200, 200, 200, 429]
        assert found[0].headers["x-ratelimit-remaining-requests"] == "2"
        assert 1 <= int(found[3].headers["retry-after"]) <= 21
        assert made.post("/generate", ASK, headers=ben).status_code == 200
    with running(fixed(), **about) as made:
        assert code(made.post("/generate", ASK, headers=anna)) == (429, "L811")


def test_a_bucket_fills_evenly_and_never_over():
    now = [1000.0]
    limiter = RateLimiter(60, clock=lambda: now[0])
    assert [limiter.ask("a").allowed for _ in range(61)] == [True] * 60 + [False]
    now[0] += 1.0
    assert [limiter.ask("a").allowed for _ in range(2)] == [True, False]
    now[0] -= 500  # a clock that was set back gives nothing
    assert not limiter.ask("a").allowed
    now[0] += 100_000
    assert sum(limiter.ask("a").allowed for _ in range(200)) == 60
    limiter.close()


def test_bodies_are_bounded_declared_and_whole_characters():
    with running(fixed(), most_bytes=2_000, read_timeout_s=1.0) as made:
        assert code(made.post("/generate", {"instruction": "x" * 3_000})) == (413, "L814")
        large = (b"x" * 500 for _ in range(10))
        chunked = made.client.post("/generate", content=large, headers={"content-type": "application/json"})
        assert code(chunked) == (413, "L814")
        assert code(made.client.post("/generate", content=b"{}")) == (415, "L815")
        json_type = {"content-type": "application/json"}
        for body in (
            b"{",
            b"[" * 900,
            b'{"instruction": "\\ud800"}',
            b"\xff",
            b"null",
            b'{"instruction": 1}',
        ):
            response = made.client.post("/generate", content=body, headers=json_type)
            assert response.status_code in (400, 422), body
            assert response.json()["error"]["code"] == "L815"
        with socket.create_connection(("127.0.0.1", made.port)) as slow:
            slow.sendall(
                f"POST /generate HTTP/1.1\r\nHost: 127.0.0.1:{made.port}\r\nContent-Length: 50\r\n"
                "Content-Type: application/json\r\n\r\n{".encode()
            )
            slow.settimeout(10)
            assert b"408" in slow.recv(4096).split(b"\r\n")[0]


def test_another_sites_page_gets_nothing_from_a_server_of_this_machine():
    with running(fixed()) as made:
        assert code(made.client.get("/about", headers={"host": "evil.example"})) == (403, "L820")
        assert made.client.get("/about", headers={"host": f"localhost:{made.port}"}).status_code == 200
    with running(fixed(), hosts=("box.local",)) as made:
        assert made.client.get("/about", headers={"host": "box.local:8300"}).status_code == 200


def test_inputs_are_held_to_length_and_patterns():
    about = {"most_characters": 40, "disallowed": ("eval(", "DROP table")}
    with running(fixed(), **about) as made:
        assert code(made.post("/generate", {"instruction": "x" * 41})) == (413, "L814")
        assert code(made.post("/generate", {"instruction": "please EVAL(1)"})) == (400, "L816")
        body = {"model": "tiny", "messages": [{"role": "user", "content": "drop TABLE x"}]}
        assert code(made.post("/v1/chat/completions", body)) == (400, "L816")
        assert code(made.post("/v1/completions", {"model": "tiny", "prompt": "eval("})) == (400, "L816")
        assert code(made.post("/check", {"text": "eval("})) == (400, "L816")
        assert made.post("/generate", {"instruction": "evaluate (1)"}).status_code == 200


def test_full_desks_refuse_and_say_when_to_come_again():
    opened = fixed()
    go = threading.Event()
    real = opened.pipeline.engine.generate
    opened.pipeline.engine.generate = lambda *given, **more: (go.wait(30), real(*given, **more))[1]
    with running(opened, most_requests=1, queue=1) as made:
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(made.post("/generate", ASK))) for _ in range(5)
        ]
        for one in threads:
            one.start()
        until = time.monotonic() + 30
        while len(found) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        go.set()
        for one in threads:
            one.join()
        statuses = sorted(one.status_code for one in found)
        assert statuses == [200, 200, 503, 503, 503]
        refused = next(one for one in found if one.status_code == 503)
        assert refused.json()["error"]["code"] == "L812"
        assert int(refused.headers["retry-after"]) >= 1


def test_what_takes_too_long_is_told_so():
    opened = fixed()
    real = opened.pipeline.engine.generate
    opened.pipeline.engine.generate = lambda *given, **more: (time.sleep(0.5), real(*given, **more))[1]
    with running(opened, request_timeout_s=0.2) as made:
        assert code(made.post("/generate", ASK)) == (504, "L813")


def test_answers_keep_personal_details_and_training_data_back():
    from idiolect.serve.leaks import TrainingTexts

    text = "Write to maria.lopez@corp.org or +49 170 1234567, card 4111 1111 1111 1111. Thanks"
    with running(answering(None, engine=Fixed(text)), mask_personal=True) as made:
        found = made.post("/generate", ASK).json()
        assert not {"maria", "1234567", "4111"} & set(found["text"].replace("@", " ").split())
        assert "Thanks" in found["text"]
        assert found["actions"][0]["what"] == "masked"
    learned = " ".join(f"word{number}" for number in range(80))
    training = TrainingTexts([learned])
    for said, held in ((learned, True), (learned[:200], False)):
        with running(answering(None, engine=Fixed(said)), training=training, prevent_leak=True) as made:
            found = made.post("/generate", ASK).json()
            assert (found["text"] != said) is held
            assert made.post("/generate", {"instruction": f"repeat {learned}"}).json()["text"] == said


def test_a_planted_secret_is_in_no_log(tmp_path):
    log = tmp_path / "prompts.jsonl"
    with running(fixed(), log_prompts=log, state=tmp_path) as made:
        said = f"key {PLANTED}"
        answer = made.post("/generate", {"instruction": said, "context": said}).json()
        made.post("/generate", {"instruction": said, "max_tokens": "many", PLANTED: 1})
        made.post("/feedback", {"id": answer["id"], "correction": f'{{"op":"or","field":"{PLANTED}"}}'})
        made.client.get(f"/v1/models/{PLANTED}", headers={"authorization": f"Bearer {PLANTED}"})
        made.post("/check", {"text": said})
        assert PLANTED not in made.written.getvalue()
        assert PLANTED not in made.client.get("/metrics").text
    assert PLANTED not in log.read_text()
    assert len(log.read_text().splitlines()) == 2


def test_faults_of_ours_are_500_without_a_trace():
    class Broken:
        def generate(self, requests, sampling, *, on_piece=None):
            raise RuntimeError(f"with {PLANTED} inside")

    with running(answering(None, engine=Broken())) as made:
        for stream in (False, True):
            response = made.post("/generate", ASK | {"stream": stream})
            assert code(response) == (500, "L819")
            assert PLANTED not in response.text
        assert PLANTED not in made.written.getvalue()
        fault = next(line for line in made.lines if line["event"] == "fault")
        assert fault["error"] == "RuntimeError"
        assert any("generate" in place for place in fault["at"])


def test_what_can_not_be_served_is_refused_at_the_start(tmp_path):
    for given, said in (
        ({"protocol": "grpc"}, "grpc"),
        ({"protocol": "https"}, "certificate"),
        ({"certificate": tmp_path / "no.pem", "certificate_key": tmp_path / "no.key"}, "does not exist"),
        ({"endpoint": "/a b"}, "no route"),
    ):
        with pytest.raises(ServeError, match=said) as caught:
            settings_of(None, tmp_path, **given)
        assert caught.value.problem.code == "L818"


def test_deploy_and_security_become_settings(tmp_path, monkeypatch):
    from idiolect.okt.check import check_text
    from idiolect.plan.resolve import resolve

    script = """PROJECT "my bank"
MODEL { base: "nano" }
DEPLOY { target: "api" endpoint: "http://0.0.0.0:9001/ask" requires_auth: true max_concurrent_requests: 7 }
SECURITY {
  input_validation { max_length: 100 disallow_patterns: ["eval("] }
  output_validation { prevent_data_leak: true mask_personal_info: true }
  rate_limit { max_requests_per_minute: 5 }
  access_token: "old"
}
"""
    plan = resolve(check_text(script, "x.okt"), root=tmp_path)
    found = settings_of(plan, tmp_path, name="my bank")
    assert (found.endpoint, found.host, found.port) == ("/ask", "0.0.0.0", 9001)
    assert (found.requires_auth, found.most_requests, found.per_minute) == (True, 7, 5)
    assert (found.most_characters, found.disallowed, found.token) == (100, ("eval(",), "old")
    assert found.prevent_leak
    assert found.mask_personal
    assert "access_token" in found.notes[0]
    monkeypatch.setenv("OKTO_ACCESS_TOKEN", "new")
    assert settings_of(plan, tmp_path).token == "new"
    assert settings_of(None, tmp_path, name="a b/c").endpoint == "/a-b-c"


def test_the_log_of_prompts_is_what_harvest_reads(trees):
    from idiolect.data.harvest import harvest

    answer = trees.post("/generate", {"instruction": "for the harvest", "seed": 5}).json()
    assert trees.post("/feedback", {"id": answer["id"], "rating": 1}).status_code == 201
    corrected = '{"op":"not","field":"zz"}'
    assert trees.post("/feedback", {"id": answer["id"], "correction": corrected}).status_code == 201
    assert code(trees.post("/feedback", {"id": "ans-none", "rating": 1})) == (404, "L817")
    assert code(trees.post("/feedback", {"id": answer["id"]})) == (422, "L815")
    found = harvest(trees.settings.log_prompts, None)
    targets = {one.target for one in found.examples if one.instruction == "for the harvest"}
    assert targets == {answer["text"], corrected}
    assert [pair.chosen for pair in found.pairs] == [corrected]


def test_numbers_count_what_was_answered(trees):
    trees.post("/generate", ASK)
    page = trees.client.get("/metrics").text
    assert 'idiolect_requests_total{route="/generate",status="200"}' in page
    assert 'idiolect_answers_total{verdict="valid"}' in page
    assert "idiolect_rows " in page


def test_health_and_pages_come_with_safe_headers(trees):
    assert trees.client.get("/healthz").json() == {"status": "ok"}
    root = trees.client.get("/")
    assert "default-src 'none'" in root.headers["content-security-policy"]
    assert root.headers["x-content-type-options"] == "nosniff"
    assert code(trees.client.get("/nowhere")) == (404, "L817")
    assert code(trees.client.delete("/generate"))[0] == 405
    assert json.loads(trees.client.get("/openapi.json").text)["info"]["title"] == "tiny"
