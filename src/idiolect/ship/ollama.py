"""Writes the Modelfile with which Ollama asks a GGUF file as it was trained: template, system text, stops.

The chat template is said again in the words of Go's templates, which is proven here on conversations by a
renderer of ours. Ollama itself is not asked. What can't be said is refused with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from idiolect.ship.go_template import NotUnderstood, quoted, render_go
from idiolect.ship.turns import SAMPLES, NotPieces, Turns, turns_of_form
from idiolect.student.prompt import Message, PromptForm, conversation_text, formed
from idiolect.student.tokens import coder_of, stop_ids, text_of

MODELFILE = "Modelfile"
_HEAD = """\
# ollama create NAME -f {name}
# The template is the one that the model was trained with. Ollama holds answers to no grammar by itself: pass
# "format" with a JSON Schema in each request, or ask through idiolect.
"""


class CantTemplate(Exception):
    """A prompt form that a Modelfile can't say; `str()` says why."""


def modelfile(
    tokenizer: Any,
    form: PromptForm,
    model: str,
    parameters: Mapping[str, Any],
    *,
    adapter: str | None = None,
) -> tuple[str, tuple[str, ...]]:
    """The Modelfile's text, and what its user should know."""
    try:
        turns = turns_of_form(tokenizer, form)
    except NotPieces as error:
        raise CantTemplate(str(error)) from error
    beginning = _beginning(tokenizer, turns)
    template = go_template(turns, turns.start.removeprefix(beginning))
    _prove(template, beginning, tokenizer, form)
    lines = [_HEAD.format(name=MODELFILE), f"FROM ./{model}\n"]
    if adapter is not None:
        lines.append(f"ADAPTER ./{adapter}\n")
    lines.append(f'TEMPLATE """{template}"""\n')
    if form.system:
        if '"""' in form.system or form.system.endswith('"'):
            raise CantTemplate('a Modelfile can\'t hold a system text with """, or one that ends with "')
        lines.append(f'SYSTEM """{form.system}"""\n')
    stops = [text_of([number], tokenizer) for number in stop_ids(tokenizer, form)]
    for stop in dict.fromkeys([*stops, *parameters.get("stop", ())]):
        lines.append(f"PARAMETER stop {_value(stop)}\n")
    lines += [f"PARAMETER {name} {value}\n" for name, value in parameters.items() if name != "stop"]
    return "".join(lines), _notes(turns, tokenizer, form)


def go_template(turns: Turns, start: str) -> str:
    """The template in Go's words."""
    asked = f"{_text(turns.asked_before)}{{{{ .Content }}}}{_text(turns.asked_after + turns.user_after)}"
    said = f"{_text(turns.answer_before)}{{{{ .Content }}}}{_text(turns.answer_after)}"
    if turns.system_in_user:
        once = f'{{{{ $system }}}}{_text(turns.system_after)}{{{{ $system = "" }}}}'
        inner = f"{{{{ if $system }}}}{once}{{{{ end }}}}"
        head = f"{{{{ $system := .System }}}}{_text(start)}"
    else:
        inner = ""
        system = f"{_text(turns.system_before)}{{{{ .System }}}}{_text(turns.system_after)}"
        head = f"{_text(start)}{{{{ if .System }}}}{system}{{{{ end }}}}"
    user = f'{{{{ if eq .Role "user" }}}}{_text(turns.user_before)}{inner}{asked}'
    assistant = f'{{{{ else if eq .Role "assistant" }}}}{said}{{{{ end }}}}'
    text = f"{head}{{{{ range .Messages }}}}{user}{assistant}{{{{ end }}}}{_text(turns.opening)}"
    # a quotation mark at the end would stand before the three that close the text
    return f"{text[:-1]}{{{{ {quoted(chr(34))} }}}}" if text.endswith('"') else text


def _text(text: str) -> str:
    """A fixed text as it may stand in a template between three quotation marks."""
    for mark in ("{{", '"""'):
        text = "\0".join(text.split(mark)) if mark == "{{" else text.replace(mark, _said(mark))
    return text.replace("\0", _said("{{"))


def _said(mark: str) -> str:
    return f"{{{{ {quoted(mark)} }}}}"


def _beginning(tokenizer: Any, turns: Turns) -> str:
    """The text that llama.cpp puts in front by itself, which the template then leaves out."""
    before = coder_of(tokenizer).before
    text = text_of(before, tokenizer) if before else ""
    return text if text and turns.start.startswith(text) else ""


def _prove(template: str, beginning: str, tokenizer: Any, form: PromptForm) -> None:
    for sample in SAMPLES:
        wanted = conversation_text(formed(sample, form), tokenizer, form)
        try:
            found = beginning + render_go(template, _system(sample) or form.system, sample)
        except NotUnderstood as error:
            raise CantTemplate(f"its texts look like the words of a Go template: {error}") from error
        if found != wanted:
            raise CantTemplate(f"in Ollama's words {wanted[:60]!r} would be {found[:60]!r}")


def _system(sample: Sequence[Message]) -> str:
    return "\n\n".join(turn["content"] for turn in sample if turn["role"] == "system")


def _notes(turns: Turns, tokenizer: Any, form: PromptForm) -> tuple[str, ...]:
    spaced = [{"role": "user", "content": " spaced "}]
    if turns.text(spaced) != conversation_text(formed(spaced, form), tokenizer, form):
        return ("the chat template takes off spaces around a text, which Ollama's can't: ask without them",)
    return ()


def _value(text: str) -> str:
    return f'"""{text}"""' if '"' in text or "\n" in text else f'"{text}"'
