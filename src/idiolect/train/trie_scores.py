"""A model over a token trie: log-probabilities of every supervised token, differentiable.

    scores = score_trie(model, trie)
    loss = scores.nll() / step_weight            # SFT: the supervised weight of the whole global step
    margins = scores.sequence_logp()             # DPO, evaluation: [sequences]

`model` may be a causal LM of the library, the same with a PEFT adapter, or either wrapped for several
processes: the call goes through `model(...)`, so gradient hooks, sharding and autocast of wrappers see an
ordinary forward. The way is chosen once a model: FlexAttention on CUDA, blocks elsewhere, and separate
rows, padded in one batch, where a layer mixes tokens otherwise than by attention. `train/selfcheck.py`
puts it to the test.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, Literal

import torch

from idiolect.train.attention import TrieLayout, use_trie_attention
from idiolect.train.attention_blocks import BLOCK
from idiolect.train.loss import CHUNK_MB, EdgeScores, head_of, score
from idiolect.train.trie import TokenTrie

Way = Literal["flex", "blocks", "dense", "rows", "logits"]  # the last: rows with the model's own logits
_SHARING_LAYERS = ("full_attention", "sliding_attention")


@dataclass(frozen=True, slots=True)
class TrieScores:
    """What a model says of a trie's supervised edges; sequences stand in the order that the trie got."""

    logp: Any  # [edges] float32, differentiable
    entropy: Any  # [edges] in nats
    correct: Any  # [edges] bool
    weight: Any  # [edges]
    sequence: Any  # [edges]
    sequences: int

    def nll(self) -> Any:
        """The weighted sum of negative log-likelihoods: to be divided by the weight of the global step."""
        return -(self.weight * self.logp).sum()

    def sequence_logp(self) -> Any:
        """[sequences] The log-probability of each whole answer, unweighted."""
        return self.logp.new_zeros(self.sequences).index_add(0, self.sequence, self.logp)

    def sequence_tokens(self) -> Any:
        """[sequences] How many tokens each answer has."""
        return torch.bincount(self.sequence, minlength=self.sequences)

    def sums(self) -> dict[str, float]:
        """Sums over the supervised tokens: add them up over batches and processes, divide by `tokens`."""
        with torch.no_grad():
            return {
                "tokens": float(len(self.logp)),
                "weight": float(self.weight.sum()),
                "nll": float(self.nll()),
                "correct": float(self.correct.sum()),
                "entropy": float(self.entropy.sum()),
                "confidence": float(self.logp.exp().sum()),  # the probability given to the target
            }


def score_trie(
    model: Any, trie: TokenTrie, *, way: Way | None = None, chunk_mb: float = CHUNK_MB
) -> TrieScores:
    """Run a trie through a model. `way` overrides how sharing is computed; `chunk_mb` bounds the logits."""
    core = install(model)
    told = model(trie=trie, trie_way=way or core.idiolect_way, trie_chunk_mb=chunk_mb)
    device = told["logp"].device
    weight, sequence = (torch.from_numpy(part).to(device) for part in (trie.weight, trie.sequence))
    return TrieScores(told["logp"], told["entropy"], told["correct"], weight, sequence, trie.sequences)


def forward_trie(model: Any, trie: TokenTrie, *, way: Way | None = None) -> Any:
    """[edges, width] The hidden states at the sources of a trie's edges, of a model that is not wrapped."""
    core = install(model)
    return _hidden(core, trie, way or core.idiolect_way)


def install(model: Any) -> Any:
    """Let a model's forward take a trie, and choose the way; returns the causal LM inside.

    To be called before the model is wrapped for several processes; calling it again does nothing.
    """
    core = core_of(model)
    if not hasattr(core, "idiolect_way"):
        core.idiolect_way, core.idiolect_reason = choose_way(core)
        if core.idiolect_way != "rows":
            use_trie_attention(core)
        core.idiolect_former = core.__dict__.get("forward")  # of someone else who did the same
        core.forward = types.MethodType(_forward, core)
    return core


def core_of(model: Any) -> Any:
    """The causal LM inside of wrappers and adapters."""
    while hasattr(model, "module") and not hasattr(model, "config"):
        model = model.module
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def choose_way(core: Any) -> tuple[Way, str]:
    """How a model's layers let it share prefixes, and why."""
    config = core.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    others = sorted(kinds - set(_SHARING_LAYERS))
    if others:
        return "rows", f"it has layers of {', '.join(others)}, which read tokens in a row"
    if not getattr(core, "_supports_attention_backend", False):
        return "rows", f"{type(core).__name__} takes no attention function of others"
    if getattr(config, "attention_dropout", 0.0):
        return "rows", "attention dropout would differ between shared and separate rows"
    if core.device.type == "cuda":
        from idiolect.train.attention_flex import usable

        found, why = usable(config)
        return ("flex" if found else "blocks"), why
    return "blocks", "queries run in blocks over the keys that they see"


def _forward(
    self: Any,
    *args: Any,
    trie: TokenTrie | None = None,
    trie_way: Way = "rows",
    trie_chunk_mb: float = CHUNK_MB,
    **kwargs: Any,
) -> Any:
    """The model's forward; given a trie, the scores of its edges instead of logits."""
    if trie is None:
        return (self.idiolect_former or types.MethodType(type(self).forward, self))(*args, **kwargs)
    if trie_way == "logits":
        told = _by_own_logits(self, trie)
    else:
        hidden = _hidden(self, trie, trie_way)
        targets = torch.from_numpy(trie.target).to(hidden.device)
        told = score(hidden, targets, head_of(self), chunk_mb=trie_chunk_mb)
    # A mapping, since wrappers look through outputs for tensors and know no class of ours.
    return {"logp": told.logp, "entropy": told.entropy, "correct": told.correct}


def _hidden(core: Any, trie: TokenTrie, way: Way) -> Any:
    if way in ("rows", "logits"):
        return _by_rows(core, trie, core.get_decoder()).last_hidden_state[_row_edges(core, trie)]
    return _shared(core, trie, way)


def _shared(core: Any, trie: TokenTrie, way: Any) -> Any:
    """The trie as one row."""
    device = core.get_input_embeddings().weight.device
    ids, depth = (torch.from_numpy(part)[None].to(device) for part in (trie.ids, trie.depth))
    size = trie.tokens
    if way == "flex":
        from idiolect.train.attention_flex import bucket

        size = bucket(size)
        ids, depth = (torch.nn.functional.pad(part, (0, size - trie.tokens)) for part in (ids, depth))
    # The mask is ready-made, so the model makes none; our attention function looks at the layout alone.
    unused = torch.empty(1, 1, 1, 1, device=device)
    largest = getattr(core, "idiolect_block", BLOCK if device.type == "cpu" else 4 * BLOCK)
    layout = TrieLayout(trie, device, way, size, largest)
    states = (
        core.get_decoder()(
            input_ids=ids, position_ids=depth, attention_mask=unused, use_cache=False, trie_layout=layout
        )
    ).last_hidden_state[0]
    core.idiolect_windows = tuple(layout.windows)
    return states[torch.from_numpy(trie.source).to(device)]


def _by_own_logits(core: Any, trie: TokenTrie) -> EdgeScores:
    """Separate rows, and logits as the model itself makes them, all at once."""
    logits = _by_rows(core, trie, types.MethodType(type(core).forward, core)).logits
    logs = torch.log_softmax(logits[_row_edges(core, trie)].float(), -1)
    targets = torch.from_numpy(trie.target).to(logs.device)
    entropy = -(logs.detach().exp() * logs.detach()).sum(-1)
    return EdgeScores(logs.gather(-1, targets[:, None])[:, 0], entropy, logs.argmax(-1) == targets)


def _row_edges(core: Any, trie: TokenTrie) -> tuple[Any, Any]:
    """Row and column of each edge's source among separate rows."""
    device = core.get_input_embeddings().weight.device
    at = torch.from_numpy(trie.depth[trie.source]).to(device)
    return torch.from_numpy(trie.sequence).to(device), at


def _by_rows(core: Any, trie: TokenTrie, run: Any) -> Any:
    """Each sequence as a row of its own, padded on the right: what every causal model can do."""
    device = core.get_input_embeddings().weight.device
    paths = [torch.from_numpy(trie.path(at)) for at in range(trie.sequences)]
    ids = torch.zeros(len(paths), max(map(len, paths)), dtype=torch.int64)
    for row, path in zip(ids, paths, strict=True):
        row[: len(path)] = torch.from_numpy(trie.ids)[path]
    lengths = torch.tensor([len(path) for path in paths])
    mask = torch.arange(ids.shape[1])[None] < lengths[:, None]
    return run(input_ids=ids.to(device), attention_mask=mask.to(device).long(), use_cache=False)
