import time

import pytest

from idiolect.text_hints import counted, did_you_mean, listed, nearest, shortened, size


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("Optimiser", ["optimizer", "scheduler"]) == "optimizer"
    assert nearest("zzz", ["optimizer"]) is None
    assert did_you_mean("zzz", ["a", "b"]) == "allowed: a, b"


def test_long_names_and_many_names_stay_cheap() -> None:
    started = time.process_time()
    assert nearest("a" * 100_000, ["a" * 100_000]) is None
    nearest("ab" * 50, ["ba" * 50 + str(number) for number in range(10_000)])
    assert time.process_time() - started < 4


def test_lists_and_texts_are_cut_and_made_printable() -> None:
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert shortened("a\nb\0") == "a?b?"
    assert shortened("x" * 100) == "x" * 57 + "..."


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (11 * 1000**3, "11.0 GB")]
)
def test_sizes_read_well(number: int, text: str) -> None:
    assert size(number) == text


def test_numbers_agree_with_their_noun() -> None:
    assert (counted(1, "row"), counted(2_000, "row"), counted(0, "row is", "rows are")) == (
        "1 row",
        "2,000 rows",
        "0 rows are",
    )
