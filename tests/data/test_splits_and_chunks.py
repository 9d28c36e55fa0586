"""Splits keep their shares and their groups whole; chunks lose no line; cleaning is done once for all."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.data.chunking import chunked, estimated_tokens
from idiolect.data.cleaning import normalized
from idiolect.data.document import Document, Told
from idiolect.data.encodings import decode
from idiolect.data.naming import names_of, with_header
from idiolect.data.splitting import split_groups
from idiolect.data.structure import structures
from idiolect.files import Unreadable


@given(st.lists(st.integers(0, 12).map(str), max_size=60), st.integers(0, 3))
def test_no_group_straddles_and_the_seed_decides(groups: list[str], seed: int) -> None:
    splits = split_groups(groups, (80, 10, 10), seed)
    assert len({(group, split) for group, split in zip(groups, splits, strict=True)}) == len(set(groups))
    assert splits == split_groups(groups, (80, 10, 10), seed)
    if len(set(groups)) >= 3:
        assert set(splits) == {"train", "validation", "test"}


@given(st.integers(10, 300), st.integers(0, 3))
def test_shares_come_out_where_no_group_hinders(count: int, seed: int) -> None:
    held = Counter(split_groups([str(number) for number in range(count)], (80, 10, 10), seed))
    assert abs(held["train"] - 0.8 * count) <= 1
    assert abs(held["test"] - 0.1 * count) <= 1


def test_another_seed_gives_another_split_and_a_share_of_nothing_gets_nothing() -> None:
    names = [str(number) for number in range(50)]
    assert split_groups(names, (80, 10, 10), 1) != split_groups(names, (80, 10, 10), 2)
    assert set(split_groups(names, (90, 0, 10), 1)) == {"train", "test"}
    with pytest.raises(ValueError, match="shares"):
        split_groups(names, (0, 0, 0), 1)


LINES = st.lists(
    st.sampled_from(["f(x) {", "    y := 1", "}", "", "g()", "/* a", "b */", '"{"']), max_size=60
)


@given(LINES, st.integers(5, 60))
def test_parts_hold_every_line_in_order_and_none_is_too_long(lines: list[str], most: int) -> None:
    text = "\n".join(lines) + "\n"
    parts = chunked(Document(source="a", text=text), most)
    if parts is None:
        return
    joined = [line for part in parts for line in part.text.split("\n") if line]
    assert joined == [line for line in lines if line]
    for part in parts:
        assert estimated_tokens(part.text) <= most + 1
        assert lines[part.line - 1] == part.text.split("\n")[0]


@given(st.text())
def test_cleaning_is_done_once_for_all(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)


@pytest.mark.parametrize(
    "text", [" " * 100_000 + "x", "\r" * 100_000, "{" * 100_000, '"' * 100_000, "#\n" * 50_000, "a_" * 50_000]
)
def test_hostile_text_is_cleaned_named_and_cut_in_bounded_time(text: str) -> None:
    begin = time.process_time()
    document = with_header(Document(source="a.x", text=normalized(text)))
    names_of(document)
    chunked(document, 100)
    structures([text])
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"caf\x81", "not cp1252"),
        ("ä".encode() * 20 + b"\xe4", "is UTF-8 but for byte 41"),
        (b"\x00\x01\x02abc", "zero bytes"),
        (b"\x1f\x8b123", "packed with gzip"),
        (b"\xe4" + b"\x01\x02" * 50, "control characters"),
    ],
)
def test_bytes_that_are_no_text_are_told_with_their_place(data: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        decode(data)


def test_structures_are_equal_for_other_names_alone() -> None:
    shape = "set {0} to {1} ; if {0} then go {2} else stop ; end"
    texts = [shape.format("a", 1, "up"), shape.format("b", 2, "left"), shape.format("b", 2, "b"), "set a"]
    keys = structures([*texts, *(shape.format(f"v{n}", n, f"w{n}") for n in range(6))])
    assert keys[0] == keys[1] == keys[4]
    assert keys[2] not in (None, keys[0])
    assert keys[3] is None


def test_metadata_goes_before_header_tags_and_those_before_prose() -> None:
    text = "; Title: From the tag\n; Some words that tell what it does\n#Requires AutoHotkey v2\nx := 1\n"
    document = with_header(Document(source="in/Hotkey_CtrlJ.ahk", text=text, told=Told(category="Given")))
    names = names_of(document)
    assert (names.id, names.title, names.category) == ("Hotkey_CtrlJ", "From the tag", "Given")
    assert names.description == "Some words that tell what it does."
    bare = names_of(
        with_header(Document(source="in/Hotkey_CtrlJ.ahk", text="; Copyright (c) me and others\nx := 1\n"))
    )
    assert (bare.title, bare.category, bare.description) == ("Hotkey CtrlJ", "Hotkey", "")
