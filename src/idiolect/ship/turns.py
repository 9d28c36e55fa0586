"""The turns of a prompt form as plain pieces of text, for runtimes that know no Jinja.

A chat template is tried out on marked conversations, parted into pieces, and the pieces are proven: put
together they must give what the template gives, on conversations of many kinds. A template that says more
than pieces can (other texts in later turns, dates, tools) is refused with the first difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from idiolect.student.prompt import Message, PromptForm, conversation_text, formed, special_texts
from idiolect.student.tokens import coder_of, stop_ids

_U1, _U2, _A1, _S = "Qx7one", "Qx7two", "Qx7said", "Qx7system"
SAMPLES: tuple[tuple[Message, ...], ...] = tuple(
    tuple({"role": role, "content": text} for role, text in turns)
    for turns in (
        (("user", "Show all orders."),),
        (("system", "You write queries."), ("user", "Orders below 120?")),
        (("user", "a {{ b }} %} $1 \\n"), ("assistant", '{"op": "and"}'), ("user", "Zürich: œuvres 日本 🙂")),
        (("system", "Be\nshort."), ("user", "one"), ("assistant", "two\n\nthree"), ("user", "four")),
        (
            *(("system", "s"), ("user", "1"), ("assistant", "2"), ("user", "3"), ("assistant", "4")),
            ("user", 'proc x {a} {\n\treturn "$a"\n}'),
        ),
    )
)


class NotPieces(Exception):
    """A form that can't be said as pieces; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The text around the contents of a conversation."""

    start: str
    system_before: str
    system_after: str
    system_in_user: bool  # the system's text opens the first user's turn, followed by `system_after`
    user_before: str
    asked_before: str  # of INFERENCE.format
    asked_after: str
    user_after: str
    answer_before: str
    answer_after: str
    opening: str  # of the answer that is asked for
    system: str = ""  # for conversations that bring none

    def text(self, messages: Sequence[Message]) -> str:
        """A conversation before its next answer."""
        said = [turn["content"] for turn in messages if turn["role"] == "system"] or [self.system]
        system = "\n\n".join(filter(None, said))
        parts = [self.start]
        if system and not self.system_in_user:
            parts += [self.system_before, system, self.system_after]
        first = True
        for turn in messages:
            if turn["role"] == "user":
                inner = system + self.system_after if system and self.system_in_user and first else ""
                asked = self.asked_before + turn["content"] + self.asked_after
                parts += [self.user_before, inner, asked, self.user_after]
                first = False
            elif turn["role"] == "assistant":
                parts += [self.answer_before, turn["content"], self.answer_after]
        return "".join([*parts, self.opening])


def turns_of_form(tokenizer: Any, form: PromptForm) -> Turns:
    """The pieces of a form; NotPieces where it has no such form."""
    if form.kind == "encoder-decoder":
        raise NotPieces("an encoder-decoder model has no turns")
    found = _raw(form) if not form.template else _parted(tokenizer, form)
    for sample in SAMPLES:
        wanted = conversation_text(formed(sample, form), tokenizer, form)
        if found.text(sample) != wanted:
            at = len(_common(found.text(sample), wanted))
            raise NotPieces(
                f"the chat template says more than turns of fixed texts do: behind "
                f"{wanted[max(0, at - 30) : at]!r} it writes {wanted[at : at + 30]!r}"
            )
    return found


def prompt_facts(tokenizer: Any, form: PromptForm) -> dict[str, Any]:
    """What a runtime without our code needs to make a prompt: the pieces, and ids before and at the end."""
    return {
        **asdict(turns_of_form(tokenizer, form)),
        "before": list(coder_of(tokenizer).before),
        "stops": list(stop_ids(tokenizer, form)),
        "special": list(special_texts(tokenizer)),
    }


def _raw(form: PromptForm) -> Turns:
    """A form without turns: texts with an empty line between them."""
    gap = "\n\n"
    return Turns("", "", gap, False, "", *_format(form), "", gap, gap, "", form.system)


def _format(form: PromptForm) -> tuple[str, str]:
    """What INFERENCE.format puts around a question."""
    return _around(formed([{"role": "user", "content": _U1}], form)[-1]["content"], _U1)


def _parted(tokenizer: Any, form: PromptForm) -> Turns:
    def text(*turns: tuple[str, str]) -> str:
        messages = [{"role": role, "content": content} for role, content in turns]
        return conversation_text(formed(messages, _bare(form)), tokenizer, form)

    head, tail = _around(text(("user", _U1)), _U1)
    whole = text(("user", _U1), ("assistant", _A1), ("user", _U2))
    _, rest = _around(whole, _U1)
    answering, rest = _around(rest, _A1)
    between, _ = _around(rest, _U2)
    user_before = _from_special(_common_end(head, between), special_texts(tokenizer))
    user_after = _to_stop(_common(tail, answering), form.stop)
    start = head.removesuffix(user_before)
    before, rest = _around(text(("system", _S), ("user", _U1)), _S)
    after, _ = _around(rest, _U1)
    in_user = before == head
    if not before.startswith(start) or not (in_user or after.endswith(user_before)):
        raise NotPieces("a system text changes what stands around the turns")
    return Turns(
        start,
        "" if in_user else before.removeprefix(start),
        after if in_user else after.removesuffix(user_before),
        in_user,
        user_before,
        *_format(form),
        user_after,
        answering.removeprefix(user_after),
        between.removesuffix(user_before),
        tail.removeprefix(user_after),
        form.system,
    )


def _bare(form: PromptForm) -> PromptForm:
    return replace(form, system="", format="{input}")


def _around(text: str, mark: str) -> tuple[str, str]:
    before, found, after = text.partition(mark)
    if not found:
        raise NotPieces("the chat template leaves out what was said")
    return before, after


def _common(left: str, right: str) -> str:
    """The longest text that both begin with."""
    pairs = enumerate(zip(left, right, strict=False))
    return left[: next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))]


def _common_end(left: str, right: str) -> str:
    return _common(left[::-1], right[::-1])[::-1]


def _from_special(text: str, specials: Sequence[str]) -> str:
    """The longest end of a text that begins with a special token; the whole where it holds none."""
    found = [at for one in specials if (at := text.find(one)) >= 0]
    return text[min(found) :] if found else text


def _to_stop(text: str, stop: str) -> str:
    """A text up to the first end of a turn and its line ends; the whole where it holds none."""
    at = text.find(stop)
    if at < 0:
        return text
    end = at + len(stop)
    while text[end : end + 1] == "\n":
        end += 1
    return text[:end]
