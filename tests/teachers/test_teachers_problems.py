"""What stops a teacher: each said in one sentence with its cure, and no secret in any of them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idiolect.okt.blocks.extension import Teacher as TeacherSection
from idiolect.teachers.client import ServerTeacher
from idiolect.teachers.fake import FakeServer, Misbehaviour
from idiolect.teachers.journal import Journal
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.records import Message, Outcome, Rejected, Request
from idiolect.teachers.settings import ServerSettings, settings_of

MakeTeacher = Callable[..., ServerTeacher]
KEY = "sk-5ecret-0123456789"
QUESTION = [Request("ast", (Message("user", "question"),))]


def section(**values: Any) -> TeacherSection:
    return TeacherSection.model_validate({"model": "fake"} | values)


def test_no_server_is_told_with_the_address_and_how_to_start_one(journal: Journal) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: nobody answers there
        port = held.getsockname()[1]
        settings = ServerSettings("gpt-oss:120b", url=f"http://127.0.0.1:{port}/v1", timeout_s=2)
        with pytest.raises(TeacherProblem) as caught:
            list(ServerTeacher(settings, journal).answer(QUESTION * 3))
    assert f"127.0.0.1:{port}" in caught.value.message
    for cure in ("ollama serve", "ollama pull gpt-oss:120b", "TEACHER.url", "offline: true"):
        assert cure in caught.value.hint


@pytest.mark.parametrize("style", ["ollama", "openai"])
def test_an_unknown_model_is_told_with_the_nearest_that_there_is(style: Any, teacher: MakeTeacher) -> None:
    with FakeServer(style=style, models=["gpt-oss:20b", "llama3"]) as server:
        with pytest.raises(TeacherProblem, match=r'no model "gpt-oss:120b".*did you mean "gpt-oss:20b"'):
            list(teacher(server, model="gpt-oss:120b").answer(QUESTION))
        with pytest.raises(TeacherProblem, match=r'no model "zzz".*it has: gpt-oss:20b, llama3'):
            list(teacher(server, model="zzz").answer(QUESTION))
        assert server.asked == []


def test_ollamas_latest_tag_may_be_left_out(teacher: MakeTeacher) -> None:
    with FakeServer(style="ollama", models=["fake:latest"]) as server:
        assert len(list(teacher(server).answer(QUESTION))) == 1


def test_a_missing_key_variable_is_named() -> None:
    with pytest.raises(TeacherProblem, match="api_key_env names MY_KEY, which is not set; export MY_KEY="):
        settings_of(section(api_key_env="MY_KEY"), {})


def test_the_block_gives_all_settings() -> None:
    block = section(
        api_key_env="MY_KEY", url="https://host/v1/", concurrency=9, retries=2, timeout=7.0, max_calls=3
    )
    settings = settings_of(block, {"MY_KEY": KEY})
    assert settings == ServerSettings(
        "fake", "https://host/v1", KEY, concurrency=9, retries=2, timeout_s=7.0, max_calls=3
    )
    assert KEY not in repr(settings)


@pytest.mark.parametrize("status", [400, 500])
def test_the_key_is_sent_and_stands_in_no_error_record_or_file(
    status: int, teacher: MakeTeacher, journal: Journal, tmp_path: Path
) -> None:
    fault = Misbehaviour("status", status=status, message=f"bad call with key {KEY}")
    with FakeServer(key=KEY, faults=lambda *_: fault) as server:
        (ending,) = teacher(server, key=KEY, retries=1).answer(QUESTION)
        assert server.asked[0].authorization == f"Bearer {KEY}"
        assert isinstance(ending, Rejected)
        assert ending.outcome is Outcome.FAILED
        assert "with key ***" in ending.detail
        with pytest.raises(TeacherProblem, match="refuses the key") as caught:
            list(teacher(server, key="sk-wr0ng").answer(QUESTION))
    assert "sk-wr0ng" not in str(caught.value)
    assert all(KEY not in event.detail for event in journal.events())
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "ftp://host/v1",
        "http://",
        "http://h:99999/v1",
        "http://[::1",
        "http://h/v1?k=1",
    ],
)
def test_an_address_that_is_none_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(TeacherProblem, match="http://localhost:11434/v1"):
        ServerSettings("m", url=url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(TeacherProblem, match="api_key_env") as caught:
        ServerSettings("m", url="https://me:hunter2@host/v1")
    assert "hunter2" not in str(caught.value)


def test_an_address_without_v1_is_told_the_right_one(teacher: MakeTeacher) -> None:
    with FakeServer() as server, pytest.raises(TeacherProblem, match=f'write TEACHER.url as "{server.url}"'):
        list(teacher(server, url=server.root).answer(QUESTION))
    with FakeServer(style="ollama") as server:  # Ollama's own API has one root, whatever is written
        assert len(list(teacher(server, url=server.root).answer(QUESTION))) == 1


@pytest.mark.parametrize(
    "values", [{"model": ""}, {"model": "rules"}, {"concurrency": 0}, {"timeout_s": 0}], ids=str
)
def test_settings_that_mean_nothing_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(TeacherProblem):
        ServerSettings(**({"model": "m"} | values))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message("robot", "x"),
        lambda: Request("p", ()),
        lambda: Request("p", QUESTION[0].messages, temperature=float("nan")),
        lambda: Request("p", QUESTION[0].messages, schema={"const": float("inf")}).key,
        lambda: Request("p", QUESTION[0].messages, schema={"x": object()}).key,
        lambda: Request("p", QUESTION[0].messages, schema=nested(100_000)).key,
    ],
)
def test_requests_that_mean_nothing_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(TeacherProblem):
        make()


@pytest.mark.parametrize(
    ("schema", "said"),
    [({"type": "objekt"}, "no JSON Schema"), ({"$ref": "http://127.0.0.1:9/x"}, "not fetched")],
)
def test_a_schema_that_is_none_stops_the_run_and_nothing_is_fetched(
    schema: dict[str, Any], said: str, teacher: MakeTeacher
) -> None:
    asked = [Request("ast", (Message("user", "q"),), schema=schema)]
    with FakeServer(lambda _: "{}") as server, pytest.raises(TeacherProblem, match=said):
        list(teacher(server).answer(asked))


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}
    return schema
