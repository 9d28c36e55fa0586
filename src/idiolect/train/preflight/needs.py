"""Estimates memory and time of a training from what was measured on a few short steps. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from idiolect.student.parameters import Parameters
from idiolect.train.preflight.probe import Probe
from idiolect.train.preflight.record import Lengths, Memory, Sharing, Time

# Bytes that an optimizer keeps for each trained number, in fp32: two moments, one, or none to speak of.
_OPTIMIZER_BYTES = {"adam": 8, "adamw": 8, "lamb": 8, "rmsprop": 4, "sgd": 0, "adafactor": 1}
_GRADIENT_BYTES = 4
_LOGIT_BYTES = 8  # fp32, and their gradient


@dataclass(frozen=True, slots=True)
class Loop:
    """What decides how large a step is and how many there are."""

    batch_size: int
    accumulation: int = 1
    epochs: int = 1
    max_steps: int | None = None
    optimizer: str = "adamw"
    checkpointing: bool = False
    sharing: bool = True
    budget: int = 16_384  # trie tokens of a batch
    seed: int = 0

    @staticmethod
    def budget_of(longest: int) -> int:
        """The budget where the script names none."""
        return max(16_384, longest)

    @property
    def rows_a_step(self) -> int:
        return self.batch_size * self.accumulation

    def steps(self, rows: int) -> int:
        """Updates of the whole training."""
        return self.max_steps or ceil(rows / self.rows_a_step) * self.epochs


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What of a model decides its memory."""

    parameters: Parameters
    vocabulary: int
    layers: int
    hidden_size: int


def memory_of(
    size: ModelSize,
    loop: Loop,
    lengths: Lengths,
    sharing: Sharing,
    probe: Probe,
    *,
    device: str,
    available: int | None,
    logits_chunk: int | None = None,
) -> Memory:
    """The memory of the largest batch; logits stay below a chunk's bytes, and as much for their gradient."""
    tokens = sharing.largest_batch if loop.sharing else lengths.longest * loop.batch_size
    each = probe.bytes_a_token
    if loop.checkpointing and size.layers:
        # a layer's input for every layer, and all that one layer keeps
        each = each / size.layers + 4 * size.layers * size.hidden_size
    share = lengths.answer_tokens / (sharing.trie_tokens if loop.sharing else lengths.tokens)
    logits = int(tokens * min(1.0, share)) * size.vocabulary * _LOGIT_BYTES
    trained = size.parameters.trainable
    return Memory(
        weights=size.parameters.bytes,
        gradients=_GRADIENT_BYTES * trained,
        optimizer=_OPTIMIZER_BYTES.get(loop.optimizer, 8) * trained,
        activations=int(tokens * each),
        logits=min(logits, 2 * logits_chunk) if logits_chunk else logits,
        available=available,
        device=device,
    )


def time_of(loop: Loop, lengths: Lengths, sharing: Sharing, probe: Probe) -> Time:
    """The time of all steps, if each token takes as long as it did in the probe."""
    epoch = sharing.trie_tokens if loop.sharing else lengths.tokens
    steps = loop.steps(lengths.rows)
    a_step = epoch * min(1.0, loop.rows_a_step / lengths.rows)
    rate = probe.tokens_a_second
    return Time(probe.tokens, probe.seconds, rate, steps, steps * a_step / rate if rate else 0.0)
