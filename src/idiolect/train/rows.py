"""The rows of a training: examples in token ids as the task wants them, counted, and their objective."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.problem import problem
from idiolect.runs.stage import Counts
from idiolect.student.fitting import LONG_ANSWER, LONG_PROMPT, NEGATIVE, fitted_rows, left_out
from idiolect.student.load import Student
from idiolect.student.row import LabelRow, Row
from idiolect.student.tokens import NoRow, make_label_row, pad_id
from idiolect.train.feed import AnyRow
from idiolect.train.objectives import Objective, TextObjective
from idiolect.train.plain_objectives import EncoderDecoderObjective, LabelObjective
from idiolect.train.settings import LoopSettings
from idiolect.train.trouble import TrainingError

_MOST_LABELS = 1000


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows, and what became of each example."""

    kept: tuple[AnyRow, ...]
    counts: Counts
    first: dict[str, str]  # by reason, what was said of the first that was left out


def rows_of(examples: Sequence[Example], student: Student, settings: LoopSettings, of: str) -> Rows:
    """The rows of examples; each that is none is counted by its reason."""
    if settings.task == "language":
        made: Iterable[AnyRow | Rejected] = fitted_rows(
            examples, student.tokenizer, student.form, longest_row(student, settings)
        )
    else:
        made = (_label_row(example, student, longest_row(student, settings)) for example in examples)
    kept: list[AnyRow] = []
    reasons: Counter[str] = Counter()
    first: dict[str, str] = {}
    for one in made:
        if isinstance(one, Rejected):
            reasons[one.reason] += 1
            first.setdefault(one.reason, one.detail)
        else:
            kept.append(one)
    return Rows(tuple(kept), Counts(of, len(examples), len(kept), dict(sorted(reasons.items()))), first)


def check_rows(rows: Rows, settings: LoopSettings) -> None:
    """TrainingError where nothing is left to train on."""
    if rows.kept:
        return
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.counts.rejected.items())
    what = "there are no training examples"
    if rows.counts.read:
        what = f"none of {rows.counts.read:,} training examples can be trained on: {reasons}"
    help = "look at the split stage's report, and at the file that DATASET.train names"
    if LONG_ANSWER in rows.first or LONG_PROMPT in rows.first:
        help = (
            f"raise TRAIN.max_seq_length above {settings.max_seq_length}: {next(iter(rows.first.values()))}"
        )
    raise TrainingError(problem("L622", what, help=help))


def notes_of(rows: Rows) -> list[str]:
    """What the user should know of examples that were left out; negatives are meant to be."""
    return [
        f"{count:,} {rows.counts.of} left out, {reason}: {rows.first[reason]}"
        for reason, count in rows.counts.rejected.items()
        if reason != NEGATIVE
    ]


def longest_row(student: Student, settings: LoopSettings) -> int:
    """TRAIN.max_seq_length, or the model's own window where that is shorter."""
    config = student.model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    window = getattr(text, "max_position_embeddings", None)
    if isinstance(window, int) and window > 0:
        return min(settings.max_seq_length, window)
    return settings.max_seq_length


def labels_of(examples: Sequence[Example], written: Sequence[str] | None) -> tuple[str, ...]:
    """The labels of a classification: INFERENCE.labels, else those that occur, sorted."""
    if written:
        return tuple(written)
    found = sorted({example.target.strip() for example in examples if example.valid})
    if len(found) < 2 or len(found) > _MOST_LABELS:
        what = f"DATASET.type is classification, and the training data have {len(found):,} different targets"
        help = 'a classification has 2 to 1,000 labels; write type: "generation" to learn texts'
        raise TrainingError(problem("L650", what, help=help, where="DATASET.type"))
    return tuple(found)


def labelled(student: Student, labels: tuple[str, ...]) -> Student:
    """A classifier that knows its labels' names."""
    config = student.model.config
    config.id2label = dict(enumerate(labels)) if labels else {0: "value"}
    config.label2id = {name: at for at, name in config.id2label.items()}
    config.problem_type = "single_label_classification" if labels else "regression"
    config.pad_token_id = pad_id(student.tokenizer, student.form)
    return replace(student, form=replace(student.form, labels=labels))


def objective_of(student: Student, settings: LoopSettings, way: str) -> Objective:
    """What is minimized over a plan's rows. `way` is how the model's layers share prefixes."""
    if settings.task != "language":
        labels = student.form.labels if settings.task == "classification" else ()
        return LabelObjective(pad_id(student.tokenizer, student.form), settings.loss, labels)
    if student.encoder_decoder:
        return EncoderDecoderObjective(pad_id(student.tokenizer, student.form), settings.loss)
    return TextObjective(shared=settings.sharing and way not in ("rows", "logits"), loss=settings.loss)


def _label_row(example: Example, student: Student, limit: int) -> LabelRow | Rejected:
    if not example.valid:
        return left_out(example, NEGATIVE, "its target is labelled wrong")
    try:
        row = make_label_row(example, student.tokenizer, student.form)
    except NoRow as error:
        return left_out(example, error.reason, str(error))
    if row.length > limit:
        return left_out(example, LONG_PROMPT, f"{row.length:,} tokens, and {limit:,} fit")
    return row


def longest_of(rows: Sequence[AnyRow], *, shared: bool) -> int:
    """Tokens of the longest row alone: what the smallest batch holds."""
    return max(_alone(row, shared) for row in rows)


def _alone(row: AnyRow, shared: bool) -> int:
    if isinstance(row, Row | LabelRow):
        return row.length
    return len(row.prompt) * (1 if shared else 2) + len(row.chosen) + len(row.rejected)


def budget_of(
    settings_budget: int | None, longest: int, model: Any, available: int | None, device: str
) -> int:
    """Tokens of a batch: as written, else what fits memory by estimate, and never less than the longest row.

    A power of two, so that a little more or less memory gives the same batches.
    """
    if settings_budget is not None:
        return max(settings_budget, longest)
    most = 32_768 if device == "cuda" else 16_384
    fits = most
    if available is not None:
        fits = int(max(0, 0.7 * available - _fixed_bytes(model)) / max(1, _bytes_a_token(model)))
    budget = 1024
    while 2 * budget <= min(most, fits):
        budget *= 2
    return max(budget, longest)


def _fixed_bytes(model: Any) -> int:
    """Weights, and for what is trained the gradients and two moments."""
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    weights = sum(one.numel() * one.element_size() for one in model.parameters())
    return int(weights + 12 * trained)


def _bytes_a_token(model: Any) -> int:
    """Activations of a token: 34 values of 2 bytes a layer and unit of width (see memory_need)."""
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    layers = getattr(config, "num_hidden_layers", 12) or 12
    return 2 * 34 * int(layers) * int(getattr(config, "hidden_size", 1024) or 1024)
