"""The official client of OpenAI talks to our server: chats, completions, streams, schemas, errors."""

from __future__ import annotations

import json

import jsonschema_rs
import openai
import pytest
from serving import SCHEMA


@pytest.fixture
def client(trees):
    with openai.OpenAI(base_url=f"{trees.url}/v1", api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture
def plain(free):
    with openai.OpenAI(base_url=f"{free.url}/v1", api_key="none", max_retries=0) as made:
        yield made


ASK = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "all of it"}]


def test_models_are_listed(client):
    assert [one.id for one in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").owned_by == "idiolect"
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.models.retrieve("gpt")


def test_a_chat_is_answered_in_the_language_with_its_verdict_beside(client):
    found = client.chat.completions.create(model="tiny", messages=ASK, n=2, temperature=0.9, seed=3)
    assert len(found.choices) == 2
    for choice in found.choices:
        assert jsonschema_rs.is_valid(SCHEMA, json.loads(choice.message.content))
        assert choice.finish_reason == "stop"
        assert choice.idiolect["valid"] is True
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens > 0
    again = client.chat.completions.create(model="tiny", messages=ASK, n=2, temperature=0.9, seed=3)
    assert [one.message.content for one in again.choices] == [one.message.content for one in found.choices]


def test_a_schema_in_the_request_holds_the_answer(plain):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"],
              "additionalProperties": False}  # fmt: skip
    for wanted in (
        {"type": "json_schema", "json_schema": {"name": "number", "schema": schema, "strict": True}},
        {"type": "json_object"},
    ):
        found = plain.chat.completions.create(model="tiny", messages=ASK, response_format=wanted)
        value = json.loads(found.choices[0].message.content)
        assert isinstance(value, dict)
        if "json_schema" in wanted:
            assert jsonschema_rs.is_valid(schema, value)


@pytest.mark.parametrize("which", ["client", "plain"])
def test_a_stream_put_together_is_the_whole_answer(which, request):
    made = request.getfixturevalue(which)
    about = {"model": "tiny", "messages": ASK, "max_tokens": 40, "temperature": 0.7, "seed": 1}
    whole = made.chat.completions.create(**about)
    text, ends, usage = "", [], None
    for chunk in made.chat.completions.create(**about, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            ends += [choice.finish_reason] if choice.finish_reason else []
    assert text == whole.choices[0].message.content
    assert ends == [whole.choices[0].finish_reason]
    assert usage.total_tokens == whole.usage.total_tokens


def test_free_text_is_streamed_as_it_is_written(plain):
    chunks = [
        chunk
        for chunk in plain.chat.completions.create(
            model="tiny", messages=ASK, max_tokens=60, temperature=1.2, seed=2, stream=True, stop=["qqqq"]
        )
        if chunk.choices[0].delta.content
    ]
    assert len(chunks) > 5


def test_completions_take_one_prompt_or_several(client):
    found = client.completions.create(model="tiny", prompt=["one", "two"], max_tokens=60)
    assert [choice.index for choice in found.choices] == [0, 1]
    assert all(jsonschema_rs.is_valid(SCHEMA, json.loads(choice.text)) for choice in found.choices)
    parts = client.completions.create(model="tiny", prompt="one", max_tokens=60, stream=True)
    assert "".join(part.choices[0].text for part in parts) == found.choices[0].text


NOT_THE_USER = {"messages": [{"role": "assistant", "content": "x"}]}
TOO_LONG = {"messages": [{"role": "user", "content": "orders " * 5_000}]}
WRONG = [
    ({"model": "gpt"}, openai.NotFoundError, "L817", "model"),
    ({"temperature": 9}, openai.UnprocessableEntityError, "L815", "temperature"),
    ({"tools": [{"type": "function"}]}, openai.UnprocessableEntityError, "L815", "tools"),
    ({"messages": []}, openai.UnprocessableEntityError, "L815", "messages"),
    (NOT_THE_USER, openai.UnprocessableEntityError, "L815", "messages"),
    ({"max_tokens": 1}, openai.BadRequestError, "L713", None),
    (TOO_LONG, openai.BadRequestError, "L712", None),
    ({"extra_body": {"temprature": 1}}, openai.UnprocessableEntityError, "L815", "temprature"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "what"}}}},
     openai.BadRequestError, "L710", None),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "code", "param"), WRONG)
def test_what_can_not_be_answered_is_told_with_code_and_field(client, change, kind, code, param):
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**({"model": "tiny", "messages": ASK} | change))
    assert caught.value.code == code
    assert caught.value.param == param
    if "extra_body" in change:
        assert "temperature" in caught.value.message  # did you mean


def test_an_error_in_a_stream_comes_with_its_status(client):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="tiny", messages=ASK, max_tokens=1, stream=True)
