"""The first stage: looks at the machine, and writes env_report.json.

What ENV asks for and the machine lacks ends the run. What only training needs (TRAIN.device) is a warning
here, since corpora can be built elsewhere; and each stage names the libraries that it misses itself.
"""

from __future__ import annotations

import json

from idiolect.machine.report import env_report
from idiolect.machine.requirements import Requirements, check_requirements
from idiolect.machine.survey import survey
from idiolect.okt.vocab import NEEDS_CUDA
from idiolect.plan.plan import Plan
from idiolect.problem import Problem
from idiolect.runs.stage import StageResult, StageWork


def run_environment(work: StageWork) -> StageResult:
    """Survey the machine and compare it with what the plan asks for."""
    machine = survey(work.root)
    problems = [*machine.problems, *check_requirements(machine, requirements_of(work.plan))]
    report = env_report(machine, problems, work.plan.env.install_missing)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (work.folder / "env_report.json").write_text(text, encoding="utf-8")
    blocking = [one for one in problems if _blocks(one)]
    return StageResult(
        warnings=tuple(_told(one) for one in problems if one.severity != "info" and one not in blocking),
        ending="blocked" if blocking else "done",
        reasons=tuple(_told(one) for one in blocking),
    )


def requirements_of(plan: Plan) -> Requirements:
    """What a plan asks of a machine."""
    memory = plan.settings.get("ENV.min_memory")
    metrics = (*(plan.monitor.log_system or ()), *(plan.monitor.metrics or ())) if plan.monitor else ()
    return Requirements(
        platform=plan.env.platform,
        accelerator=plan.env.accelerator,
        device=plan.train.device or "auto" if plan.train else "auto",
        min_memory=plan.env.min_memory,
        min_memory_written=memory is not None and memory.origin.kind == "file",
        precision=plan.env.precision,
        network=plan.env.network,
        install_missing=plan.env.install_missing,
        gpu_metrics=tuple(name for name in dict.fromkeys(metrics) if name in NEEDS_CUDA),
    )


def _blocks(problem: Problem) -> bool:
    return problem.severity == "error" and (problem.where or "").startswith("ENV.")


def _told(problem: Problem) -> str:
    help = f"; {problem.help}" if problem.help else ""
    return f"{problem.code}: {problem.message}{help}"
