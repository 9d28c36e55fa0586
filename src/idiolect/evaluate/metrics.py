"""The metrics of the language: METRICS, MONITOR and VALIDATE name them, `measure` computes them.

Pure: from answers, references and what decoding knows of them, to numbers. A metric that does not fit the
task is computed where that makes sense (f1 of written answers is that of their words) and says so; where it
can't be computed the reason stands instead of a number. No value is made up: "not available" is not 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from idiolect.evaluate.class_scores import Average, Confusion, averaged, confusion_of, usual_average
from idiolect.evaluate.intervals import Interval, mean_interval
from idiolect.evaluate.text_scores import (
    MissingLibrary,
    bleu,
    character_error_rate,
    rouge,
    shared_words,
    word_cosine,
    word_error_rate,
)
from idiolect.okt.vocab import METRICS, metric_name
from idiolect.text_hints import counted, did_you_mean

Task = Literal["language", "classification", "regression"]
_DRAWS = 200  # of an interval that has to compute the metric anew each time


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers with their references, and what else is known of each; sequences have one entry an answer."""

    predictions: Sequence[str]
    references: Sequence[str]
    task: Task = "language"
    nll: Sequence[float] | None = None  # of the reference, in nats, summed over its supervised tokens
    tokens: Sequence[int] | None = None  # of the reference: those that `nll` is a sum over
    tokens_right: Sequence[int] | None = None  # of them: those that were the likeliest
    answer_tokens: Sequence[int] | None = None
    confidences: Sequence[float] | None = None  # mean probability of the answer's tokens
    unknown_names: Sequence[bool] | None = None  # whether an answer names what its catalog does not have
    vectors: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]] | None = (
        None  # of answers, references
    )

    def __post_init__(self) -> None:
        if len(self.predictions) != len(self.references):
            raise ValueError(f"{len(self.predictions)} answers for {len(self.references)} references")

    def __len__(self) -> int:
        return len(self.predictions)

    def picked(self, places: Sequence[int]) -> Answers:
        """Some of the answers, or some more than once."""

        def of(values: Any) -> Any:
            return None if values is None else [values[at] for at in places]

        named = ("nll", "tokens", "tokens_right", "answer_tokens", "confidences", "unknown_names")
        changed: dict[str, Any] = {name: of(getattr(self, name)) for name in named}
        vectors = self.vectors and (of(self.vectors[0]), of(self.vectors[1]))
        return replace(
            self,
            predictions=of(self.predictions),
            references=of(self.references),
            vectors=vectors,
            **changed,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric: its value, or why there is none. `note` says how it was computed where that is not plain."""

    name: str
    value: float | None = None
    note: str = ""
    why_not: str = ""
    confusion: Confusion | None = None

    @property
    def available(self) -> bool:
        return self.value is not None or self.confusion is not None


class NotAvailable(Exception):
    """Why a metric can't be computed."""


@dataclass(frozen=True, slots=True)
class _Value:
    value: float | None
    note: str = ""
    confusion: Confusion | None = None


def measure(names: Sequence[str], answers: Answers) -> tuple[Measured, ...]:
    """Each metric once, in the order of the names. A prefix `val_` or `eval_` is not looked at."""
    wanted = dict.fromkeys(bare_name(name) for name in names)
    return tuple(_measured(name, answers) for name in wanted)


def numbers(measured: Sequence[Measured]) -> dict[str, float]:
    """The values, by name, of those that have one: what metrics.json holds."""
    return {one.name: one.value for one in measured if one.value is not None}


def bare_name(written: str) -> str:
    """A metric's one name without the split it is taken on."""
    return metric_name(written.removeprefix("val_").removeprefix("eval_"))


def interval(name: str, answers: Answers, *, seed: int = 0, draws: int = _DRAWS) -> Interval | None:
    """The value of a metric with its bootstrap interval over answers; None where it has no value.

    A metric that is a mean over answers is resampled as one; others are computed anew for each draw.
    """
    whole = _measured(bare_name(name), answers)
    if whole.value is None or not len(answers):
        return None
    each = each_answer(name, answers)
    if each is not None:
        return mean_interval(each, seed=seed)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        places = rng.integers(0, len(answers), len(answers)).tolist()
        value = _measured(whole.name, answers.picked(places)).value
        if value is not None:
            found.append(value)
    low, high = np.quantile(found, [0.025, 0.975]) if found else (whole.value, whole.value)
    return Interval(whole.value, float(low), float(high))


def each_answer(name: str, answers: Answers) -> list[float] | None:
    """The value of each answer, of a metric that is their mean: what a paired comparison needs. Else None."""
    function = _MEANS.get(bare_name(name))
    if function is None or not len(answers):
        return None
    try:
        return function(answers)
    except (NotAvailable, MissingLibrary):
        return None


def _measured(name: str, answers: Answers) -> Measured:
    function = FUNCTIONS.get(name)
    if function is None:
        near = did_you_mean(name, sorted(FUNCTIONS), "metrics")
        return Measured(
            name, why_not=f"nothing here computes it; a custom metric is HOOKS.custom_metric's; {near}"
        )
    if not len(answers):
        return Measured(name, why_not="there are no answers")
    try:
        found = function(answers)
    except NotAvailable as reason:
        return Measured(name, why_not=str(reason))
    except MissingLibrary as cure:
        return Measured(name, why_not=f"its library is not installed; {cure}")
    if found.value is not None and math.isnan(found.value):
        return Measured(name, why_not="it is not a number (NaN)")
    return Measured(name, found.value, found.note, confusion=found.confusion)


# --- of each answer


def _needed(values: Sequence[Any] | None, what: str) -> Sequence[Any]:
    if values is None:
        raise NotAvailable(what)
    return values


def _exact(answers: Answers) -> list[float]:
    pairs = zip(answers.predictions, answers.references, strict=True)
    return [float(text.strip() == wanted.strip()) for text, wanted in pairs]


def _shared(part: int) -> Callable[[Answers], list[float]]:
    def each(answers: Answers) -> list[float]:
        pairs = zip(answers.predictions, answers.references, strict=True)
        return [shared_words(text, wanted)[part] for text, wanted in pairs]

    return each


def _rouge(kind: str) -> Callable[[Answers], list[float]]:
    def each(answers: Answers) -> list[float]:
        pairs = zip(answers.predictions, answers.references, strict=True)
        return [rouge(kind, text, wanted) for text, wanted in pairs]

    return each


def _cosines(answers: Answers) -> list[float]:
    if answers.vectors is None:
        pairs = zip(answers.predictions, answers.references, strict=True)
        return [word_cosine(text, wanted) for text, wanted in pairs]
    found = []
    for own, wanted in zip(*answers.vectors, strict=True):
        one, other = np.asarray(own, dtype=float), np.asarray(wanted, dtype=float)
        lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
        found.append(float(one @ other) / lengths if lengths else 0.0)
    return found


def _confidences(answers: Answers) -> list[float]:
    return list(_needed(answers.confidences, "decoding kept no probabilities of its tokens"))


def _hallucinations(answers: Answers) -> list[float]:
    need = "no catalog says which names exist, and there is no detector"
    return [float(one) for one in _needed(answers.unknown_names, need)]


def _efficiencies(answers: Answers) -> list[float]:
    lengths = _needed(answers.answer_tokens, "the answers' tokens were not counted")
    wanted = _needed(answers.tokens, "the references' tokens were not counted")
    return [
        min(1.0, need / own) if own else float(not need) for own, need in zip(lengths, wanted, strict=True)
    ]


_MEANS: Mapping[str, Callable[[Answers], list[float]]] = {
    "exact_match": _exact,
    "token_f1": _shared(2),
    "rouge": _rouge("rougeL"),
    "rouge_l": _rouge("rougeL"),
    "rouge_1": _rouge("rouge1"),
    "rouge_2": _rouge("rouge2"),
    "cosine_similarity": _cosines,
    "confidence": _confidences,
    "hallucination_score": _hallucinations,
    "token_efficiency": _efficiencies,
}


# --- of all answers


def _mean(each: Callable[[Answers], list[float]], note: str = "") -> Callable[[Answers], _Value]:
    def whole(answers: Answers) -> _Value:
        values = each(answers)
        return _Value(math.fsum(values) / len(values), note)

    return whole


def _nll(answers: Answers) -> float:
    sums: Sequence[float] = _needed(answers.nll, "the references were not scored by the model")
    count = sum(_needed(answers.tokens, "the references' tokens were not counted"))
    if not count:
        raise NotAvailable("no token is supervised")
    return float(math.fsum(sums) / count)


def _loss(answers: Answers) -> _Value:
    return _Value(_nll(answers))


def _perplexity(answers: Answers) -> _Value:
    if answers.task != "language":
        raise NotAvailable(f"a {answers.task} model predicts no tokens")
    nll = _nll(answers)
    return _Value(math.exp(nll) if nll < 700 else math.inf)


def _accuracy(answers: Answers) -> _Value:
    if answers.task == "classification":
        exact = _exact(answers)
        return _Value(math.fsum(exact) / len(exact))
    if answers.task == "regression":
        raise NotAvailable("numbers are right by degrees; use mae, mse or rmse")
    counted_tokens = sum(answers.tokens or ())
    if answers.tokens_right is not None and counted_tokens:
        return _Value(sum(answers.tokens_right) / counted_tokens, "of tokens")
    exact = _exact(answers)
    return _Value(math.fsum(exact) / len(exact), "of whole answers, letter by letter")


def _classes(answers: Answers) -> Confusion:
    stripped = [[text.strip() for text in texts] for texts in (answers.predictions, answers.references)]
    return confusion_of(*stripped)


def _class_score(part: int, average: Average | None = None) -> Callable[[Answers], _Value]:
    def whole(answers: Answers) -> _Value:
        if answers.task == "regression":
            raise NotAvailable("numbers are no classes; use mae, mse or rmse")
        if answers.task == "language":
            if average is not None:
                raise NotAvailable("written answers are no classes; f1 is that of their words")
            return _Value(_mean(_shared(part))(answers).value, "of words")
        confusion = _classes(answers)
        chosen = average or usual_average(confusion.labels)
        note = f"{chosen} average" if average is None and chosen != "positive" else ""
        return _Value(averaged(confusion, chosen)[part], note)

    return whole


def _confusion(answers: Answers) -> _Value:
    if answers.task != "classification":
        raise NotAvailable(f"a {answers.task} task has no classes")
    return _Value(None, confusion=_classes(answers))


def _numbers(power: int, *, root: bool = False) -> Callable[[Answers], _Value]:
    def whole(answers: Answers) -> _Value:
        pairs = [
            (own, wanted)
            for text, reference in zip(answers.predictions, answers.references, strict=True)
            if (own := number_in(text)) is not None and (wanted := number_in(reference)) is not None
        ]
        left_out = len(answers) - len(pairs)
        if not pairs:
            raise NotAvailable("no answer is a number")
        if left_out and answers.task != "regression":
            raise NotAvailable(f"{counted(left_out, 'answer')} of {len(answers)} are no numbers")
        mean = math.fsum(abs(own - wanted) ** power for own, wanted in pairs) / len(pairs)
        note = f"{left_out} of {len(answers)} answers are no numbers and are left out" if left_out else ""
        return _Value(math.sqrt(mean) if root else mean, note)

    return whole


def number_in(text: str) -> float | None:
    """A text as a finite number; None where it is none."""
    try:
        value = float(text.strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _written(score: Callable[[Sequence[str], Sequence[str]], float]) -> Callable[[Answers], _Value]:
    return lambda answers: _Value(score(answers.predictions, answers.references))


def _cosine(answers: Answers) -> _Value:
    note = "of word counts; no embeddings were given" if answers.vectors is None else ""
    return _mean(_cosines, note)(answers)


def _needs_judge(answers: Answers) -> _Value:
    raise NotAvailable("it needs a judge of style, which no suite has")


FUNCTIONS: Mapping[str, Callable[[Answers], _Value]] = {
    "accuracy": _accuracy,
    "loss": _loss,
    "perplexity": _perplexity,
    "f1": _class_score(2),
    "f1_macro": _class_score(2, "macro"),
    "f1_micro": _class_score(2, "micro"),
    "f1_weighted": _class_score(2, "weighted"),
    "precision": _class_score(0),
    "recall": _class_score(1),
    "confusion_matrix": _confusion,
    "bleu": _written(bleu),
    "wer": _written(word_error_rate),
    "cer": _written(character_error_rate),
    "mae": _numbers(1),
    "mse": _numbers(2),
    "rmse": _numbers(2, root=True),
    "response_coherence": _needs_judge,
    **{name: _mean(each) for name, each in _MEANS.items()},
    "cosine_similarity": _cosine,
    "hallucination_score": _mean(_hallucinations, "share of answers that name what does not exist"),
}
assert set(METRICS) <= set(FUNCTIONS)
