"""Batched, cached and forced decoding writes what the slow loop writes."""

from __future__ import annotations

import random

import pytest
from decoding import LONG, endless, lists, messages, naive, student

from idiolect.decode.generate import Generator
from idiolect.decode.records import Request, Sampling
from idiolect.decode.trouble import DecodeError
from tiny_models import DECODERS

COMPARED = 60  # tokens; closing takes hold far behind them
QUESTIONS = [LONG, LONG[:90], LONG + "And who?", "x", LONG[:91] + "!"]


@pytest.mark.parametrize("shape", DECODERS)
def test_batched_forced_and_cached_equals_a_full_pass_for_every_token(shape):
    generator = Generator(student(shape))
    assert generator.runner.ragged
    sampling = Sampling(max_tokens=400)
    requests = [
        Request(messages(text), grammar=made, candidates=1 + number % 2)
        for number, text in enumerate(QUESTIONS[1:4])
        for made in (lists(), endless())
    ]
    before = generator.runner.forwards
    answers = generator.generate(requests, sampling)
    for number, (request, found) in enumerate(zip(requests, answers, strict=True)):
        task = generator.task(number, request, sampling)
        wanted = naive(generator, task.prompt, request.grammar, COMPARED)
        for answer in found:
            assert list(answer.ids[:COMPARED]) == wanted
            assert answer.finished
    written = sum(len(answer.ids) for found in answers for answer in found)
    assert 0 < generator.runner.forwards - before < written / 4


@pytest.mark.parametrize("shape", DECODERS)
def test_free_decoding_equals_a_full_pass_for_every_token(shape):
    generator = Generator(student(shape))
    sampling = Sampling(max_tokens=40)
    requests = [Request(messages(text)) for text in QUESTIONS]
    for number, (request, (answer,)) in enumerate(
        zip(requests, generator.generate(requests, sampling), strict=True)
    ):
        task = generator.task(number, request, sampling)
        assert list(answer.ids) == naive(generator, task.prompt, None, 40)


@pytest.mark.parametrize("shape", DECODERS)
def test_ragged_cached_steps_give_the_logits_of_clean_passes(shape):
    import torch

    generator = Generator(student(shape))
    runner, head, model = generator.runner, generator.head, generator.student.model
    rng = random.Random(5)
    rows = [[rng.randrange(10, 400) for _ in range(rng.randrange(3, 40))] for _ in range(4)]
    checked, worst = 0, 0.0
    last = runner.begin(rows)
    for step in range(12):
        if step == 5:
            kept = [2, 0, 0, 3]
            rows = [list(rows[number]) for number in kept]
            runner.keep(kept)
        elif step:
            chunks = [[rng.randrange(10, 400) for _ in range(rng.choice([1, 1, 2, 9]))] for _ in rows]
            for row, chunk in zip(rows, chunks, strict=True):
                row += chunk
            last = runner.feed(chunks)
        if step == 5:
            continue
        for row, hidden in zip(rows, last, strict=True):
            with torch.inference_mode():
                clean = model(torch.tensor([row])).logits[0, -1]
            worst = max(worst, float((head.all(hidden) - clean).abs().max()))
            checked += 1
    assert checked == 44
    assert worst <= 1e-5


@pytest.mark.parametrize("shape", DECODERS)
def test_what_else_is_in_the_batch_changes_no_answer(shape):
    generator = Generator(student(shape))
    sampling = Sampling(max_tokens=150, temperature=0.9, top_p=0.95, top_k=50, seed=3)
    requests = [
        Request(messages(text), grammar=lists(), candidates=3, seed=number)
        for number, text in enumerate(QUESTIONS)
    ]
    together = generator.generate(requests, sampling)
    alone = [generator.generate([request], sampling)[0] for request in reversed(requests)][::-1]
    assert [[one.text for one in row] for row in together] == [[one.text for one in row] for row in alone]
    assert len({one.text for row in together for one in row}) > 5


def test_candidates_cost_their_prompt_once():
    generator = Generator(student("llama"))
    runner = generator.runner
    generator.generate([Request(messages(), grammar=lists(), candidates=8)], Sampling(max_tokens=90))
    prompt = len(generator.task(0, Request(messages()), Sampling()).prompt)
    before = runner.tokens
    generator.generate(
        [Request(messages(), grammar=endless(), candidates=8)],
        Sampling(max_tokens=20, temperature=1.0),
    )
    assert prompt < runner.tokens - before < 2 * prompt + 20 * 8


def test_prompts_that_begin_alike_share_that_beginning():
    generator = Generator(student("gemma3"))
    texts = [LONG + word for word in ("red", "green", "blue", "white")]
    lengths = [len(generator.task(0, Request(messages(text)), Sampling()).prompt) for text in texts]
    before = generator.runner.tokens
    generator.generate([Request(messages(text)) for text in texts], Sampling(max_tokens=1))
    assert generator.runner.tokens - before < max(lengths) + 4 * 40


@pytest.mark.parametrize("budget", [17, 25, 40, 81, 200])
def test_no_answer_is_cut_and_each_keeps_its_budget(budget):
    generator = Generator(student("qwen3"))
    requests = [Request(messages(), grammar=made, candidates=12) for made in (lists(), endless())]
    answers = generator.generate(requests, Sampling(max_tokens=budget, temperature=1.5, seed=budget))
    seen = {answer.ended for row in answers for answer in row}
    for made, row in zip((lists(), endless()), answers, strict=True):
        from idiolect.grammar.replay import replay

        for answer in row:
            assert replay(made, answer.text).accepted, answer.text
            assert answer.finished
            assert len(answer.ids) <= budget
    assert "closed" in seen


def test_a_budget_below_the_shortest_text_is_told_before_anything_runs():
    generator = Generator(student("llama"))
    with pytest.raises(DecodeError, match="the shortest text of the language has"):
        generator.generate([Request(messages(), grammar=endless())], Sampling(max_tokens=5))


def test_a_prompt_longer_than_the_context_is_told():
    generator = Generator(student("llama"))
    with pytest.raises(DecodeError, match="more than the model's context of 4096"):
        generator.generate([Request(messages(LONG * 60))], Sampling())


def test_a_budget_beyond_the_context_is_what_the_context_leaves():
    generator = Generator(student("llama"))
    prompt = generator.task(0, Request(messages(LONG * 20)), Sampling()).prompt
    request = Request(messages(LONG * 20), grammar=endless())
    ((answer,),) = generator.generate([request], Sampling(max_tokens=4000))
    assert answer.finished
    assert len(answer.ids) <= 4096 - len(prompt) < 4000


def test_a_stop_sequence_cuts_the_answer():
    generator = Generator(student("llama"))
    sampling = Sampling(max_tokens=300, temperature=1.0, stop_sequences=(";\n",))
    (row,) = generator.generate([Request(messages(), grammar=endless(), candidates=4)], sampling)
    assert {answer.ended for answer in row} <= {"cut at", "stop"}
    assert all(";" not in answer.text for answer in row if answer.ended == "cut at")


def test_pieces_put_together_are_the_answer():
    generator = Generator(student("llama"))
    texts: dict[tuple[int, int], str] = {}

    def listen(piece):
        key = (piece.request, piece.candidate)
        texts[key] = texts.get(key, "")[: piece.start] + piece.text

    requests = [Request(messages(), grammar=made, candidates=3) for made in (lists(), endless())]
    requests.append(Request(messages()))
    answers = generator.generate(requests, Sampling(max_tokens=60, temperature=1.2), on_piece=listen)
    for number, row in enumerate(answers[:2]):
        assert [texts[number, at] for at in range(3)] == [answer.text for answer in row]
    assert len(texts) == 7


def test_what_was_refused_does_not_follow_the_beginning_again():
    generator = Generator(student("llama"))
    request = Request(messages(), grammar=lists())
    ((first,),) = generator.generate([request], Sampling(max_tokens=200))
    begun = '{"items":['
    rest = first.text[len(begun) : len(begun) + 6]
    again = Request(messages(), grammar=lists(), begun=begun, barred=frozenset({rest}))
    ((second,),) = generator.generate([again], Sampling(max_tokens=200))
    assert second.text.startswith(begun)
    assert not second.text[len(begun) :].startswith(rest)


def test_an_encoder_decoder_answers_freely_and_says_what_it_can_not_spell():
    generator = Generator(student("t5"))
    assert not generator.runner.ragged
    requests = [Request(messages(text), candidates=2) for text in QUESTIONS]
    answers = generator.generate(requests, Sampling(max_tokens=12))
    model, tokenizer = generator.student.model, generator.student.tokenizer
    import torch

    for number, (request, row) in enumerate(zip(requests, answers, strict=True)):
        prompt = generator.task(number, request, Sampling()).prompt
        wanted = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)[0, 1:].tolist()
        stop = wanted.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in wanted else len(wanted)
        assert [list(one.ids) for one in row] == [wanted[:stop]] * 2


def test_an_encoder_decoder_can_be_held_to_a_grammar():
    generator = Generator(student("t5"))
    requests = [Request(messages(text), grammar=lists(), candidates=2) for text in QUESTIONS[:3]]
    answers = generator.generate(requests, Sampling(max_tokens=120, temperature=1.0))
    from idiolect.grammar.replay import replay

    assert all(replay(lists(), one.text).accepted for row in answers for one in row)


def test_one_beam_is_greedy_and_more_beams_find_likelier_answers():
    generator = Generator(student("llama"))
    request = Request(messages(), grammar=lists())
    ((greedy,),) = generator.generate([request], Sampling(max_tokens=120))
    (beams,) = generator.generate(
        [Request(messages(), grammar=lists(), candidates=3)], Sampling(max_tokens=120, beams=4)
    )
    from idiolect.grammar.replay import replay

    assert len(beams) == len({one.text for one in beams}) == 3
    assert all(replay(lists(), one.text).accepted for one in beams)
    means = [one.mean_log_likelihood for one in beams]
    assert means == sorted(means, reverse=True)
    assert means[0] >= greedy.mean_log_likelihood


def test_beams_find_what_trying_everything_finds():
    import itertools

    import torch

    from idiolect.decode.constraint import constrain
    from idiolect.decode.masks import apply_mask
    from idiolect.grammar.form import chars, grammar, ref, seq, times

    made = grammar("start", {"start": seq("<", ref("L"), ">")}, {"L": times(chars("abc"), 3)})
    generator = Generator(student("qwen3"))
    request = Request(messages("x"), grammar=made)
    prompt = generator.task(0, request, Sampling()).prompt

    def likelihood(ids):
        guide, total, chosen = constrain(made, generator.vocabulary).begin(), 0.0, 0
        for at, token in enumerate(ids):
            if not guide.forced():
                with torch.inference_mode():
                    logits = generator.student.model(torch.tensor([[*prompt, *ids[:at]]])).logits[0, -1]
                scores = torch.log_softmax(apply_mask(logits.float(), guide.mask()), -1)
                total, chosen = total + float(scores[token]), chosen + 1
            guide.take([token])
        return total / max(chosen, 1)

    single = {letter: generator.vocabulary.encode(letter)[0] for letter in "<abc>"}
    every = ["<" + "".join(one) + ">" for one in itertools.product("abc", repeat=3)]
    best = max(likelihood([single[letter] for letter in text]) for text in every)
    (found,) = generator.generate([request], Sampling(beams=30, max_tokens=20))
    assert found[0].mean_log_likelihood >= best - 1e-4
