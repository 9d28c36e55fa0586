"""Counts how many answers the verifier accepts before and after a student was packed into fewer bits.

Answers are greedy and free: under the grammar nearly all are valid, and the count would hide what packing
costs. Each form answers in its own runtime, by the token ids that training used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idiolect.data.contexts import context_of
from idiolect.data.example import WORDS, Example
from idiolect.decode.generate import Generator
from idiolect.decode.records import Request, Sampling
from idiolect.dialects.contract import EMPTY, Context, Dialect
from idiolect.ship import runtimes
from idiolect.ship.exported import Exported, Work
from idiolect.student.prompt import turns_of
from idiolect.student.tokens import answer_text, prompt_ids, stop_ids

_TASKS = 16
_LONGEST = 512  # tokens of a prompt
_MOST = 256  # tokens of an answer
PACKED = ("q8_0", "q5_k_m", "q4_k_m", "q4_0", "int8", "int4")

Answers = Callable[[Sequence[Sequence[int]], Sequence[int], int], Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Judge:
    """The dialect whose verifier counts, and the context of the project."""

    dialect: Dialect
    project: Context = EMPTY

    def accepts(self, example: Example, text: str) -> bool | None:
        """Whether an answer is right; None where that could not be judged."""
        verdict = self.dialect.verify(text, context_of(example, self.project))
        return None if verdict.not_judged else verdict.ok


def with_pass_rate(work: Work, found: Exported, judge: Judge | None) -> Exported:
    """A delivered form of packed weights with its pass rate beside the student's."""
    if judge is None or found.path is None or _kind(work, found) not in PACKED:
        return found
    tasks = _tasks(work)
    if not tasks:
        return found
    most = min(_MOST, 16 + 2 * max(len(work.student.tokenizer(one.target)["input_ids"]) for one in tasks))
    prompts = [prompt_ids(one, work.student.tokenizer, work.student.form) for one in tasks]
    stops = stop_ids(work.student.tokenizer, work.student.form)
    try:
        ids = _answers_of(work, found)(prompts, stops, most)
    except (runtimes.NoRuntime, runtimes.RuntimeFailed) as error:
        why = f"no pass rate: {error}"
        return replace(found, why=f"{found.why}; {why}" if found.why else why)
    after = [answer_text(one, work.student.tokenizer, work.student.form) for one in ids]
    before = _student_says(work, tasks, most)
    counted = {name: _count(judge, tasks, texts) for name, texts in (("before", before), ("after", after))}
    same = sum(left == right for left, right in zip(before, after, strict=True))
    return replace(
        found, pass_rate={"tasks": len(tasks), "tokens_at_most": most, **counted, "same_answers": same}
    )


def _kind(work: Work, found: Exported) -> str:
    return {"gguf": work.job.gguf_type, "onnx": work.job.onnx_type}.get(found.format, "")


def _tasks(work: Work) -> list[Example]:
    """The first tasks that are answered in the language and have no long prompts."""
    tokenizer, form = work.student.tokenizer, work.student.form
    fitting = (
        one
        for one in work.job.examples
        if one.task not in WORDS and len(prompt_ids(one, tokenizer, form)) <= _LONGEST
    )
    return [one for one, _ in zip(fitting, range(_TASKS), strict=False)]


def _student_says(work: Work, tasks: Sequence[Example], most: int) -> list[str]:
    requests = [Request(tuple(turns_of(one)), one.context) for one in tasks]
    return [answers[0].text for answers in Generator(work.student).generate(requests, Sampling(most))]


def _answers_of(work: Work, found: Exported) -> Answers:
    place: Path = work.job.into / str(found.path)
    if found.format == "onnx":
        return lambda prompts, stops, most: runtimes.onnx_answers(place, prompts, stops, most)
    return lambda prompts, stops, most: runtimes.llama_cpp_answers(place, prompts, stops, most)


def _count(judge: Judge, tasks: Sequence[Example], texts: Sequence[str]) -> dict[str, Any]:
    verdicts = [judge.accepts(task, text) for task, text in zip(tasks, texts, strict=True)]
    judged = [one for one in verdicts if one is not None]
    return {
        "accepted": sum(judged),
        "not_judged": len(verdicts) - len(judged),
        "rate": round(sum(judged) / len(judged), 4) if judged else None,
    }
