"""The report of a run's splits as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from idiolect.data.coverage import Coverage
from idiolect.data.example import SPLITS
from idiolect.data.page_parts import counts_table, framed, left_out, one_of_each, section, table, tiles
from idiolect.data.split import SplitResult
from idiolect.data.split_files import SplitReport, shared

_MOST_NAMES = 400


def page(result: SplitResult, report: SplitReport) -> str:
    """The page."""
    return framed(report.title, _sections(result, report))


def _sections(result: SplitResult, report: SplitReport) -> Iterable[str]:
    negatives = sum(not one.valid for one in result.examples)
    numbers = [(split, len(result.of(split))) for split in SPLITS]
    yield tiles([*numbers, *([("negatives", negatives)] if negatives else [])])
    if report.warnings:
        yield section("Mind", "".join(f"<p>{escape(text)}</p>" for text in report.warnings))
    yield section("What became of everything", counts_table(result.counts))
    rows = [
        (split, len(result.of(split)), len(result.of(split, valid=False)), result.groups[split])
        for split in SPLITS
    ]
    yield section("Splits", table(("", "examples", "negatives", "groups"), rows))
    yield section("Tasks", _by(result, "task"))
    yield section("Levels", _by(result, "level"))
    if report.suites:
        yield section("Suites", table(("suite", "tasks"), [(k, len(v)) for k, v in report.suites.items()]))
    yield section("What held-out examples still share with train", _leaks(report))
    if report.coverage is not None:
        yield from coverage_sections(report.coverage)
    yield from left_out(report.rejected, "rejected.jsonl")
    yield section("One example of each task", one_of_each(result.of("train")))


def _by(result: SplitResult, name: str) -> str:
    values = sorted({getattr(one, name) or "" for one in result.examples})
    rows = [
        (
            value or "none told",
            *(sum((getattr(one, name) or "") == value for one in result.of(split)) for split in SPLITS),
        )
        for value in values
    ]
    return table(("", *SPLITS), rows)


def _leaks(report: SplitReport) -> str:
    found = {split: shared(leaks) for split, leaks in report.leaks.items()}
    kinds = next(iter(found.values()), {})
    rows = [(kind, *(found[split][kind] for split in found)) for kind in kinds]
    note = (
        "<p>Each is counted once, for the plainest thing that it shares. Short answers, and short texts of "
        "one structure, are alike by chance.</p>"
    )
    return table(("", *found), rows) + note


def coverage_sections(coverage: Coverage) -> Iterable[str]:
    """What examples cover of the grammar and the catalog, and what none of them does."""
    for what, title in (("productions", "Productions of the grammar"), ("symbols", "Symbols of the catalog")):
        known = getattr(coverage, what)
        if not known:
            if what == "productions" and coverage.why_none:
                yield section(title, f"<p>None are known: {escape(coverage.why_none)}</p>")
            continue
        rows: list[Sequence[object]] = []
        for one in coverage.sets:
            used = len(getattr(one, what))
            row = (one.name, f"{used:,} of {len(known):,}", f"{used / len(known):.0%}")
            looked = f"{one.looked_at:,} of {one.texts:,}" if what == "productions" else f"{one.texts:,}"
            rows.append((*row, looked))
        missing = coverage.missing(what)
        names = ", ".join(f"<code>{escape(name)}</code>" for name in missing[:_MOST_NAMES])
        more = f" and {len(missing) - _MOST_NAMES:,} more" if len(missing) > _MOST_NAMES else ""
        told = (
            f"<p>In no example ({len(missing):,}): {names}{more}</p>" if missing else "<p>All are in use.</p>"
        )
        yield section(title, table(("", "covered", "", "texts looked at"), rows) + told)
