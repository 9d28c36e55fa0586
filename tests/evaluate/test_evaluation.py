from dataclasses import replace
from pathlib import Path

import pytest
from judged_answers import Parrot, judged, task

from idiolect.dialects.registry import built_in
from idiolect.dialects.unknown_names import names_nothing
from idiolect.evaluate.answers import Answers
from idiolect.evaluate.comparison import compare, sign_test
from idiolect.evaluate.evaluation import EvaluationSettings, evaluate
from idiolect.evaluate.gate import failures
from idiolect.evaluate.intervals import mean_interval
from idiolect.evaluate.judging import RuleJudge
from idiolect.evaluate.pass_at_k import pass_at_k
from idiolect.evaluate.records import Task
from idiolect.evaluate.results import headline_block, read_judged, write_results
from idiolect.evaluate.summary import best_of, summarize
from idiolect.evaluate.text_scores import token_f1
from idiolect.okt.control import Comparison

JSON = RuleJudge(built_in("json_ast"))
GREEDY = EvaluationSettings(modes=("constrained",))


def answers_to(one: Task, *texts: str, settings: EvaluationSettings = GREEDY) -> list:
    return list(evaluate([one], Parrot({one.example.instruction: texts}), JSON, settings))


def test_an_answer_in_another_order_of_keys_means_the_same_but_is_not_the_letter():
    (found,) = answers_to(task("price", 3), '{"value": 3, "field": "price"}')
    assert (found.parsed, found.valid, found.semantic_pass) == (True, True, True)
    (other,) = answers_to(task("price", 3), '{"field":"price","value":4}')
    assert (other.valid, other.exact_match, other.semantic_pass) == (True, False, False)


def test_a_value_that_the_schema_lacks_is_an_unknown_name():
    (found,) = answers_to(task("price", 3), '{"field":"weight","value":3}')
    assert (found.parsed, found.valid, found.semantic_pass) == (True, False, False)
    assert found.unknown_names
    assert names_nothing("ini.name.unknown")
    assert not names_nothing("tcl.parse.brace")


def test_a_text_that_does_not_parse_is_wrong_and_not_unjudged():
    (found,) = answers_to(task("price", 3), "the price is 3")
    assert (found.parsed, found.valid, found.semantic_pass) == (False, False, False)
    assert found.student_canonical is None


def test_a_crash_of_the_dialect_is_no_wrong_answer(monkeypatch: pytest.MonkeyPatch):
    dialect = built_in("json_ast")

    def crash(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(dialect, "verify", crash)
    one = task("price", 3)
    (found,) = evaluate([one], Parrot({"price is 3": ["{}"]}), RuleJudge(dialect), GREEDY)
    assert found.semantic_pass is None
    assert found.verdict.not_judged == "json_ast failed: RuntimeError: out of order"
    (block,) = summarize([found])
    assert "semantic_pass_rate" not in block.rates


def test_a_refusal_is_right_if_it_names_what_lacks_in_whatever_words():
    refusing = task("price", 3)
    example = refusing.example
    target = '{"refusal":"there is no weight"}'
    asked = Task(suite="test", example=replace(example, instruction="weight is 3", target=target))
    (good,) = answers_to(asked, '{"refusal":"weight is unknown here"}')
    assert (good.refused, good.semantic_pass, good.exact_match) == (True, True, False)
    (empty,) = answers_to(asked, '{"refusal":"no no no"}')
    assert (empty.refused, empty.semantic_pass) == (True, False)
    (bad,) = answers_to(refusing, '{"refusal":"no"}')
    assert (bad.refused, bad.semantic_pass) == (True, False)


def test_test_vectors_decide_where_there_are_any():
    gates = RuleJudge(built_in("gates"))
    tests = tuple(
        {"input": {"A": a, "B": b}, "expected": {"Y": a & b}} for a in (0, 1) for b in (0, 1)
    )  # fmt: skip
    target = "MODULE G1(INPUT A, INPUT B, OUTPUT Y) { Y = A & B; }"
    one = task("price", 1)
    asked = Task(suite="unit", example=type(one.example)(instruction="and", target=target, tests=tests))
    says = Parrot({"and": [target.replace("A & B", "B & A"), target.replace("&", "|")]})
    settings = EvaluationSettings(k=2, temperatures=(0.5,), modes=("constrained",))
    first, second = evaluate([asked], says, gates, settings)
    assert (first.semantic_pass, first.exact_match) == (True, False)
    assert (second.valid, second.semantic_pass) == (True, False)
    assert (second.verdict.tests_passed, second.verdict.tests_total) == (2, 4)


def test_what_was_answered_before_a_kill_is_not_asked_again(tmp_path: Path):
    tasks = [task("price", number) for number in range(40)]
    says = {one.example.instruction: [one.example.target] for one in tasks}
    path = tmp_path / "answers.jsonl"
    first = Parrot(says)
    with Answers(path) as kept:
        half = evaluate(tasks, first, JSON, GREEDY, answers=kept, student="s")
        for _ in range(20):
            next(half)
    with path.open("ab") as stream:
        stream.write(b'{"key": "cut off in the mid')
    second = Parrot(says)
    with Answers(path) as kept:
        again = list(evaluate(tasks, second, JSON, GREEDY, answers=kept, student="s"))
    assert first.asked == 32
    assert second.asked == 8
    assert again == list(evaluate(tasks, Parrot(says), JSON, GREEDY))
    with Answers(path) as kept:
        list(evaluate(tasks, other := Parrot(says), JSON, GREEDY, answers=kept, student="another"))
    assert other.asked == 40


def test_rates_count_a_task_once_however_many_samples_it_has():
    answers = [
        judged("a", True),
        judged("a", False, sample=1),
        judged("b", True),
        judged("b", True, sample=1),
    ]
    (block,) = summarize(answers)
    assert block.rates["semantic_pass_rate"].value == 0.75
    assert block.pass_at[1].value == 0.75
    assert block.pass_at[2].value == 1.0
    assert (block.tasks, block.samples) == (2, 2)


def test_suites_are_summed_up_alone_and_together():
    answers = [judged("a", True, suite="unit"), judged("b", False, suite="scenario")]
    blocks = summarize(answers)
    assert [block.suite for block in blocks] == ["unit", "scenario", "all"]
    assert headline_block(blocks, "constrained").suite == "all"
    assert headline_block(blocks, "constrained").rates["semantic_pass_rate"].value == 0.5


def test_answers_that_could_not_be_judged_stand_beside_the_rate():
    (block,) = summarize([judged("a", True), judged("b", None)])
    rate = block.rates["semantic_pass_rate"]
    assert (rate.value, rate.tasks, rate.not_judged) == (1.0, 1, 1)


def test_the_best_of_several_is_chosen_by_verdict_then_by_likelihood():
    wrong = judged("a", False, log_likelihood=-0.1)
    unlikely = judged("a", True, sample=1, log_likelihood=-9.0)
    likely = judged("a", True, sample=2, log_likelihood=-2.0)
    assert best_of([wrong, unlikely, likely]) is likely


@pytest.mark.parametrize(
    ("samples", "passed", "k", "chance"),
    [(1, 1, 1, 1.0), (8, 0, 8, 0.0), (8, 8, 1, 1.0), (4, 2, 1, 0.5), (4, 2, 2, 1 - 1 / 6), (5, 1, 3, 0.6)],
)
def test_pass_at_k_is_the_chance_over_all_draws(samples: int, passed: int, k: int, chance: float):
    assert pass_at_k(samples, passed, k) == pytest.approx(chance)


def test_an_interval_holds_its_mean_and_narrows_with_more_tasks():
    few, many = mean_interval([0.0, 1.0] * 10), mean_interval([0.0, 1.0] * 1000)
    assert few.low < few.value == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert mean_interval([1.0]) == mean_interval([1.0, 1.0])
    # The normal interval of 2,000 fair coins: 0.5 -+ 1.96 * sqrt(0.25 / 2000)
    assert many.low == pytest.approx(0.4781, abs=0.003)


def test_two_students_are_compared_on_the_tasks_that_both_were_judged_on():
    left = [judged("a", True), judged("b", False), judged("c", False), judged("d", None)]
    right = [judged("a", True), judged("b", True), judged("c", True), judged("d", True)]
    (found,) = compare(left, right)
    assert (found.tasks, found.right_only, found.left_only) == (3, 1, 0)
    assert (found.better, found.worse) == (("b", "c"), ())
    assert found.difference.value == pytest.approx(2 / 3)
    assert found.p == 0.5


@pytest.mark.parametrize(
    ("better", "worse", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (3, 3, 1.0), (9, 1, 22 / 1024)]
)
def test_the_sign_test_is_exact(better: int, worse: int, p: float):
    assert sign_test(better, worse) == pytest.approx(p)
    assert sign_test(worse, better) == pytest.approx(p)


def test_a_gate_names_the_figure_that_failed_and_knows_suites_and_modes():
    blocks = summarize([
        judged("a", True, suite="unit"), judged("b", False, suite="scenario"),
        judged("a", True, suite="unit", mode="free"), judged("b", True, suite="scenario", mode="free"),
    ])  # fmt: skip

    def failing(signal: str, operator: str, value: float, unit: str = "") -> tuple[str, ...]:
        condition = Comparison(signal=signal, operator=operator, value=value, unit=unit)  # type: ignore[arg-type]
        return failures([[condition]], blocks, "constrained")

    assert failing("semantic_pass_rate", ">=", 0.5) == ()
    assert failing("semantic_pass_rate", ">=", 0.9) == ("semantic_pass_rate >= 0.9: it is 0.5000",)
    assert failing("semantic_pass_rate", ">=", 90, "percent") == ("semantic_pass_rate >= 90%: it is 0.5000",)
    assert failing("unit_pass_at_1", "==", 1.0) == ()
    assert failing("free_semantic_pass_rate", ">", 0.99) == ()
    (unknown,) = failing("semantic_pas_rate", ">", 0.9)
    assert unknown.startswith("semantic_pas_rate > 0.9: no such figure was measured; did you mean")


def test_token_f1_counts_words_on_both_sides():
    assert token_f1("Set the clock", "set the clock") == 1.0
    assert token_f1("a b", "b c d") == pytest.approx(0.4)
    assert token_f1("", "") == 1.0
    assert token_f1("", "a") == 0.0


def test_results_are_read_back_as_they_were_written(tmp_path: Path):
    tasks = [task("price", 1, level="micro"), task("color", 2, level="multi")]
    says = Parrot({one.example.instruction: [one.example.target, "{"] for one in tasks})
    settings = EvaluationSettings(k=2, temperatures=(0.0, 0.7))
    found = list(evaluate(tasks, says, JSON, settings))
    assert len(found) == 2 * (2 + 4)
    blocks = summarize(found)
    write_results(tmp_path, found, tasks, blocks, {"judge": "rules"}, "constrained")
    assert read_judged(tmp_path / "evaluation_results.jsonl") == found
