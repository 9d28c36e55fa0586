"""Folds a student's adapter into its base, in full precision, and shows that it still says the same.

    merged = merge(load_for_merge("runs/filters", root=project), probes)

The base is loaded anew with nothing packed: weights of 4 bits can't take an adapter in without losing it.
Before anything is written, the merged model's logits are compared with those of base and adapter apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idiolect.files import put_in_place, remove
from idiolect.problem import problem
from idiolect.ship.adapter_file import opened_adapter
from idiolect.ship.probes import Probe, logits_of
from idiolect.student.load import Student, load_student
from idiolect.student.save import save_student
from idiolect.student.trouble import StudentError

# Merging changes the order of sums only. Measured on models of 2 to 8 layers in float32: 1e-6 to 2e-5.
_MOST_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class Merged:
    """A student with its adapter folded in, and how far its logits are from the unmerged one's."""

    student: Student
    difference: float  # largest, over the probes
    positions: int


def load_for_merge(
    source: str | Path, *, root: Path, adapter: Path | None = None, offline: bool = False
) -> Student:
    """A student on a base in full precision; `adapter` is put onto `source` where that is a base model."""
    student = load_student(
        source,
        root=root,
        adapter=opened_adapter(adapter) if adapter else None,
        device="cpu",
        precision="fp32",
        quantization="none",
        offline=offline,
    )
    if not student.has_adapter:
        what = f"{source} has no adapter: there is nothing to fold in"
        raise StudentError(problem("L640", what, help="export it as it is"))
    return student


def merge(student: Student, probes: list[Probe]) -> Merged:
    """The merged student; StudentError where it would not say the same."""
    tied = _is_tied(student.model.get_base_model())
    apart = [logits_of(student.model, probe) for probe in probes]
    model = student.model.merge_and_unload(safe_merge=True).eval()
    if tied and not _is_tied(model):
        _tie(model)
    together = [logits_of(model, probe) for probe in probes]
    difference = max((float((a - b).abs().max()) for a, b in zip(apart, together, strict=True)), default=0.0)
    largest = max((float(a.abs().max()) for a in apart), default=1.0)
    if not difference <= _MOST_DIFFERENCE * max(1.0, largest):
        what = f"the merged model's logits differ by {difference:.2g} from those of base and adapter apart"
        raise StudentError(problem("L640", what, help="export the adapter itself, and load it with PEFT"))
    rows = model.get_input_embeddings().weight.shape[0]
    if rows < len(student.tokenizer):
        what = f"the merged embedding has {rows} rows for {len(student.tokenizer)} tokens"
        raise StudentError(problem("L640", what, help="train again: tokens were added and not saved"))
    merged = replace(student, model=model, quantization="none")
    return Merged(merged, difference, sum(probe.positions for probe in probes))


def save_merged(merged: Merged, folder: Path) -> Path:
    """Write the merged model as a model's folder of its own, beside and then into its place."""
    beside = folder.with_name(f".{folder.name}.new")
    remove(beside)
    save_student(merged.student, beside)
    put_in_place(beside, folder)
    return folder


def _is_tied(model: Any) -> bool:
    head = model.get_output_embeddings()
    return head is not None and head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()


def _tie(model: Any) -> None:
    """Merging into a tied head parts it from the embedding; then the model says so itself."""
    model.config.get_text_config().tie_word_embeddings = False
