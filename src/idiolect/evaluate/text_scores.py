"""Scores of texts beside their references: shared words, edits, BLEU, ROUGE. All from 0 to 1.

BLEU is sacreBLEU's and ROUGE is rouge-score's; both are loaded when first asked for. Word and character error
rates may be above 1, where an answer is longer than its reference.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

_WORD = re.compile(r"\w+|[^\w\s]")
_PLAIN_WORD = re.compile(r"[^\W_]+")


class MissingLibrary(Exception):
    """A score's library is not installed; the message is the cure."""


def words_of(text: str) -> list[str]:
    """Words and signs, in small letters."""
    return _WORD.findall(text.casefold())


def shared_words(text: str, reference: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the words of a text, each as often as it stands there."""
    own, wanted = words_of(text), words_of(reference)
    if not own or not wanted:
        both_empty = float(own == wanted)
        return both_empty, both_empty, both_empty
    shared = sum((Counter(own) & Counter(wanted)).values())
    precision, recall = shared / len(own), shared / len(wanted)
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0


def token_f1(text: str, reference: str) -> float:
    """Harmonic mean of precision and recall over words, case folded; 1.0 for two empty texts."""
    return shared_words(text, reference)[2]


def word_cosine(text: str, reference: str) -> float:
    """Cosine of the word counts of two texts."""
    own, wanted = Counter(words_of(text)), Counter(words_of(reference))
    if not own or not wanted:
        return float(own == wanted)
    dot = sum(count * wanted[word] for word, count in own.items())
    lengths = (math.sqrt(sum(count * count for count in one.values())) for one in (own, wanted))
    return min(1.0, dot / math.prod(lengths))


def edits(own: Sequence[str], wanted: Sequence[str]) -> int:
    """Fewest insertions, deletions and replacements from one to the other (Levenshtein)."""
    if len(own) < len(wanted):
        own, wanted = wanted, own
    row = list(range(len(wanted) + 1))
    for at, item in enumerate(own, 1):
        before, row[0] = row[0], at
        for place, other in enumerate(wanted, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (item != other))
    return row[-1]


def word_error_rate(texts: Sequence[str], references: Sequence[str]) -> float:
    """Edits between words, a word of the references."""
    return _error_rate([text.split() for text in texts], [text.split() for text in references])


def character_error_rate(texts: Sequence[str], references: Sequence[str]) -> float:
    """Edits between characters, a character of the references."""
    return _error_rate(texts, references)


def _error_rate(own: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> float:
    total = sum(map(len, wanted))
    made = sum(edits(one, other) for one, other in zip(own, wanted, strict=True))
    return made / total if total else float(made > 0)


def bleu(texts: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU with sacreBLEU's standard settings, from 0 to 1."""
    try:
        from sacrebleu.metrics import BLEU
    except ImportError as error:
        raise MissingLibrary('pip install "idiolect[eval]"') from error
    return float(BLEU(force=True).corpus_score(list(texts), [list(references)]).score) / 100


def rouge(kind: str, text: str, reference: str) -> float:
    """F-measure of ROUGE-1, -2 or -L: `kind` is rouge1, rouge2 or rougeL."""
    return float(_scorer(kind).score(reference, text)[kind].fmeasure)


@cache
def _scorer(kind: str) -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingLibrary('pip install "idiolect[eval]"') from error

    class Words:
        """The library's own splits at every letter that English does not have."""

        def tokenize(self, text: str) -> list[str]:
            return _PLAIN_WORD.findall(text.lower())

    return RougeScorer([kind], tokenizer=Words())
