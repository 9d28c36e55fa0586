import dataclasses
from pathlib import Path
from typing import Any

import pytest

from idiolect.data.example import Example
from idiolect.okt.check import check_text
from idiolect.plan.plan import Plan
from idiolect.plan.resolve import resolve
from idiolect.student.from_plan import format_of, quantization_of, student_for, trainable_student
from idiolect.student.load import load_student
from idiolect.student.parameters import count_parameters
from idiolect.student.save import save_student
from idiolect.student.tokens import make_row, stop_ids, text_of
from idiolect.student.trouble import StudentError
from tiny_models import tiny_model

LORA = 'FT_LORA { base_model: "models/base" lora_rank: 4 lora_alpha: 8 %s }'


def plan_of(
    more: str = "", *, dataset: str = "", model: str = "", train: str = "", base: str = "models/base"
) -> Plan:
    checked = check_text(
        f'PROJECT "p"\nDATASET {{ train: "a.jsonl" {dataset} }}\nMODEL {{ base: "{base}" {model} }}\n'
        f'TRAIN {{ epochs: 1 batch_size: 2 device: "cpu" {train} }}\n{more}\n'
    )
    assert not checked.errors, checked.errors
    return resolve(checked, {})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tiny_model(tmp_path / "models" / "base", "llama")
    return tmp_path


def test_a_script_gives_the_prompt_its_system_text_format_and_labels(root: Path) -> None:
    plan = plan_of(
        'INFERENCE { mode: "classify" format: "{labels}: {input}" labels: ["buy", "sell"] }',
        dataset='system: "Be brief."',
    )
    form = student_for(plan, root).form
    assert (form.system, form.format, form.labels) == ("Be brief.", "{labels}: {input}", ("buy", "sell"))


def test_the_style_of_behaviour_stands_in_for_a_format_that_is_not_written() -> None:
    style = 'BEHAVIOR { prompt_style: "Q: {input}" }'
    assert format_of(plan_of(style)) == "Q: {input}"
    assert format_of(plan_of(f'{style}\nINFERENCE {{ mode: "chat" }}')) == "Q: {input}"
    assert format_of(plan_of(f'{style}\nINFERENCE {{ mode: "chat" format: "A: {{input}}" }}')) == "A: {input}"
    assert format_of(plan_of()) == "{input}"


def test_a_whole_model_is_trained_in_fp32_and_an_adapter_on_what_is_asked(root: Path) -> None:
    full = trainable_student(student_for(plan_of(train='precision: "bf16"'), root), plan_of(), root)
    assert full.precision == "fp32"
    counts = count_parameters(full.model)
    assert counts.trainable == counts.total
    plan = plan_of(LORA % "", train='precision: "bf16"')
    adapted = trainable_student(student_for(plan, root), plan, root)
    assert adapted.precision == "bf16"
    assert 0 < count_parameters(adapted.model).trainable < counts.total / 3
    assert adapted.model.training


@pytest.mark.parametrize(
    ("more", "model", "train", "expected"),
    [
        (LORA % 'quantization: "nf4"', "", "", "nf4"),
        (LORA % "", "", "load_in_4bit: true", "nf4"),
        (LORA % "", 'precision: "int4"', "", "nf4"),
        (LORA % "", 'precision: "int8"', "", "int8"),
        (LORA % "", "", "", None),
    ],
)
def test_packing_is_read_from_wherever_it_is_written(
    more: str, model: str, train: str, expected: str | None
) -> None:
    assert quantization_of(plan_of(more, model=model, train=train)) == expected


def test_packed_weights_need_an_adapter(root: Path) -> None:
    pytest.importorskip("bitsandbytes")
    plan = plan_of(train="load_in_4bit: true")
    with pytest.raises(StudentError) as caught:
        trainable_student(student_for(plan, root), plan, root)
    assert caught.value.problem.code == "L616"


def test_an_adapter_of_the_model_is_trained_on_where_both_agree(root: Path) -> None:
    first = plan_of(LORA % "")
    save_student(trainable_student(student_for(first, root), first, root), root / "adapters" / "one")
    model = 'ADAPTER { type: "lora" path: "adapters/one" }'
    plan = plan_of(LORA % "", model=model)
    student = trainable_student(student_for(plan, root), plan, root)
    assert count_parameters(student.model).trainable > 0
    other = plan_of('FT_LORA { base_model: "models/base" lora_rank: 16 lora_alpha: 32 }', model=model)
    with pytest.raises(StudentError) as caught:
        trainable_student(student_for(other, root), other, root)
    assert caught.value.problem.code == "L613"
    assert "lora_rank: 4" in caught.value.help


def test_tokens_that_a_template_needs_are_added_trained_and_saved(root: Path) -> None:
    plan = plan_of(LORA % "", dataset='chat_template: "chatml"')
    student = trainable_student(student_for(plan, root), plan, root)
    before = len(load_student("models/base", root=root, device="cpu").tokenizer)
    assert len(student.tokenizer) == before + 2
    assert student.form.stop == "<|im_end|>"
    example = Example(instruction="Hi", target="Yo")
    row = make_row(example, student.tokenizer, student.form)
    assert row.answer[-1] == stop_ids(student.tokenizer, student.form)[0] == before + 1
    trained = [name for name, one in student.model.named_parameters() if one.requires_grad]
    assert any("trainable_tokens" in name for name in trained)
    save_student(student, root / "one")
    again = load_student("one", root=root, device="cpu")
    assert make_row(example, again.tokenizer, again.form) == row
    assert count_parameters(again.model).tied


def test_a_template_that_is_missing_is_one_line(root: Path) -> None:
    with pytest.raises(StudentError) as caught:
        student_for(plan_of(dataset='chat_template: "templates/mine.jinja"'), root)
    assert (caught.value.problem.code, caught.value.problem.where) == ("L615", "DATASET.chat_template")


def test_gemma_in_fp16_is_refused_however_it_is_asked(tmp_path: Path) -> None:
    tiny_model(tmp_path / "models" / "base", "gemma3")
    lora = LORA % ""
    for plan in (plan_of(train='mixed_precision: "fp16"'), plan_of(lora, model='precision: "fp16"')):
        with pytest.raises(StudentError) as caught:
            student_for(plan, tmp_path)
        assert caught.value.problem.code == "L611"


def test_the_same_script_gives_the_same_rows_after_training_and_saving(root: Path) -> None:
    plan = plan_of(
        f'{LORA % ""}\nINFERENCE {{ mode: "chat" format: "Q: {{input}}" }}\nDIALECT {{ name: "gates" }}',
        dataset='system: "Be brief."',
    )
    student = trainable_student(student_for(plan, root), plan, root)
    save_student(student, root / "runs" / "p" / "train" / "checkpoint-final")
    again: Any = load_student("p", root=root, device="cpu")
    example = Example(instruction="Hi", target="Yo", context="C")
    row = make_row(example, student.tokenizer, student.form)
    assert row == make_row(example, again.tokenizer, again.form)
    assert "Be brief." in text_of(row.prompt, again.tokenizer)
    assert again.dialect == {"name": "gates", "enforce": True}
    assert dataclasses.asdict(again.form) == dataclasses.asdict(student.form)
