"""Beam search under a grammar: several beginnings of one answer side by side, the likeliest kept.

Forced tokens cost nothing and are appended to their beam at once, so beams may differ in length. Ended beams
are compared by the mean over the tokens that were chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idiolect.decode.records import Answer, Sampling
from idiolect.decode.row import Row
from idiolect.decode.sampling import best_tokens, penalize, positions_of

if TYPE_CHECKING:
    from idiolect.decode.generate import Generator, Task


def beam_search(generator: Generator, task: Task, sampling: Sampling) -> list[Answer]:
    """The best answers of a request, as many as it asks candidates (at most as many as there are beams)."""
    width = max(sampling.beams, task.request.candidates)
    runner = generator.runner
    first = generator.row(task, 0, sampling, None)
    hidden = runner.begin([[*task.prompt, *(first.waiting if runner.ragged else ())]])
    first.steps += 1
    if runner.ragged:
        first.waiting = []
    beams, ended = [first], [first] if first.ended else []
    while beams and not ended[: width if _settled(ended, beams, width) else 0]:
        generator.masks.clear()
        grown = _grown(generator, task, beams, hidden, width)
        ended = _each_text_once([*ended, *(row for _, row in grown if row.ended)])
        going = [(origin, row) for origin, row in grown if not row.ended][:width]
        if not going:
            break
        runner.keep([origin for origin, _ in going])
        beams = [row for _, row in going]
        hidden = generator.step(beams)
    return [generator.answer(row, len(task.prompt)) for row in ended[: task.request.candidates]]


def _grown(
    generator: Generator, task: Task, beams: list[Row], hidden: Any, width: int
) -> list[tuple[int, Row]]:
    """The likeliest ways to go on, each with the beam that it comes from."""
    ways: list[tuple[float, int, int | None, float]] = []
    for number, row in enumerate(beams):
        if row.waiting:  # known already: it is only fed
            ways.append((row.log_likelihood, number, None, 0.0))
            continue
        logits, allowed = generator.scores(row, hidden[number])
        if row.sampling.repetition_penalty != 1.0:
            seen = positions_of([*task.prompt, *row.ids], allowed)
            logits = penalize(logits, seen, row.sampling.repetition_penalty)
        for place, log_probability in best_tokens(logits, 2 * width):
            token: int = int(allowed[place]) if allowed is not None else place
            ways.append((row.log_likelihood + log_probability, number, token, log_probability))
    ways.sort(key=lambda way: (-way[0], way[1], -1 if way[2] is None else way[2]))
    found: list[tuple[int, Row]] = []
    going = 0
    for _, number, chosen, log_probability in ways:
        row = beams[number].copy()
        if chosen is not None:
            if row.refuses(chosen):
                continue
            ends = chosen in generator.ending and row.guide is not None
            row.choose(generator.vocabulary.stops[0] if ends else chosen, log_probability)
        found.append((number, row))
        going += row.ended is None
        if going == width:
            break
    return found


def _each_text_once(rows: list[Row]) -> list[Row]:
    """The likeliest row of each text, the likeliest first: a text can be cut into tokens in several ways."""
    best: dict[bytes, Row] = {}
    for row in sorted(rows, key=_mean, reverse=True):
        best.setdefault(row.vocabulary.decode(row.ids), row)
    return list(best.values())


def _settled(ended: list[Row], beams: list[Row], width: int) -> bool:
    """Whether no beam that is still going can come before those that have ended."""
    if len(ended) < width:
        return False
    return all(_mean(row) <= _mean(ended[width - 1]) for row in beams)


def _mean(row: Row) -> float:
    return row.log_likelihood / max(row.chosen, 1)
