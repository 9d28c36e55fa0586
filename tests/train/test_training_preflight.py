import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.data.example import Example, Provenance, Rejected
from idiolect.data.jsonl import write_examples
from idiolect.dialects.registry import built_in
from idiolect.problem import Problem
from idiolect.student.adapters import AdapterSettings, attach_adapter
from idiolect.student.fitting import fitted_rows
from idiolect.student.load import Student, load_student
from idiolect.student.prompt import make_form
from idiolect.student.row import Row
from idiolect.student.tokens import make_row
from idiolect.train.preflight.check import Wanted, preflight
from idiolect.train.preflight.mask import pieces_of, shown
from idiolect.train.preflight.needs import Loop, ModelSize, memory_of, time_of
from idiolect.train.preflight.probe import Probe, probe
from idiolect.train.preflight.record import Preflight
from idiolect.train.preflight.report import as_json, as_text
from idiolect.train.preflight.rows import lengths_of, sharing_of
from tiny_models import GEMMA3, tiny_model

LOOP = Loop(batch_size=4)
NO_PROBE = Wanted(LOOP, limit=400, probe_s=0)
SCHEMA = {
    "type": "object",
    "properties": {"op": {"enum": ["eq", "lt"]}, "value": {"type": "integer"}},
    "required": ["op", "value"],
    "additionalProperties": False,
}


def example(number: int, **fields: Any) -> Example:
    given = {
        "instruction": f"Below {number}?",
        "context": json.dumps(SCHEMA),
        "target": f'{{"op":"lt","value":{number}}}',
    }
    origin = Provenance(source="train.jsonl", line=number + 1)
    return Example(provenance=origin, **(given | fields))


EXAMPLES = [example(number) for number in range(12)]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    folder = tiny_model(tmp_path_factory.mktemp("models") / "base", "llama")
    loaded = load_student(str(folder), root=folder.parent, device="cpu")
    return dataclasses.replace(loaded, model=attach_adapter(loaded.model, AdapterSettings(4, 8), seed=1))


def look(
    student: Student, examples: Iterable[Example | Rejected], wanted: Wanted = NO_PROBE, dialect: Any = None
) -> Preflight:
    return preflight(student, examples, wanted, dialect=dialect)


def the(found: Preflight, code: str) -> Problem:
    (one,) = (one for one in found.problems if one.code == code)
    return one


def test_good_rows_have_no_problem_and_are_counted(student: Student) -> None:
    found = look(student, EXAMPLES, dialect=built_in("json_ast"))
    assert found.problems == ()
    assert (found.read, found.kept, found.rejected) == (12, 12, {})
    assert found.lengths is not None
    assert found.lengths.tokens == sum(
        make_row(one, student.tokenizer, student.form).length for one in EXAMPLES
    )
    assert sum(count for _, count in found.lengths.bins) == 12
    assert found.lengths.longest_rows[0].source.startswith("train.jsonl:")
    assert found.writable is not None
    assert (found.writable.checked, found.writable.refused, found.writable.by) == (12, 0, "tokens")
    assert found.sharing is not None
    assert found.sharing.ratio > 2


def test_an_answer_that_would_be_cut_is_an_error(student: Student) -> None:
    long = example(99, target='{"op":"lt","value":1}' * 60)
    found = look(student, [*EXAMPLES, long])
    assert not found.ok
    assert the(found, "L620").where == "train.jsonl:100"
    assert found.rejected == {"answer too long": 1}
    assert found.read == found.kept + 1


def test_a_prompt_that_is_too_long_is_left_out_or_loses_lines_but_never_the_answer(student: Student) -> None:
    lines = "\n".join(f"line {number} of a manual" for number in range(200))
    long = example(3, context=lines)
    found = look(student, [*EXAMPLES, long])
    assert found.ok
    assert the(found, "L621").severity == "warning"
    assert found.rejected == {"prompt too long": 1}
    shrunk = look(student, [*EXAMPLES, long], dataclasses.replace(NO_PROBE, long_prompts="shrink"))
    assert (shrunk.rejected, shrunk.shrunk) == ({}, 1)
    (row,) = fitted_rows([long], student.tokenizer, student.form, 400, "shrink")
    whole = make_row(long, student.tokenizer, student.form)
    assert isinstance(row, Row)
    assert (row.answer, row.id) == (whole.answer, whole.id)
    assert 380 < row.length <= 400


def test_a_schema_is_not_shortened(student: Student) -> None:
    schema = json.dumps({"properties": {f"name{number}": {} for number in range(200)}}, indent=1)
    (row,) = fitted_rows([example(1, context=schema)], student.tokenizer, student.form, 400, "shrink")
    assert isinstance(row, Rejected)
    assert row.reason == "prompt too long"


def test_a_target_that_decoding_could_not_write_is_an_error_with_its_place(student: Student) -> None:
    bad = example(50, target='{"op":"le","value":50}')
    half = example(51, target='{"op":"lt",')
    spoken = example(52, target="It is below.", task="explain")
    found = look(student, [*EXAMPLES, bad, half, spoken], dialect=built_in("json_ast"))
    problem = the(found, "L623")
    assert problem.severity == "error"
    assert problem.message.startswith("2 targets")
    assert "1:9" in problem.message
    assert bad.id in (problem.where or "")
    assert found.writable is not None
    assert (found.writable.refused, found.writable.words) == (2, 1)


def test_targets_are_written_in_any_way_if_decoding_is_free(student: Student) -> None:
    assert look(student, [example(50, target="anything")]).ok


def test_a_context_without_a_grammar_is_told_and_not_taken_for_a_fault(student: Student) -> None:
    odd = example(7, context=json.dumps({"type": "object", "properties": {"a": {"$ref": "#/none"}}}))
    found = look(student, [*EXAMPLES, odd], dialect=built_in("json_ast"))
    assert found.ok
    assert the(found, "L630").message.startswith("1 target")


def test_negatives_and_unreadable_rows_are_counted_and_not_trained(student: Student) -> None:
    records = [
        *EXAMPLES,
        example(20, valid=False),
        Rejected(reason="broken row", source="train.jsonl", line=9),
    ]
    found = look(student, [*records, example(21, target="")])
    assert found.rejected == {"broken row": 1, "negative": 1, "no answer": 1}
    assert (found.read, found.kept) == (15, 12)


def test_nothing_left_is_an_error(student: Student) -> None:
    for records in ([], [example(1, valid=False)], [example(1, target="")]):
        found = look(student, records)
        assert not found.ok
        assert the(found, "L622")


def test_an_end_that_is_not_supervised_is_an_error(student: Student) -> None:
    other = dataclasses.replace(student.form, closing=student.form.stop * 2)
    found = look(dataclasses.replace(student, form=other), EXAMPLES)
    assert the(found, "L624").message.startswith("12 rows")


def test_a_second_bos_is_an_error(student: Student) -> None:
    form = dataclasses.replace(student.form, format="<|begin_of_text|>{input}")
    found = look(dataclasses.replace(student, form=form), EXAMPLES)
    assert the(found, "L625").message.startswith("12 rows")


def test_a_tokenizer_that_alters_text_is_found_out(tmp_path: Path) -> None:
    from tokenizers import normalizers

    folder = tiny_model(tmp_path / "base", "llama")
    student = load_student(str(folder), root=tmp_path, device="cpu")
    student.tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
    assert look(student, [example(1, target="e\u0301")]).problems[0].code == "L629"
    assert look(student, [example(1, target="\u00e9")]).ok


def test_serving_that_differs_from_training_is_an_error(student: Student) -> None:
    # A template that looks at the clock: the same prompt is another one the next time.
    template = GEMMA3.replace("{{ bos_token }}", "{{ bos_token }}{{ range(100000) | random }}")
    form = dataclasses.replace(student.form, template=template)
    found = look(dataclasses.replace(student, form=form), EXAMPLES)
    assert the(found, "L626")


def test_a_format_that_hides_the_shared_part_is_told(student: Student) -> None:
    form = make_form(student.tokenizer, format="{input}\n{context}")
    wide = [example(number, context=json.dumps(SCHEMA) * 3) for number in range(4)]
    found = look(dataclasses.replace(student, form=form), wide, dataclasses.replace(NO_PROBE, limit=2000))
    assert the(found, "L627").severity == "warning"
    assert found.sharing is not None
    assert found.sharing.ratio < 1.2


def test_the_window_of_the_model_bounds_the_rows(student: Student) -> None:
    found = look(student, EXAMPLES, dataclasses.replace(NO_PROBE, limit=100_000))
    assert found.limit == 4096
    assert the(found, "L621").help == "write max_seq_length: 4096"


def rows_of(*lengths: tuple[int, int], start: int = 0) -> list[Row]:
    return [
        Row(f"r{at}", tuple(range(prompt)), (900 + at, *range(answer - 1)))
        for at, (prompt, answer) in enumerate(lengths)
    ]


def test_lengths_are_those_of_the_rows() -> None:
    lengths = lengths_of(rows_of((60, 4), (60, 5), (100, 10), (1000, 40)), ["a", "b", "c", "d"])
    assert (lengths.shortest, lengths.median, lengths.longest) == (64, 65, 1040)
    assert lengths.bins == ((64, 1), (128, 2), (256, 0), (512, 0), (1024, 0), (2048, 1))
    assert lengths.longest_rows[0].id == "r3"
    assert lengths.supervised_share == pytest.approx(59 / 1279)


def test_a_prefix_of_a_step_is_counted_once() -> None:
    rows = rows_of(*[(100, 5)] * 8)
    shared = sharing_of(rows, rows_a_step=8, budget=10_000, seed=1)
    assert (shared.tokens, shared.trie_tokens) == (8 * 104, 100 + 8 * 4)  # a last token predicts nothing
    apart = sharing_of(rows, rows_a_step=1, budget=10_000, seed=1)
    assert apart.ratio == 1


def test_memory_and_time_follow_from_what_was_measured() -> None:
    rows = rows_of(*[(90, 10)] * 16)
    lengths = lengths_of(rows, [""] * 16)
    loop = Loop(batch_size=4, accumulation=2, epochs=3, sharing=False)
    sharing = sharing_of(rows, loop.rows_a_step, loop.budget, 0)
    from idiolect.student.parameters import Parameters

    size = ModelSize(Parameters(1000, 100, 500, 4000, True), vocabulary=50, layers=2, hidden_size=8)
    measured = Probe(tokens=100, seconds=0.5, activation_bytes=100_000)
    given = (size, loop, lengths, sharing, measured)
    memory = memory_of(*given, device="cpu", available=10**6)
    assert (memory.weights, memory.gradients, memory.optimizer) == (4000, 400, 800)
    assert memory.activations == 4 * 100 * 1000
    assert memory.logits == 4 * 10 * 50 * 8
    chunked = memory_of(*given, device="cpu", available=10**6, logits_chunk=1000)
    assert chunked.logits == 2000
    time = time_of(loop, lengths, sharing, measured)
    assert time.steps == 2 * 3
    assert time.seconds == pytest.approx(3 * 1600 / 200)
    limited = time_of(dataclasses.replace(loop, max_steps=1), lengths, sharing, measured)
    assert limited.seconds == pytest.approx(800 / 200)


@pytest.mark.parametrize("shape", ["llama", "gemma3", "t5"])
def test_a_probe_measures_and_leaves_no_trace(shape: Any, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "base", shape)
    student = load_student(str(folder), root=tmp_path, device="cpu")
    student.model.requires_grad_(True)
    before = [parameter.clone() for parameter in student.model.parameters()]
    state = torch.get_rng_state()
    rows = [make_row(one, student.tokenizer, student.form) for one in EXAMPLES]
    found = probe(student.model, rows, seconds=0.2, encoder_decoder=shape == "t5")
    assert found is not None
    assert found.tokens >= 32
    assert found.seconds > 0
    # at least the inputs of both layers, in fp32
    assert found.bytes_a_token > 2 * 32 * 4
    assert torch.equal(state, torch.get_rng_state())
    assert not student.model.training
    assert all(
        torch.equal(old, new) and new.grad is None
        for old, new in zip(before, student.model.parameters(), strict=True)
    )


def test_estimates_are_made_and_too_little_memory_is_told(student: Student) -> None:
    found = look(student, EXAMPLES, Wanted(LOOP, limit=400, probe_s=0.2, available=1000))
    assert found.memory is not None
    assert found.time is not None
    assert found.memory.total > 1000
    assert the(found, "V006").severity == "warning"
    told = as_text(found)
    assert "by estimate" in told
    assert "12 of 12 examples" in told
    content = json.loads(json.dumps(as_json(found)))
    assert content["memory"]["total"] == found.memory.total
    assert content["ok"] is True


def test_a_mask_shows_every_token_once_and_characters_whole(student: Student) -> None:
    one = example(5, instruction="L'été à 5 🎉 ?", target='{"op":"é🎉"}')
    row = make_row(one, student.tokenizer, student.form)
    pieces = list(pieces_of(row, student.tokenizer))
    assert sum(piece.tokens for piece in pieces) == row.length
    assert "".join(piece.text for piece in pieces if piece.supervised) == '{"op":"é🎉"}<|eot_id|>'
    assert "🎉" in "".join(piece.text for piece in pieces if not piece.supervised)
    plain = shown(row, student.tokenizer, colored=False)
    assert plain.endswith("|<|eot_id|>]]")
    colored = shown(row, student.tokenizer, colored=True)
    assert colored.count("\033[0m") >= len(pieces) - 1
    assert "\033[32m" in colored


SCRIPT = """PROJECT "p"
DATASET {{ train: "train.jsonl" }}
MODEL {{ base: "base" }}
TRAIN {{ epochs: 2 batch_size: 4 device: "cpu" {train} }}
FT_LORA {{ base_model: "base" lora_rank: 4 lora_alpha: 8 }}
DIALECT {{ name: "json_ast" }}
EXPORT {{ path: "export" format: ["okm"] }}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny_model(tmp_path / "base", "qwen3")
    write_examples(tmp_path / "train.jsonl", EXAMPLES)
    (tmp_path / "train.okt").write_text(SCRIPT.format(train=""))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "preflight", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def test_the_command_reports_and_says_by_its_exit_code_whether_training_may_begin(project: Path) -> None:
    code, told = run("train.okt")
    assert code == 0
    assert "12 of 12 examples" in told
    assert "12 of 12 targets under the grammar of json_ast" in told
    write_examples(project / "train.jsonl", [*EXAMPLES, example(1, target="nothing")])
    code, told = run("train.okt", "--no-probe")
    assert code == 1
    assert "error[L623]" in told
    assert "memory" not in told


def test_the_command_gives_json(project: Path) -> None:
    code, told = run("train.okt", "--json")
    content = json.loads(told)
    assert code == 0
    assert (content["read"], content["kept"], content["data"]) == (12, 12, "DATASET.train")
    assert content["time"]["steps"] == 6


def test_the_command_shows_a_row_with_its_mask(project: Path) -> None:
    code, told = run("train.okt", "--show", "2")
    assert code == 0
    assert "<|im_end|>]]" in told
    code, told = run("train.okt", "--show", "13")
    assert code == 2
    assert "there are 12 rows" in told


def test_the_command_ends_in_one_line_for_what_it_can_not_load(project: Path) -> None:
    (project / "train.okt").write_text(SCRIPT.format(train="").replace('"base"', '"bsae"'))
    code, told = run("train.okt")
    assert code == 1
    assert "error[V004]" in told
    (project / "train.okt").write_text(SCRIPT.format(train=""))
    (project / "train.jsonl").unlink()
    code, told = run("train.okt")
    assert code == 1
    assert "does not exist" in told


def test_the_split_of_a_run_is_what_is_looked_at_where_there_is_one(project: Path) -> None:
    write_examples(project / "runs" / "p" / "split" / "train.jsonl", EXAMPLES[:5])
    _, told = run("train.okt", "--no-probe")
    assert "5 of 5 examples" in told
    assert "runs/p/split/train.jsonl" in told


def test_a_script_whose_examples_are_not_made_yet_is_told_how(project: Path) -> None:
    made = SCRIPT.format(train="").replace(
        'DATASET { train: "train.jsonl" }', 'SYNTHESIZE { recipe: "simulate" }'
    )
    (project / "train.okt").write_text(made.replace("json_ast", "gates"))
    code, told = run("train.okt")
    assert code == 1
    assert "idiolect run train.okt --until split" in told
