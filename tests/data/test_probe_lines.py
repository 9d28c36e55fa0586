import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.data.probe_lines import as_utf8, bounded_lines, count_rows, encoding_of

CHUNKS = st.lists(st.sampled_from([b"a", b"\n", b" ", b"\r\n", b"bc" * 40, b"\t"]), max_size=60)


@given(CHUNKS, st.integers(1, 100))
def test_lines_within_the_limit_are_whole_and_others_are_none(chunks: list[bytes], limit: int) -> None:
    data = b"".join(chunks)
    expected = [line if len(line) <= limit else None for line in io.BytesIO(data)]
    assert [line for _, line in bounded_lines(io.BytesIO(data), limit)] == expected
    assert [number for number, _ in bounded_lines(io.BytesIO(data), limit)] == list(
        range(1, len(expected) + 1)
    )


@given(CHUNKS, st.integers(1, 7))
def test_rows_are_counted_across_reads_of_any_size(chunks: list[bytes], size: int) -> None:
    data = b"".join(chunks)

    class Slow(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            return super().read(size)

    assert count_rows(Slow(data)) == sum(bool(line.strip()) for line in data.split(b"\n"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@given(text=st.text(min_size=1).filter(lambda text: "\0" not in text and text[0] != "\ufeff"))
def test_any_text_comes_back_as_utf8(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    named = encoding_of(data[:64]) if encoding != "utf-8" else encoding
    assert named == encoding
    assert as_utf8(io.BytesIO(data), named).read() == text.encode()
