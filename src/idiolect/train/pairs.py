"""Preference pairs: of two answers to one request the better and the worse, read, made of verdicts, written.

    {"instruction": ..., "context": ..., "system": ..., "chosen": ..., "rejected": ..., "by": "teacher"}

Read are also rows with a `prompt` (a text, or messages) instead of an instruction, as other toolkits write
them. Made are pairs from `evaluation_results.jsonl`: chosen is the teacher's answer where a teacher judged,
else the reference; rejected is what the student wrote. Nothing is trained here.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from idiolect.data.example import ID_LENGTH, Example, Rejected
from idiolect.data.jsonl import BadRow, read_rows, write_rows
from idiolect.runs.stage import Counts

PAIRS = "dpo_pairs.jsonl"
From = Literal["teacher", "verifier", "both"]
_FIELDS = ("instruction", "context", "system", "chosen", "rejected", "by", "weight", "level")
_SAME = "chosen and rejected are the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Of two answers to one request, which is better, and who says so."""

    instruction: str
    chosen: str
    rejected: str
    context: str = ""
    system: str = ""
    by: str = "given"  # teacher, verifier, given
    level: str | None = None
    weight: float = 1.0

    @property
    def id(self) -> str:
        """The hash of what is compared."""
        parts = [self.system, self.context, self.instruction, self.chosen, self.rejected]
        text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:ID_LENGTH]

    @property
    def example(self) -> Example:
        """The request with the better answer."""
        return Example(
            instruction=self.instruction,
            target=self.chosen,
            context=self.context,
            system=self.system,
            level=self.level,
            weight=self.weight,
        )


def read_pairs(path: Path) -> Iterator[Preference]:
    """The pairs of a file; BadRow at the first line that is none."""
    for number, row in read_rows(path):
        place = f"{path}:{number}"
        if isinstance(row, Rejected):
            raise BadRow(place, row.detail)
        yield _preference(row, place)


def _preference(row: Mapping[str, Any], place: str) -> Preference:
    instruction, system = row.get("instruction"), row.get("system") or ""
    if instruction is None:
        instruction, spoken = _asked(row.get("prompt"))
        system = system or spoken
    chosen, rejected = _answer(row.get("chosen")), _answer(row.get("rejected"))
    for name, value in (("instruction or prompt", instruction), ("chosen", chosen), ("rejected", rejected)):
        if not isinstance(value, str) or not value:
            raise BadRow(place, f"no pair: {name} is missing or no text")
    assert isinstance(instruction, str)
    assert isinstance(chosen, str)
    assert isinstance(rejected, str)
    return Preference(
        instruction=instruction,
        chosen=chosen,
        rejected=rejected,
        context=str(row.get("context") or ""),
        system=str(system),
        by=str(row.get("by") or "given"),
        level=row.get("level"),
        weight=float(row.get("weight", 1.0)),
    )


def _asked(prompt: Any) -> tuple[str | None, str]:
    """The request and the system's text of a prompt that is a text, or messages that end with the user's."""
    if not isinstance(prompt, list):
        return prompt, ""
    turns = [turn for turn in prompt if isinstance(turn, Mapping)]
    system = [str(turn.get("content")) for turn in turns if turn.get("role") == "system"]
    asked = [str(turn.get("content")) for turn in turns if turn.get("role") == "user"]
    return (asked[-1] if asked else None), "\n\n".join(system)


def _answer(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[-1], Mapping):
        return value[-1].get("content")
    return value


def write_pairs(path: Path, pairs: Iterable[Preference]) -> int:
    """Write pairs one a line; how many there were."""
    return write_rows(path, ({"id": one.id, **asdict(one)} for one in pairs))


def pairs_of_results(
    rows: Iterable[Mapping[str, Any]],
    tasks: Mapping[str, Example],
    *,
    pairs_from: From = "both",
    only_rejected: bool = True,
) -> tuple[list[Preference], Counts]:
    """Pairs out of the lines of evaluation_results.jsonl; each line that gives none is counted by its reason.

    `tasks` are the examples that were asked. A line whose task is not among them stands with its prompt_text.
    """
    found: dict[str, Preference] = {}
    reasons: Counter[str] = Counter()
    read = 0
    for row in rows:
        read += 1
        made = _made(row, tasks.get(str(row.get("task"))), pairs_from, only_rejected)
        if isinstance(made, str):
            reasons[made] += 1
        elif made.id in found:
            reasons["repeat"] += 1
        else:
            found[made.id] = made
    return list(found.values()), Counts("judged answers", read, len(found), dict(sorted(reasons.items())))


def _made(
    row: Mapping[str, Any], example: Example | None, pairs_from: From, only_rejected: bool
) -> Preference | str:
    """The pair of one judged answer, or why it gives none."""
    verdict, better = row.get("teacher_verdict"), row.get("teacher_canonical")
    by_teacher = pairs_from != "verifier" and verdict in ("accept", "reject", True, False) and better
    if by_teacher:
        accepted = verdict in ("accept", True)
    elif pairs_from == "teacher":
        return "no teacher's verdict"
    else:
        passed = row.get("semantic_pass", row.get("valid", row.get("schema_valid")))
        if passed is None:
            return "could not be judged"
        accepted, better = bool(passed), row.get("expected")
    if accepted and only_rejected:
        return "accepted"
    worse = row.get("student_canonical") or row.get("student_output")
    if not isinstance(better, str) or not better:
        return "no better answer"
    if not isinstance(worse, str) or not worse.strip():
        return "no answer of the student"
    if worse.strip() == better.strip():
        return _SAME
    asked = example.instruction if example else row.get("prompt_text")
    if not isinstance(asked, str) or not asked:
        return "no prompt"
    return Preference(
        instruction=asked,
        chosen=better,
        rejected=worse,
        context=example.context if example else "",
        system=example.system if example else "",
        by="teacher" if by_teacher else "verifier",
        level=example.level if example else None,
    )


def at_most(pairs: Sequence[Preference], most: int | None, seed: int) -> list[Preference]:
    """Some of the pairs, the same for the same seed, in their order."""
    if most is None or len(pairs) <= most:
        return list(pairs)
    kept = sorted(random.Random(f"{seed}/pairs").sample(range(len(pairs)), most))
    return [pairs[at] for at in kept]
