"""The report of a corpus as one page of HTML that needs nothing else, in light and dark.

It shows the first rejections of each reason; `quarantine.jsonl` has all.
"""

from __future__ import annotations

from collections.abc import Iterable

from idiolect.data.corpus_result import CorpusResult
from idiolect.data.page_parts import bars, counts_table, framed, left_out, one_of_each, section, table, tiles

_MOST_LINES = 300  # of any list


def page(result: CorpusResult, title: str) -> str:
    """The page."""
    return framed(title, _sections(result))


def _sections(result: CorpusResult) -> Iterable[str]:
    total = len(result.examples)
    numbers = [("examples", total), *result.by_split.items(), ("groups", result.groups)]
    if result.negatives:
        numbers.append(("of them negatives", result.negatives))
    yield tiles(numbers)
    yield section("What became of everything", counts_table(result.counts))
    yield section("Examples by task", bars(result.by_task))
    if result.codes:
        yield section("Faults of the texts that were refused", bars(result.codes))
    yield from left_out(result.rejected, "quarantine.jsonl")
    if result.secrets:
        rows = [(hit.source, hit.line, hit.kind) for hit in result.secrets[:_MOST_LINES]]
        yield section(f"Masked ({len(result.secrets):,})", table(("source", "line", "kind"), rows))
    if result.unresolved:
        missing = result.unresolved[:_MOST_LINES]
        yield section(
            f"Includes not found ({len(result.unresolved):,})", table(("source", "include"), missing)
        )
    if result.notes:
        yield section("Notes", bars(dict(result.notes)))
    yield section("Encodings", bars(dict(sorted(result.encodings.items()))))
    yield section("One example of each task", one_of_each(result.examples))
