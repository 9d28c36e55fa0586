"""Losses and gradients over a trie beside those of separate rows, for the families of students."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from idiolect.student.quiet import quiet  # noqa: E402
from idiolect.student.row import Pair, Row  # noqa: E402
from idiolect.train.trie import trie_of  # noqa: E402
from idiolect.train.trie_parts import backward_in_parts, edge_weights  # noqa: E402
from idiolect.train.trie_scores import install, score_trie  # noqa: E402
from tiny_models import DECODERS, Shape, model_config, tiny_tokenizer  # noqa: E402

EXACT = 1e-5


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tiny(shape: Shape, seed: int = 0, **config: Any) -> Any:
    from transformers import AutoModelForCausalLM

    settings = model_config(shape, tiny_tokenizer(shape), **config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(settings).float()


def gemma2(**config: Any) -> Any:
    """Softcaps on scores and logits, and no attention function but the eager one by default."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    sizes = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 16}
    sizes |= {"query_pre_attn_scalar": 8, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 2.0}
    sizes |= {"initializer_range": 0.2}
    torch.manual_seed(3)
    return Gemma2ForCausalLM(Gemma2Config(**(sizes | config))).float()


def tokens(rng: random.Random, size: int) -> tuple[int, ...]:
    return tuple(rng.randrange(3, 300) for _ in range(size))


def rows_with(levels: int) -> list[Row]:
    """Rows whose prompts share nothing, one prefix, or prefixes on three levels longer than the window."""
    rng = random.Random(levels)
    if levels == 0:
        return [
            Row(f"r{n}", (10 + n, *tokens(rng, 5 + 9 * n)), tokens(rng, 4), 1.0 + n / 2) for n in range(4)
        ]
    if levels == 1:
        prompt = tokens(rng, 40)
        return [Row(f"r{n}", prompt, tokens(rng, 2 + n), 1.0 + n / 2) for n in range(5)]
    system = tokens(rng, 20)
    schemas = [system + tokens(rng, 15 + 4 * n) for n in range(2)]
    questions = [schema + tokens(rng, 3 + n) for schema in schemas for n in range(3)]
    made = [Row(f"r{n}", prompt, tokens(rng, 3 + n), 0.5 + n / 4) for n, prompt in enumerate(questions)]
    return [*made, Row("again", made[0].prompt, made[0].answer, 2.0), Row("other", made[0].prompt, (5, 6))]


def own_logp(model: Any, prompt: tuple[int, ...], answer: tuple[int, ...]) -> Any:
    """[answer] The log-probabilities of an answer from the model's own logits, the row alone."""
    logits = model(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0]
    logs = torch.log_softmax(logits[len(prompt) - 1 : -1].float(), -1)
    return logs.gather(-1, torch.tensor(answer)[:, None])[:, 0]


def gradient(model: Any, loss: Any) -> Any:
    model.zero_grad()
    loss.backward()
    return grads(model)


def grads(model: Any) -> Any:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def off(found: Any, right: Any) -> float:
    return float((found - right).norm() / right.norm())


def separate(model: Any, rows: list[Row]) -> Any:
    return -sum(row.weight * own_logp(model, row.prompt, row.answer).sum() for row in rows)


@pytest.mark.parametrize("way", ["dense", "blocks", "rows", "logits"])
@pytest.mark.parametrize("levels", [0, 1, 3])
@pytest.mark.parametrize("shape", DECODERS)
def test_weighted_losses_have_the_gradients_of_separate_rows(shape: Shape, levels: int, way: Any) -> None:
    model, rows = tiny(shape), rows_with(levels)
    expected = separate(model, rows)
    right = gradient(model, expected)
    scores = score_trie(model, trie_of(rows), way=way)
    loss = scores.nll()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert off(gradient(model, loss), right) < EXACT


@pytest.mark.parametrize("way", ["blocks", "rows"])
@pytest.mark.parametrize("shape", DECODERS)
def test_preferences_have_the_gradients_of_separate_rows(shape: Shape, way: Any) -> None:
    model, reference = tiny(shape), tiny(shape, seed=9)
    pairs = [
        Pair(row.id, row.prompt, row.answer, (*row.answer[:2], *tokens(random.Random(n), n + 1)))
        for n, row in enumerate(rows_with(3))
    ]

    def loss_of(chosen: Any, rejected: Any) -> Any:
        return -torch.nn.functional.logsigmoid(0.5 * (chosen - rejected)).sum()

    def alone(one: Any, answers: Callable[[Pair], tuple[int, ...]]) -> Any:
        return torch.stack([own_logp(one, pair.prompt, answers(pair)).sum() for pair in pairs])

    with torch.no_grad():
        known = [alone(reference, lambda p: p.chosen), alone(reference, lambda p: p.rejected)]
        shared = score_trie(reference, trie_of(pairs), way=way).sequence_logp()
    assert torch.allclose(shared, torch.stack(known, 1).flatten(), rtol=1e-5)
    expected = loss_of(
        alone(model, lambda p: p.chosen) - known[0], alone(model, lambda p: p.rejected) - known[1]
    )
    right = gradient(model, expected)
    gain = score_trie(model, trie_of(pairs), way=way).sequence_logp() - shared
    loss = loss_of(gain[0::2], gain[1::2])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert off(gradient(model, loss), right) < EXACT


@pytest.mark.parametrize("way", ["dense", "blocks"])
def test_softcaps_on_scores_and_logits_are_kept(way: Any) -> None:
    model, rows = gemma2(), rows_with(3)
    right = gradient(model, separate(model, rows))
    assert off(gradient(model, score_trie(model, trie_of(rows), way=way).nll()), right) < EXACT


@pytest.mark.parametrize("shape", DECODERS)
def test_long_prompts_are_cut_into_blocks_with_their_windows(shape: Shape) -> None:
    rng = random.Random(1)
    prompt = tokens(rng, 700)
    rows = [Row(f"{n}", prompt[: 700 - 150 * n] + tokens(rng, 30), tokens(rng, 9)) for n in range(4)]
    model = tiny(shape, **({"sliding_window": 100} if shape == "gemma3" else {}))
    right = gradient(model, separate(model, rows))
    assert off(gradient(model, score_trie(model, trie_of(rows), way="blocks").nll()), right) < EXACT


@pytest.mark.filterwarnings("ignore")  # of torch, about a form that is not compiled
@pytest.mark.parametrize("shape", DECODERS)
def test_flex_attention_agrees(shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    """FlexAttention has no backward kernel on CPU; its uncompiled form computes one when it is let."""
    from torch.nn.attention import flex_attention

    monkeypatch.setattr(flex_attention, "_validate_device", lambda *_: None)
    model = tiny(shape)
    trie = trie_of([*rows_with(0), *rows_with(3)])
    right = gradient(model, score_trie(model, trie, way="dense").nll())
    assert off(gradient(model, score_trie(model, trie, way="flex").nll()), right) < EXACT


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("shape", DECODERS)
def test_compiled_flex_attention_agrees_on_cuda(shape: Shape) -> None:
    sizes = {"hidden_size": 64, "head_dim": 64, "num_attention_heads": 4}
    model = tiny(shape, **sizes).cuda()
    rows = rows_with(3)
    right = gradient(model, score_trie(model, trie_of(rows), way="dense").nll())
    assert install(model).idiolect_way == "flex"
    assert off(gradient(model, score_trie(model, trie_of(rows)).nll()), right) < 1e-3


@pytest.mark.parametrize("budget", [8, 10_000])
@pytest.mark.parametrize("levels", [0, 1, 3])
@pytest.mark.parametrize("shape", DECODERS)
def test_backward_in_parts_adds_the_same_gradient(shape: Shape, levels: int, budget: int) -> None:
    model, rows = tiny(shape), rows_with(levels)
    trie = trie_of(rows)
    whole = score_trie(model, trie)
    right = gradient(model, whole.nll())
    model.zero_grad()
    told = backward_in_parts(model, trie, torch.from_numpy(trie.weight), tokens=budget)
    assert torch.allclose(told.logp, whole.logp.detach(), rtol=1e-4, atol=1e-5)
    assert off(grads(model), right) < EXACT


def test_a_preference_loss_in_parts_takes_its_derivative_as_weights() -> None:
    model = tiny("gemma3")
    pairs = [Pair(row.id, row.prompt, row.answer, (7, *row.answer)) for row in rows_with(3)]
    trie = trie_of(pairs)

    def loss_of(logp: Any) -> Any:
        return -torch.nn.functional.logsigmoid(logp[0::2] - logp[1::2]).sum()

    right = gradient(model, loss_of(score_trie(model, trie).sequence_logp()))
    with torch.no_grad():
        logp = score_trie(model, trie).sequence_logp()
    (by_sequence,) = torch.autograd.grad(loss_of(logp.requires_grad_()), logp)
    model.zero_grad()
    backward_in_parts(model, trie, edge_weights(trie, by_sequence))
    assert off(grads(model), right) < EXACT


@pytest.mark.parametrize("shape", DECODERS)
def test_gradient_checkpointing_changes_nothing(shape: Shape) -> None:
    model, trie = tiny(shape), trie_of(rows_with(3))
    right = gradient(model, score_trie(model, trie).nll())
    model.activation_checkpointing_enable()
    model.train()
    assert off(gradient(model, score_trie(model, trie).nll()), right) < EXACT


@pytest.mark.parametrize("shape", DECODERS)
def test_a_packed_rows_scores_are_the_rows_alone(shape: Shape) -> None:
    model, rows = tiny(shape), rows_with(3)
    with torch.no_grad():
        scores = score_trie(model, trie_of(rows))
        for at, row in enumerate(rows):
            mine = scores.logp[scores.sequence == at]
            assert torch.allclose(mine, own_logp(model, row.prompt, row.answer), atol=1e-5)
    assert scores.sequence_tokens().tolist() == [len(row.answer) for row in rows]


def test_one_batch_of_eight_has_the_gradient_of_eight_of_one() -> None:
    model, rows = tiny("qwen3"), rows_with(3)
    weight = sum(row.weight * len(row.answer) for row in rows)
    whole = gradient(model, score_trie(model, trie_of(rows)).nll() / weight)
    model.zero_grad()
    for row in rows:
        (score_trie(model, trie_of([row])).nll() / weight).backward()
    assert off(grads(model), whole) < EXACT


def test_an_adapter_gets_its_gradients_and_can_be_turned_off() -> None:
    from peft import LoraConfig, get_peft_model

    base, rows = tiny("gemma3"), rows_with(3)
    with torch.no_grad():
        before = score_trie(copy.deepcopy(base), trie_of(rows)).logp
    lora = LoraConfig(
        r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    with quiet():
        model = get_peft_model(base, lora)
    right = gradient(model, separate(model, rows))
    assert off(gradient(model, score_trie(model, trie_of(rows)).nll()), right) < EXACT
    with torch.no_grad(), model.disable_adapter():
        assert torch.allclose(score_trie(model, trie_of(rows)).logp, before, atol=1e-5)


def test_the_model_stays_what_it_was_for_everyone_else() -> None:
    model = tiny("gemma3")
    ids = torch.tensor([[5, 6, 7, 8, 9] * 6, [0] * 10 + [4] * 20])
    mask = torch.ones_like(ids)
    mask[1, :10] = 0
    with torch.no_grad():
        before = model(input_ids=ids, attention_mask=mask).logits
        install(model)
        after = model(input_ids=ids, attention_mask=mask).logits
    assert torch.equal(before, after)
    wrote = model.generate(ids[:1], max_new_tokens=4, do_sample=False)
    assert wrote.shape == (1, 34)


def test_a_copy_runs_its_own_weights() -> None:
    model, trie = tiny("llama"), trie_of(rows_with(1))
    install(model)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.model.norm.weight.mul_(2.0)
        assert not torch.allclose(score_trie(twin, trie).logp, score_trie(model, trie).logp)


def test_a_wrapper_for_several_processes_sees_an_ordinary_forward(tmp_path: Any) -> None:
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    model, trie = tiny("qwen3"), trie_of(rows_with(3))
    right = gradient(model, score_trie(model, trie).nll())
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        wrapped = DistributedDataParallel(model)
        assert off(gradient(wrapped, score_trie(wrapped, trie).nll()), right) < EXACT
    finally:
        distributed.destroy_process_group()
