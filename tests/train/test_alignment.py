"""Preference tuning: its loss against the obvious one, its reference, its pairs, its stage's parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from little_trainings import examples, plan_of, project, same_weights, trained
from test_training import StopsAt
from typer.testing import CliRunner

from idiolect.data.jsonl import BadRow, write_examples
from idiolect.okt.blocks.extension import Align
from idiolect.runs.stage import StageStopped
from idiolect.student.from_plan import student_for, trainable_student
from idiolect.student.load import load_student
from idiolect.student.save import save_student
from idiolect.train.alignment import align, held_out, pair_rows
from idiolect.train.job import TrainingJob
from idiolect.train.objectives import PreferenceObjective
from idiolect.train.pairs import Preference, at_most, pairs_of_results, read_pairs, write_pairs
from idiolect.train.settings import settings_of

ROWS = examples(12)


def preferences(count: int = 12) -> list[Preference]:
    """The right answer, and one with another operator."""
    return [
        Preference(
            instruction=row.instruction,
            chosen=row.target,
            rejected=row.target.replace("lt", "zz").replace("gt", "zz").replace("eq", "zz"),
            context=row.context,
        )
        for row in examples(count)
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def tuned(root: Path) -> Path:
    """The folder of a student that has learned the language a little."""
    found = trained(root, plan_of("max_steps: 6"), ROWS, home="sft")
    save_student(found.student, root / "tuned")
    return root / "tuned"


def aligned(root: Path, tuned: Path, home: Path, block: Align, pairs: list[Preference], **more: Any) -> Any:
    steps = "max_steps: 60" if block.max_steps == 60 else ""
    plan = plan_of(more=f"ALIGN {{ beta: 0.1 {steps} }}")
    student = load_student(tuned, root=root, device="cpu", trainable=True)
    student.model.train()
    job = TrainingJob(plan=plan, root=root, train=(), home=home, student=student, **more)
    return align(job, pairs, student=student, block=block)


BLOCK = Align(batch_size=4, gradient_accumulation=1, max_steps=6, learning_rate=0.01, warmup_steps=0)


def test_the_loss_and_its_gradient_are_those_of_separate_rows(root: Path, tuned: Path) -> None:
    import torch

    student = load_student(tuned, root=root, device="cpu", trainable=True)
    settings = settings_of(plan_of())
    rows, counts = pair_rows(preferences(), student, settings)
    assert counts.kept == 12
    objective = PreferenceObjective(beta=0.3, shared=True, nll_weight=0.2)
    objective.remember(student.model, rows)
    with torch.no_grad():  # the policy moves away from its reference
        for parameter in student.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter, generator=None))
    told = objective.told(student.model, rows)
    trained_ones = [one for one in student.model.parameters() if one.requires_grad]
    found = torch.autograd.grad(told.loss, trained_ones)

    def logp(prompt: Any, answer: Any) -> Any:
        ids = torch.tensor([[*prompt, *answer]])
        logits = student.model(input_ids=ids).logits[0].float().log_softmax(-1)
        places = torch.arange(len(prompt) - 1, ids.shape[1] - 1)
        return logits[places, ids[0, places + 1]].sum()

    total: Any = 0.0
    for row in rows:
        chosen, rejected = logp(row.prompt, row.chosen), logp(row.prompt, row.rejected)
        before = objective.reference[row.id]
        margin = 0.3 * ((chosen - before[0]) - (rejected - before[1]))
        total = total - torch.nn.functional.logsigmoid(margin) - 0.2 * chosen / len(row.chosen)
    right = torch.autograd.grad(total, trained_ones)
    assert told.loss.item() == pytest.approx(total.item(), rel=1e-5)
    for one, other in zip(found, right, strict=True):
        assert (one - other).norm() <= 1e-4 * other.norm() + 1e-7


def test_the_reference_of_a_fresh_adapter_is_the_model_with_its_adapter_disabled(root: Path) -> None:
    import torch

    plan = plan_of()
    student = trainable_student(student_for(plan, root), plan, root)
    rows, _ = pair_rows(preferences(), student, settings_of(plan))
    objective = PreferenceObjective(beta=0.1, shared=True)
    objective.remember(student.model, rows)
    taken = dict(objective.reference)
    with torch.no_grad():
        for parameter in student.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
        with student.model.disable_adapter():
            objective.remember(student.model, rows)
    for name, values in objective.reference.items():
        assert values == pytest.approx(taken[name], rel=1e-5)


def test_the_chosen_answers_gain_on_the_rejected_and_their_log_probability_is_logged(
    root: Path, tuned: Path, tmp_path: Path
) -> None:
    block = BLOCK.model_copy(update={"logging_steps": 1})
    found = aligned(root, tuned, tmp_path / "home", block, preferences())
    entries = [entry for entry in found.history if "rewards_margin" in entry]
    assert entries[0]["loss"] == pytest.approx(0.6931, abs=1e-3)  # nothing is preferred yet
    assert entries[-1]["rewards_margin"] > 0.01
    assert entries[-1]["loss"] < entries[0]["loss"]
    assert {"chosen_logp", "chosen_change", "accuracy"} <= set(entries[-1])


def test_an_alignment_that_was_stopped_goes_on_to_the_same_bits(
    root: Path, tuned: Path, tmp_path: Path
) -> None:
    whole = aligned(root, tuned, tmp_path / "whole", BLOCK, preferences())
    with pytest.raises(StageStopped):
        aligned(root, tuned, tmp_path / "parts", BLOCK, preferences(), watch=StopsAt(3))
    parts = aligned(root, tuned, tmp_path / "parts", BLOCK, preferences())
    assert parts.resumed_from == 3
    assert same_weights(whole.student, parts.student)


def test_alignment_stops_when_the_chosen_answers_become_unlikely(
    root: Path, tuned: Path, tmp_path: Path
) -> None:
    # Nearly the same answers at a large rate: both fall together.
    block = BLOCK.model_copy(update={"learning_rate": 0.3, "max_chosen_drop": 0.05, "max_steps": 60})
    said: list[str] = []

    class Listens:
        def __call__(self, fitted: Any) -> list[Any]:
            return []

        def ended(self, reason: str) -> None:
            said.append(reason)

    found = aligned(root, tuned, tmp_path / "home", block, preferences(), callbacks=Listens())
    assert found.steps < 60
    assert "the chosen answers' log-probability has fallen by" in said[0]


def test_the_default_of_max_steps_is_no_more_than_three_epochs_of_the_pairs(
    root: Path, tuned: Path, tmp_path: Path
) -> None:
    block = Align(batch_size=2, gradient_accumulation=2)
    assert aligned(root, tuned, tmp_path / "home", block, preferences()).steps == 9


def test_some_of_many_pairs_are_held_out_prompt_by_prompt(root: Path, tuned: Path) -> None:
    student = load_student(tuned, root=root, device="cpu")
    rows, _ = pair_rows(preferences(40), student, settings_of(plan_of()))
    learned, held = held_out(rows, 1)
    assert len(learned) + len(held) == 40
    assert held
    assert not {row.prompt for row in learned} & {row.prompt for row in held}


RESULTS = [
    {"task": "a", "student_canonical": "x", "expected": "r", "semantic_pass": False},
    {"task": "b", "student_canonical": "r", "expected": "r", "semantic_pass": True},
    {"task": "c", "student_output": "half {", "expected": "r", "semantic_pass": False},
    {"task": "d", "student_canonical": "y", "expected": "r", "semantic_pass": None},
    {"prompt_text": "ask", "student_canonical": "s", "teacher_canonical": "t", "teacher_verdict": "reject"},
    {"prompt_text": "ask", "student_canonical": "s", "teacher_canonical": "t", "teacher_verdict": "reject"},
    {"prompt_text": "ask", "student_canonical": "u", "teacher_canonical": "t", "teacher_verdict": "accept"},
]


def test_pairs_are_made_of_verdicts_and_what_gives_none_is_counted() -> None:
    tasks = dict(zip("abcd", examples(4), strict=True))
    found, counts = pairs_of_results(RESULTS, tasks)
    assert [(one.chosen, one.rejected, one.by) for one in found] == [
        ("r", "x", "verifier"),
        ("r", "half {", "verifier"),
        ("t", "s", "teacher"),
    ]
    assert found[0].instruction == tasks["a"].instruction
    assert found[0].context == tasks["a"].context
    assert found[2].instruction == "ask"
    assert dict(counts.rejected) == {"accepted": 2, "could not be judged": 1, "repeat": 1}
    by_teacher, _ = pairs_of_results(RESULTS, tasks, pairs_from="teacher", only_rejected=False)
    assert [(one.chosen, one.rejected) for one in by_teacher] == [("t", "s"), ("t", "u")]
    assert len(at_most(found, 2, 1)) == 2
    assert at_most(found, 2, 1) == at_most(found, 2, 1)


def test_pairs_are_read_as_other_toolkits_write_them(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
    answer = [{"role": "assistant", "content": "good"}]
    rows = [
        {"prompt": "p", "chosen": "c", "rejected": "r"},
        {"prompt": messages, "chosen": answer, "rejected": "bad"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = read_pairs(path)
    assert (first.instruction, first.chosen, first.rejected) == ("p", "c", "r")
    assert (second.system, second.instruction, second.chosen) == ("be brief", "hello", "good")
    write_pairs(path, [first, second])
    assert list(read_pairs(path)) == [first, second]
    path.write_text('{"prompt": "p", "chosen": "c"}\n')
    with pytest.raises(BadRow, match="rejected is missing or no text"):
        list(read_pairs(path))


def test_the_command_makes_pairs_of_an_evaluation(tmp_path: Path) -> None:
    from idiolect.cli.app import app

    folder = tmp_path / "eval"
    folder.mkdir()
    asked = examples(2)
    rows = [
        {"task": one.id, "student_canonical": "x", "expected": one.target, "semantic_pass": False}
        for one in asked
    ]
    (folder / "evaluation_results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_examples(folder / "tasks.jsonl", asked)
    out = tmp_path / "pairs.jsonl"
    done = CliRunner().invoke(app, ["align", "pairs", str(folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "judged answers: 2 read = 2 kept + 0 rejected" in done.output
    assert [one.instruction for one in read_pairs(out)] == [one.instruction for one in asked]
    missing = CliRunner().invoke(app, ["align", "pairs", str(tmp_path / "nowhere")])
    assert missing.exit_code == 1
