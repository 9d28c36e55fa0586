"""The metrics of the language: by hand, beside the reference libraries, and where they are not available."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from idiolect.evaluate.class_scores import averaged, confusion_of
from idiolect.evaluate.metrics import FUNCTIONS, Answers, Measured, each_answer, interval, measure, numbers
from idiolect.evaluate.text_scores import bleu, edits, rouge, shared_words, word_cosine
from idiolect.okt.vocab import METRICS, MONITOR_TRAINING, metric_name


def value(name: str, answers: Answers) -> float | None:
    (found,) = measure([name], answers)
    return found.value


def why(name: str, answers: Answers) -> str:
    (found,) = measure([name], answers)
    assert not found.available
    return found.why_not


CLASSES = Answers(
    task="classification",
    predictions=["cat", "cat ", "dog", "bird", "dog", "cat"],
    references=["cat", "dog", "dog", "bird", "cat", "cat"],
)


def test_every_metric_of_the_language_is_known() -> None:
    words = {metric_name(name.removeprefix("val_")) for name in MONITOR_TRAINING}
    assert set(METRICS) | words <= set(FUNCTIONS)
    assert len(METRICS) == 23


# --- classes, by hand


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 4 / 6),
        # cat: 2 right of 3 predicted and 3 that are; dog: 1 of 2 and 2; bird: 1 of 1 and 1.
        ("precision", (2 / 3 + 1 / 2 + 1) / 3),
        ("recall", (2 / 3 + 1 / 2 + 1) / 3),
        ("f1_macro", (2 / 3 + 1 / 2 + 1) / 3),
        ("f1_weighted", (3 * 2 / 3 + 2 * 1 / 2 + 1) / 6),
        ("f1_micro", 4 / 6),
        ("f1_score", (2 / 3 + 1 / 2 + 1) / 3),
        ("val_accuracy", 4 / 6),
    ],
)
def test_class_scores_by_hand(name: str, expected: float) -> None:
    assert value(name, CLASSES) == pytest.approx(expected)


def test_of_two_classes_the_positive_one_is_scored() -> None:
    answers = Answers(
        task="classification",
        predictions=["yes", "yes", "no", "no", "no"],
        references=["yes", "no", "yes", "no", "no"],
    )
    assert value("precision", answers) == 0.5
    assert value("recall", answers) == 0.5
    (f1,) = measure(["f1"], answers)
    assert (f1.value, f1.note) == (0.5, "")
    (macro,) = measure(["f1"], CLASSES)
    assert macro.note == "macro average"


def test_the_confusion_matrix_has_a_row_for_each_class_that_is() -> None:
    (found,) = measure(["confusion_matrix"], CLASSES)
    assert found.confusion is not None
    assert found.confusion.labels == ("bird", "cat", "dog")
    assert found.confusion.counts == ((1, 0, 0), (0, 2, 1), (0, 1, 1))
    assert numbers([found]) == {}


@pytest.mark.parametrize("seed", range(6))
def test_class_scores_are_those_of_scikit_learn(seed: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = random.Random(seed)
    labels = "abcd"[: rng.randint(2, 4)]
    references = [rng.choice(labels) for _ in range(60)]
    # A class that is never predicted, and one that never occurs.
    predictions = [rng.choice([*labels[1:], "other", wanted, wanted]) for wanted in references]
    confusion = confusion_of(predictions, references)
    assert confusion.labels == tuple(sorted({*predictions, *references}))
    theirs = sklearn.confusion_matrix(references, predictions, labels=confusion.labels)
    assert [list(row) for row in confusion.counts] == theirs.tolist()
    for average in ("macro", "micro", "weighted"):
        expected = sklearn.precision_recall_fscore_support(
            references, predictions, average=average, zero_division=0
        )
        assert averaged(confusion, average) == pytest.approx(expected[:3])  # type: ignore[arg-type]


# --- texts


def test_shared_words_by_hand() -> None:
    precision, recall, f1 = shared_words("the Cat sat sat", "the cat sat down here")
    assert (precision, recall) == (3 / 4, 3 / 5)
    assert f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert shared_words("", "") == (1.0, 1.0, 1.0)
    assert shared_words("a", "") == (0.0, 0.0, 0.0)
    answers = Answers(predictions=["the cat"], references=["the cat sat"])
    assert value("f1", answers) == value("token_f1", answers) == pytest.approx(0.8)


def test_edits_by_hand_and_beside_the_plain_recursion() -> None:
    assert edits("kitten", "sitting") == 3
    assert edits("", "abc") == edits("abc", "") == 3

    def slow(one: str, other: str) -> int:
        if not one or not other:
            return len(one) + len(other)
        cost = one[0] != other[0]
        return min(slow(one[1:], other) + 1, slow(one, other[1:]) + 1, slow(one[1:], other[1:]) + cost)

    rng = random.Random(5)
    for _ in range(40):
        one, other = ("".join(rng.choices("ab", k=rng.randint(0, 5))) for _ in range(2))
        assert edits(one, other) == slow(one, other)
    answers = Answers(predictions=["a b c", "x"], references=["a c", "y z"])
    assert value("wer", answers) == 3 / 4
    assert value("cer", answers) == pytest.approx((2 + 3) / 6)


def test_bleu_is_sacrebleus_and_by_hand_where_it_is_plain() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    assert bleu(["the cat sat on the mat"], ["the cat sat on the mat"]) == pytest.approx(1.0)
    # Precisions 5/6, 3/5, 1/4, and the fourth smoothed to 1/(2 * 3); as long as the reference.
    text, reference = "the cat sat on a mat", "the cat sat in a mat"
    by_hand = math.exp((math.log(5 / 6) + math.log(3 / 5) + math.log(1 / 4) + math.log(1 / 6)) / 4)
    assert bleu([text], [reference]) == pytest.approx(by_hand)
    texts = ["le chat est là .", "open the door, please"]
    references = ["le chat est ici .", "please open the door"]
    expected = sacrebleu.corpus_bleu(texts, [references]).score / 100
    assert bleu(texts, references) == pytest.approx(expected)


def test_rouge_is_the_librarys_and_by_hand_and_keeps_accents() -> None:
    scorer_of = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer
    text, reference = "the quick brown fox jumps", "the brown fox quickly jumps over"
    # Longest common subsequence: the brown fox jumps; 4 of 5 and 4 of 6.
    assert rouge("rougeL", text, reference) == pytest.approx(2 * (4 / 5) * (4 / 6) / (4 / 5 + 4 / 6))
    for kind in ("rouge1", "rouge2", "rougeL"):
        theirs = scorer_of([kind]).score(reference, text)[kind].fmeasure
        assert rouge(kind, text, reference) == pytest.approx(theirs)
    assert rouge("rouge1", "été", "étage") == 0.0
    answers = Answers(predictions=[text], references=[reference])
    assert value("rouge", answers) == value("rouge_l", answers) == rouge("rougeL", text, reference)


def test_cosines_are_of_words_unless_vectors_are_given() -> None:
    assert word_cosine("a b", "a c") == pytest.approx(0.5)
    answers = Answers(predictions=["a b"], references=["a c"])
    (found,) = measure(["cosine_similarity"], answers)
    assert (found.value, found.note) == (pytest.approx(0.5), "of word counts; no embeddings were given")
    vectors = Answers(predictions=["x"], references=["y"], vectors=([[3.0, 4.0]], [[4.0, 3.0]]))
    assert value("cosine_similarity", vectors) == pytest.approx(24 / 25)


# --- what decoding and scoring know


def test_loss_counts_tokens_and_perplexity_follows_from_it() -> None:
    answers = Answers(
        predictions=["", ""], references=["", ""], nll=[2.0, 4.0], tokens=[1, 5], tokens_right=[0, 3]
    )
    assert value("loss", answers) == 1.0
    assert value("val_loss", answers) == 1.0
    assert value("perplexity", answers) == pytest.approx(math.e)
    (accuracy,) = measure(["accuracy"], answers)
    assert (accuracy.value, accuracy.note) == (0.5, "of tokens")


def test_numbers_by_hand() -> None:
    answers = Answers(task="regression", predictions=["1", " 2.5", "x"], references=["2", "0.5", "7"])
    assert value("mae", answers) == 1.5
    assert value("mse", answers) == 2.5
    (rmse,) = measure(["rmse"], answers)
    assert rmse.value == pytest.approx(math.sqrt(2.5))
    assert rmse.note == "1 of 3 answers are no numbers and are left out"


def test_what_decoding_tells_is_averaged() -> None:
    answers = Answers(
        predictions=["a", "b"],
        references=["a", "b"],
        confidences=[0.5, 0.9],
        unknown_names=[True, False],
        tokens=[10, 10],
        answer_tokens=[20, 5],
    )
    names = ["confidence", "hallucination_score", "token_efficiency", "exact_match"]
    assert numbers(measure(names, answers)) == {
        "confidence": 0.7,
        "hallucination_score": 0.5,
        "token_efficiency": 0.75,
        "exact_match": 1.0,
    }


# --- not available


@pytest.mark.parametrize(
    ("name", "answers", "reason"),
    [
        ("perplexity", CLASSES, "a classification model predicts no tokens"),
        ("loss", CLASSES, "the references were not scored by the model"),
        ("mae", CLASSES, "no answer is a number"),
        ("confidence", CLASSES, "decoding kept no probabilities of its tokens"),
        ("hallucination_score", CLASSES, "no catalog says which names exist, and there is no detector"),
        ("response_coherence", CLASSES, "it needs a judge of style, which no suite has"),
        ("f1_macro", Answers(predictions=["a"], references=["b"]), "written answers are no classes"),
        ("confusion_matrix", Answers(predictions=["a"], references=["b"]), "a language task has no classes"),
        ("accuracy", Answers(task="regression", predictions=["1"], references=["1"]), "right by degrees"),
        ("mae", Answers(predictions=["1", "x"], references=["1", "2"]), "1 answer of 2 are no numbers"),
        ("accuracy", Answers(predictions=[], references=[]), "there are no answers"),
        ("acuracy", CLASSES, 'did you mean "accuracy"?'),
        (
            "loss",
            Answers(predictions=["a"], references=["a"], nll=[0.0], tokens=[0]),
            "no token is supervised",
        ),
        (
            "loss",
            Answers(predictions=["a"], references=["a"], nll=[float("nan")], tokens=[1]),
            "it is not a number",
        ),
    ],
)
def test_a_metric_that_can_t_be_computed_says_why(name: str, answers: Answers, reason: str) -> None:
    assert reason in why(name, answers)


def test_each_metric_is_a_number_or_has_a_reason_for_every_task() -> None:
    tasks: list[Any] = ["language", "classification", "regression"]
    for task in tasks:
        answers = Answers(task=task, predictions=["1", "2"], references=["1", "3"])
        found = measure(list(FUNCTIONS), answers)
        assert len(found) == len(FUNCTIONS)
        assert all(one.available or one.why_not for one in found)
        assert not any(one.available and one.why_not for one in found)


# --- intervals


def test_an_interval_holds_the_value_and_is_the_same_for_the_same_seed() -> None:
    rng = random.Random(1)
    references = [rng.choice("ab") for _ in range(80)]
    predictions = [one if rng.random() < 0.8 else "a" for one in references]
    answers = Answers(task="classification", predictions=predictions, references=references)
    found = interval("f1_macro", answers, seed=3)
    assert found is not None
    assert found.low < found.value < found.high
    assert found == interval("f1_macro", answers, seed=3)
    assert found.high - found.low < 0.3
    assert interval("confidence", answers) is None


def test_a_mean_has_a_value_for_each_answer_to_be_compared_in_pairs() -> None:
    answers = Answers(predictions=["a", "b"], references=["a", "c"])
    assert each_answer("exact_match", answers) == [1.0, 0.0]
    assert each_answer("bleu", answers) is None
    assert each_answer("confidence", answers) is None
    found = interval("exact_match", answers)
    assert found is not None
    assert found.value == 0.5


def test_a_missing_library_is_a_reason_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    (found,) = measure(["bleu"], Answers(predictions=["a"], references=["a"]))
    assert found == Measured("bleu", why_not='its library is not installed; pip install "idiolect[eval]"')
