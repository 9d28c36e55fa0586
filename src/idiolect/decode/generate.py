"""Writes answers with a transformers model: many requests and candidates at once, held to grammars.

    generator = Generator(student)
    answers = generator.generate([Request(messages, grammar=grammar, candidates=8)], Sampling())

A prompt is run once for all its candidates, and what prompts begin with alike once for all of them. Tokens
that the grammar forces are appended as a chunk, without asking the model: rows then grow by different
lengths, which `decode/runner.py` sees to. Each row draws its own random numbers. Beams are in
`decode/beams.py`; which of the candidates is best is for `decode/pipeline.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from idiolect.decode.constraint import Constraint, constrain
from idiolect.decode.head import Head, agrees
from idiolect.decode.masks import allowed_tokens, apply_mask
from idiolect.decode.records import Answer, Answers, OnPiece, Request, Requests, Sampling
from idiolect.decode.row import Row
from idiolect.decode.runner import AlignedRunner, RaggedRunner, is_ragged
from idiolect.decode.sampling import choose, generator, penalize, positions_of
from idiolect.decode.trouble import trouble
from idiolect.decode.vocabulary import Vocabulary, vocabulary_of
from idiolect.student.load import Student
from idiolect.student.tokens import answer_text, conversation_ids, stop_ids

MOST_CHECKED = 24  # tokens that are checked one by one before a mask is made
MOST_ROWS = 32  # candidates that are written at the same time
_DROP = 0.75  # rows still going, of those in the cache, below which the others are dropped from it


@dataclass(frozen=True, slots=True)
class Task:
    """A request as token ids with its compiled constraint."""

    number: int
    request: Request
    prompt: tuple[int, ...]
    constraint: Constraint | None
    room: int  # tokens of an answer at most


class Generator:
    """A student that writes answers. One call at a time."""

    def __init__(self, student: Student, *, most_rows: int = MOST_ROWS) -> None:
        self.student = student
        self.most_rows = most_rows
        model = student.model
        self.runner: Any = RaggedRunner(model) if is_ragged(model) else AlignedRunner(model)
        self.head = Head(model, self.runner)
        if self.runner.ragged and not agrees(model, self.runner, self.head):
            self.runner = AlignedRunner(model)
            self.head = Head(model, self.runner)
        self.vocabulary: Vocabulary = vocabulary_of(
            student.tokenizer, rows=self.head.size, stops=stop_ids(student.tokenizer, student.form)
        )
        self.ending = _before_the_stop(student, self.vocabulary)
        self.masks: dict[tuple[int, tuple[int, ...]], bytes] = {}  # of this step: rows may be alike

    def generate(self, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None) -> Answers:
        """The candidates of every request, in order. DecodeError where a request can't be answered at all."""
        tasks = [self.task(number, request, sampling) for number, request in enumerate(requests)]
        found: Answers = [[] for _ in tasks]
        if sampling.beams > 1:
            from idiolect.decode.beams import beam_search

            for task in tasks:
                found[task.number] = beam_search(self, task, sampling)
            return found
        for batch in self.batches(tasks):
            for row, prompt in self.write(batch, sampling, on_piece):
                found[row.number[0]].append(self.answer(row, prompt))
        return found

    def answer(self, row: Row, prompt_tokens: int) -> Answer:
        """What came of a row; free text without what a template writes at its end."""
        answer = row.answer(prompt_tokens)
        if row.guide is not None or answer.ended == "cut at":
            return answer
        student = self.student
        ids = [*row.ids, *(self.vocabulary.stops[:1] if answer.ended == "stop" else ())]
        return replace(answer, text=answer_text(ids, student.tokenizer, student.form))

    def task(self, number: int, request: Request, sampling: Sampling) -> Task:
        """A request made ready."""
        student = self.student
        prompt = conversation_ids(
            [dict(turn) for turn in request.messages], student.tokenizer, student.form, request.context
        )
        constraint = constrain(request.grammar, self.vocabulary) if request.grammar is not None else None
        sampling = self._within(prompt, sampling)
        if constraint is not None and constraint.shortest > sampling.max_tokens:
            raise trouble(
                "L713",
                f"the shortest text of the language has {constraint.shortest} tokens, and there is room for "
                f"{sampling.max_tokens}",
                f"set max_length (or --max-tokens) to at least {constraint.shortest}, or send less along",
            )
        return Task(number, request, prompt, constraint, sampling.max_tokens)

    def _within(self, prompt: Sequence[int], sampling: Sampling) -> Sampling:
        """The settings with no larger budget than the model's context leaves."""
        config = self.student.model.config
        config = config.get_text_config() if hasattr(config, "get_text_config") else config
        longest = getattr(config, "max_position_embeddings", None)
        if not longest or self.student.encoder_decoder:
            return sampling
        room = longest - len(prompt)
        if room <= 0:
            what = f"the prompt has {len(prompt)} tokens, more than the model's context of {longest}"
            raise trouble("L712", what, "send less context along")
        return replace(sampling, max_tokens=min(sampling.max_tokens, room))

    def batches(self, tasks: Sequence[Task]) -> Iterator[list[tuple[Task, list[int]]]]:
        """Tasks with numbers of candidates, so many at a time; prompts that begin alike stand together."""
        batch: list[tuple[Task, list[int]]] = []
        rows = 0
        for task in sorted(tasks, key=lambda one: (one.prompt, one.number)):
            waiting = list(range(task.request.candidates))
            while waiting:
                fits = self._fits(batch, task, rows)
                if not fits:
                    yield batch
                    batch, rows = [], 0
                    continue
                batch.append((task, waiting[:fits]))
                rows += len(waiting[:fits])
                waiting = waiting[fits:]
        if batch:
            yield batch

    def _fits(self, batch: list[tuple[Task, list[int]]], task: Task, rows: int) -> int:
        """How many more rows a batch takes from a task."""
        padded = self.runner.ragged or self.student.encoder_decoder
        if batch and not padded and len(batch[0][0].prompt) != len(task.prompt):
            return 0
        return self.most_rows - rows

    def write(
        self, batch: Sequence[tuple[Task, list[int]]], sampling: Sampling, on_piece: OnPiece | None
    ) -> list[tuple[Row, int]]:
        """Rows written to their ends, with the lengths of their prompts."""
        rows: list[Row] = []
        seen: list[tuple[int, ...]] = []  # prompts, for the repetition penalty
        for task, candidates in batch:
            for candidate in candidates:
                rows.append(self.row(task, candidate, sampling, on_piece))
                seen.append(task.prompt)
        hidden = self._start(batch, rows)
        going = list(range(len(rows)))  # rows that stand in the cache, in its order
        while True:
            self.masks.clear()
            for at, number in enumerate(going):
                if rows[number].ended is None and not rows[number].waiting:
                    self.choose(rows[number], hidden[at], seen[number])
            alive = [at for at, number in enumerate(going) if rows[number].ended is None]
            if not alive:
                return [(row, len(prompt)) for row, prompt in zip(rows, seen, strict=True)]
            if len(alive) < max(len(going) * _DROP, 1) or not self.runner.ragged:
                self.runner.keep(alive)
                going = [going[at] for at in alive]
            hidden = self.step([rows[number] for number in going])

    def row(self, task: Task, candidate: int, sampling: Sampling, on_piece: OnPiece | None) -> Row:
        """A candidate before its first step."""
        guide = task.constraint.begin() if task.constraint else None
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, task.room))
        draws = generator(sampling, task.request.seed, candidate)
        row = Row((task.number, candidate), guide, sampling, draws, self.vocabulary, on_piece)
        row.barred = tuple(text.encode("utf-8") for text in sorted(task.request.barred))
        row.begin(task.request.begun)
        return row

    def _start(self, batch: Sequence[tuple[Task, list[int]]], rows: list[Row]) -> Any:
        """Run every prompt once, with what all its candidates begin with, and copy it for each of them."""
        starts = []
        copies: list[int] = []
        at = 0
        for number, (task, candidates) in enumerate(batch):
            starts.append([*task.prompt, *(rows[at].waiting if self.runner.ragged else ())])
            copies += [number] * len(candidates)
            at += len(candidates)
        hidden = self.runner.begin(starts)
        self.runner.keep(copies)
        for row in rows:
            row.steps += 1
            if self.runner.ragged:
                row.waiting = []
        return hidden[copies]

    def step(self, rows: Sequence[Row]) -> Any:
        """Run what rows have written; those that have ended are carried along until they are dropped."""
        chunks = []
        for row in rows:
            if self.runner.ragged:
                chunk, row.waiting = row.waiting or [self.vocabulary.stops[0]], []
            else:
                chunk, row.waiting = row.waiting[:1], row.waiting[1:]
            chunks.append(chunk)
            row.steps += row.ended is None
        return self.runner.feed(chunks)

    def choose(self, row: Row, hidden: Any, prompt: Sequence[int]) -> None:
        """Ask the model for a row's next token."""
        checked = row.guide is not None and row.guide.constraint.checked and self._is_plain(row.sampling)
        if checked and self._choose_checked(row, hidden):
            return
        logits, allowed = self.scores(row, hidden)
        penalty = row.sampling.repetition_penalty
        if penalty != 1.0:
            logits = penalize(logits, positions_of([*prompt, *row.ids], allowed), penalty)
        while True:
            index, log_probability = choose(logits, row.sampling, row.draws)
            token = int(allowed[index]) if allowed is not None else index
            if token in self.ending and row.guide is not None:
                token = self.vocabulary.stops[0]
            if not row.refuses(token):
                break
            logits = logits.clone()
            logits[index] = float("-inf")
            if not bool((logits > float("-inf")).any()):  # nothing else may come: then this
                break
        row.choose(token, log_probability)

    def _is_plain(self, sampling: Sampling) -> bool:
        """Whether to choose first and check then gives the same distribution as to mask first."""
        cut = sampling.random and (sampling.top_p < 1.0 or sampling.top_k > 0)
        return not cut and sampling.repetition_penalty == 1.0 and not self.ending

    def _choose_checked(self, row: Row, hidden: Any) -> bool:
        """Take the first token that the grammar takes, of those that the model chooses one after the other.

        A refused token is left out of the next choice, so what is chosen is distributed as under a mask. Its
        probability is counted among all tokens here, a lower bound of that among the allowed ones.
        """
        guide = row.guide
        assert guide is not None
        logits = self.head.all(hidden).float().clone()
        total = float(logits.logsumexp(-1))
        for _ in range(MOST_CHECKED):
            token, _ = choose(logits, row.sampling, row.draws)
            if token in self.vocabulary.stops:
                taken = guide.whole and bool(row.ids)
            else:
                taken = guide.fits([token]) and not row.bars(token)
            if taken:
                row.choose(token, min(float(logits[token]) - total, 0.0))
                return True
            logits[token] = float("-inf")
        return False

    def scores(self, row: Row, hidden: Any) -> tuple[Any, Any | None]:
        """A row's logits, and of which tokens they are where they are not of all."""
        if row.guide is None:
            return self.head.all(hidden), None
        mask = self._mask(row)
        allowed = allowed_tokens(mask, self.head.size)
        if not row.ids:
            allowed, mask = self._with_something(allowed, mask)
        if self.ending and any(stop in allowed for stop in self.vocabulary.stops):
            allowed = _with(allowed, self.ending)
        if self.head.worth(len(allowed)):
            return self.head.some(hidden, allowed), allowed
        if self.ending:
            return self.head.all(hidden)[allowed], allowed
        return apply_mask(self.head.all(hidden), mask), None

    def _with_something(self, allowed: Any, mask: bytes) -> tuple[Any, bytes]:
        """The first token's choices without the end: an empty text answers nothing, in no language."""
        import numpy

        kept = allowed[~numpy.isin(allowed, self.vocabulary.stops)]
        if not len(kept):
            return allowed, mask
        bits = bytearray(mask)
        for stop in self.vocabulary.stops:
            bits[stop >> 3] &= ~(1 << (stop & 7)) & 0xFF
        return kept, bytes(bits)

    def _mask(self, row: Row) -> bytes:
        """A row's mask; candidates that have written the same share one."""
        assert row.guide is not None
        key = (row.number[0], tuple(row.ids))
        if key not in self.masks:
            self.masks[key] = row.guide.mask()
        return self.masks[key]


def generate(
    student: Student, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None
) -> Answers:
    """The candidates of every request; a `Generator` kept serves several calls."""
    return Generator(student).generate(requests, sampling, on_piece=on_piece)


def _before_the_stop(student: Student, vocabulary: Vocabulary) -> tuple[int, ...]:
    """The first token of what a template writes between an answer and its end: choosing it is an end."""
    form = student.form
    rest = form.closing.removesuffix(form.stop) if form.stop else ""
    ids = vocabulary.encode(rest) if rest else []
    return tuple(ids[:1])


def _with(allowed: Any, more: Sequence[int]) -> Any:
    import numpy

    return numpy.union1d(allowed, numpy.asarray(more))
