"""What a training leaves in its run: checkpoints, the student, how it was trained, its curves.

    checkpoint-200/ ...     as often as the script asks for them; each can be gone on from
    checkpoint-final/       the student: adapter or weights, tokenizer, idiolect.json
    run_config.json         all that the training was, resolved
    training_curves.svg     losses over steps
    tokenizer.json          the student's, where the language's FAQ looks for it
    lora/adapter.safetensors

No clock and no path of the machine stands in them.
"""

from __future__ import annotations

import json
import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from idiolect import __version__
from idiolect.files import write_beside
from idiolect.plan.plan import Plan
from idiolect.student.adapters import WEIGHTS
from idiolect.student.save import save_student
from idiolect.student.saved import FINAL
from idiolect.train.curves import loss_curves
from idiolect.train.job import Trained

CONFIG, CURVES, TOKENIZER = "run_config.json", "training_curves.svg", "tokenizer.json"
_LIBRARIES = ("torch", "transformers", "peft", "accelerate")


def write_results(folder: Path, trained: Trained, plan: Plan) -> None:
    """Write all of it."""
    for one in trained.checkpoints:
        linked(one.folder, folder / one.folder.name)
    write_student(folder, trained, plan)


def write_student(folder: Path, trained: Trained, plan: Plan) -> None:
    """The student and what says how it came about."""
    final = folder / FINAL
    save_student(trained.student, final, trained.weights)
    write_beside(folder / CONFIG, json.dumps(config_of(trained, plan), indent=2, ensure_ascii=False) + "\n")
    write_beside(folder / CURVES, loss_curves(trained.history, f"Losses of {plan.project.name}"))
    if (final / TOKENIZER).is_file():
        linked(final / TOKENIZER, folder / TOKENIZER)
    if (final / WEIGHTS).is_file() and trained.settings.save_strategy != "no":
        (folder / "lora").mkdir()
        linked(final / WEIGHTS, folder / "lora" / "adapter.safetensors")


def config_of(trained: Trained, plan: Plan) -> dict[str, Any]:
    """The training as it was, for whoever wants to repeat it."""
    sections = ("dataset", "data", "model", "train", "ft_lora", "validate_", "align", "dialect")
    dumped: dict[str, Any] = {}
    for name in sections:
        section = getattr(plan, name)
        if section is not None:
            dumped[name.rstrip("_")] = section.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "project": plan.project.name,
        "script": plan.script,
        "fingerprint": trained.fingerprint,
        "base": trained.student.base,
        "base_fingerprint": trained.student.base_fingerprint,
        "task": trained.settings.task,
        "loss": trained.settings.loss,
        "steps": trained.steps,
        "epochs": round(trained.epochs, 6),
        "rows_per_step": trained.settings.rows_per_step,
        "tokens_per_batch": trained.budget,
        "prefixes": "shared" if trained.way not in ("rows", "logits") else "not shared",
        "attention": trained.way,
        "device": trained.device,
        "precision": trained.precision,
        "weights": trained.student.precision,
        "quantization": trained.student.quantization,
        "parameters": trained.parameters,
        "trainable": trained.trainable,
        "tokens": trained.tokens,
        "seed": trained.settings.seed,
        "ended": trained.ended or "all steps done",
        "best_step": trained.best_step,
        "examples": {
            one.of: {"read": one.read, "kept": one.kept, "rejected": dict(one.rejected)}
            for one in trained.counts
        },
        "versions": {"idiolect": __version__, **{name: _version(name) for name in _LIBRARIES}},
        "settings": dumped,
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def linked(source: Path, target: Path) -> None:
    """The same file or folder under a second name; a copy where the disk can't do that."""
    if source.is_dir():
        target.mkdir()
        for path in sorted(source.iterdir()):
            linked(path, target / path.name)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
