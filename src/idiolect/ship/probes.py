"""Golden prompts: token ids to be scored by the student and by every exported form of it.

A probe is a prompt with its reference answer. It is scored teacher-forced, position by position, which tells
two models apart long before their greedy answers differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.student.load import Student
from idiolect.student.tokens import make_rows

_MOST_TOKENS = 512  # of a probe: parity needs no long prompts, and runtimes are slow at them
FALLBACK = ("Hello.", "Show all entries below 120, sorted by date.", "Écris « ça » en français.")


@dataclass(frozen=True, slots=True)
class Probe:
    """Token ids, the text that they came from, and from where on the answer is scored."""

    ids: tuple[int, ...]
    start: int  # the first position whose prediction is scored
    text: str = ""  # of the prompt, to compare tokenizers

    @property
    def positions(self) -> int:
        return len(self.ids) - self.start


def probes_of(student: Student, examples: Iterable[Example], most: int = 8) -> list[Probe]:
    """Probes of examples that are not too long; of plain sentences where there are none."""
    found: list[Probe] = []
    for row in make_rows(examples, student.tokenizer, student.form):
        if isinstance(row, Rejected) or row.length > _MOST_TOKENS:
            continue
        found.append(Probe(row.prompt + row.answer[:-1], len(row.prompt) - 1))
        if len(found) == most:
            break
    return found or plain_probes(student.tokenizer)


def plain_probes(tokenizer: Any, texts: Sequence[str] = FALLBACK) -> list[Probe]:
    """Probes of plain sentences."""
    return [Probe(tuple(tokenizer(text)["input_ids"]), 0, text) for text in texts]


def logits_of(model: Any, probe: Probe) -> Any:
    """[positions, vocabulary] The logits behind each scored token, in float32, on the CPU."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([probe.ids], device=model.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, probe.start :]
    return logits.float().cpu()
