"""Random scripts made from the block definitions, for property tests and for fuzzing.

`tokens_of_script` makes a script as tokens; `written` sets them with random white space, comments and line
ends. Both take a `random.Random`, which hypothesis provides (`st.randoms()`) and can shrink.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from idiolect.okt.fields import FieldSpec, Kind, render_literal
from idiolect.okt.language import BLOCKS, BlockSpec
from idiolect.okt.lexer import encode_string
from idiolect.okt.vocab import (
    CONTROL_PARAMETERS,
    INFERENCE_SIGNALS,
    METRICS,
    OPERATORS,
    TRAINING_SIGNALS,
)


@dataclass(frozen=True)
class Piece:
    """A token, and whether it must stay on the line of the one before it."""

    text: str
    same_line: bool = False


Pieces = list[Piece]
_TEXTS = (
    "plain",
    "two words",
    'a "quoted" word',
    "tab\tand\nnewline",
    "back\\slash",
    "# no comment",
    "{ } [ ] , :",
    "ação, 漢字, 𝔘𝔫𝔦 😀",
    "x" * 90,
)
_PATHS = ("dataset/train.jsonl", "a b/c.csv", "../data/é.parquet", "models/" + "deep/" * 25 + "m")
_COMMENTS = (
    "# a comment",
    "#",
    "#tight",
    '# with "quotes" { and } brackets',
    "# 漢字 😀",
    "#\ttab",
    "# \\",
    "# , :",
)
# Fields whose value other fields or blocks depend on.
_FITTING = {
    "PROJECT.PROJECT": '"demo project"',
    "MODEL.inherit": '"parent"',
    "TEACHER.api_key_env": '"TEACHER_KEY"',
    "CORPUS.split": "[80, 10, 10]",
    "SYNTHESIZE.min_operators": "2",
    "SYNTHESIZE.max_operators": "9",
}
_ALWAYS = ("DATASET.train", "EXPLORER.try.lr")  # required unless another field is there
_BARE = ("STOP", "STOP_TRAINING", "RETRY", "REGENERATE")


def pieces(*texts: str) -> Pieces:
    return [Piece(text) for text in texts]


# --- values


def value(spec: FieldSpec, rng: Random) -> Pieces:
    """A value that the field takes."""
    if spec.kind is Kind.LIST:
        return _list(spec, rng)
    return pieces(_single(spec, spec.kind, rng))


def _single(spec: FieldSpec, kind: Kind, rng: Random) -> str:
    if kind is Kind.SIZE:
        return json.dumps(rng.choice(spec.values))
    if spec.values:
        return json.dumps(rng.choice(spec.values))
    makers = {
        Kind.STRING: lambda: encode_string(rng.choice(_TEXTS)),
        Kind.PATH: lambda: json.dumps(rng.choice(_PATHS), ensure_ascii=False),
        Kind.MODEL: lambda: json.dumps(rng.choice(("google/flan-t5-base", "nano", "models/mine"))),
        Kind.TEMPLATE: lambda: encode_string("User: {input}\nContext: {context}"),
        Kind.HOOK: lambda: json.dumps(rng.choice(("scripts/h.py", "python:a.b.c", "api:http://x.y/z"))),
        Kind.METRIC: lambda: json.dumps(rng.choice(list(METRICS))),
        Kind.BOOL: lambda: rng.choice(("true", "false")),
        Kind.INT: lambda: str(round(_number(spec, rng))),
        Kind.FLOAT: lambda: render_literal(float(_number(spec, rng))),
        Kind.COUNT: lambda: rng.choice(("120M", "1B", "7000", '"350M"')),
        Kind.DURATION: lambda: rng.choice(("2s", "1500ms", "30")),
        Kind.SCALAR: lambda: rng.choice(("1", "0.5", "true", '"x"')),
    }
    return makers[kind]()


def _number(spec: FieldSpec, rng: Random) -> float:
    bounds = spec.bounds
    low = bounds.above if bounds.above is not None else bounds.at_least or 0
    high = bounds.at_most if bounds.at_most is not None else low + 1000
    whole = [number for number in range(int(low), int(high) + 1)[:50] if bounds.hold(number)]
    if Kind.FLOAT in (spec.kind, spec.item):
        return rng.choice([*whole[:3], low + (high - low) / 4, high])
    return rng.choice([*whole, int(high)])


def _list(spec: FieldSpec, rng: Random) -> Pieces:
    least, most = int(spec.length.at_least or 1), int(spec.length.at_most or 6)
    count = rng.randint(max(least, 1), max(least, min(most, 6)))
    made: list[Pieces] = []
    for index in range(count):
        if spec.item is Kind.BLOCK:
            weight = 100 - (count - 1) * (100 // count) if index == 0 else 100 // count
            path = json.dumps(f"data/{index}.jsonl")
            made.append(pieces("{", "path", ":", path, ",", "weight", ":", str(weight), "}"))
        else:
            assert spec.item is not None
            made.append(pieces(_single(spec, spec.item, rng)))
    body = [piece for item in made for piece in (*item, Piece(","))]
    if body and rng.random() < 0.8:
        body.pop()
    return [Piece("["), *body, Piece("]")]


# --- statements


def condition(rng: Random, signals: tuple[str, ...]) -> Pieces:
    """Comparisons joined by AND."""
    made: Pieces = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        constant = rng.choice(("2.0", "90%", "12GB", "true", "-1e-3", '"label"', ".5"))
        made += pieces("AND", rng.choice(signals), rng.choice(OPERATORS), constant)
    return made[1:]


def statements(rng: Random, *, inference: bool = False, depth: int = 0) -> Pieces:
    """At least one statement."""
    made: Pieces = []
    for _ in range(rng.randint(1, 3)):
        made += _statement(rng, inference, depth)
    return made


def _statement(rng: Random, inference: bool, depth: int) -> Pieces:
    signals = INFERENCE_SIGNALS if inference else TRAINING_SIGNALS
    nested = ["IF", "WHEN", "EVERY"] if depth < 3 else []
    simple = ["REPLACE", "RETURN"] if inference else ["SAVE", "DECREASE", "INCREASE"]
    word = rng.choice([*nested, *simple, "SET", "LOG", *_BARE])
    if word in ("IF", "WHEN"):
        body = statements(rng, inference=inference, depth=depth + 1)
        return [Piece(word), *condition(rng, signals), Piece("{"), *body, Piece("}")]
    if word == "EVERY":
        body = statements(rng, inference=inference, depth=depth + 1)
        return [*pieces("EVERY", str(rng.randint(1, 999)), "steps", "{"), *body, Piece("}")]
    parameter = rng.choice(list(CONTROL_PARAMETERS))
    if word == "SET":
        return pieces("SET", parameter, "=", rng.choice(("0.5", "16", '"x"', "true")))
    if word in ("DECREASE", "INCREASE"):
        return pieces(word, parameter, "BY", rng.choice(("0.5", "10%", "2")))
    text = encode_string(rng.choice(_TEXTS))
    if word == "LOG":
        return [Piece("LOG"), Piece(rng.choice(("loss", text)), same_line=True)]
    if word == "SAVE":
        return [Piece("SAVE"), Piece(rng.choice(("model", "checkpoint", '"at_{epoch}"')), same_line=True)]
    if word == "REPLACE":
        return pieces("REPLACE", "WITH", text)
    return pieces("RETURN", text) if word == "RETURN" else pieces(word)


# --- blocks


def field(block: BlockSpec, spec: FieldSpec, rng: Random, share: float) -> Pieces:
    """A field, or a nested block, with its name."""
    name = rng.choice(spec.all_names) if rng.random() < 0.2 else spec.name
    if spec.kind is Kind.BLOCK:
        return [Piece(name), Piece("{"), *body(block.nested(spec), rng, share=share), Piece("}")]
    if spec.kind is Kind.FLAGS:
        words = rng.sample(spec.values, rng.randint(1, len(spec.values)))
        return pieces(name, "{", *words, "}")
    if spec.kind is Kind.CONDITIONS:
        inner = [piece for _ in range(rng.randint(1, 3)) for piece in condition(rng, TRAINING_SIGNALS)]
        return [Piece(name), Piece("{"), *inner, Piece("}")]
    if spec.kind is Kind.STATEMENTS:
        return [Piece(name), Piece("{"), *statements(rng, inference=name == "CONTROL"), Piece("}")]
    fitting = _FITTING.get(f"{block.path}.{spec.name}")
    return [Piece(name), Piece(":"), *(pieces(fitting) if fitting else value(spec, rng))]


def body(block: BlockSpec, rng: Random, *, share: float = 0.5) -> Pieces:
    """The inside of a block: each field with the given probability, the required ones always."""
    made: Pieces = []
    for spec in rng.sample(block.fields, len(block.fields)):
        if spec.required or f"{block.path}.{spec.name}" in _ALWAYS or rng.random() < share:
            made += _implicit(spec, rng) if spec.implicit else field(block, spec, rng, share)
    return made


def _implicit(spec: FieldSpec, rng: Random) -> Pieces:
    if spec.kind is Kind.STATEMENTS:
        return statements(rng)
    if spec.kind is Kind.ENUM:
        word = rng.choice(spec.values)
        return pieces(word, "with_message", ":", '"no"') if word == "REPLACE" else pieces(word)
    if spec.kind is Kind.OBJECT:
        return pieces("lora_rank", ":", "[", "8", ",", "16", "]")
    if spec.item is Kind.METRIC:
        return pieces(*rng.sample(list(METRICS), 3))
    return [Piece("custom"), Piece('"mine"', same_line=True)]


def block(spec: BlockSpec, rng: Random, *, share: float = 0.5) -> Pieces:
    """A top-level block."""
    if spec.form == "scalar":
        fitting = _FITTING.get(f"{spec.path}.{spec.keyword}")
        return [Piece(spec.keyword), *(pieces(fitting) if fitting else value(spec.fields[0], rng))]
    return [Piece(spec.keyword), Piece("{"), *body(spec, rng, share=share), Piece("}")]


def tokens_of_script(rng: Random, *, blocks: int = 8, share: float = 0.5, whole: bool = False) -> Pieces:
    """Some blocks of the language, each at most once, in any order; a whole script has all that it needs."""
    chosen = rng.sample(list(BLOCKS.values()), min(blocks, len(BLOCKS)))
    needed = [spec for spec in BLOCKS.values() if spec.required or spec.keyword == "DIALECT"]
    if whole:
        chosen = list(dict.fromkeys([*chosen, *needed]))
    made = [piece for spec in chosen for piece in block(spec, rng, share=share)]
    if whole or rng.random() < 0.3:
        made += pieces("MODEL", '"parent"', "{", "architecture", ":", '"gpt"', "}")
    return made


# --- white space


def written(made: Pieces, rng: Random, *, comments: bool = True) -> str:
    """Tokens as a text, with any white space and comments that the language allows between them."""
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    parts = ["\ufeff" if rng.random() < 0.1 else ""]
    if rng.random() < 0.3:
        parts.append(f'# okto_version: "1.2"{end}')
    for index, piece in enumerate(made):
        parts += _gap(piece, index == 0, end, rng, comments)
        parts.append(piece.text)
    parts.append(
        rng.choice(("", end, end * 4, f"  {end}# last{end}" if comments else "", " # last" * comments))
    )
    return "".join(parts)


def _gap(piece: Piece, first: bool, end: str, rng: Random, comments: bool) -> Iterator[str]:
    # Punctuation needs no space around it, and everything else may need one.
    yield "" if first else " "
    if piece.same_line:
        return
    roll = rng.random()
    if roll < 0.15 and comments:
        for _ in range(rng.choice((1, 1, 2))):
            yield rng.choice(("", "  ", end, end * 3)) + rng.choice(_COMMENTS) + rng.choice(("", "  ")) + end
    elif roll < 0.6:
        yield rng.choice((end, end + "\t", end * 2, end * 4, " \f ", "\u00a0"))


def comments_in(text: str) -> list[str]:
    """The comments of a text, in an order of no meaning."""
    from idiolect.okt.lexer import tokenize

    return sorted(comment.text for comment in tokenize(text)[1])


@st.composite
def scripts(draw: st.DrawFn, *, blocks: int = 8, comments: bool = True, whole: bool = False) -> str:
    """A script without syntax errors, with values that its fields take."""
    rng = draw(st.randoms(use_true_random=False))
    made = tokens_of_script(rng, blocks=draw(st.integers(0, blocks)), whole=whole)
    return written(made, rng, comments=comments)
