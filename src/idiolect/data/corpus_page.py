"""The report of a corpus as one page of HTML that needs nothing else, in light and dark.

The page's frame is `corpus_page.html`. It shows the first rejections of each reason;
`quarantine.jsonl` has all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

from idiolect.data.corpus_result import CorpusResult
from idiolect.data.example import Example, Rejected
from idiolect.data.forms import user_message

_MOST_REJECTED = 100  # shown of one reason
_MOST_LINES = 300  # of any other list
_MOST_LETTERS = 2_000  # of an example


def page(result: CorpusResult, title: str) -> str:
    """The page."""
    frame = Template(files("idiolect.data").joinpath("corpus_page.html").read_text("utf-8"))
    text = frame.substitute(title=escape(title), body="\n".join(_sections(result)))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # names of files may be no text


def _sections(result: CorpusResult) -> Iterable[str]:
    total = len(result.examples)
    tiles = [("examples", total), *result.by_split.items(), ("groups", result.groups)]
    if result.negatives:
        tiles.append(("of them negatives", result.negatives))
    shown = "".join(f"<div><b>{number:,}</b><span>{escape(name)}</span></div>" for name, number in tiles)
    yield f'<div class="tiles">{shown}</div>'
    yield _section("What became of everything", _counts(result))
    yield _section("Examples by task", _bars(result.by_task))
    if result.codes:
        yield _section("Faults of the texts that were refused", _bars(result.codes))
    by_reason: dict[str, list[Rejected]] = {}
    for one in result.rejected:
        by_reason.setdefault(one.reason, []).append(one)
    for reason, found in sorted(by_reason.items()):
        yield _section(f"Left out: {reason} ({len(found):,})", "".join(_rejections(found)))
    if result.secrets:
        rows = [(hit.source, hit.line, hit.kind) for hit in result.secrets[:_MOST_LINES]]
        yield _section(f"Masked ({len(result.secrets):,})", _table(("source", "line", "kind"), rows))
    if result.unresolved:
        missing = result.unresolved[:_MOST_LINES]
        yield _section(
            f"Includes not found ({len(result.unresolved):,})", _table(("source", "include"), missing)
        )
    if result.notes:
        yield _section("Notes", _bars(dict(result.notes)))
    yield _section("Encodings", _bars(dict(sorted(result.encodings.items()))))
    yield _section("One example of each task", "".join(map(_example, _first_of_each(result.examples))))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _counts(result: CorpusResult) -> str:
    rows = []
    for one in result.counts:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in one.rejected.items()) or "none"
        rows.append((one.of, one.read, one.kept, sum(one.rejected.values()), reasons))
    return _table(("", "read", "kept", "left out", "by reason"), rows)


def _table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in headers)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"


def _bars(numbers: dict[str, int]) -> str:
    most = max(numbers.values(), default=0) or 1
    rows = (
        f'<li><span>{escape(name)}</span><i style="width:{60 * number / most:.1f}%"></i>'
        f"<b>{number:,}</b></li>"
        for name, number in numbers.items()
    )
    return f'<ul class="bars">{"".join(rows)}</ul>'


def _rejections(found: Sequence[Rejected]) -> Iterable[str]:
    for one in found[:_MOST_REJECTED]:
        place = one.source if one.line is None else f"{one.source}:{one.line}"
        faults = f"<pre>{escape(chr(10).join(one.faults))}</pre>" if one.faults else ""
        head = f"<b>{escape(place)}</b> {escape(one.detail)}"
        yield f"<details><summary>{head}</summary>{faults}</details>" if faults else f"<p>{head}</p>"
    if len(found) > _MOST_REJECTED:
        yield f"<p>and {len(found) - _MOST_REJECTED:,} more, in quarantine.jsonl</p>"


def _first_of_each(examples: Iterable[Example]) -> Iterable[Example]:
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(example.task, example)
    return first.values()


def _example(example: Example) -> str:
    asked, answer = (escape(text[:_MOST_LETTERS]) for text in (user_message(example), example.target))
    source = escape(example.provenance.source or "")
    return (
        f"<details><summary><b>{escape(example.task)}</b> {source}</summary>"
        f"<h3>asked</h3><pre>{asked}</pre><h3>answer</h3><pre>{answer}</pre></details>"
    )
