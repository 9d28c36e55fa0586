"""Parts of the pages of HTML that reports on data are: tables, bars, what was left out, examples.

A page needs nothing else, in light and dark; its frame is `page_frame.html`. All text is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from idiolect.data.example import Example, Rejected
from idiolect.data.forms import user_message
from idiolect.runs.stage import Counts

_MOST_REJECTED = 100  # shown of one reason
_MOST_LETTERS = 2_000  # of an example


def framed(title: str, sections: Iterable[str]) -> str:
    """A whole page."""
    frame = Template(files("idiolect.data").joinpath("page_frame.html").read_text("utf-8"))
    text = frame.substitute(title=escape(title), body="\n".join(sections))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # names of files may be no text


def tiles(numbers: Iterable[tuple[str, int]]) -> str:
    """The page's main numbers, large."""
    shown = "".join(f"<div><b>{number:,}</b><span>{escape(name)}</span></div>" for name, number in numbers)
    return f'<div class="tiles">{shown}</div>'


def section(title: str, body: str) -> str:
    """A part of the page under its heading."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def counts_table(counts: Iterable[Counts]) -> str:
    """What was read, kept and left out, by reason."""
    rows = []
    for one in counts:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in one.rejected.items()) or "none"
        rows.append((one.of, one.read, one.kept, sum(one.rejected.values()), reasons))
    return table(("", "read", "kept", "left out", "by reason"), rows)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table that scrolls by itself where it is wide."""
    head = "".join(f"<th>{escape(name)}</th>" for name in headers)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"


def bars(numbers: Mapping[str, int]) -> str:
    """Numbers by name as bars."""
    most = max(numbers.values(), default=0) or 1
    rows = (
        f'<li><span>{escape(name)}</span><i style="width:{60 * number / most:.1f}%"></i>'
        f"<b>{number:,}</b></li>"
        for name, number in numbers.items()
    )
    return f'<ul class="bars">{"".join(rows)}</ul>'


def left_out(rejected: Iterable[Rejected], all_in: str) -> Iterable[str]:
    """A section for each reason; `all_in` names the file that has all of them."""
    by_reason: dict[str, list[Rejected]] = {}
    for one in rejected:
        by_reason.setdefault(one.reason, []).append(one)
    for reason, found in sorted(by_reason.items()):
        yield section(f"Left out: {reason} ({len(found):,})", "".join(_rejections(found, all_in)))


def _rejections(found: Sequence[Rejected], all_in: str) -> Iterable[str]:
    for one in found[:_MOST_REJECTED]:
        place = one.source if one.line is None else f"{one.source}:{one.line}"
        faults = f"<pre>{escape(chr(10).join(one.faults))}</pre>" if one.faults else ""
        head = f"<b>{escape(place)}</b> {escape(one.detail)}"
        yield f"<details><summary>{head}</summary>{faults}</details>" if faults else f"<p>{head}</p>"
    if len(found) > _MOST_REJECTED:
        yield f"<p>and {len(found) - _MOST_REJECTED:,} more, in {escape(all_in)}</p>"


def one_of_each(examples: Iterable[Example]) -> str:
    """The first example of each task."""
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(example.task, example)
    return "".join(map(_example, first.values()))


def _example(example: Example) -> str:
    asked, answer = (escape(text[:_MOST_LETTERS]) for text in (user_message(example), example.target))
    source = escape(example.provenance.source or "")
    return (
        f"<details><summary><b>{escape(example.task)}</b> {source}</summary>"
        f"<h3>asked</h3><pre>{asked}</pre><h3>answer</h3><pre>{answer}</pre></details>"
    )
