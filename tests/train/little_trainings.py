"""A tiny project to train in: a random model of some thousand weights, rows of a toy language, a script."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idiolect.data.example import Example
from idiolect.okt.check import check_text
from idiolect.plan.plan import Plan
from idiolect.plan.resolve import resolve
from idiolect.train.job import Trained, TrainingJob
from idiolect.train.training import train
from tiny_models import Shape, tiny_model

LORA = 'FT_LORA { base_model: "models/base" lora_rank: 4 lora_alpha: 8 }'
_CONTEXTS = ("fields: price, name, city", "fields: age, city", "fields: size, colour, price")


def examples(count: int, *, seed: int = 0, contexts: Sequence[str] = _CONTEXTS) -> list[Example]:
    """Requests over a few shared contexts; the answer can be read off the request."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        context = contexts[number % len(contexts)]
        field = rng.choice(context.removeprefix("fields: ").split(", "))
        value = rng.randrange(100)
        op = rng.choice(("lt", "gt", "eq"))
        made.append(
            Example(
                instruction=f"{field} {op} {value} ({number})",
                target=f'{{"field":"{field}","op":"{op}","value":{value}}}',
                context=context,
                level=("micro", "multi", "scenario")[number % 3],
                group=context,
            )
        )
    return made


def project(root: Path, shape: Shape = "llama", **config: Any) -> Path:
    """A project root with a base model."""
    tiny_model(root / "models" / "base", shape, **config)
    return root


def plan_of(
    train: str = "", more: str = LORA, *, dataset: str = "", model: str = "", epochs: int = 1, batch: int = 4
) -> Plan:
    """The plan of a script with a few lines of its own."""
    checked = check_text(
        f'PROJECT "little"\nDATASET {{ train: "a.jsonl" {dataset} }}\n'
        f'MODEL {{ base: "models/base" {model} }}\n'
        f'TRAIN {{ epochs: {epochs} batch_size: {batch} learning_rate: 0.01 device: "cpu" {train} }}\n'
        f"{more}\n"
    )
    assert not checked.errors, [str(one) for one in checked.errors]
    return resolve(checked, {})


def trained(root: Path, plan: Plan, rows: Sequence[Example], *, home: str = "home", **more: Any) -> Trained:
    """Train a plan on examples."""
    job = TrainingJob(plan=plan, root=root, train=rows, home=root / home, **more)
    return train(job)


def weights_of(student: Any) -> dict[str, Any]:
    """What was trained, by name."""
    return {
        name: parameter.detach().clone()
        for name, parameter in student.model.named_parameters()
        if parameter.requires_grad
    }


def same_weights(first: Any, second: Any) -> bool:
    """Whether two students are the same to the bit."""
    one, other = weights_of(first), weights_of(second)
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)
