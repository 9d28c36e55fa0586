"""The check on first use: it agrees where it should, and falls back by name where it should not."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from test_trie_gradients import gemma2, rows_with, tiny  # noqa: E402

from idiolect.train import loss, trie_scores  # noqa: E402
from idiolect.train.selfcheck import check_sharing  # noqa: E402
from idiolect.train.trie import trie_of  # noqa: E402
from idiolect.train.trie_scores import choose_way, install, score_trie  # noqa: E402
from tiny_models import DECODERS, Shape  # noqa: E402


@pytest.mark.parametrize("shape", DECODERS)
def test_families_that_share_pass_in_both_precisions(shape: Shape) -> None:
    for model in (tiny(shape), tiny(shape).bfloat16()):
        check = check_sharing(model)
        assert (check.wanted, check.used, check.warning) == ("blocks", "blocks", "")
        assert check.gradient_difference < check.allowed


def test_it_leaves_the_model_as_it_was() -> None:
    model = tiny("gemma3").train()
    state = torch.random.get_rng_state()
    check_sharing(model)
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_model_whose_masks_are_wrong_falls_back_to_separate_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    from idiolect.train import attention_blocks

    true = attention_blocks._seen_parts

    def blind(*args: Any) -> Any:
        return [(low, high, whole) for low, high, whole in true(*args) if not whole]

    monkeypatch.setattr(attention_blocks, "_seen_parts", blind)
    model = tiny("llama", initializer_range=0.3)
    check = check_sharing(model)
    assert check.used == "rows"
    assert check.gradient_difference > check.allowed
    assert "the gradient is off by" in check.warning
    assert "training goes on with separate rows" in check.warning
    assert install(model).idiolect_way == "rows"


def test_an_unknown_head_falls_back_to_the_models_own_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = gemma2(), rows_with(1)
    monkeypatch.setattr(trie_scores, "head_of", lambda core: loss.Head(core.lm_head, 300))
    check = check_sharing(model)
    assert check.used == "logits"
    assert "own logits" in check.warning
    right = score_trie(model, trie_of(rows), way="logits").logp
    assert torch.equal(score_trie(model, trie_of(rows)).logp, right)


def test_windows_that_do_not_reach_the_attention_function_are_found() -> None:
    model = tiny("gemma3")
    model.model.layers[0].self_attn.sliding_window = None
    check = check_sharing(model)
    assert check.used == "rows"
    assert "1 layers have a window and 0 say so" in check.warning


def test_attention_dropout_and_other_mixers_share_nothing_and_say_why() -> None:
    from transformers import FalconMambaConfig, FalconMambaForCausalLM

    way, why = choose_way(tiny("llama", attention_dropout=0.1))
    assert (way, why.startswith("attention dropout")) == ("rows", True)
    model = FalconMambaForCausalLM(
        FalconMambaConfig(vocab_size=300, hidden_size=16, num_hidden_layers=1, state_size=4)
    ).float()
    check = check_sharing(model)
    assert (check.wanted, check.used) == ("rows", "rows")
    assert check.why


FAMILIES: dict[str, dict[str, Any]] = {
    "Mistral": {"sliding_window": 8, "head_dim": 8},
    "Qwen2": {},
    "Phi3": {"sliding_window": 8},
    "Granite": {"logits_scaling": 2.0},
    "Cohere2": {"sliding_window": 8, "head_dim": 8},
    "Olmo3": {"sliding_window": 8},
    "SmolLM3": {},
    "Mixtral": {"num_local_experts": 4},
}


def family(name: str, **more: Any) -> Any:
    import transformers

    sizes = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512}
    sizes |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = getattr(transformers, f"{name}Config")(**(sizes | more))
        return transformers.AutoModelForCausalLM.from_config(config).float()


@pytest.mark.parametrize("name", FAMILIES)
def test_other_families_share_as_they_are(name: str) -> None:
    check = check_sharing(family(name, **FAMILIES[name]))
    assert (check.used, check.warning) == ("blocks", "")
    assert check.gradient_difference < 1e-5


def test_attention_sinks_are_told_by_name() -> None:
    check = check_sharing(family("GptOss", num_local_experts=4, head_dim=8, sliding_window=8))
    assert check.used == "rows"
    assert "attention sinks are not computed over a trie" in check.warning
