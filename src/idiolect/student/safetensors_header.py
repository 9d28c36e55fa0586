"""Reads the header of a safetensors file: names, types and shapes. It never loads weights.

The format: 8 bytes with the header's length, the header in JSON, then the tensors without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeGuard

from pydantic_core import from_json

from idiolect.files import look, open_plain
from idiolect.text_hints import shortened

_MAX_HEADER = 100_000_000  # the limit that the format's own library sets
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
_FLOATS = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


class Corrupt(Exception):
    """A file that is no whole safetensors file; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's entry in the header."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        return prod(self.shape)


def read_header(path: Path) -> dict[str, Tensor]:
    """Name to entry of every tensor; Corrupt where header and file do not agree, else Unreadable."""
    size = look(path).st_size
    with open_plain(path) as stream:
        start = stream.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8:
            raise Corrupt("it is shorter than any safetensors file")
        if not 2 <= length <= _MAX_HEADER:
            raise Corrupt(f"its first 8 bytes give a header of {length:,} bytes")
        if 8 + length > size:
            raise Corrupt(f"it is cut short: the header alone has {length:,} bytes, the file {size:,}")
        raw = stream.read(length)
    try:
        entries = from_json(raw, cache_strings="none")
    except ValueError as error:
        raise Corrupt(f"its header is no JSON: {error}") from error
    if not isinstance(entries, dict):
        raise Corrupt("its header is no JSON object")
    entries.pop("__metadata__", None)
    return _checked(entries, size - 8 - length)


def dtype_of(tensors: dict[str, Tensor]) -> str | None:
    """The number type that most of the numbers have, by torch's name where there is one."""
    totals: dict[str, int] = {}
    for tensor in tensors.values():
        totals[tensor.dtype] = totals.get(tensor.dtype, 0) + tensor.numbers
    if not totals:
        return None
    most = max(totals, key=lambda name: totals[name])
    return _FLOATS.get(most, most.lower())


def _checked(entries: dict[str, object], data_bytes: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    ranges: list[tuple[int, int]] = []
    for name, entry in entries.items():
        tensors[name], place = _entry(name, entry)
        ranges.append(place)
    end = 0
    for start, stop in sorted(ranges):
        if start != end:
            raise Corrupt(f"its tensors leave a gap or overlap at byte {min(start, end):,}")
        end = stop
    if end != data_bytes:
        kind = "cut short" if end > data_bytes else "longer than its header says"
        raise Corrupt(f"it is {kind}: tensors take {end:,} bytes, the file holds {data_bytes:,}")
    return tensors


def _entry(name: str, entry: object) -> tuple[Tensor, tuple[int, int]]:
    shown = shortened(name)
    if not isinstance(entry, dict):
        raise Corrupt(f'the entry of tensor "{shown}" is no object')
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise Corrupt(f'tensor "{shown}" has the unknown type {shortened(str(dtype))}')
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise Corrupt(f'tensor "{shown}" has no valid shape and offsets')
    tensor = Tensor(dtype, tuple(shape))
    if tensor.numbers * _BITS[dtype] != (offsets[1] - offsets[0]) * 8:
        raise Corrupt(f'tensor "{shown}" takes {offsets[1] - offsets[0]:,} bytes, which its shape does not')
    return tensor, (offsets[0], offsets[1])


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    # 64 dimensions and 64-bit sizes: more is no tensor, and would make the product costly
    return (
        isinstance(value, list)
        and len(value) <= 64
        and all(type(number) is int and 0 <= number < 2**63 for number in value)
    )
