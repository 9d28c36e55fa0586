"""What the one layout looks like, and what is refused."""

from __future__ import annotations

import time

import pytest

from idiolect.okt.format import format_text


def formatted(text: str) -> str:
    made = format_text(text)
    assert made.text is not None, made.errors
    return made.text


LAYOUTS = {
    "blocks stand apart, their fields one a line": (
        'PROJECT "x"\nDESCRIPTION "y"\nMODEL { base: "b" device: "cpu" }\nTRAIN{epochs:3}',
        'PROJECT "x"\nDESCRIPTION "y"\n\nMODEL {\n    base: "b"\n    device: "cpu"\n}\n\n'
        "TRAIN {\n    epochs: 3\n}\n",
    ),
    "single values keep the empty line that stood between them": (
        'PROJECT "x"\n\n\n\nVERSION "1"\nAUTHOR "a"',
        'PROJECT "x"\n\nVERSION "1"\nAUTHOR "a"\n',
    ),
    "at most one empty line is kept inside, and none at the braces": (
        "TRAIN {\n\n\n  epochs: 3\n\n\n  batch_size: 8\n\n}",
        "TRAIN {\n    epochs: 3\n\n    batch_size: 8\n}\n",
    ),
    "an empty block closes on its line": ("MODEL {\n\n}", "MODEL {}\n"),
    "an empty block with a comment does not": ("MODEL { # later\n}", "MODEL {  # later\n}\n"),
    "labels stay": ('MODEL   "small"{base:"b"}', 'MODEL "small" {\n    base: "b"\n}\n'),
    "a short list fits on its line": ('TAGS [ "a" ,"b",\n"c" , ]', 'TAGS ["a", "b", "c"]\n'),
    "a long list has one item a line": (
        f'TAGS ["{"a" * 40}", "{"b" * 40}", "{"c" * 40}"]',
        f'TAGS [\n    "{"a" * 40}",\n    "{"b" * 40}",\n    "{"c" * 40}"\n]\n',
    ),
    "a list of one object fits on its line": (
        'DATASET { mix_datasets: [{path:"a",weight:100}] }',
        'DATASET {\n    mix_datasets: [{ path: "a", weight: 100 }]\n}\n',
    ),
    "a list of objects has one a line": (
        'DATASET { mix_datasets: [{path:"a" weight:70},{path:"b",weight:30}] }',
        'DATASET {\n    mix_datasets: [\n        { path: "a", weight: 70 },\n'
        '        { path: "b", weight: 30 }\n    ]\n}\n',
    ),
    "an object with a comment has one field a line": (
        'DATASET { mix_datasets: [{path:"a", # why\nweight:70}] }',
        'DATASET {\n    mix_datasets: [\n        {\n            path: "a",  # why\n'
        "            weight: 70\n        }\n    ]\n}\n",
    ),
    "statements stand one a line": (
        'CONTROL { IF loss>2.0 and epoch >= 1 { LOG "high" SET LR = 0.1 } on_nan { STOP } '
        "EVERY 500 steps { SAVE model } DECREASE LR BY 50% }",
        'CONTROL {\n    IF loss > 2.0 AND epoch >= 1 {\n        LOG "high"\n        SET LR = 0.1\n    }\n'
        "    on_nan {\n        STOP\n    }\n    EVERY 500 steps {\n        SAVE model\n    }\n"
        "    DECREASE LR BY 50%\n}\n",
    ),
    "metric names stand one a line": (
        'METRICS { accuracy loss custom "mine" }',
        'METRICS {\n    accuracy\n    loss\n    custom "mine"\n}\n',
    ),
    "numbers, units and escapes stand as written": (
        'MODEL { parameters: 120M a: 1.50 b: 1e-4 c: .5 d: "\\t\\q\\\\" e: 16 GB f: +3 }',
        "MODEL {\n    parameters: 120M\n    a: 1.50\n    b: 1e-4\n    c: .5\n"
        '    d: "\\t\\q\\\\"\n    e: 16GB\n    f: +3\n}\n',
    ),
    "line ends become one kind, and the byte order mark goes": (
        '\ufeffPROJECT "x"\r\nVERSION "1"\rAUTHOR "a"',
        'PROJECT "x"\nVERSION "1"\nAUTHOR "a"\n',
    ),
    "needless commas and colons go": (
        'PROJECT: "x"\nMODEL: { base: "b", device: "cpu", }',
        'PROJECT "x"\n\nMODEL {\n    base: "b"\n    device: "cpu"\n}\n',
    ),
    "a colon that a value needs stays": ("PROJECT: 5", "PROJECT: 5\n"),
    "a text with nothing in it stays empty": (" \n\r\n", ""),
}

COMMENTS = {
    "the version pragma stays first": (
        '# okto_version: "1.2"\nPROJECT "x"',
        '# okto_version: "1.2"\nPROJECT "x"\n',
    ),
    "a comment above a block stays with it": (
        "MODEL {}\n# how\nTRAIN {}",
        "MODEL {}\n\n# how\nTRAIN {}\n",
    ),
    "a comment below a block stays with that": (
        "MODEL {}\n# end of it\n\nTRAIN {}",
        "MODEL {}\n# end of it\n\nTRAIN {}\n",
    ),
    "trailing comments stay on their lines": (
        "MODEL { # m\n base: 1 # b\n} # e\nTRAIN {}",
        "MODEL {  # m\n    base: 1  # b\n}  # e\n\nTRAIN {}\n",
    ),
    "comments in lists stay with their items": (
        'TAGS [ # tags\n"a", # one\n# two next\n"b" # two\n, # three next\n"c"\n# done\n]',
        'TAGS [  # tags\n    "a",  # one\n    # two next\n    # two\n    "b",  # three next\n    "c"\n'
        "    # done\n]\n",
    ),
    "a comment before a closing brace stays inside": (
        "MODEL {\n a: 1\n\n # last\n}",
        "MODEL {\n    a: 1\n\n    # last\n}\n",
    ),
    "a comment at the end of the file stays": (
        "MODEL {}\n\n\n# last   ",
        "MODEL {}\n\n# last\n",
    ),
    "a comment in the middle of a field goes behind it": (
        "MODEL {\n a: # why\n 1\n}",
        "MODEL {\n    a: 1  # why\n}\n",
    ),
    "or above it where that place is taken": (
        "MODEL {\n a: # why\n # and\n 1 # one\n}",
        "MODEL {\n    # why\n    # and\n    a: 1  # one\n}\n",
    ),
    "a comment before an opening brace goes behind it": (
        "MODEL # the base\n{\n a: 1\n}",
        "MODEL {  # the base\n    a: 1\n}\n",
    ),
    "a file of comments stays one": ("#a\n\n\n #b", "#a\n\n#b\n"),
}


@pytest.mark.parametrize("name", [*LAYOUTS, *COMMENTS])
def test_layout(name: str) -> None:
    before, after = (LAYOUTS | COMMENTS)[name]
    assert formatted(before) == after
    assert formatted(after) == after


REFUSED = {
    "an open brace": ("MODEL {", "L007"),
    "an open string": ('PROJECT "x', "L002"),
    "two values": ('MODEL { a: "x" "y" }', "L001"),
    "an unknown statement, whose line the tree does not hold": ("CONTROL {\n  FOO bar { x }\n}", "V016"),
    "a block where a value is expected": ("CONTROL { IF a > { LOG x } { STOP } }", "L017"),
    "a block keyword that a line of its own would free": ("FOO { DATASET { a: 1 } }", "L017"),
    "blocks nested too deep": ("a {" * 100 + "}" * 100, "L010"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_layout_is_refused_with_its_place(name: str) -> None:
    text, code = REFUSED[name]
    made = format_text(text)
    assert made.text is None
    assert not made.changed
    assert code in [error.code for error in made.errors]
    assert all(error.span.end <= len(text) for error in made.errors)


def test_the_refusal_of_a_hidden_block_keyword_points_at_it() -> None:
    text = "FOO { DATASET { a: 1 } }"
    (error,) = format_text(text).errors
    assert text[error.span.start : error.span.end] == "DATASET"


def test_unknown_names_do_not_stand_in_the_way() -> None:
    assert formatted("FOO{bar:1}") == "FOO {\n    bar: 1\n}\n"


@pytest.mark.parametrize(
    "text",
    [
        'TAGS ["a"' + ', "b"' * 20_000 + "]",
        "METRICS {" + " loss" * 20_000 + "}",
        "# c\n" * 25_000,
        "MODEL {" + "a: 1 # c\n" * 11_000 + "}",
        'PROJECT "' + "x" * 100_000 + '"',
        "MODEL { a: " + "[" * 30 + "1" * 90_000 + "]" * 30 + "}",
        'TAGS ["a" ' + "# c\n" * 25_000 + "]",
    ],
    ids=["list", "words", "comments", "trailing", "string", "nested", "comments in a list"],
)
def test_a_hundred_kilobytes_take_less_than_a_second(text: str) -> None:
    start = time.process_time()
    formatted(text)
    assert time.process_time() - start < 4
