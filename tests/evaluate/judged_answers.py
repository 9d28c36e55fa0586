"""Tasks, a writer that says what it is told to, and judged answers made in one line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from idiolect.data.example import Example, VerdictSummary
from idiolect.evaluate.records import Judged, Mode, Task, Written

SCHEMA = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"field": {"enum": ["price", "color"]}, "value": {"type": "integer"}},
            "required": ["field", "value"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"refusal": {"type": "string"}},
            "required": ["refusal"],
            "additionalProperties": False,
        },
    ]
}


def task(field: str, value: int, *, suite: str = "test", **more: Any) -> Task:
    """A task whose answer is {"field": ..., "value": ...}."""
    target = json.dumps({"field": field, "value": value}, separators=(",", ":"))
    context = json.dumps(SCHEMA, separators=(",", ":"))
    example = Example(instruction=f"{field} is {value}", context=context, target=target, **more)
    return Task(suite=suite, example=example)


class Parrot:
    """Answers each task with the texts that it was given for it, and counts how often it was asked."""

    name = "parrot"

    def __init__(self, says: Mapping[str, Sequence[str]]) -> None:
        self.says = says
        self.asked = 0

    def write(
        self, tasks: Sequence[Task], *, mode: Mode, k: int, temperature: float, seed: int, max_new_tokens: int
    ) -> Iterator[Sequence[Written]]:
        for one in tasks:
            self.asked += 1
            texts = self.says[one.example.instruction]
            yield [
                Written(text=texts[at % len(texts)], tokens=4, finished=True, log_likelihood=-float(at))
                for at in range(k)
            ]


def judged(task: str, passed: bool | None, *, sample: int = 0, **more: Any) -> Judged:
    """An answer of which only the outcome matters."""
    verdict = VerdictSummary(True, passed, None, errors=() if passed else ("toy.wrong",))
    values: dict[str, Any] = {
        "task": task,
        "suite": "test",
        "mode": "constrained",
        "temperature": 0.0,
        "sample": sample,
        "student_output": "x",
        "expected": "x",
        "verdict": verdict,
        "finished": True,
        "tokens": 1,
        "parsed": True,
        "valid": passed,
        "exact_match": bool(passed),
        "equal": passed,
        "judge": "rules",
        "semantic_pass": passed,
    }
    return Judged(**{**values, **more})
