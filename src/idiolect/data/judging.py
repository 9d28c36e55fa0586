"""What the dialect says of each document: verdict, canonical form, words, broken versions.

A document whose judging dies with its process is "not judged", and the others go on. It does **not**
decide what happens to a document.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

from idiolect.data.chunking import estimated_tokens
from idiolect.data.cleaning import content_hash
from idiolect.data.contexts import context_of
from idiolect.data.document import Broken, Document
from idiolect.data.example import WORDS, summary_of
from idiolect.dialects.contract import Context, Dialect, offers
from idiolect.dialects.records import RecordsError
from idiolect.dialects.verdict import Fault, Severity, Verdict, could_not_judge, render_fault
from idiolect.source import SourceText

Loader = Callable[[], tuple[Dialect, Context]]  # a top-level function, or a frozen record with __call__

# All documents judged in their order: here, in processes, or over Ray (`judging_ray.py`).
JudgeAll = Callable[[Loader, Sequence[Document], "Asked", int], Iterator["Judged"]]

_MOST_FAULTS = 5  # shown of a text
_FEWEST_FOR_PROCESSES = 64  # below, starting processes takes longer than judging
_CHUNK = 16
_MOST_TRIES = 3  # to break a text


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted beside the verdict."""

    canonical: bool = True
    words: bool = False
    broken: bool = False  # a broken version of each text
    max_tokens: int = 0  # longer texts will be cut, so that of them only the verdict matters
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A document with what was found out about it, and its faults as a compiler would print them."""

    document: Document
    ok: bool
    faults: tuple[str, ...] = ()


def judge(dialect: Dialect, context: Context, document: Document, asked: Asked) -> Judged:
    """One document judged; where the dialect itself fails, the verdict is that it could not be judged."""
    example = document.example
    if example is not None and example.task in WORDS:
        return Judged(document, True)
    folder = document.path.parent if document.path else None
    within = replace(context, folder=context.folder or folder)
    try:
        if example is not None:
            within = context_of(example, within)
        verdict = _verdict(dialect, document.text, within)
    except RecordsError as error:  # of a catalog that the example carries
        verdict = could_not_judge(f"its catalog can't be used: {error}")
    found = replace(document, verdict=summary_of(verdict), unresolved=_unresolved(verdict, document.text))
    if not verdict.ok:
        return Judged(found, False, _shown_faults(verdict, document))
    if asked.canonical and document.part == 0:
        found = _canonical(dialect, within, found)
    if asked.max_tokens and estimated_tokens(found.text) > asked.max_tokens:
        return Judged(found, True)
    if asked.words and offers(dialect, "describe"):
        found = replace(found, words=_words(dialect, found.text, within))
    if asked.broken and offers(dialect, "mutate"):
        found = replace(found, broken=_broken(dialect, found.text, within, asked.seed))
    return Judged(found, True)


def _verdict(dialect: Dialect, text: str, context: Context) -> Verdict:
    try:
        return dialect.verify(text, context)
    except Exception as error:  # a fault of the dialect, not of the text; the reason is kept
        return could_not_judge(f"{dialect.name} failed: {type(error).__name__}: {error}")


def _canonical(dialect: Dialect, context: Context, document: Document) -> Document:
    """The document in the one way of writing that targets use, if that verifies as well."""
    try:
        text = dialect.canonical(document.text, context)
        good = dialect.verify(text, context).ok
    except Exception as error:
        return replace(document, notes=(*document.notes, f"no canonical form: {error}"))
    if not good:
        return replace(document, notes=(*document.notes, "its canonical form does not verify"))
    return replace(document, text=text)


def _words(dialect: Dialect, text: str, context: Context) -> str:
    try:
        return dialect.describe(text, context).strip()
    except (
        Exception
    ):  # no words are no loss: the description then comes from elsewhere or is counted as missing
        return ""


def _broken(dialect: Dialect, text: str, context: Context, seed: int) -> Broken | None:
    """The first of a few breaks that the dialect refuses; which, the text decides."""
    rng = random.Random(f"{seed}:{content_hash(text)}")
    for _ in range(_MOST_TRIES):
        try:
            mutant = dialect.mutate(text, rng, context)
            verdict = dialect.verify(mutant.text, context) if mutant else could_not_judge("no break applies")
        except Exception:
            return None  # counted where the task finds no broken version
        if mutant is None or verdict.ok or not verdict.judged:
            continue
        error = next(fault for fault in verdict.faults if fault.severity is Severity.ERROR)
        return Broken(mutant.text, mutant.kind, _told(error, mutant.text), summary_of(verdict).errors)
    return None


def _told(fault: Fault, text: str) -> str:
    """A fault as an instruction names it: with its line."""
    if fault.span is None:
        return fault.message
    return f"line {SourceText(text).place(fault.span.start).line}: {fault.message}"


def _unresolved(verdict: Verdict, text: str) -> tuple[str, ...]:
    found = [fault for fault in verdict.faults if ".include." in f".{fault.code}."]
    named = (text[fault.span.start : fault.span.end] if fault.span else fault.message for fault in found)
    return tuple(dict.fromkeys(named))


def _shown_faults(verdict: Verdict, document: Document) -> tuple[str, ...]:
    source = SourceText(document.text, document.source)
    errors = [fault for fault in verdict.faults if fault.severity is Severity.ERROR]
    return tuple(render_fault(fault, source) for fault in errors[:_MOST_FAULTS])


def judge_all(
    load: Loader, documents: Sequence[Document], asked: Asked, workers: int = 1
) -> Iterator[Judged]:
    """All documents judged, in their order, whatever the number of processes."""
    if workers <= 1 or len(documents) < _FEWEST_FOR_PROCESSES:
        dialect, context = load()
        for document in documents:
            yield judge(dialect, context, document, asked)
        return
    done = 0
    while done < len(documents):
        try:
            for judged in _in_processes(load, documents[done:], asked, workers, _CHUNK):
                yield judged
                done += 1
        except BrokenProcessPool:
            # Some text killed its process. One at a time it is found, and named.
            for document in documents[done : done + _CHUNK]:
                yield _alone(load, document, asked)
                done += 1


def _alone(load: Loader, document: Document, asked: Asked) -> Judged:
    try:
        return next(_in_processes(load, [document], asked, 1, 1))
    except BrokenProcessPool:
        verdict = could_not_judge("the process that judged it died")
        return Judged(replace(document, verdict=summary_of(verdict)), False)


def _in_processes(
    load: Loader, documents: Sequence[Document], asked: Asked, workers: int, chunk: int
) -> Iterator[Judged]:
    # spawn: a forked copy of a process with threads may hang
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(load, asked)
    )
    try:
        yield from pool.map(_judge_here, documents, chunksize=chunk)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_here: list[tuple[Dialect, Context, Asked]] = []


def _start(load: Loader, asked: Asked) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers
    _here.append((*load(), asked))


def _judge_here(document: Document) -> Judged:
    dialect, context, asked = _here[0]
    return judge(dialect, context, document, asked)
