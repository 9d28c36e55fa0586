"""Pairs from a student's own answers, where no evaluation has judged any: asked, verified, compared.

Each example is answered greedily and some times at random, without a grammar. An answer that the dialect
refuses is the worse of a pair whose better answer is the example's target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from idiolect.data.contexts import context_of
from idiolect.data.example import WORDS, Example
from idiolect.dialects.contract import Context, Dialect
from idiolect.runs.stage import Counts
from idiolect.student.load import Student
from idiolect.student.prompt import turns_of
from idiolect.train.pairs import Preference

_CANDIDATES = 3
_TEMPERATURE = 0.8
_BATCH = 8
_LONGER = 1.5  # an answer may be so much longer than the longest target: what rambles on is wrong by then


def pairs_of_student(
    student: Student,
    examples: Sequence[Example],
    dialect: Dialect,
    project: Context,
    *,
    seed: int,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Preference], Counts]:
    """Pairs of what the student gets wrong; counts of its answers close."""
    import torch

    from idiolect.decode.generate import Generator
    from idiolect.decode.records import Request, Sampling
    from idiolect.decode.trouble import DecodeError

    model = student.model
    was_training = model.training
    model.eval()
    asked = [example for example in examples if example.valid and example.task not in WORDS]
    targets = [len(student.tokenizer(example.target)["input_ids"]) for example in asked]
    max_tokens = int(_LONGER * max(targets, default=0)) + 8
    found: dict[str, Preference] = {}
    reasons: dict[str, int] = {}
    read = 0
    try:
        generator = Generator(student)
        for start in range(0, len(asked), _BATCH):
            step(start, len(asked))
            batch = asked[start : start + _BATCH]
            for candidates, temperature in ((1, 0.0), (_CANDIDATES, _TEMPERATURE)):
                requests = [
                    Request(tuple(turns_of(example)), example.context, candidates=candidates)
                    for example in batch
                ]
                sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed + start)
                try:
                    with torch.no_grad():
                        answers: Any = generator.generate(requests, sampling)
                except DecodeError:
                    answers = []
                for example, several in zip(batch, answers, strict=False):
                    for answer in several:
                        read += 1
                        reason = _reason(example, answer.text, dialect, project, found)
                        if reason:
                            reasons[reason] = reasons.get(reason, 0) + 1
    finally:
        model.train(was_training)
    return list(found.values()), Counts("answers", read, len(found), dict(sorted(reasons.items())))


def _reason(
    example: Example, text: str, dialect: Dialect, project: Context, found: dict[str, Preference]
) -> str:
    """Take a pair, or say why there is none."""
    if not text.strip():
        return "no answer of the student"
    verdict = dialect.verify(text, context_of(example, project))
    if verdict.not_judged is not None:
        return "could not be judged"
    if verdict.ok:
        return "accepted"
    pair = Preference(
        instruction=example.instruction,
        chosen=example.target,
        rejected=text,
        context=example.context,
        system=example.system,
        by="verifier",
        level=example.level,
    )
    if pair.id in found:
        return "repeat"
    found[pair.id] = pair
    return ""
