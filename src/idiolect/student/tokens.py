"""From an example to token ids. The prompt's ids are the same at training, evaluation and serving.

The answer's ids are told apart by tokenizing the prompt alone and the prompt with the answer: where the
first is a prefix of the second, the rest is the answer. Where tokens would reach across the border, the
answer is tokenized on its own, since a model that answers never sees such a token. No template's generation
markers are needed, and the mask can't be empty.

Texts of special tokens inside of what a user or a source wrote are ordinary text: they are spelt out in
ordinary tokens. Nothing is cut here; `student/fitting.py` does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from idiolect.data.example import Example, Rejected
from idiolect.student.prompt import (
    Message,
    PromptForm,
    conversation_text,
    formed,
    special_texts,
    turns_of,
)
from idiolect.student.row import LabelRow, Pair, Row

# Noncharacters, which no text holds: they mark places where a special token's text was.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_BATCH = 256  # examples tokenized at a time, so that the tokenizer's threads have work


class NoRow(ValueError):
    """An example that no row can be made of; `reason` is a word or two to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def make_row(example: Example, tokenizer: Any, form: PromptForm) -> Row:
    """The row of one example."""
    found = next(make_rows([example], tokenizer, form))
    if isinstance(found, Rejected):
        raise NoRow(found.reason, found.detail)
    return found


def make_rows(examples: Iterable[Example], tokenizer: Any, form: PromptForm) -> Iterator[Row | Rejected]:
    """The rows of many examples, in their order; what can't be a row is left out with its reason."""
    coder = coder_of(tokenizer)
    for batch in _batches(examples):
        prompts = [coder.prompt_text(turns_of(example), form, example.context) for example in batch]
        targets = [example.target for example in batch]
        for example, prompt, answer in zip(*(batch, *coder.split(prompts, targets, form)), strict=True):
            if not example.target:
                yield _rejected(example, "no answer", "the target is empty")
            elif not answer:
                yield _rejected(example, "no border", "the tokenizer can't tell answer and prompt apart")
            elif answer[-1] != coder.id_of(form.stop):
                yield _rejected(example, "no end", f"the answer does not end with {form.stop}")
            else:
                yield Row(example.id, prompt, answer, example.weight, example.level)


def make_pair(
    example: Example, rejected: str, tokenizer: Any, form: PromptForm, *, weight: float = 1.0
) -> Pair:
    """The pair of an example, whose target is the better answer, and a worse answer."""
    good = make_row(example, tokenizer, form)
    bad = make_row(replace(example, target=rejected), tokenizer, form)
    return Pair(good.id, good.prompt, good.answer, bad.answer, weight)


def make_label_row(example: Example, tokenizer: Any, form: PromptForm) -> LabelRow:
    """The row of a classifier or, where the form has no labels, of a regression."""
    said = formed(turns_of(example), form, example.context)
    text = "\n\n".join(turn["content"] for turn in said)
    ids = tuple(tokenizer(text, split_special_tokens=True)["input_ids"])
    target = example.target.strip()
    if form.labels:
        if target not in form.labels:
            raise NoRow("unknown label", f'"{target[:60]}" is none of the labels')
        return LabelRow(example.id, ids, form.labels.index(target), example.weight)
    try:
        return LabelRow(example.id, ids, float(target), example.weight)
    except ValueError:
        raise NoRow("no number", f'"{target[:60]}" is no number') from None


def prompt_ids(example: Example, tokenizer: Any, form: PromptForm) -> tuple[int, ...]:
    """What a student is given before it answers; its row's prompt is the same."""
    return conversation_ids(turns_of(example), tokenizer, form, example.context)


def conversation_ids(
    messages: Sequence[Message], tokenizer: Any, form: PromptForm, context: str = ""
) -> tuple[int, ...]:
    """The ids before the next answer in a conversation, whose contents are as people wrote them."""
    coder = coder_of(tokenizer)
    (ids,) = coder.encode([coder.prompt_text(messages, form, context)])
    return coder.begun(ids, form)


def stop_ids(tokenizer: Any, form: PromptForm) -> tuple[int, ...]:
    """Tokens that end an answer: the end of its turn first, then the tokenizer's EOS."""
    ids = [tokenizer.convert_tokens_to_ids(form.stop), tokenizer.eos_token_id]
    return tuple(dict.fromkeys(number for number in ids if number is not None))


def pad_id(tokenizer: Any, form: PromptForm) -> int:
    """A token to fill batches with that is none of those which end an answer."""
    stops = stop_ids(tokenizer, form)
    specials = (tokenizer.convert_tokens_to_ids(text) for text in special_texts(tokenizer))
    choices = (tokenizer.pad_token_id, tokenizer.unk_token_id, *sorted(set(specials)))
    beginning = tokenizer.bos_token_id
    found = next((one for one in choices if one is not None and one not in (*stops, beginning)), None)
    if found is None:  # every special token has a part; masks never look at what stands in padding
        found = next(number for number in range(len(tokenizer)) if number not in stops)
    return int(found)


def text_of(ids: Sequence[int], tokenizer: Any) -> str:
    """The text of ids as they are, with special tokens."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def answer_text(ids: Sequence[int], tokenizer: Any, form: PromptForm) -> str:
    """The text of an answer without its closing."""
    stops = stop_ids(tokenizer, form)
    end = next((at for at, number in enumerate(ids) if number in stops), len(ids))
    ended = end < len(ids)
    text = text_of(ids[:end], tokenizer)
    rest = form.closing[: -len(form.stop)] if form.stop and form.closing.endswith(form.stop) else ""
    return text.removesuffix(rest) if ended and rest else text


def coder_of(tokenizer: Any) -> Coder:
    """The coder of a tokenizer, kept until tokens are added to it."""
    return _coder(tokenizer, len(tokenizer))


@lru_cache(maxsize=8)
def _coder(tokenizer: Any, _size: int) -> Coder:
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    at = next((at for at in range(len(full)) if full[at : at + len(plain)] == plain), 0)
    specials = special_texts(tokenizer)
    pattern = re.compile("|".join(map(re.escape, specials))) if specials else None
    return Coder(tokenizer, specials, pattern, tuple(full[:at]), tuple(full[at + len(plain) :]))


@dataclass(frozen=True, slots=True)
class Coder:
    """A tokenizer and what was found out about it once."""

    tokenizer: Any
    specials: tuple[str, ...]
    pattern: re.Pattern[str] | None  # of the specials' texts
    before: tuple[int, ...]  # what the tokenizer puts in front of a text by itself: the BOS, if any
    after: tuple[int, ...]  # and behind it: an encoder's EOS

    def id_of(self, token: str) -> int | None:
        number = self.tokenizer.convert_tokens_to_ids(token)
        return None if number is None else int(number)

    def prompt_text(self, messages: Sequence[Message], form: PromptForm, context: str) -> str:
        """The text of a conversation, with marks where people spelt a special token.

        The form's own texts are their author's: a special token in INFERENCE.format is one.
        """
        safe = [{**turn, "content": self.marked(turn["content"])} for turn in messages]
        return conversation_text(formed(safe, form, self.marked(context)), self.tokenizer, form)

    def marked(self, text: str) -> str:
        """A text in which marks stand for the texts of special tokens."""
        if _OPEN in text or _CLOSE in text:
            text = text.replace(_OPEN, "").replace(_CLOSE, "")
        if self.pattern is None:
            return text
        return self.pattern.sub(lambda found: f"{_OPEN}{self.specials.index(found[0])}{_CLOSE}", text)

    def begun(self, ids: list[int], form: PromptForm) -> tuple[int, ...]:
        """A prompt's ids with what the model wants before and, for an encoder, after them."""
        if form.kind == "encoder-decoder":
            return (*self.before, *ids, *self.after)
        bos = self.tokenizer.bos_token_id
        if self.before and tuple(ids[: len(self.before)]) != self.before:
            ids = [*self.before, *ids]
        while bos is not None and ids[:2] == [bos, bos]:
            ids = ids[1:]
        return tuple(ids)

    def split(
        self, prompts: Sequence[str], targets: Sequence[str], form: PromptForm
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Ids of prompts and of their answers, each answer with its closing."""
        answers = [self.marked(target) + form.closing for target in targets]
        alone = self.encode(prompts)
        begun = [self.begun(ids, form) for ids in alone]
        if form.kind == "encoder-decoder":
            stop = self.id_of(form.stop)
            return begun, [(*ids, *([] if stop is None else [stop])) for ids in self.encode(answers)]
        joined = self.encode([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])
        rest = [
            tuple(whole[len(ids) :]) if whole[: len(ids)] == ids else self.apart(ids, whole, answer)
            for ids, whole, answer in zip(alone, joined, answers, strict=True)
        ]
        return begun, rest

    def apart(self, prompt: list[int], whole: list[int], answer: str) -> tuple[int, ...]:
        """An answer tokenized on its own, where tokens would reach across its border; empty if it can't be.

        Some tokenizers put a space before any text; behind a line end, which is taken off, they do not.
        """
        wanted = text_of(whole, self.tokenizer)
        for anchor in ("", "\n"):
            ids, anchored = self.encode([anchor, anchor + answer])
            if anchored[: len(ids)] == ids:
                found = anchored[len(ids) :]
                if text_of([*prompt, *found], self.tokenizer) == wanted:
                    return tuple(found)
        return ()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of marked texts, without what the tokenizer adds by itself."""
        plain = [text for text in texts if _OPEN not in text]
        ids = iter(self.tokenizer(plain, add_special_tokens=False)["input_ids"] if plain else ())
        return [list(next(ids)) if _OPEN not in text else self.spelt(text) for text in texts]

    def spelt(self, text: str) -> list[int]:
        """Ids of a text with marks: what they stand for is spelt out in ordinary tokens."""
        ids: list[int] = []
        for at, piece in enumerate(_MARK.split(text)):
            word = self.specials[int(piece)] if at % 2 else piece
            if word:
                ids += self.tokenizer(word, add_special_tokens=False, split_special_tokens=bool(at % 2))[
                    "input_ids"
                ]
        return ids


def _batches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    batch: list[Example] = []
    for example in examples:
        batch.append(example)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rejected(example: Example, reason: str, detail: str) -> Rejected:
    origin = example.provenance
    return Rejected(
        reason=reason, detail=f"{detail} (example {example.id})", source=origin.source or "", line=origin.line
    )
