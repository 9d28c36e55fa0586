"""The checks before a training, with the student's own tokenizer and template, on the rows it will see.

Training calls `preflight` first and does not begin where it finds an error; `idiolect data preflight` prints
what it found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.machine.requirements import gib
from idiolect.problem import Problem, problem
from idiolect.student.fitting import LONG_ANSWER, LONG_PROMPT, NEGATIVE, LongPrompts, fitted_pairs
from idiolect.student.load import Student, model_window
from idiolect.student.parameters import count_parameters
from idiolect.student.row import Row
from idiolect.text_hints import counted
from idiolect.train.preflight.needs import Loop, ModelSize, memory_of, time_of
from idiolect.train.preflight.probe import probe
from idiolect.train.preflight.record import Memory, Preflight
from idiolect.train.preflight.rows import check_rows, lengths_of, sharing_of
from idiolect.train.preflight.writable import check_targets

_SHARED_WORTH = 64  # tokens of context from which it pays to keep it in front


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is checked for."""

    loop: Loop
    limit: int = 2048  # TRAIN.max_seq_length
    long_prompts: LongPrompts = "reject"
    probe_s: float = 3.0  # 0 leaves memory and time out
    available: int | None = None  # memory that training may take, in bytes


def preflight(
    student: Student,
    records: Iterable[Example | Rejected],
    wanted: Wanted,
    *,
    dialect: Dialect | None = None,
    project: Context = EMPTY,
) -> Preflight:
    """Everything that can be known of a training before its first step.

    `student` is trainable already, its adapter attached; `dialect` is the one whose grammar will hold its
    answers, or None where decoding is free. Records that were rejected before are counted with the others.
    """
    limit = min(wanted.limit, model_window(student.model) or wanted.limit)
    rejected: list[Rejected] = []
    examples: list[Example] = []
    for record in records:
        if isinstance(record, Rejected):
            rejected.append(record)
        else:
            examples.append(record)
    read = len(rejected) + len(examples)
    pairs: list[tuple[Example, Row]] = []
    shrunk = 0
    fitted = fitted_pairs(examples, student.tokenizer, student.form, limit, wanted.long_prompts)
    for given, (example, row) in zip(examples, fitted, strict=True):
        if isinstance(row, Rejected):
            rejected.append(row)
        else:
            pairs.append((example, row))
            shrunk += given is not example
    counts = count_parameters(student.model)
    found = Preflight(
        base=student.base,
        template=student.form.template_name,
        parameters=counts.total,
        trainable=counts.trainable,
        limit=limit,
        read=read,
        rejected=dict(sorted(Counter(one.reason for one in rejected).items())),
        shrunk=shrunk,
    )
    problems = [*_of_student(student, wanted.limit, limit), *_of_rejected(rejected, limit)]
    if not pairs:
        what = "no example is left to train on"
        return replace(found, problems=(*problems, problem("L622", what, help=_NOTHING)))
    return _looked_into(found, student, pairs, problems, wanted, dialect, project)


_NOTHING = "look at the reasons above, and at the file that DATASET.train names"


def _looked_into(
    found: Preflight,
    student: Student,
    pairs: list[tuple[Example, Row]],
    problems: list[Problem],
    wanted: Wanted,
    dialect: Dialect | None,
    project: Context,
) -> Preflight:
    rows = [row for _, row in pairs]
    lengths = lengths_of(rows, [_source(example) for example, _ in pairs])
    loop = wanted.loop
    sharing = sharing_of(rows, loop.rows_a_step, loop.budget, loop.seed)
    faults = check_rows(pairs, len(pairs), student.tokenizer, student.form)
    problems += faults.problems(student.form)
    problems += _of_format(student, pairs)
    writable = None
    if dialect is not None:
        refusals = check_targets(pairs, dialect, project, student)
        problems += refusals.problems()
        writable = refusals.summary()
    memory = time = None
    if wanted.probe_s:
        middle = sorted(rows, key=lambda row: row.length)[len(rows) // 2 :]
        steps = probe(student.model, middle, seconds=wanted.probe_s, encoder_decoder=student.encoder_decoder)
        if steps is not None:
            memory = memory_of(
                _size(student),
                loop,
                lengths,
                sharing,
                steps,
                device=student.device,
                available=wanted.available,
                logits_chunk=None if student.encoder_decoder else _logits_chunk(),
            )
            time = time_of(loop, lengths, sharing, steps)
            problems += _of_memory(memory)
    return replace(
        found,
        lengths=lengths,
        sharing=sharing,
        writable=writable,
        memory=memory,
        time=time,
        problems=tuple(problems),
    )


def _of_student(student: Student, wanted: int, limit: int) -> Iterator[Problem]:
    for note in student.notes:
        yield problem("L617", note)
    if limit < wanted:
        what = f"TRAIN.max_seq_length is {wanted:,}, and the model takes {limit:,} tokens"
        yield problem("L621", what, help=f"write max_seq_length: {limit}", where="TRAIN.max_seq_length")


def _of_rejected(rejected: list[Rejected], limit: int) -> Iterator[Problem]:
    """What was left out, each reason once, with the first of its examples."""
    by_reason: dict[str, list[Rejected]] = {}
    for one in rejected:
        by_reason.setdefault(one.reason, []).append(one)
    for reason, some in sorted(by_reason.items()):
        count, first = counted(len(some), "example"), some[0].detail
        where = f"{some[0].source}:{some[0].line}" if some[0].source and some[0].line else None
        if reason == LONG_ANSWER:
            what = f"{count} would be cut within the answer: {first}"
            help = "raise TRAIN.max_seq_length, or leave these examples out"
            yield problem("L620", what, help=help, where=where)
        elif reason == LONG_PROMPT:
            help = f"write a max_seq_length above {limit}, or shorten their contexts (--long-prompts shrink)"
            yield problem("L621", f"{count} too long, left out: {first}", help=help, where=where)
        elif reason == NEGATIVE:
            yield problem("L628", f"{count} labelled wrong, not imitated", severity="info")
        else:
            yield problem("L628", f"{count} left out, {reason}: {first}", where=where)


def _of_format(student: Student, pairs: list[tuple[Example, Row]]) -> Iterator[Problem]:
    """A format that puts what differs before what is shared."""
    form = student.form.format
    place = form.find("{context}")
    if 0 <= form.find("{input}") < place and any(len(e.context) > 4 * _SHARED_WORTH for e, _ in pairs[:1000]):
        what = "the format puts {input} before {context}: rows of one context share no prefix"
        help = 'write format: "{context}\\n\\n{input}", or "{input}" alone'
        yield problem("L627", what, help=help, where="INFERENCE.format")


def _of_memory(memory: Memory) -> Iterator[Problem]:
    if memory.available is None or memory.total <= memory.available:
        return
    what = (
        f"training takes about {gib(memory.total)} by estimate, {gib(memory.activations)} of them activations"
        f" and {gib(memory.logits)} logits; {gib(memory.available)} are there on {memory.device}"
    )
    help = "halve batch_size and double gradient_accumulation, or set gradient_checkpointing: true"
    yield problem("V006", what, help=help, where="TRAIN.batch_size")


def _size(student: Student) -> ModelSize:
    config = _text_config(student.model)
    return ModelSize(
        parameters=count_parameters(student.model),
        vocabulary=student.model.get_input_embeddings().weight.shape[0],
        layers=getattr(config, "num_hidden_layers", 0),
        hidden_size=getattr(config, "hidden_size", 0),
    )


def _logits_chunk() -> int:
    from idiolect.train.loss import CHUNK_MB  # loads torch

    return CHUNK_MB * 1_000_000


def _text_config(model: Any) -> Any:
    return model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config


def _source(example: Example) -> str:
    origin = example.provenance
    return f"{origin.source}:{origin.line}" if origin.source and origin.line else origin.source or ""
