"""One request to its end: ask, judge, show the faults, ask again, up to a number of times.

Every attempt is a request of its own with a key of its own, so that a journal replays the whole chain,
and a better verifier or more retries go on from what was paid for. It does **not** know who answers.
"""

from __future__ import annotations

from collections.abc import Callable

from idiolect.dialects.verdict import Verdict
from idiolect.teachers.answer import again, judge, reason_of
from idiolect.teachers.journal import Reply
from idiolect.teachers.pace import Stopped
from idiolect.teachers.records import Answer, Ending, Outcome, Rejected, Request, Verify
from idiolect.teachers.wire import CallFailed

Ask = Callable[[Request], tuple[Reply, bool]]  # the reply, and whether it needed no call
Note = Callable[[str, str, str, str], None]  # key, kind, reason, detail


def pursue(
    original: Request, ask: Ask, verify: Verify | None, retries: int, teacher: str, note: Note
) -> tuple[Ending, bool]:
    """The ending of a request, and whether no call was needed for it."""
    request, last, cached = original, None, True

    def without_answer(outcome: Outcome, reason: str, detail: str, attempts: int) -> tuple[Ending, bool]:
        text, verdict = (last.text, last.verdict) if last else (None, None)
        return Rejected(
            original, outcome, reason, detail, original.key, teacher, attempts, text, verdict
        ), cached

    reason = detail = ""
    for attempt in range(retries + 1):
        try:
            reply, was_there = ask(request)
        except CallFailed as failure:
            cached = False
            return without_answer(Outcome.FAILED, failure.reason, failure.detail, attempt)
        except Stopped as stopped:
            cached = False
            return without_answer(Outcome.NOT_ASKED, stopped.reason, stopped.detail, attempt)
        cached = cached and was_there
        counts = (reply.prompt_tokens, reply.completion_tokens)
        raw = Answer(original, reply.text, None, original.key, teacher, attempt + 1, *counts, cached)
        last = judge(original, raw, reply.cut, verify)
        assert isinstance(last.verdict, Verdict)
        if last.verdict.ok:
            return last, cached
        reason, detail = reason_of(last.verdict)
        judged = last.verdict.judged
        note(request.key, Outcome.REJECTED if judged else Outcome.NOT_JUDGED, reason, detail)
        if not judged:
            return without_answer(Outcome.NOT_JUDGED, reason, detail, attempt + 1)
        request = again(request, original, last)
    return without_answer(Outcome.REJECTED, reason, detail, retries + 1)
