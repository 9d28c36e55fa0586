"""Fuzzing of the .okt language: any text ends in diagnostics, never in an exception or a hang.

Alone:        python tests/fuzz/fuzz_okt.py --count 1000000 [--seed 1]
With atheris: python tests/fuzz/fuzz_okt.py --atheris [its arguments], if it is installed
Texts that failed are written to .fuzz/.
"""

# ruff: noqa: E402 - it runs alone too, and then has to find its neighbours first

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "okt"))

from scripts import comments_in, tokens_of_script, written

from idiolect.okt.check import KEYWORDS, check_text
from idiolect.okt.diagnostics import as_json, render
from idiolect.okt.fields import Kind
from idiolect.okt.format import format_text
from idiolect.okt.language import walk_blocks
from idiolect.okt.lexer import tokenize
from idiolect.okt.pages import fault_table
from idiolect.okt.vocab import CONTROL_EVENTS, CONTROL_WORDS, METRICS, OPERATORS, TRAINING_SIGNALS

SLOW_S = 1.0
LONGEST = 1500  # characters; larger texts are the business of test_fuzz_files.py

_PUNCTUATION = (*'{}[]:,="#\\ \n\r\t\0', "\r\n", "\ufeff")
_NUMBERS = [
    "1e999",
    "-1e999",
    "0",
    "-0",
    "1e-400",
    ".5",
    "5.",
    "1.2.3",
    "+",
    "16GB",
    "120M",
    "90%",
    "2s",
    "-5ms",
]
_LITERALS = (
    *_NUMBERS,
    *("9" * 40, "16 GB", "x" * 300, "true", "false", "TRUE", "AND", "OR", "NOT", "BY", "WITH", "custom"),
    *('""', '"', '"\\', '"\\q"', '"x" "y"', "“x”", "«y»", "...", "…", "{}", "[]", "[[", "{{"),
    *("é", "漢", "😀", "\u2028", "\x0c", "\u00a0", "\ud800"),
    *("#", "# okto_version", '# okto_version: "9.9"'),
)


def vocabulary() -> list[str]:
    """The words of the language, from its definitions."""
    words = {*KEYWORDS, *CONTROL_WORDS, *CONTROL_EVENTS, *OPERATORS, *TRAINING_SIGNALS, *METRICS}
    for block in walk_blocks():
        for spec in block.fields:
            words.update(spec.all_names)
            words.update(f'"{value}"' if spec.kind is not Kind.FLAGS else value for value in spec.values)
    return [*sorted(words), *_LITERALS, *_PUNCTUATION]


def seeds(rng: Random) -> list[str]:
    """Texts to begin with: every fault of the table, every example, and small random scripts."""
    texts = [example.bad for row in fault_table() for example in row.examples]
    for path in sorted(ROOT.glob("examples/**/*.okt")):
        text = path.read_text(encoding="utf-8")
        texts += [text[at : at + 400] for at in range(0, len(text), 300)]
    for _ in range(150):
        texts.append(written(tokens_of_script(rng, blocks=rng.randint(0, 2), share=0.15), rng)[:600])
    return texts


class Mutator:
    """Makes new texts from old ones, by characters, by lines and by tokens."""

    def __init__(self, rng: Random, longest: int = LONGEST) -> None:
        self.rng = rng
        self.longest = longest
        self.pool = seeds(rng)
        self.words = vocabulary()

    def texts(self) -> Iterator[str]:
        while True:
            text = self.rng.choice(self.pool)
            for _ in range(self.rng.choice((1, 1, 1, 2, 3, 6))):
                text = self.rng.choice(self.ways)(self, text)[: self.longest]
            yield text

    def _cut(self, text: str) -> str:
        start = self.rng.randint(0, len(text))
        return text[:start] + text[start + self.rng.choice((1, 1, 5, 50)) :]

    def _end(self, text: str) -> str:
        return text[: self.rng.randint(0, len(text))]

    def _repeat(self, text: str) -> str:
        start = self.rng.randint(0, len(text))
        part = text[start : start + self.rng.choice((1, 3, 20, 200))]
        return text[:start] + part * self.rng.choice((2, 2, 3, 30)) + text[start:]

    def _put(self, text: str) -> str:
        at = self.rng.randint(0, len(text))
        space = self.rng.choice(("", " ", "\n"))
        return text[:at] + space + self.rng.choice(self.words) + space + text[at:]

    def _character(self, text: str) -> str:
        at = self.rng.randint(0, len(text))
        return (
            text[:at]
            + chr(self.rng.choice((self.rng.randrange(128), self.rng.randrange(0x11000))))
            + text[at + 1 :]
        )

    def _splice(self, text: str) -> str:
        other = self.rng.choice(self.pool)
        return text[: self.rng.randint(0, len(text))] + other[self.rng.randint(0, len(other)) :]

    def _lines(self, text: str) -> str:
        lines = text.split("\n")
        self.rng.shuffle(lines)
        return "\n".join(lines)

    def _token(self, text: str) -> str:
        """Take a token away, put another in its place, or give it twice."""
        tokens = tokenize(text)[0][:-1]
        if not tokens:
            return text
        token = self.rng.choice(tokens)
        new = self.rng.choice(("", self.rng.choice(self.words), f"{token.text} {token.text}"))
        return text[: token.span.start] + new + text[token.span.end :]

    def _swap(self, text: str) -> str:
        tokens = tokenize(text)[0][:-1]
        if len(tokens) < 2:
            return text
        one, other = sorted(self.rng.sample(tokens, 2), key=lambda token: token.span)
        middle = text[one.span.end : other.span.start]
        return text[: one.span.start] + other.text + middle + one.text + text[other.span.end :]

    def _wrap(self, text: str) -> str:
        start, end = sorted((self.rng.randint(0, len(text)), self.rng.randint(0, len(text))))
        before, after = self.rng.choice(
            (("{", "}"), ("[", "]"), ('"', '"'), ("CONTROL {", "}"), ("{" * 50, "}" * 50))
        )
        return text[:start] + before + text[start:end] + after + text[end:]

    ways = (
        _cut,
        _end,
        _repeat,
        _put,
        _put,
        _character,
        _splice,
        _lines,
        _token,
        _token,
        _token,
        _swap,
        _wrap,
    )


def examine(text: str) -> str:
    """What the text came to; an AssertionError or any other exception is a fault of ours."""
    checked = check_text(text)
    for found in checked.diagnostics:
        assert found.code, found
        assert found.message, found
        assert 0 <= found.span.start <= found.span.end <= len(text), found
        for edit in found.edits:
            assert 0 <= edit.span.start <= edit.span.end <= len(text), found
            assert edit.title, found
    for found in checked.diagnostics[:3]:
        assert render(found, checked.source)
        assert as_json(found, checked.source)["code"] == found.code
    made = format_text(text)
    assert (made.text is None) == bool(made.errors), "neither a layout nor a reason"
    if made.text is None:
        return "refused"
    assert comments_in(made.text) == comments_in(text), "comments were lost"
    assert format_text(made.text).text == made.text, "a second pass changed the layout"
    return "no errors" if not checked.errors else "laid out with errors"


def fuzz(
    count: int, seed: int, *, longest: int = LONGEST, folder: Path | None = None
) -> tuple[Counter[str], float, list[str]]:
    """Examine so many texts: how they ended, the slowest one's seconds, and what failed."""
    rng = Random(seed)
    ended: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    for number, text in enumerate(Mutator(rng, longest).texts()):
        if number >= count or len(failures) >= 20:
            break
        start = time.process_time()
        try:
            ended[examine(text)] += 1
        except Exception:
            ended["failed"] += 1
            failures.append(f"{text!r}\n{traceback.format_exc()}")
            _keep(text, folder)
        took = time.process_time() - start
        slowest = max(slowest, took)
        if took > SLOW_S:
            ended["slow"] += 1
            failures.append(f"took {took:.1f} s: {text!r}")
            _keep(text, folder)
    return ended, slowest, failures


def _keep(text: str, folder: Path | None) -> None:
    if folder is not None:
        folder.mkdir(exist_ok=True)
        data = text.encode("utf-8", "surrogatepass")
        (folder / f"{hashlib.sha256(data).hexdigest()[:16]}.okt").write_bytes(data)


def _with_atheris() -> None:
    try:
        import atheris
    except ModuleNotFoundError:
        sys.exit("atheris is not installed: pip install atheris")
    atheris.instrument_all()
    atheris.Setup(
        [part for part in sys.argv if part != "--atheris"],
        lambda data: examine(data[:LONGEST].decode("utf-8", "replace")) and None,
    )
    atheris.Fuzz()


def main() -> int:
    if "--atheris" in sys.argv:
        _with_atheris()
        return 0
    parser = argparse.ArgumentParser(description="Fuzz the .okt language.")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    start = time.perf_counter()
    ended, slowest, failures = fuzz(asked.count, asked.seed, folder=ROOT / ".fuzz")
    took = time.perf_counter() - start
    for failure in failures:
        print(failure)
    print(f"{ended.total():,} texts in {took:.0f} s; slowest {slowest * 1000:.0f} ms; {dict(ended)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
