"""The stages `eval` and `eval_aligned` of a run: tasks asked of its student, and the gate.

`eval` asks the student that training left, or the base where nothing is trained. `eval_aligned` asks the
aligned one the same tasks, compares the two task by task, and says which of them goes on: the aligned one
unless it is clearly worse. The gate holds the student that goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from idiolect.data.example import Example
from idiolect.data.jsonl import read_examples
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.evaluate.answers import Answers
from idiolect.evaluate.comparison import compare
from idiolect.evaluate.evaluation import EvaluationSettings, Step, evaluate
from idiolect.evaluate.gate import failures
from idiolect.evaluate.judging import RULES, Judge, RuleJudge, WordJudge
from idiolect.evaluate.metrics import Answers as MetricAnswers
from idiolect.evaluate.metrics import Measured, measure
from idiolect.evaluate.records import MODES, Judged, Mode, Task
from idiolect.evaluate.reference_scores import ReferenceScores, score_references
from idiolect.evaluate.results import RESULTS, counts_data, headline_block, read_judged, write_results
from idiolect.evaluate.student_writer import StudentWriter
from idiolect.evaluate.suites import NoTasks, Suite, load_suite
from idiolect.evaluate.summary import Block, summarize
from idiolect.evaluate.teacher_judge import judge_by_teacher
from idiolect.files import write_beside
from idiolect.okt.blocks.extension import Evaluate
from idiolect.runs.dialect_of import dialect_of
from idiolect.runs.stage import Counts, StageError, StageResult, StageWork
from idiolect.runs.student_faults import student_faults_told
from idiolect.student.base import fingerprint
from idiolect.student.from_plan import base_of
from idiolect.student.load import Student, load_student
from idiolect.student.saved import student_folder
from idiolect.teachers.client import ServerTeacher
from idiolect.teachers.journal import Journal
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.settings import settings_of

COMPARISON, CHOSEN = "comparison.json", "chosen.json"
LATENCY = "latency.json"  # in the journal: no time stands in a stage's files


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation found."""

    judged: list[Judged]
    blocks: tuple[Block, ...]
    counts: tuple[Counts, ...]
    product: Mode
    warnings: tuple[str, ...]


def run_eval(work: StageWork) -> StageResult:
    """Evaluate the student that training left."""
    found = _evaluated(work, work.inputs.stage("train"))
    # With an alignment to come, the gate waits for the student that will be shipped.
    waits = work.plan.stage("align").runs
    return _result(work, found, gated=not waits)


def run_eval_aligned(work: StageWork) -> StageResult:
    """Evaluate the aligned student, and choose between it and the one before."""
    before = work.inputs.stage("eval")
    found = _evaluated(work, work.inputs.stage("align"))
    if before is None:
        return _result(work, found, gated=True)
    earlier = read_judged(before / RESULTS)
    compared = compare(earlier, found.judged)
    worse = any(one.significant and one.right < one.left for one in compared if one.mode == found.product)
    chosen: Literal["train", "align"] = "train" if worse else "align"
    data = [asdict(one) for one in compared]
    write_beside(work.folder / COMPARISON, json.dumps(data, indent=2) + "\n")
    why = "the aligned student is clearly worse on the same tasks" if worse else "alignment did no clear harm"
    write_beside(work.folder / CHOSEN, json.dumps({"student": chosen, "why": why}, indent=2) + "\n")
    if worse:
        blocks = summarize(earlier)
        warning = f"{why}: the student before it goes on"
        return _result(work, found, gated=True, gate_on=blocks, more=(warning,))
    return _result(work, found, gated=True)


def _evaluated(work: StageWork, trained: Path | None) -> Evaluated:
    settings = work.plan.evaluate or Evaluate()
    suites = _suites(work, settings)
    tasks = [task for suite in suites for task in suite.tasks]
    with student_faults_told():
        student = _student(work, trained)
    dialect, project = dialect_of(work.plan, work.root, work.inputs) if work.plan.dialect else (None, EMPTY)
    judge: Judge = RuleJudge(dialect, project) if dialect else WordJudge()
    writer = StudentWriter(student, dialect, project)
    how = _how(work, settings, dialect)
    with Answers(work.journal() / "answers.jsonl") as answers:
        judged = list(
            evaluate(
                tasks,
                writer,
                judge,
                how,
                answers=answers,
                student=_fingerprint(work, trained),
                step=_step(work),
                asked=writer.asked,
            )
        )
        latency = _latency(answers)
    judge_name = RULES
    if settings.judge == "teacher":
        judged, judge_name = _with_teacher(work, judged, tasks, judge)
    blocks = summarize(judged, seed=work.seed)
    product: Mode = "constrained" if "constrained" in how.modes else "free"
    counts = tuple(suite.counts for suite in suites)
    references = score_references(student, tasks)
    measured = _measured(work, judged, tasks, references, product)
    facts: dict[str, Any] = {
        "judge": judge_name if dialect else "none",
        "student": student.base,
        "adapter": student.has_adapter,
        "notes": list(student.notes),
        "counts": counts_data(counts),
        "metrics": [_metric_data(one) for one in measured],
        "prompt_sharing": round(references.sharing, 3),
    }
    if settings.compare:
        facts["compared_with"] = _compared(work, settings, tasks, judge, how, judged, dialect, project)
    write_results(work.folder, judged, tasks, blocks, facts, product)
    write_beside(work.journal() / LATENCY, json.dumps(latency, indent=2) + "\n")
    warnings = tuple(f"{number} tasks could not be asked: {why}" for why, number in writer.troubles.items())
    return Evaluated(judged, blocks, counts, product, (*student.notes, *warnings))


def _suites(work: StageWork, settings: Evaluate) -> list[Suite]:
    made = work.inputs.stage("split")
    train: Sequence[Example] = ()
    if made is not None and (made / "train.jsonl").is_file():
        train = [example for example in read_examples(made / "train.jsonl") if example.valid]
    try:
        return [
            load_suite(name, made=made, root=work.root, train=train, most=settings.max_samples)
            for name in settings.suites
        ]
    except NoTasks as error:
        raise StageError(str(error), error.help) from error


def _student(work: StageWork, trained: Path | None) -> Student:
    device = (work.plan.train.device if work.plan.train else None) or "auto"
    if trained is None:
        return load_student(base_of(work.plan), root=work.root, device=device)
    folder = student_folder(trained)
    if folder is None:
        raise StageError(f"{work.shown(trained)} holds no student", "run the training again: --force train")
    return load_student(folder, root=work.root, device=device)


def _fingerprint(work: StageWork, trained: Path | None) -> str:
    """Tells this student from another in the journal of answers."""
    folder = student_folder(trained) if trained else None
    if folder is None:
        return base_of(work.plan)
    return fingerprint(folder) if (folder / "config.json").is_file() else _weights_of(folder)


def _weights_of(place: Path) -> str:
    """A hash of the adapter or model that a place holds; of a name that is no folder, nothing."""
    folder = student_folder(place) if place.is_dir() else None
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")) if folder else ():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _how(work: StageWork, settings: Evaluate, dialect: Dialect | None) -> EvaluationSettings:
    enforced = dialect is not None and (work.plan.dialect is None or work.plan.dialect.enforce)
    return EvaluationSettings(
        k=settings.k,
        temperatures=tuple(dict.fromkeys(settings.temperatures)),
        max_new_tokens=settings.max_new_tokens,
        modes=MODES if enforced else ("free",),
        seed=work.seed,
    )


def _measured(
    work: StageWork,
    judged: Sequence[Judged],
    tasks: Sequence[Task],
    references: ReferenceScores,
    product: Mode,
) -> tuple[Measured, ...]:
    """What METRICS names, over the first answer to each task as the product writes it."""
    if work.plan.metrics is None:
        return ()
    first = {one.task: one for one in reversed(judged) if one.mode == product}
    asked = [task for task in tasks if task.id in first]
    scores = [references.scores.get(task.id) for task in asked]
    known = [score for score in scores if score is not None]
    whole = bool(known) and len(known) == len(asked)
    answers = MetricAnswers(
        predictions=[first[task.id].student_canonical or first[task.id].student_output for task in asked],
        references=[first[task.id].expected for task in asked],
        nll=[score.nll for score in known] if whole else None,
        tokens=[score.tokens for score in known] if whole else None,
        tokens_right=[score.right for score in known] if whole else None,
        answer_tokens=[first[task.id].tokens for task in asked],
        unknown_names=[bool(first[task.id].unknown_names) for task in asked],
    )
    return measure(work.plan.metrics.builtin, answers)


def _metric_data(one: Measured) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value not in (None, "")}


def _compared(
    work: StageWork,
    settings: Evaluate,
    tasks: Sequence[Task],
    judge: Judge,
    how: EvaluationSettings,
    judged: Sequence[Judged],
    dialect: Dialect | None,
    project: Context,
) -> list[dict[str, Any]]:
    """Other students on the same tasks, each held against this one, task by task."""
    found = []
    for named in settings.compare or ():
        with student_faults_told():
            other = load_student(named, root=work.root)
        writer = StudentWriter(other, dialect, project)
        mark = f"{named} {other.base_fingerprint} {_weights_of(work.root / named)}"
        with Answers(work.journal() / "compared.jsonl") as answers:
            theirs = list(
                evaluate(tasks, writer, judge, how, answers=answers, student=mark, step=_step(work))
            )
        pairs = [asdict(one) for one in compare(theirs, judged)]
        found.append({"with": named, "comparisons": pairs})
    return found


def _with_teacher(
    work: StageWork, judged: list[Judged], tasks: Sequence[Task], judge: Judge
) -> tuple[list[Judged], str]:
    section = work.plan.teacher
    if section is None or section.offline:
        raise StageError(
            "EVALUATE.judge asks a teacher, and TEACHER is offline", 'write judge: "rules", or name a server'
        )
    if not isinstance(judge, RuleJudge):
        raise StageError("EVALUATE.judge asks a teacher, and there is no DIALECT", 'write judge: "none"')
    by_id = {task.id: task for task in tasks}
    try:
        with ExitStack() as stack:
            journal = stack.enter_context(Journal(work.journal() / "teacher.sqlite"))
            teacher = ServerTeacher(settings_of(section), journal)
            return list(judge_by_teacher(judged, by_id, judge, teacher)), teacher.name
    except TeacherProblem as error:
        raise StageError(f"teacher: {error.message}", error.hint) from error


def _result(
    work: StageWork,
    found: Evaluated,
    *,
    gated: bool,
    gate_on: tuple[Block, ...] | None = None,
    more: tuple[str, ...] = (),
) -> StageResult:
    settings = work.plan.evaluate or Evaluate()
    first = headline_block(found.blocks, found.product)
    numbers: dict[str, int | float] = {name: rate.value for name, rate in first.rates.items()}
    numbers |= {f"pass_at_{k}": rate.value for k, rate in first.pass_at.items()}
    failed = (
        failures(settings.gate, gate_on or found.blocks, found.product) if gated and settings.gate else ()
    )
    return StageResult(
        counts=found.counts,
        numbers={name: round(value, 6) for name, value in numbers.items()},
        warnings=(*found.warnings, *more),
        ending="gate failed" if failed else "done",
        reasons=failed,
    )


def _step(work: StageWork) -> Step:
    def step(done: int, total: int, text: str) -> None:
        work.progress(done, total, text)
        work.stop_if_asked()

    return step


def _latency(answers: Answers) -> dict[str, Any]:
    """Seconds an answer and tokens a second, over the answers of this evaluation."""
    written = [one for several in answers.all() for one in several]
    seconds = sorted(one.seconds for one in written)
    tokens = sum(one.tokens for one in written)
    if not seconds:
        return {}
    return {
        "answers": len(written),
        "seconds_mean": sum(seconds) / len(seconds),
        "seconds_p50": seconds[len(seconds) // 2],
        "seconds_p99": seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)],
        "tokens_a_second": tokens / max(sum(seconds), 1e-9),
    }
