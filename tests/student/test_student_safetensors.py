import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors_files import header_bytes

from idiolect.files import Unreadable
from idiolect.student.safetensors_header import Corrupt, dtype_of, read_header


def packed(entries: object, data: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_a_whole_file_gives_names_types_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(header_bytes({"w": [2, 3], "b": [0], "s": []}, "BF16", 2))
    tensors = read_header(path)
    assert {name: tensor.shape for name, tensor in tensors.items()} == {"w": (2, 3), "b": (0,), "s": ()}
    assert (sum(tensor.numbers for tensor in tensors.values()), dtype_of(tensors)) == (7, "bfloat16")


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "shorter"),
        (b"\xff" * 8, "give a header"),
        (b"\0" * 8, "give a header"),
        ((5_000).to_bytes(8, "little") + b"{}", "cut short"),
        (packed([]), "no JSON object"),
        ((3).to_bytes(8, "little") + b"{]}", "no JSON"),
        (packed({"a": 1}), "no object"),
        (packed({"a": {**ENTRY, "dtype": "F9"}}, b"\0" * 8), "unknown type"),
        (packed({"a": {**ENTRY, "dtype": ["F32"]}}, b"\0" * 8), "unknown type"),
        (packed({"a": {**ENTRY, "shape": [-2]}}, b"\0" * 8), "no valid shape"),
        (packed({"a": {**ENTRY, "shape": [2**70]}}, b"\0" * 8), "no valid shape"),
        (packed({"a": {**ENTRY, "shape": [2**62] * 64}}, b"\0" * 8), "its shape does not"),
        (packed({"a": {**ENTRY, "shape": [True]}}, b"\0" * 8), "no valid shape"),
        (packed({"a": {**ENTRY, "data_offsets": [0]}}, b"\0" * 8), "no valid shape"),
        (packed({"a": {**ENTRY, "shape": [3]}}, b"\0" * 8), "its shape does not"),
        (packed({"a": ENTRY, "b": ENTRY}, b"\0" * 8), "overlap"),
        (packed({"a": {**ENTRY, "data_offsets": [4, 12]}}, b"\0" * 12), "gap"),
        (packed({"a": ENTRY}, b"\0" * 7), "cut short"),
        (packed({"a": ENTRY}, b"\0" * 9), "longer"),
        ((200_000).to_bytes(8, "little") + b"[" * 200_000, "no JSON"),
    ],
)  # fmt: skip
def test_a_file_that_disagrees_with_its_header_is_corrupt(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    started = time.process_time()
    with pytest.raises(Corrupt, match=word):
        read_header(path)
    assert time.process_time() - started < 4


def test_what_is_no_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_header(tmp_path)


@given(cut=st.integers(0, 400), at=st.integers(0, 400), value=st.integers(0, 255))
def test_any_damage_is_told_or_harmless(
    cut: int, at: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("st") / "a.safetensors"
    data = bytearray(header_bytes({"w": [2, 3], "b": [4]}))
    data[at % len(data)] = value
    path.write_bytes(data[: len(data) - cut] if cut < len(data) else b"")
    try:
        tensors = read_header(path)
    except Corrupt:
        return
    assert sum(tensor.numbers for tensor in tensors.values()) * 4 <= len(data)
