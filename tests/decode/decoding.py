"""What tests of decoding share: tiny students, and the slow loop that every quick one is held to."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from idiolect.decode.constraint import constrain
from idiolect.decode.masks import apply_mask
from idiolect.grammar.form import Grammar, chars, choice, grammar, listed, many, ref, seq, some, times
from tiny_models import Shape, tiny_model

LONG = "Which orders below 120 have a customer in Paris, and what did they pay for the items? " * 3


@functools.cache
def student(shape: Shape) -> Any:
    """A tiny random student of a shape."""
    from idiolect.student.load import load_student

    folder = Path(tempfile.mkdtemp(prefix="idiolect-tiny-"))
    return load_student(tiny_model(folder / shape, shape), root=folder, device="cpu")


def lists() -> Grammar:
    """Nested lists of numbers and quoted words: forced parts, free parts, and depth."""
    return grammar(
        "start",
        rules={
            "start": seq('{"items":', ref("list"), "}"),
            "list": seq("[", listed(ref("item"), ","), "]"),
            "item": choice(ref("NUMBER"), ref("WORD"), ref("list"), seq('{"name":', ref("WORD"), "}")),
        },
        terminals={
            "NUMBER": seq(chars("1-9"), times(chars("0-9"), 0, 4)),
            "WORD": seq('"', times(chars("a-z "), 1, 30), '"'),
        },
    )


def endless() -> Grammar:
    """Lines that a model may go on with for ever, each ended by a word."""
    return grammar(
        "start",
        rules={"start": seq("begin\n", many(ref("NAME"), ";\n"), "the very end\n")},
        terminals={"NAME": some(chars("a-zA-Z_"))},
    )


def messages(text: str = LONG) -> tuple[dict[str, str], ...]:
    return ({"role": "user", "content": text},)


def naive(generator: Any, prompt: tuple[int, ...], made: Grammar | None, most: int) -> list[int]:
    """Greedy decoding the slow way: a full pass for every token, every mask over all logits."""
    import torch

    model, vocabulary = generator.student.model, generator.vocabulary
    guide = constrain(made, vocabulary).begin() if made else None
    written: list[int] = []
    while len(written) < most:
        ids = torch.tensor([[*prompt, *written]])
        with torch.inference_mode():
            logits = model(ids).logits[0, -1].float()
        if guide is not None:
            if guide.over:
                break
            logits = apply_mask(logits, guide.mask())
        token = int(logits.argmax())
        if token in vocabulary.stops:
            break
        if guide is not None:
            guide.take([token])
        written.append(token)
    return written
