import dataclasses
from typing import Any

import pytest

from idiolect.data.example import Example, Rejected
from idiolect.student.prompt import BadTemplate, make_form, prompt_text
from idiolect.student.tokens import (
    NoRow,
    answer_text,
    conversation_ids,
    make_label_row,
    make_pair,
    make_row,
    make_rows,
    pad_id,
    prompt_ids,
    stop_ids,
    text_of,
)
from tiny_models import GEMMA3, tiny_tokenizer

EXAMPLE = Example(
    instruction="Orders below 120?",
    target='{"op":"lt","value":120}',
    system="You write queries.",
    context='{"type":"object"}',
)
CHAT = ("llama", "qwen3", "gemma3")
ALL = (*CHAT, "plain")


def row_text(shape: str, example: Example = EXAMPLE, **form: Any) -> tuple[str, str]:
    tokenizer = tiny_tokenizer(shape)
    row = make_row(example, tokenizer, make_form(tokenizer, **form))
    return text_of(row.prompt, tokenizer), text_of(row.answer, tokenizer)


def test_a_row_of_each_template_is_what_the_template_writes() -> None:
    said = '{"type":"object"}\n\nOrders below 120?'
    answer = '{"op":"lt","value":120}'
    head, end = "<|start_header_id|>{}<|end_header_id|>\n\n", "<|eot_id|>"
    assert row_text("llama") == (
        "<|begin_of_text|>"
        + head.format("system") + "You write queries." + end
        + head.format("user") + said + end
        + head.format("assistant"),
        answer + end,
    )  # fmt: skip
    assert row_text("qwen3") == (
        f"<|im_start|>system\nYou write queries.<|im_end|>\n<|im_start|>user\n{said}<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n",
        answer + "<|im_end|>",
    )
    assert row_text("gemma3") == (
        f"<bos><start_of_turn>user\nYou write queries.\n\n{said}<end_of_turn>\n<start_of_turn>model\n",
        answer + "<end_of_turn>",
    )
    assert row_text("plain") == (
        f"### System\nYou write queries.\n\n### User\n{said}\n\n### Assistant\n",
        answer + "<|endoftext|>",
    )


@pytest.mark.parametrize("shape", ALL)
def test_training_and_serving_give_a_student_the_same_ids(shape: str) -> None:
    tokenizer = tiny_tokenizer(shape)
    form = make_form(tokenizer, system="Write queries.")
    row = make_row(EXAMPLE, tokenizer, form)
    assert row.prompt == prompt_ids(EXAMPLE, tokenizer, form)
    turns = [
        {"role": "system", "content": EXAMPLE.system},
        {"role": "user", "content": EXAMPLE.instruction},
    ]
    assert row.prompt == conversation_ids(turns, tokenizer, form, EXAMPLE.context)
    assert answer_text(row.answer, tokenizer, form) == EXAMPLE.target


@pytest.mark.parametrize("shape", ["llama", "gemma3"])
@pytest.mark.parametrize("template", [None, "raw", "idiolect"])
def test_there_is_one_bos_whoever_writes_it(shape: str, template: str | None) -> None:
    tokenizer = tiny_tokenizer(shape)
    row = make_row(EXAMPLE, tokenizer, make_form(tokenizer, chat_template=template))
    assert (*row.prompt, *row.answer).count(tokenizer.bos_token_id) == 1
    assert row.prompt[0] == tokenizer.bos_token_id


@pytest.mark.parametrize("shape", ALL)
def test_every_answer_ends_its_turn_and_no_padding_does(shape: str) -> None:
    tokenizer = tiny_tokenizer(shape)
    form = make_form(tokenizer)
    row = make_row(EXAMPLE, tokenizer, form)
    stops = stop_ids(tokenizer, form)
    assert row.answer[-1] == stops[0]
    assert row.answer.count(stops[0]) == 1
    assert tokenizer.eos_token_id in stops
    assert pad_id(tokenizer, form) not in stops


@pytest.mark.parametrize("shape", ALL)
@pytest.mark.parametrize("target", ["\n\n{", " x", "  \n", "é", "\u200b", "a\n", "\t\ttab", "x" * 300])
def test_an_answer_is_kept_to_the_letter_at_its_borders(shape: str, target: str) -> None:
    example = dataclasses.replace(EXAMPLE, target=target)
    tokenizer = tiny_tokenizer(shape, texts=("Assistant\n\n\n{ x", "object\n\n  \n"))
    form = make_form(tokenizer)
    row = make_row(example, tokenizer, form)
    assert row.prompt == prompt_ids(example, tokenizer, form)
    assert text_of(row.answer, tokenizer) == target + form.closing
    assert answer_text(row.answer, tokenizer, form) == target


def test_tokens_do_not_reach_across_the_border() -> None:
    tokenizer = tiny_tokenizer("plain", texts=("Answer:yes " * 50,))
    form = make_form(tokenizer, format="{input}\nAnswer:y")
    example = Example(instruction="Ready?", target="es")
    whole = tokenizer("Ready?\nAnswer:yes")["input_ids"]
    row = make_row(example, tokenizer, form)
    assert whole[: len(row.prompt)] != list(row.prompt)  # what one tokenization of both would give
    assert (text_of(row.prompt, tokenizer), text_of(row.answer, tokenizer)) == (
        "Ready?\nAnswer:y",
        "es<|endoftext|>",
    )


@pytest.mark.parametrize("shape", CHAT)
def test_special_tokens_spelt_by_people_are_text(shape: str) -> None:
    tokenizer = tiny_tokenizer(shape)
    form = make_form(tokenizer)
    plain = make_row(EXAMPLE, tokenizer, form)
    stop = form.stop
    example = dataclasses.replace(
        EXAMPLE, instruction=f"a{stop}b", context=f"{stop}", target=f"say {stop} twice{stop}"
    )
    row = make_row(example, tokenizer, form)
    number = stop_ids(tokenizer, form)[0]
    assert row.prompt.count(number) == plain.prompt.count(number)
    assert row.answer.count(number) == 1
    assert f"a{stop}b" in text_of(row.prompt, tokenizer)
    assert text_of(row.answer, tokenizer) == f"say {stop} twice{stop}{form.closing}"


def test_a_special_token_in_the_format_is_one() -> None:
    tokenizer = tiny_tokenizer("gemma3")
    wanted = "<start_of_turn>user\n{input}<end_of_turn>\n<start_of_turn>model\n"
    form = make_form(tokenizer, format=wanted, chat_template="raw")
    by_hand = prompt_ids(Example(instruction="Hi", target=""), tokenizer, form)
    form = make_form(tokenizer)
    assert by_hand == prompt_ids(Example(instruction="Hi", target=""), tokenizer, form)


def test_the_format_places_input_context_and_labels_once() -> None:
    tokenizer = tiny_tokenizer("plain")
    form = make_form(tokenizer, format="{context}|{labels}|{input}|{other}", labels=("buy", "sell"))
    example = Example(instruction="say {context}", target="buy", context="C")
    assert prompt_text(example, tokenizer, form) == "C|buy, sell|say {context}|{other}"


def test_rows_of_one_context_share_a_prefix() -> None:
    tokenizer = tiny_tokenizer("gemma3")
    form = make_form(tokenizer, system="You write queries.")
    schema = '{"properties":{"price":{"type":"integer"}}}' * 5
    first, second = (
        prompt_ids(Example(instruction=text, target="x", context=schema), tokenizer, form)
        for text in ("Price below 9?", "All orders")
    )
    shared = next(at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    assert schema in text_of(first[:shared], tokenizer)


def test_a_format_with_turns_of_its_own_needs_no_template() -> None:
    said, answer = row_text("plain", Example(instruction="Hi", target="Yo"), format="User: {input}\nBot:")
    assert (said, answer) == ("User: Hi\nBot:", "Yo<|endoftext|>")


def test_a_template_that_refuses_a_system_turn_gets_its_text_in_the_first_turn() -> None:
    tokenizer = tiny_tokenizer("gemma3")
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + GEMMA3
    tokenizer.chat_template = refusing
    form = make_form(tokenizer)
    assert not form.system_turn
    assert prompt_ids(EXAMPLE, tokenizer, form) == make_row(*_gemma()).prompt


def _gemma() -> tuple[Example, Any, Any]:
    tokenizer = tiny_tokenizer("gemma3")
    return EXAMPLE, tokenizer, make_form(tokenizer)


def test_a_template_that_writes_the_day_writes_the_same_one_always() -> None:
    tokenizer = tiny_tokenizer("llama")
    tokenizer.chat_template = (
        "{{ strftime_now('%d %b %Y') }}{% for m in messages %}<|start_header_id|>{{ m.content }}<|eot_id|>"
        "{% endfor %}"
    )
    assert "01 Jan 2026" in prompt_text(EXAMPLE, tokenizer, make_form(tokenizer))


def test_what_a_template_puts_before_an_answer_goes_into_the_prompt() -> None:
    tokenizer = tiny_tokenizer("qwen3")
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}"
        "{% if m.role == 'assistant' %}<channel>final{% endif %}{{ '\n' + m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
    )
    form = make_form(tokenizer)
    assert form.opening == "<channel>final\n"
    row = make_row(EXAMPLE, tokenizer, form)
    assert text_of(row.prompt, tokenizer).endswith("<|im_start|>assistant<channel>final\n")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("chatlm", 'did you mean "chatml"?'),
        ("templates/none.jinja", "does not exist"),
        ("broken.jinja", "can't be applied"),
        ("silent.jinja", "leaves the answer out"),
    ],
)
def test_a_template_that_can_not_be_used_says_why(template: str, says: str, tmp_path: Any) -> None:
    (tmp_path / "broken.jinja").write_text("{% for m in messages %}{{ m.content }")
    (tmp_path / "silent.jinja").write_text("hello")
    with pytest.raises(BadTemplate) as caught:
        make_form(tiny_tokenizer("llama"), chat_template=template, folder=tmp_path)
    assert says in f"{caught.value} {caught.value.help}"


def test_a_template_of_a_file_is_used(tmp_path: Any) -> None:
    (tmp_path / "mine.jinja").write_text("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}")
    said, answer = row_text("llama", chat_template="mine.jinja", folder=tmp_path)
    assert said.startswith("<|begin_of_text|>[system]You write queries.[user]")
    assert answer.endswith("<|eot_id|>")


def test_what_is_no_row_is_counted_with_its_reason() -> None:
    tokenizer = tiny_tokenizer("llama")
    form = make_form(tokenizer)
    examples = [EXAMPLE, dataclasses.replace(EXAMPLE, target=""), EXAMPLE]
    found = list(make_rows(examples, tokenizer, form))
    assert [isinstance(one, Rejected) for one in found] == [False, True, False]
    with pytest.raises(NoRow, match="empty"):
        make_row(examples[1], tokenizer, form)


def test_many_rows_are_those_of_one_after_the_other() -> None:
    tokenizer = tiny_tokenizer("gemma3")
    form = make_form(tokenizer)
    examples = [
        dataclasses.replace(EXAMPLE, target=f"<eos> {n}" if n % 7 == 0 else str(n)) for n in range(600)
    ]
    assert list(make_rows(examples, tokenizer, form)) == [make_row(one, tokenizer, form) for one in examples]


def test_a_pair_shares_its_prompt() -> None:
    tokenizer = tiny_tokenizer("qwen3")
    form = make_form(tokenizer)
    pair = make_pair(EXAMPLE, "{}", tokenizer, form)
    assert pair.prompt == prompt_ids(EXAMPLE, tokenizer, form)
    assert answer_text(pair.rejected, tokenizer, form) == "{}"
    assert pair.chosen[-1] == pair.rejected[-1] == stop_ids(tokenizer, form)[0]


def test_rows_of_an_encoder_decoder_end_both_sides() -> None:
    tokenizer = tiny_tokenizer("t5")
    form = make_form(tokenizer, format="translate: {input}", encoder_decoder=True)
    row = make_row(Example(instruction="Hi", target="Salut"), tokenizer, form)
    assert text_of(row.prompt, tokenizer) == "translate: Hi</s>"
    assert text_of(row.answer, tokenizer) == "Salut</s>"


def test_rows_of_labels_and_values() -> None:
    tokenizer = tiny_tokenizer("t5")
    form = make_form(tokenizer, labels=("buy", "sell"))
    assert make_label_row(Example(instruction="Hi", target="sell"), tokenizer, form).label == 1
    with pytest.raises(NoRow, match="none of the labels"):
        make_label_row(Example(instruction="Hi", target="sel"), tokenizer, form)
    form = make_form(tokenizer)
    assert make_label_row(Example(instruction="Hi", target=" 2.5"), tokenizer, form).label == 2.5
