"""Other engines behind the same interface, and the grammars that are written for them."""

from __future__ import annotations

import importlib.util
import json
import random

import pytest
from decoding import lists, messages, student

from idiolect.decode.export import export_schema
from idiolect.decode.pipeline import Pipeline, Question
from idiolect.decode.records import Request, Sampling
from idiolect.decode.server_engine import ServerEngine
from idiolect.decode.trouble import DecodeError
from idiolect.dialects.contract import Context
from idiolect.dialects.registry import load_dialect
from idiolect.grammar.replay import replay
from idiolect.teachers.fake import FakeServer, Misbehaviour

SAMPLING = Sampling(max_tokens=50, temperature=0.5, top_p=0.9, top_k=7, stop_sequences=("END",), seed=3)


def test_a_server_is_asked_with_the_settings_and_the_grammar_it_takes():
    wanted = {
        "vllm": ("structured_outputs", "root ::="),
        "vllm-guidance": ("structured_outputs", "%llguidance"),
        "sglang": ("ebnf", "root ::="),
        "sglang-llguidance": ("ebnf", "%llguidance"),
        "llama.cpp": ("grammar", "root ::="),
    }
    with FakeServer() as server:
        for kind, (field, sign) in wanted.items():
            engine = ServerEngine(server.url, "fake", kind=kind)
            ((one, two),) = engine.generate([Request(messages("x"), grammar=lists(), candidates=2)], SAMPLING)
            assert one.text == "An answer to x"
            assert (one.ended, one.finished, two.prompt_tokens > 0) == ("stop", True, True)
            first, second = (asked.body for asked in server.asked[-2:])
            assert sign in json.dumps(first[field])
            assert first["seed"] != second["seed"]
            assert (first["temperature"], first["top_p"], first["max_tokens"]) == (0.5, 0.9, 50)
            assert (first["top_k"], first["stop"]) == (7, ["END"])


def test_a_server_without_grammars_gets_the_schema_and_its_answers_are_verified():
    dialect = load_dialect("json_ast")
    sample = dialect.sample(random.Random(3))
    with FakeServer(style="ollama") as server:
        engine = ServerEngine(server.url, "fake")
        assert engine.kind == "ollama"
        pipeline = Pipeline(engine, dialect=dialect, project=Context(schema=sample.context.schema))
        outcome = pipeline.ask(Question("x", candidates=2))
        assert server.asked[0].schema["properties"]
        assert outcome.valid
        engine.generate([Request(messages("x"), grammar=lists())], SAMPLING)
        assert any("takes no grammar" in note for note in engine.notes)


SERVER_FAULTS = [
    (Misbehaviour("status", status=400, message="grammar is wrong"), "refuses the request .400.: grammar is"),
    (Misbehaviour("broken_json"), "has no answer"),
    (Misbehaviour("hang_up"), "did not answer"),
]


@pytest.mark.parametrize(("fault", "said"), SERVER_FAULTS)
def test_what_goes_wrong_at_a_server_is_one_line(fault, said):
    with FakeServer(faults=[fault]) as server:
        engine = ServerEngine(server.url, "fake", kind="vllm")
        with pytest.raises(DecodeError, match=said) as caught:
            engine.generate([Request(messages("x"))], SAMPLING)
        assert caught.value.problem.code == "L714"


def test_no_server_and_no_address_are_told():
    with pytest.raises(DecodeError, match="can't be reached"):
        ServerEngine("http://127.0.0.1:9/v1", "m")
    with pytest.raises(DecodeError, match="no address"):
        ServerEngine("nonsense", "m")


def test_an_answer_cut_by_a_server_is_not_finished():
    with FakeServer(faults=[Misbehaviour("cut_answer")]) as server:
        engine = ServerEngine(server.url, "fake", kind="openai")
        ((answer,),) = engine.generate([Request(messages("x"))], SAMPLING)
    assert (answer.ended, answer.finished) == ("length", False)


@pytest.fixture(scope="module")
def gguf(tmp_path_factory):
    if importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("gguf") is None:
        pytest.skip("llama-cpp-python is not installed")
    from idiolect.ship.gguf.convert import convert
    from tiny_models import tiny_model

    folder = tmp_path_factory.mktemp("gguf")
    base = tiny_model(folder / "base", "llama", hidden_size=64, head_dim=16)
    return convert(base, folder / "model.gguf", "f32", name="tiny"), base


def test_llama_cpp_keeps_the_grammar_on_our_file(gguf):
    from idiolect.decode.llama_engine import LlamaEngine

    path, _ = gguf
    here = student("llama")
    engine = LlamaEngine(path, here.tokenizer, here.form, context=1024)
    requests = [Request(messages("x"), grammar=lists(), candidates=3, seed=at) for at in range(2)]
    answers = engine.generate(requests, Sampling(max_tokens=400, temperature=1.0))
    done = [one for row in answers for one in row if one.finished]
    assert done
    assert all(replay(lists(), one.text).accepted for one in done)
    with pytest.raises(DecodeError, match="more than 1024"):
        engine.generate(requests, Sampling(max_tokens=2000))


def test_plain_schemas_take_every_good_tree_and_name_what_they_loosen():
    import jsonschema_rs

    dialect, rng = load_dialect("json_ast"), random.Random(8)
    refused = 0
    for _ in range(40):
        sample = dialect.sample(rng)
        plain = json.loads(export_schema(sample.context.schema))
        judge = jsonschema_rs.validator_for(plain)
        assert judge.is_valid(json.loads(sample.text))
        assert not {"if", "not", "oneOf", "dependentRequired"} & set(json.dumps(plain).split('"'))
        mutant = dialect.mutate(sample.text, rng, sample.context)
        if mutant is not None and not mutant.syntax:
            refused += not judge.is_valid(json.loads(mutant.text))
    assert refused > 5


def test_conditions_become_alternatives_in_a_plain_schema():
    import jsonschema_rs

    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "value": {"type": ["integer", "string"]}},
        "required": ["kind", "value"],
        "additionalProperties": False,
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"properties": {"value": {"type": "integer", "minimum": 3}}},
        "else": {"properties": {"value": {"type": "string", "maxLength": 2}}},
    }
    judge = jsonschema_rs.validator_for(json.loads(export_schema(schema)))
    told = [("a", 3), ("b", "xy"), ("a", 2), ("a", "x"), ("b", 3), ("b", "xyz")]
    assert [judge.is_valid({"kind": kind, "value": value}) for kind, value in told] == [True] * 2 + [
        False
    ] * 4


def test_a_schema_that_can_not_be_lowered_is_told():
    with pytest.raises(DecodeError, match="can't be written for other engines"):
        export_schema({"$ref": "#/nope"})
