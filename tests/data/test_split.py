"""Examples of all origins are dealt once, nothing straddles, and what was left out is told and counted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.data.example import Example, Provenance
from idiolect.data.mixing import BadMix
from idiolect.data.split import Origin, Settings, split_examples

WORDS = [f"word{number}" for number in range(400)]


def script(seed: int, lines: int = 12) -> str:
    rng = random.Random(seed)
    return "".join(f"set {rng.choice(WORDS)} to {rng.choice(WORDS)}\n" for _ in range(lines))


def example(number: int, target: str | None = None, **more: object) -> Example:
    return Example(instruction=f"request {number}", target=target or script(number), **more)  # type: ignore[arg-type]


def origin(kind: str, examples: list[Example], weight: int | None = None, name: str = "") -> Origin:
    made = Origin(kind, name or kind, examples=examples, weight=weight)  # type: ignore[arg-type]
    made.tally.read = len(examples)
    return made


def reasons(result, of: str) -> dict[str, int]:
    return next(dict(one.rejected) for one in result.counts if one.of == of)


def test_shares_come_out_and_counts_close():
    result = split_examples(
        [origin("dataset", [example(n) for n in range(200)])], Settings(validation=0.05, test=0.1)
    )
    assert {name: len(result.of(name)) for name in ("train", "validation", "test")} == {
        "train": 170,
        "validation": 10,
        "test": 20,
    }
    (counts,) = result.counts
    assert (counts.read, counts.kept, counts.rejected) == (200, 200, {})


def test_a_training_row_that_is_in_the_test_file_is_dropped_from_training():
    test = [example(1), example(2)]
    train = [example(1), example(3), example(4, target=test[1].target)]
    result = split_examples([origin("dataset", train), origin("test file", test)], Settings())
    assert [one.instruction for one in result.of("test")] == ["request 1", "request 2"]
    assert [one.instruction for one in result.of("train")] == ["request 3"]
    assert reasons(result, "dataset") == {"repeat in test": 1, "same answer as in test": 1}
    assert {one.reason for one in result.rejected} == set(reasons(result, "dataset"))


def test_a_nearly_equal_long_answer_is_dropped_and_a_short_one_is_not():
    long = script(7, lines=40)
    near = long.replace("word", "word", 1) + "set a to b\n"
    test = [example(1, target=long), example(2, target="lamp on")]
    train = [example(3, target=near), example(4, target="lamp on"), example(5)]
    result = split_examples([origin("dataset", train), origin("test file", test)], Settings())
    assert reasons(result, "dataset") == {"nearly the same answer as in test": 1}


def test_answers_alike_below_different_contexts_are_no_leak_unless_they_are_long():
    short = '{"filter":[{"field":"date","op":">","value":"2024-01-01"}]}'
    long = script(3, lines=40)
    test = [example(1, short, context="schema A"), example(2, long, context="pack A")]
    train = [example(3, short, context="schema B"), example(4, long, context="pack B")]
    result = split_examples([origin("dataset", train), origin("test file", test)], Settings())
    assert [one.instruction for one in result.of("train")] == ["request 3"]


def test_a_stock_answer_gives_nothing_away():
    sorry = "I am sorry, but I can not help with that request; please ask for something else instead."
    rows = [example(n, target=sorry) for n in range(40)] + [example(n) for n in range(100, 160)]
    test = [example(999, target=sorry)]
    result = split_examples([origin("dataset", rows), origin("test file", test)], Settings())
    assert len(result.of("train")) == 100


def test_a_group_never_straddles():
    rows = [example(n, group=f"schema {n % 9}") for n in range(180)]
    result = split_examples([origin("synth", rows)], Settings(validation=0.1, test=0.2))
    groups = {name: {one.group for one in result.of(name)} for name in ("train", "validation", "test")}
    assert all(groups.values())
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["validation"]
    assert result.groups["test"] == len(groups["test"])


def test_rows_of_a_group_that_the_test_file_has_are_not_learned():
    rows = [example(1, group="a"), example(2, group="b")]
    result = split_examples(
        [origin("dataset", rows), origin("test file", [example(3, group="a")])], Settings()
    )
    assert reasons(result, "dataset") == {"group is in test": 1}


def test_splits_that_the_corpus_dealt_stay():
    rows = [example(n, split="test" if n < 3 else "train") for n in range(30)]
    result = split_examples([origin("corpus", rows)], Settings(validation=0.5, test=0.3))
    assert len(result.of("test")) == 3
    assert not result.of("validation")


def test_what_was_made_from_a_held_out_script_is_held_out_with_it():
    source = example(1, split="test")
    made = Example(
        instruction="asked otherwise", target=source.target, provenance=Provenance(parent=source.id)
    )
    others = [example(n) for n in range(10, 30)]
    result = split_examples([origin("corpus", [source]), origin("synth", [made, *others])], Settings())
    assert {one.instruction for one in result.of("test")} == {"request 1", "asked otherwise"}
    assert result.moved == 1


def test_nothing_is_added_to_a_test_file_of_the_users():
    given_file = example(1)
    made = Example(instruction="asked otherwise", target=given_file.target)
    result = split_examples(
        [origin("test file", [given_file]), origin("synth", [made, example(2)])], Settings()
    )
    assert [one.instruction for one in result.of("test")] == ["request 1"]
    assert reasons(result, "synth") == {"same answer as in test": 1}


def test_negatives_go_with_their_request_and_are_no_training_rows():
    rows = [example(n) for n in range(40)]
    rows += [Example(instruction=f"request {n}", target=script(n) + "oops(", valid=False) for n in range(40)]
    result = split_examples([origin("synth", rows)], Settings(validation=0.1, test=0.1))
    for name in ("train", "validation", "test"):
        assert {one.instruction for one in result.of(name)} == {
            one.instruction for one in result.of(name, valid=False)
        }


def test_a_negative_of_a_held_out_request_is_not_learned():
    wrong = Example(instruction="request 1", target="oops", valid=False)
    result = split_examples(
        [origin("dataset", [wrong, example(2)]), origin("test file", [example(1)])], Settings()
    )
    assert reasons(result, "dataset") == {"same request as in test": 1}


def test_a_mix_keeps_its_weights_after_repeats_and_leaks_are_gone():
    one = origin("dataset", [example(n) for n in range(300)], 70, "a")
    other = origin("dataset", [example(n) for n in range(1000, 1300)] + [example(1)], 30, "b")
    result = split_examples([one, other, origin("test file", [example(0)])], Settings(seed=3))
    first = [row for row in result.of("train") if int(row.instruction.split()[1]) < 1000]
    assert abs(len(first) / len(result.of("train")) - 0.7) < 0.01
    assert reasons(result, "a")["repeat in test"] == 1
    assert reasons(result, "b")["repeat"] == 1
    assert reasons(result, "b")["not in the mix"] > 100


def test_percent_takes_a_share_of_a_single_file_too():
    result = split_examples([origin("dataset", [example(n) for n in range(50)])], Settings(percent=20))
    assert len(result.of("train")) == 10
    assert reasons(result, "dataset") == {"not in the mix": 40}


def test_weights_of_a_source_without_rows_are_refused():
    with pytest.raises(BadMix):
        split_examples([origin("dataset", [example(1)], 50, "a"), origin("dataset", [], 50, "b")], Settings())


def test_a_single_group_is_told_and_stays_whole():
    rows = [example(n, group="only") for n in range(20)]
    result = split_examples([origin("synth", rows)], Settings(validation=0.1, test=0.1))
    assert len(result.of("train")) == 20
    assert result.warnings == ("what has no split is 1 group: too few to hold any out",)


def test_where_all_is_alike_only_requests_and_groups_keep_together():
    rows = [example(n, target=script(1, lines=30) + f"set word{n} to a\n") for n in range(60)]
    result = split_examples([origin("dataset", rows)], Settings(test=0.2))
    (counts,) = result.counts
    assert counts.read == counts.kept + sum(counts.rejected.values())
    assert len(result.of("test")) == 12
    assert "most answers are nearly alike" in result.warnings[0]


PARTS = st.lists(
    st.builds(
        example,
        st.integers(0, 12),
        st.sampled_from([None, "lamp on", script(1), script(2), script(2) + "set a to b\n"]),
        valid=st.booleans(),
        group=st.sampled_from([None, None, "a", "b", "c"]),
        split=st.sampled_from([None, None, "train", "validation", "test"]),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(PARTS, PARTS, PARTS, PARTS, st.integers(0, 5))
def test_whatever_comes_in_counts_close_and_nothing_straddles(dataset, corpus, synth, test, seed):
    origins = [
        origin("dataset", dataset),
        origin("corpus", corpus),
        origin("synth", synth),
        origin("test file", test),
    ]
    chosen = Settings(validation=0.2, test=0.2, seed=seed)
    result = split_examples(origins, chosen)
    assert sum(one.kept for one in result.counts) == len(result.examples)
    assert len({one.id for one in result.examples}) == len(result.examples)
    held = {one.group for one in [*result.of("test"), *result.of("validation")]}
    told = {one.group for one in result.of("train")} & {"a", "b", "c"}
    assert not told & held
    requests = {(one.instruction, one.target) for one in result.of("train")}
    assert not requests & {(one.instruction, one.target) for one in result.of("test")}
    again = split_examples([origin(one.kind, one.examples) for one in reversed(origins)], chosen)
    assert again.examples == result.examples
