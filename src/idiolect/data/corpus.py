"""Builds a corpus: sources are read, cleaned, judged, freed of repeats, cut, turned into tasks and split.

Every record that comes in is kept or Rejected with a reason. The same files and settings give the same
examples, whatever the number of processes. It does **not** write files; see `corpus_files.py`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from idiolect.data.chunking import chunked, estimated_tokens
from idiolect.data.cleaning import content_hash, normalized
from idiolect.data.corpus_result import CorpusResult, NothingKept, SecretHit, Tally, told_reasons
from idiolect.data.document import Document
from idiolect.data.example import Example, Rejected
from idiolect.data.grouping import group_names
from idiolect.data.judging import Asked, JudgeAll, Judged, Loader, judge_all
from idiolect.data.licences import is_allowed, licence_of
from idiolect.data.naming import with_header
from idiolect.data.near import near_repeats, signatures
from idiolect.data.reference_tables import read_reference
from idiolect.data.secrets import masked
from idiolect.data.sources import find_sources, identity, read_metadata, read_source
from idiolect.data.splitting import split_groups
from idiolect.data.tasks import Missing, Wording, examples_of, wording_for
from idiolect.dialects.contract import Dialect
from idiolect.okt.blocks.extension import Corpus

Progress = Callable[[int, int | None, str], None]


def _quiet(done: int, total: int | None, text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Job:
    """What is built from what."""

    settings: Corpus
    load: Loader
    root: Path  # sources are shown relative to it
    sources: tuple[str | Path, ...]
    bases: tuple[Path, ...] = ()  # folders whose own folders are categories, where sources are single files
    reference: tuple[Path, ...] = ()
    metadata: Path | None = None
    system: str = ""
    workers: int = 1
    progress: Progress = _quiet
    judge: JudgeAll = judge_all  # over which processes


@dataclass(slots=True)
class _Build:
    """A build on its way: what was decided so far."""

    job: Job
    dialect: Dialect
    sources: Tally = field(default_factory=lambda: Tally("sources"))
    parts: Tally = field(default_factory=lambda: Tally("parts of long sources"))
    tables: Tally = field(default_factory=lambda: Tally("reference rows"))
    made: Tally = field(default_factory=lambda: Tally("examples"))
    rejected: list[Rejected] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    secrets: list[SecretHit] = field(default_factory=list)
    encodings: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def reject(self, one: Rejected, tally: Tally | None = None) -> None:
        (tally or self.sources).reasons[one.reason] += 1
        self.rejected.append(one)


def default_workers() -> int:
    """As many processes as this one may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def build_corpus(job: Job) -> CorpusResult:
    """The corpus of a job; NothingKept where no example is left."""
    build = _Build(job, job.load()[0])
    documents = _without_repeats(build, _cleaned(build, _read(build)))
    documents = _sound(build, documents)
    documents = _without_near_repeats(build, documents)
    documents = _cut(build, documents)
    wording = wording_for(build.dialect.name, job.system)
    units = [(document, _examples(build, document, wording)) for document in documents]
    answers = _answers(build, wording)
    examples, groups = _split(build, units, answers)
    tallies = (build.sources, build.parts, build.tables, build.made)
    counts = tuple(tally.closed() for tally in tallies if tally.read)
    if not examples:
        raise NothingKept("no example is left\n" + (told_reasons(counts) or "no source was found"))
    return CorpusResult(
        examples=tuple(examples),
        rejected=tuple(build.rejected),
        missing=tuple(build.missing),
        secrets=tuple(build.secrets),
        counts=counts,
        encodings=build.encodings,
        unresolved=tuple((document.place, name) for document in documents for name in document.unresolved),
        notes=build.notes,
        groups=groups,
    )


def _read(build: _Build) -> Iterator[Document]:
    """The documents of all sources."""
    job = build.job
    metadata = read_metadata(job.metadata) if job.metadata else {}
    aside = {identity(path) for path in (*job.reference, *([job.metadata] if job.metadata else []))}
    files = 0
    for source in find_sources(job.sources, job.root, build.dialect.suffixes, job.bases):
        if isinstance(source, Rejected):
            build.sources.read += 1
            build.reject(source)
            continue
        if aside and identity(source.path) in aside:
            continue  # a table that was named for another use
        files += 1
        job.progress(files, None, "reading")
        for found in read_source(source, metadata, job.settings.encoding):
            build.sources.read += 1
            if isinstance(found, Rejected):
                build.reject(found)
            else:
                build.encodings[found.encoding] += 1
                yield found


def _cleaned(build: _Build, documents: Iterator[Document]) -> Iterator[Document]:
    settings = build.job.settings
    for found in documents:
        document = _masked(build, found) if settings.scrub_secrets else found  # first: all else may be kept
        licence = licence_of(document.text)
        if settings.licenses is not None and licence and not is_allowed(licence, settings.licenses):
            detail = f"its header names {licence}; allowed: {', '.join(settings.licenses)}"
            build.reject(_rejected(document, "licence", detail))
            continue
        text = normalized(document.text) if settings.normalize and document.example is None else document.text
        if not text.strip():
            build.reject(_rejected(document, "empty", "holds no text"))
            continue
        yield with_header(replace(document, text=text))


def _masked(build: _Build, document: Document) -> Document:
    """The document without secrets, in what a given example asks and tells besides too; hits are noted."""

    def clean(text: str, *, lines: bool = False) -> str:
        text, hits = masked(text)
        for hit in hits:
            line = document.line + (hit.line - 1 if lines else 0)  # a row stands in one line
            build.secrets.append(SecretHit(hit.kind, document.source, line))
        return text

    example = document.example
    if example is not None:
        told = {key: clean(item) if isinstance(item, str) else item for key, item in example.metadata.items()}
        example = replace(
            example,
            instruction=clean(example.instruction),
            context=clean(example.context),
            system=clean(example.system),
            metadata=told,
        )
    text = clean(document.text, lines=not document.row)
    return replace(document, text=text, example=example)


def _without_repeats(build: _Build, documents: Iterator[Document]) -> list[Document]:
    if not build.job.settings.dedup:
        return list(documents)
    first: dict[str, Document] = {}
    for document in documents:
        example = document.example
        key = content_hash(normalized(document.text)) if example is None else example.id
        same = first.setdefault(key, document)
        if same is not document:
            build.reject(_rejected(document, "repeat", f"the same as {same.place}", keep_text=False))
    return list(first.values())


def _asked(settings: Corpus) -> Asked:
    return Asked(
        canonical=settings.normalize,
        words=bool({"describe", "explain"} & set(settings.tasks)),
        broken="repair" in settings.tasks,
        max_tokens=settings.max_tokens if settings.long == "chunk" else 0,
        seed=settings.seed,
    )


def _sound(build: _Build, documents: Sequence[Document]) -> list[Document]:
    """The documents that their dialect accepts, and those that are kept in spite of it."""
    kept = []
    asked = _asked(build.job.settings)
    for number, judged in enumerate(build.job.judge(build.job.load, documents, asked, build.job.workers), 1):
        build.job.progress(number, len(documents), "judging")
        fate = _fate(judged, build.job.settings)
        if isinstance(fate, Rejected):
            build.reject(fate)
        else:
            build.notes.update(note.partition(":")[0] for note in fate.notes)
            kept.append(fate)
    return kept


def _fate(judged: Judged, settings: Corpus) -> Document | Rejected:
    """Whether a judged document is kept. Pure."""
    document, example = judged.document, judged.document.example
    verdict = document.verdict
    if verdict is None:  # words, which no dialect judges
        return document
    if settings.includes == "require" and document.unresolved:
        return _judged_away(judged, "unresolved include", ", ".join(document.unresolved), settings)
    if example is not None and not example.valid and verdict.not_judged is None:
        if judged.ok:
            return _judged_away(
                judged, "wrong label", "is labelled invalid, but its dialect accepts it", settings
            )
        return document  # a negative, as it says
    if judged.ok:
        if settings.includes == "ignore":
            return replace(document, unresolved=())
        return document
    if settings.invalid == "keep":
        label = replace(example, valid=False) if example else None
        return replace(document, example=label)
    if verdict.not_judged is not None:
        return _judged_away(judged, "not judged", verdict.not_judged, settings)
    return _judged_away(judged, "not valid", ", ".join(verdict.errors), settings)


def _judged_away(judged: Judged, reason: str, detail: str, settings: Corpus) -> Rejected:
    kept_text = settings.invalid != "drop"
    made = _rejected(judged.document, reason, detail, keep_text=kept_text)
    return replace(made, verdict=judged.document.verdict, faults=judged.faults)


def _without_near_repeats(build: _Build, documents: Sequence[Document]) -> list[Document]:
    threshold = build.job.settings.near_dedup
    scripts = [document for document in documents if document.example is None]
    if not threshold or len(scripts) < 2:
        return list(documents)
    table = signatures(_texts(build, scripts, "looking for near repeats"))
    repeats = near_repeats(table, threshold, lambda at: scripts[at].text)
    for repeat in repeats.values():
        like = scripts[repeat.like].place
        detail = f"{repeat.likeness:.0%} of its text is that of {like}"
        build.reject(_rejected(scripts[repeat.at], "near repeat", detail))
    dropped = {id(scripts[at]) for at in repeats}
    return [document for document in documents if id(document) not in dropped]


def _texts(build: _Build, documents: Sequence[Document], doing: str) -> Iterator[str]:
    """The texts, with a word of progress for each."""
    for number, document in enumerate(documents, 1):
        build.job.progress(number, len(documents), doing)
        yield document.text


def _cut(build: _Build, documents: Sequence[Document]) -> list[Document]:
    """The documents in their order, those that are too long in parts that verify."""
    settings = build.job.settings
    pieces: list[list[Document]] = []  # of each document: itself, or its parts
    for document in documents:
        long = settings.long != "keep" and estimated_tokens(document.text) > settings.max_tokens
        parts = None
        if long and settings.long == "chunk" and document.example is None:
            parts = chunked(document, settings.max_tokens, build.dialect)
        if long and parts is None:
            build.reject(_too_long(document, settings.max_tokens))
        else:
            pieces.append(parts or [document])
    sound = _sound_parts(build, [piece for parts in pieces for piece in parts if piece.part])
    kept: list[Document] = []
    for parts in pieces:
        good = [sound.get(_key(piece), piece) for piece in parts]
        good = [piece for piece in good if not piece.part or piece.verdict is not None]
        if not good:
            build.reject(_too_long(parts[0], settings.max_tokens, "; none of its parts verifies alone"))
        kept += good
    return kept


def _sound_parts(build: _Build, parts: Sequence[Document]) -> dict[tuple[str, int, int], Document]:
    """The parts that verify alone, by their key."""
    build.parts.read += len(parts)
    sound = {}
    for judged in build.job.judge(build.job.load, parts, _asked(build.job.settings), build.job.workers):
        document = judged.document
        if judged.ok:
            sound[_key(document)] = document
        else:
            rejected = _rejected(document, "part does not verify", "it is not valid without the rest")
            build.reject(replace(rejected, faults=judged.faults), build.parts)
    return sound


def _key(part: Document) -> tuple[str, int, int]:
    return part.source, part.line, part.part


def _too_long(document: Document, most: int, more: str = "") -> Rejected:
    detail = f"has about {estimated_tokens(document.text):,} tokens; at most {most:,} are allowed{more}"
    return _rejected(document, "too long", detail)


def _examples(build: _Build, document: Document, wording: Wording) -> list[Example]:
    made = []
    ok = document.verdict is not None and document.verdict.ok
    for found in examples_of(document, build.job.settings.tasks, wording):
        build.made.read += 1
        if isinstance(found, Missing):
            build.made.reasons[f"{found.task}: {found.reason}"] += 1
            build.missing.append(found)
        elif not ok and found.verdict is not None:
            made.append(replace(found, valid=False))
        else:
            made.append(found)
    return made


def _answers(build: _Build, wording: Wording) -> list[Example]:
    """The examples that reference tables give."""
    answers = []
    for path in build.job.reference:
        shown = path.relative_to(build.job.root) if path.is_relative_to(build.job.root) else path
        for found in read_reference(path, shown.as_posix(), wording):
            build.tables.read += 1
            if isinstance(found, Rejected):
                build.reject(found, build.tables)
            else:
                build.made.read += 1
                answers.append(found)
    return answers


def _split(
    build: _Build, units: Sequence[tuple[Document, list[Example]]], answers: Sequence[Example]
) -> tuple[list[Example], int]:
    """All examples with their splits, each once; and how many groups there are."""
    settings = build.job.settings
    documents = [document for document, _ in units]
    names = group_names(documents, settings, _texts(build, documents, "looking for what is alike"))
    owners = [name for (_, made), name in zip(units, names, strict=True) for _ in made]
    examples = [example for _, made in units for example in made] + list(answers)
    owners += [example.group or example.id for example in answers]
    # Splits are dealt by source, not by example, so that a source with many tasks weighs as one.
    splits = dict(zip(names, split_groups(names, settings.split, settings.seed), strict=True))
    lookups = [owner for owner in owners if owner not in splits]
    splits.update(zip(lookups, split_groups(lookups, settings.split, settings.seed), strict=True))
    done: dict[str, Example] = {}
    for example, owner in zip(examples, owners, strict=True):
        if example.id in done:
            build.made.reasons["repeat"] += 1
            build.rejected.append(_repeated(example))
        else:
            done[example.id] = replace(example, split=splits[owner], group=owner)
    return list(done.values()), len(set(owners))


def _rejected(document: Document, reason: str, detail: str, *, keep_text: bool = True) -> Rejected:
    return Rejected(
        reason=reason,
        detail=detail,
        source=document.source,
        line=document.line if document.line > 1 else None,
        verdict=document.verdict,
        text=document.text if keep_text else None,
    )


def _repeated(example: Example) -> Rejected:
    origin = example.provenance
    detail = "the same request and answer as an example before it"
    return Rejected(reason="repeat", detail=detail, source=origin.source or "", line=origin.line)
