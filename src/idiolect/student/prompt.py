"""How an example becomes text: one form for training, evaluation and serving.

A `PromptForm` is made once for a tokenizer and a script, and travels with the student. The order is:
system, then the context, then the instruction, so that the rows of one schema share a prefix. The answer
stands in the text as it is, and ends with the form's `closing`, whose last piece is the end-of-turn token.

Token ids are made in `student/tokens.py`. This module does **not** cut anything, and loads no library.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from idiolect.data.example import Example
from idiolect.files import Unreadable, read_small
from idiolect.text_hints import did_you_mean

Kind = Literal["chat", "raw", "encoder-decoder"]
Message = dict[str, str]  # "role" and "content", as chat templates want them

OWN = ("idiolect", "chatml")  # templates of ours, in templates/
RAW = "raw"  # no turns at all: the prompt, then the answer
BASE = "base"  # the base model's own template

_MAX_TEMPLATE = 1 << 20
_SLOT = re.compile(r"\{(input|context|labels)\}")
# Some templates write the day into the prompt; a prompt that changes overnight was never trained on. So that
# day is always the same one, and the clock that templates may ask is replaced by a macro that says it.
_DAY = date(2026, 1, 1)
_SAID = "".join(
    f" | replace('{part}', '{_DAY.strftime(part)}')" for part in ("%d", "%m", "%Y", "%y", "%b", "%B", "%A")
)
_CLOCK = "{%- macro strftime_now(wanted) -%}{{ wanted" + _SAID + " }}{%- endmacro -%}"
_ASKED, _ANSWERED = "Qx7question", "Qx7answer"


class BadTemplate(ValueError):
    """A chat template that can't be found, read or used; `help` says what to write instead."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class PromptForm:
    """All that decides the text around an instruction and an answer."""

    kind: Kind
    template: str  # Jinja; "" where there are no turns
    template_name: str  # base, idiolect, chatml, raw, or the file that it came from
    opening: str  # what stands between the template's opening of the answer's turn and the answer
    closing: str  # what follows the answer, up to the end-of-turn token, which is its last piece
    stop: str  # the end-of-turn token's text
    system: str = ""  # for examples that bring none
    format: str = "{input}"  # INFERENCE.format
    labels: tuple[str, ...] = ()
    system_turn: bool = True  # whether the template knows a system turn; else its text opens the first turn


def make_form(
    tokenizer: Any,
    *,
    system: str = "",
    format: str = "{input}",
    labels: Sequence[str] = (),
    chat_template: str | None = None,
    folder: Path | None = None,
    encoder_decoder: bool = False,
) -> PromptForm:
    """The form for a tokenizer; `chat_template` is a name or a path below `folder`, or the base's own.

    A base without a template gets plain-text turns, or none where the format has turns of its own
    ("User: {input}\\nAssistant:").
    """
    said = (system, format or "{input}", tuple(labels))
    eos = _eos(tokenizer)
    if encoder_decoder:
        return PromptForm("encoder-decoder", "", RAW, "", "", eos, *said)
    name, template = _template(tokenizer, said[1], chat_template, folder)
    if name == RAW:
        return PromptForm("raw", "", RAW, "", eos, eos, *said)
    opening, closing, stop, system_turn = _answer_turn(tokenizer, template, eos)
    return PromptForm("chat", template, name, opening, closing, stop, *said, system_turn)


def special_texts(tokenizer: Any) -> tuple[str, ...]:
    """Texts of the tokenizer's special tokens, longest first."""
    found = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    found |= {str(token) for token in tokenizer.all_special_tokens}
    return tuple(sorted((text for text in found if text), key=lambda text: (-len(text), text)))


def user_text(instruction: str, context: str, form: PromptForm) -> str:
    """What the user says: the context, then the instruction, both as the format has them."""
    values = {"input": instruction, "context": context, "labels": ", ".join(form.labels)}
    filled = _SLOT.sub(lambda slot: values[slot[1]], form.format)
    return f"{context}\n\n{filled}" if context and "{context}" not in form.format else filled


def turns_of(example: Example) -> list[Message]:
    """What an example's people said before the answer, as it was said."""
    turns = [{"role": "system", "content": example.system}] if example.system else []
    return [*turns, {"role": "user", "content": example.instruction}]


def formed(messages: Sequence[Message], form: PromptForm, context: str = "") -> list[Message]:
    """A conversation as a student gets it: users' texts in the format, the context in the first of them.

    The form's system text opens a conversation that has none.
    """
    turns = [dict(turn) for turn in messages]
    for turn in turns:
        if turn["role"] == "user":
            turn["content"], context = user_text(turn["content"], context, form), ""
    if form.system and not any(turn["role"] == "system" for turn in turns):
        turns.insert(0, {"role": "system", "content": form.system})
    return turns


def prompt_text(example: Example, tokenizer: Any, form: PromptForm) -> str:
    """The text before the answer, with the opening of the answer's turn."""
    return conversation_text(formed(turns_of(example), form, example.context), tokenizer, form)


def conversation_text(messages: Sequence[Message], tokenizer: Any, form: PromptForm) -> str:
    """The text before the next answer in a formed conversation."""
    if not form.template:
        return "\n\n".join(turn["content"] for turn in messages)
    turns = list(messages) if form.system_turn else _merged(messages)
    return render(tokenizer, form.template, turns, answering=True) + form.opening


def render(tokenizer: Any, template: str, messages: Sequence[Message], *, answering: bool) -> str:
    """A chat template applied, always on the same day and without a thought before the answer."""
    return str(
        tokenizer.apply_chat_template(
            list(messages),
            chat_template=_CLOCK + template if "strftime_now" in template else template,
            tokenize=False,
            add_generation_prompt=answering,
            sanitize_control_tokens=False,  # `student/tokens.py` sees to them, in answers too
            enable_thinking=False,
            date_string=_DAY.strftime("%d %b %Y"),
        )
    )


def _merged(messages: Sequence[Message]) -> list[Message]:
    """The system's text at the head of the first user turn."""
    said = [turn["content"] for turn in messages if turn["role"] == "system"]
    turns = [dict(turn) for turn in messages if turn["role"] != "system"]
    if turns and said:
        turns[0]["content"] = "\n\n".join([*said, turns[0]["content"]])
    return turns


def _template(tokenizer: Any, format: str, wanted: str | None, folder: Path | None) -> tuple[str, str]:
    """Name and text of the template to use."""
    own = tokenizer.chat_template
    if isinstance(own, dict):  # several, by name; "default" is the one without tools
        own = own.get("default")
    if wanted in OWN:
        return wanted, _own(wanted)
    if wanted == RAW:
        return RAW, ""
    if wanted and wanted != BASE:
        return _from_file(wanted, folder or Path())
    if own:
        return BASE, own
    if wanted == BASE:
        help = f'write chat_template: "{OWN[0]}" or "{RAW}", or leave it out'
        raise BadTemplate("the base model has no chat template of its own", help)
    bare = _SLOT.sub("", format).strip()
    return (RAW, "") if bare else (OWN[0], _own(OWN[0]))


def _own(name: str) -> str:
    return files("idiolect.student").joinpath("templates", f"{name}.jinja").read_text("utf-8").rstrip("\n")


def _from_file(name: str, folder: Path) -> tuple[str, str]:
    path = folder / name
    if path.is_dir():
        path = path / "chat_template.jinja"
    try:
        text = read_small(path, _MAX_TEMPLATE).decode("utf-8-sig")
    except Unreadable as reason:
        if "/" in name or "." in name:
            raise BadTemplate(
                f'chat template "{name}" {reason}', "name a file with a Jinja template"
            ) from reason
        raise BadTemplate(f'no chat template "{name}"', did_you_mean(name, (BASE, *OWN, RAW))) from reason
    except UnicodeDecodeError as error:
        raise BadTemplate(f'chat template "{name}": byte {error.start} is not UTF-8') from error
    return name, text


def _answer_turn(tokenizer: Any, template: str, eos: str) -> tuple[str, str, str, bool]:
    """Opening, closing and stop token of an answer, and whether there is a system turn; by trying it out."""
    from jinja2 import TemplateError

    system, user = {"role": "system", "content": _ASKED}, {"role": "user", "content": "."}
    answer = {"role": "assistant", "content": _ANSWERED}
    try:
        system_turn = _ASKED in render(tokenizer, template, [system, user], answering=True)
    except TemplateError:  # Gemma's first templates refuse a system turn
        system_turn = False
    try:
        before = render(tokenizer, template, [user], answering=True)
        whole = render(tokenizer, template, [user, answer], answering=False)
    except TemplateError as error:
        raise BadTemplate(
            f"the chat template can't be applied: {error}", "mend it, or name another"
        ) from error
    at = whole.rfind(_ANSWERED)
    if at < 0:
        help = 'a template writes {{ message["content"] }} for every turn'
        raise BadTemplate("the chat template leaves the answer out", help)
    opening = whole[len(before) : at] if whole[:at].startswith(before) else ""
    closing, stop = _closing(whole[at + len(_ANSWERED) :], special_texts(tokenizer), eos)
    return opening, closing, stop, system_turn


def _closing(after: str, specials: Sequence[str], eos: str) -> tuple[str, str]:
    """What follows an answer up to the first special token; EOS is put there where none is."""
    found = re.search("|".join(map(re.escape, specials)), after) if specials else None
    if found is None:
        return after.rstrip() + eos, eos
    return after[: found.end()], found[0]


def _eos(tokenizer: Any) -> str:
    if not tokenizer.eos_token:
        raise BadTemplate("the tokenizer has no EOS token, so no answer could end", "take another base model")
    return str(tokenizer.eos_token)
