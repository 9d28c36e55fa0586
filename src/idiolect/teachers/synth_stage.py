"""The stage `synth` of a run: the recipe that SYNTHESIZE names, its examples verified, counted and written.

What holds for every recipe is here: who teaches, the gate that examples pass, repeats, the largest number
kept, and a report whose counts close. It does **not** make examples; see `recipes/`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.data.jsonl import line_of, plain_record, read_examples, row_of
from idiolect.files import Unreadable, read_small, write_beside
from idiolect.runs.dialect_of import dialect_of
from idiolect.runs.stage import Counts, StageError, StageResult, StageWork
from idiolect.teachers.client import ServerTeacher
from idiolect.teachers.journal import Journal
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.recipes.gate import Gate, rejected
from idiolect.teachers.recipes.job import RECIPES, MakeTeacher, Recipe, RecipeJob, RecipeProblem
from idiolect.teachers.records import Teacher, TeacherReport
from idiolect.teachers.rules import NAME as RULES
from idiolect.teachers.rules import Rule, RuleTeacher
from idiolect.teachers.settings import settings_of
from idiolect.text_hints import counted

EXAMPLES, REJECTED, REPORT = "examples.jsonl", "rejected.jsonl", "report.json"
JOURNAL = "teacher.sqlite"
_LARGEST_TAXONOMY = 16 << 20


def run_synth(work: StageWork) -> StageResult:
    """Make the examples that the plan asks for into the stage's folder."""
    settings = work.plan.synthesize
    if settings is None or settings.recipe is None:
        raise StageError("the script has no SYNTHESIZE block", 'add SYNTHESIZE { recipe: "schema_ast" }')
    make = recipe_named(settings.recipe)
    with ExitStack() as stack:
        teachers: list[Teacher] = []
        job = _job(work, _teaching(work, stack, teachers))
        tally = Tally()
        try:
            _write(work, job, make(job), tally)
        except RecipeProblem as error:
            raise StageError(str(error), error.help) from error
        except TeacherProblem as error:
            raise StageError(f"teacher: {error.message}", error.hint) from error
        reports = [teacher.report() for teacher in teachers]
    if not tally.kept:
        raise StageError(
            f"recipe {settings.recipe} made no example: {_in_brief(tally.rejected) or 'it yielded nothing'}",
            "look at the reasons; a teacher's log is in the run's journal folder",
        )
    report = _report(settings.recipe, tally, reports, job)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    write_beside(work.folder / REPORT, text)
    return _result(tally, reports)


def recipe_named(name: str) -> Recipe:
    """The function of a recipe."""
    module = RECIPES[name]
    try:
        recipe: Recipe = import_module(module).make
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise StageError(f"the recipe {name} is not in this version of Idiolect") from error
    return recipe


def _job(work: StageWork, teacher: MakeTeacher) -> RecipeJob:
    plan = work.plan
    assert plan.synthesize is not None
    dialect, context = dialect_of(plan, work.root, work.inputs)
    files = {
        name: paths[0]
        for name in ("domains", "template", "operators")
        if (paths := work.inputs.of(f"synthesize.{name}"))
    }
    corpus = work.inputs.stage("corpus")
    return RecipeJob(
        settings=plan.synthesize,
        dialect=dialect,
        teacher=teacher,
        folder=work.folder,
        journal=work.journal(),
        project=context,
        offline=_offline(work),
        system=(plan.dataset.system or "") if plan.dataset else "",
        files=files,
        corpus=lambda: iter(()) if corpus is None else read_examples(corpus / EXAMPLES),
        targets=_targets(work),
        progress=work.progress,
        stop_if_asked=work.stop_if_asked,
    )


def _targets(work: StageWork) -> Mapping[str, int]:
    """Fault codes of the error taxonomy that the script names, and how often they failed."""
    path = next(iter(work.inputs.of("synthesize.target_errors")), None)
    if path is None:
        return {}
    try:
        found = json.loads(read_small(path, _LARGEST_TAXONOMY).decode("utf-8-sig"))
        classes = found["classes"]
        good = isinstance(classes, dict) and all(
            isinstance(count, int) and not isinstance(count, bool) and count >= 0
            for count in classes.values()
        )
    except (Unreadable, UnicodeDecodeError, ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise StageError(
            f"{work.shown(path)} is no error taxonomy",
            'write {"classes": {"json.schema.enum": 12}}, or take the report of an evaluation',
        )
    return {str(code): count for code, count in classes.items() if count}


# Teachers


def _offline(work: StageWork) -> bool:
    return work.plan.teacher is None or work.plan.teacher.offline


def _teaching(work: StageWork, stack: ExitStack, made: list[Teacher]) -> MakeTeacher:
    """How a recipe gets its teacher; the journal of a server's answers outlives this attempt."""

    def make(rules: Mapping[str, Rule]) -> Teacher:
        section = work.plan.teacher
        teacher: Teacher
        if section is None or section.offline:
            teacher = RuleTeacher(rules, work.seed)
        else:
            journal = stack.enter_context(Journal(work.journal() / JOURNAL))
            teacher = ServerTeacher(settings_of(section), journal)
        made.append(teacher)
        return teacher

    return make


# Examples


@dataclass(slots=True)
class Tally:
    """Counts of what a recipe yielded. They close: read = kept + rejected."""

    read: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    by: Mapping[str, Counter[str]] = field(
        default_factory=lambda: {
            name: Counter() for name in ("task", "kind", "code", "language", "level", "teacher", "group")
        }
    )
    valid: int = 0
    negatives: int = 0

    def keep(self, example: Example) -> None:
        """Count one that is kept."""
        self.kept += 1
        self.valid += example.valid
        self.negatives += not example.valid
        self.by["task"][example.task if example.valid else "negative"] += 1
        self.by["level"][example.level or "none"] += 1
        self.by["language"][str(example.metadata.get("language", "none"))] += 1
        self.by["teacher"][example.provenance.teacher or "none"] += 1
        if example.group:
            self.by["group"][example.group] += 1
        if not example.valid:
            self.by["kind"][str(example.metadata.get("kind", "none"))] += 1
            self.by["code"].update(example.verdict.errors if example.verdict else ())


def _write(work: StageWork, job: RecipeJob, yielded: Iterable[Example | Rejected], tally: Tally) -> None:
    """Everything that the recipe yields, into the file of what is kept or of what is not."""
    enforced = work.plan.dialect is None or work.plan.dialect.enforce
    gate = Gate(job.dialect, job.project, enforced=enforced)
    with (
        (work.folder / EXAMPLES).open("w", encoding="utf-8", newline="\n") as kept,
        (work.folder / REJECTED).open("w", encoding="utf-8", newline="\n") as left,
    ):
        for one in _passed(yielded, gate, job):
            work.stop_if_asked()
            tally.read += 1
            if isinstance(one, Example):
                tally.keep(one)
                kept.write(line_of(row_of(one)))
            else:
                tally.rejected[one.reason] += 1
                left.write(line_of(plain_record(one)))


def _passed(
    yielded: Iterable[Example | Rejected], gate: Gate, job: RecipeJob
) -> Iterator[Example | Rejected]:
    """Records as they came, without examples that the gate refuses, repeats and those past the limit."""
    seen: set[str] = set()
    most = job.settings.max_samples
    for one in yielded:
        if isinstance(one, Rejected):
            yield one
            continue
        example = replace(one, system=job.system) if job.system and not one.system else one
        judged = gate.judge(example)
        if isinstance(judged, Rejected):
            yield judged
        elif judged.id in seen:
            yield rejected(judged, "repeat", "an equal example was made before")
        elif most is not None and len(seen) >= most:
            yield rejected(judged, "beyond max_samples", f"SYNTHESIZE.max_samples is {most}")
        else:
            seen.add(judged.id)
            yield judged


# What is said of it


def _report(recipe: str, tally: Tally, reports: list[TeacherReport], job: RecipeJob) -> dict[str, Any]:
    """The report as JSON; nothing in it differs between a first run and its replay."""
    return {
        "recipe": recipe,
        "taught_by": sorted({one.teacher for one in reports}) or [RULES],
        "by_rules": job.offline,
        "seed": job.settings.seed,
        "examples": {
            "read": tally.read,
            "kept": tally.kept,
            "rejected": dict(sorted(tally.rejected.items())),
        },
        "valid": tally.valid,
        "negatives": tally.negatives,
        "by": {name: dict(sorted(counts.items())) for name, counts in tally.by.items()},
        "aimed_at": dict(sorted(job.targets.items())),
        "teachers": [_teacher_row(one) for one in reports],
    }


def _teacher_row(one: TeacherReport) -> dict[str, Any]:
    """A teacher's counts without what a replay has otherwise: calls, tokens, troubles, time."""
    return {
        "teacher": one.teacher,
        "yield": {purpose: plain_record(counts) for purpose, counts in one.purposes.items()},
        "reasons": dict(one.reasons),
        "faults": dict(one.faults),
    }


def _result(tally: Tally, reports: list[TeacherReport]) -> StageResult:
    warnings = []
    for one in reports:
        missing = one.total.not_asked
        if missing:
            why = ", ".join(reason for reason in one.reasons if reason.startswith("not asked"))
            warnings.append(
                f"{counted(missing, 'request')} to {one.teacher} were not made ({why}): what there is was "
                "kept; run again with --force synth to go on from it"
            )
        failed = one.total.failed
        if failed:
            warnings.append(
                f"{counted(failed, 'request')} to {one.teacher} failed; report.json has the reasons"
            )
    share = tally.kept / tally.read if tally.read else 0.0
    return StageResult(
        counts=(Counts("examples", tally.read, tally.kept, dict(sorted(tally.rejected.items()))),),
        numbers={
            "valid": tally.valid,
            "negatives": tally.negatives,
            "kept_share": round(share, 6),
            "requests": sum(one.total.asked for one in reports),
            "answered": sum(one.total.answered for one in reports),
        },
        warnings=tuple(warnings),
    )


def _in_brief(reasons: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(5))


def report_of(folder: Path) -> Mapping[str, Any]:
    """The report that the stage left in a folder."""
    found: Mapping[str, Any] = json.loads((folder / REPORT).read_text("utf-8"))
    return found
