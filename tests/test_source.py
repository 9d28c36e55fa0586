"""Lines and columns of a text, whatever ends its lines."""

from __future__ import annotations

import time

import pytest

from idiolect.source import Place, SourceText


def test_each_kind_of_line_end_ends_a_line_once_and_nothing_else_does() -> None:
    source = SourceText("a\nb\r\nc\rd\x0ce\u2028f\r\r\n")
    assert [source.line(number) for number in range(1, source.line_count + 1)] == [
        *("a", "b", "c", "d\x0ce\u2028f", "", "")
    ]
    assert source.place(source.text.index("f")) == Place(4, 5)
    assert source.offset(4, 5) == source.text.index("f")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\r\r\r\n"])
def test_a_million_line_ends_take_time_in_proportion(end: str) -> None:
    start = time.process_time()
    SourceText(end * (1_000_000 // len(end)))
    assert time.process_time() - start < 12
