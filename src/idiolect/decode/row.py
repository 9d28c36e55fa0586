"""One candidate on its way: what it has written, what may come next, and how it ends inside its budget.

Closing: a mask does not make a text end. When few tokens are left, the grammar's shortest ending is reckoned
up; as long as there is room beyond it the model goes on, then the ending is written without asking it. A
text that can't be ended any more goes back to where it could. This module runs no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from math import exp
from typing import Any

from idiolect.decode.constraint import Guide
from idiolect.decode.records import Answer, Ended, OnPiece, Piece, Sampling
from idiolect.decode.vocabulary import Vocabulary

RESERVE = 80  # tokens left at which the ending is reckoned up first
_SPARE = 2  # tokens beyond the ending that are not worth asking the model for


class Row:
    """The state of one candidate."""

    def __init__(
        self,
        number: tuple[int, int],
        guide: Guide | None,
        sampling: Sampling,
        draws: Any,
        vocabulary: Vocabulary,
        on_piece: OnPiece | None = None,
    ) -> None:
        self.number = number  # of the request, and of the candidate in it
        self.guide = guide
        self.sampling = sampling
        self.draws = draws
        self.vocabulary = vocabulary
        self.ids: list[int] = []
        self.waiting: list[int] = []  # written, and not yet run through the model
        self.ended: Ended | None = None
        self.chosen = 0
        self.log_likelihood = 0.0
        self.least = 0.0  # logarithm of the least likely choice
        self.choices = 0  # the end among them
        self.probabilities = 0.0  # their sum
        self.steps = 0
        self.text = ""
        self.look_at = min(RESERVE, sampling.max_tokens)  # tokens left at which the ending is looked at
        self.on_piece = on_piece
        self.barred: tuple[bytes, ...] = ()  # what must not follow the given beginning
        self._given = 0  # tokens of that beginning
        self._read = 0  # tokens that `text` holds
        self._data = b""  # the beginning of a character

    def copy(self) -> Row:
        """The same text, to go on with in another way."""
        twin = copy(self)
        twin.guide = self.guide.copy() if self.guide is not None else None
        twin.ids, twin.waiting = list(self.ids), list(self.waiting)
        return twin

    @property
    def left(self) -> int:
        return self.sampling.max_tokens - len(self.ids)

    def begin(self, text: str) -> None:
        """Write what is given, and what the grammar forces at the beginning; nothing of it was chosen."""
        if self.guide is None:
            ids = self.vocabulary.encode(text) if text else []
        else:
            ids = self.guide.spell(text) if text else []
            self.guide.take(ids)
        self._write(ids)
        self._given = len(self.ids)
        self._go_on()

    def refuses(self, token: int) -> bool:
        """Whether a token that the mask allows shall not come: barred, or a name of what does not exist."""
        if self.bars(token):
            return True
        ends = token in self.vocabulary.stops
        return not ends and self.guide is not None and not self.guide.names_exist([token])

    def bars(self, token: int) -> bool:
        """Whether a token would complete what must not follow the beginning."""
        if not self.barred or token in self.vocabulary.stops:
            return False
        written = self.vocabulary.decode(self.ids[self._given :])
        following = written + self.vocabulary.decode([token])
        return any(following.startswith(one) and not written.startswith(one) for one in self.barred)

    def choose(self, token: int, log_probability: float) -> None:
        """Write the token that the model chose, or end with a stop token."""
        self.log_likelihood += log_probability
        self.least = min(self.least, log_probability)
        self.choices += 1
        self.probabilities += exp(log_probability)
        if token in self.vocabulary.stops:
            self.ended = "stop"
            return
        self.chosen += 1
        if self.guide is not None:
            self.guide.take([token])
        self._write([token])
        self._go_on()

    def _go_on(self) -> None:
        """Write what is forced, and see whether it is time to end."""
        if self.guide is not None:
            forced = self.guide.forced()
            if forced:
                self.guide.take(forced)
                self._write(forced)
            if self.guide.over and self.left >= 0:
                self.ended = "stop"
            elif self.left <= self.look_at:
                self._look_ahead(self.guide)
        elif self.left <= 0:
            self.ended = "length"
        if self.sampling.stop_sequences or self.on_piece is not None:
            self._catch_up()

    def _write(self, ids: Sequence[int]) -> None:
        self.ids += ids
        self.waiting += ids

    def _look_ahead(self, guide: Guide) -> None:
        """End now, later, or further back."""
        ending = guide.closing()
        if ending is not None and len(ending) <= self.left:
            room = self.left - len(ending)
            if room > _SPARE:
                self.look_at = self.left - room // 2
            else:
                self._close(guide, len(self.ids), ending)
        elif ending is None and self.left > RESERVE // 10:
            self.look_at = self.left - 1  # inside of a character
        else:
            self._close_earlier(guide)

    def _close_earlier(self, guide: Guide) -> None:
        for count in range(min(len(self.ids), self.sampling.max_tokens), -1, -1):
            ending = guide.closing(count)
            if ending is not None and count + len(ending) <= self.sampling.max_tokens:
                guide.back_to(count)
                self._close(guide, count, ending)
                return
        self.ended = "budget"

    def _close(self, guide: Guide, count: int, ending: list[int]) -> None:
        if not guide.fits(ending):
            ending = guide.spell(self.vocabulary.decode(ending).decode("utf-8"))
        guide.take(ending)
        self.ids[count:] = ending
        self.chosen = min(self.chosen, count)
        self.ended = "closed"

    def _catch_up(self) -> None:
        """Read what was written since, show it, and end at a stop sequence."""
        before = self.text
        if self.ended == "closed" or self._read > len(self.ids):
            self.text, self._data, self._read = "", b"", 0
        self._data += self.vocabulary.decode(self.ids[self._read :])
        self._read = len(self.ids)
        text = self._data.decode("utf-8", "ignore") if self.ended else _whole_characters(self._data)
        self._data = self._data[len(text.encode("utf-8")) :]
        self.text += text
        for stop in self.sampling.stop_sequences:
            at = self.text.find(stop)
            if at >= 0:
                self.text, self.ended = self.text[:at], "cut at"
        self._show(before)

    def _show(self, before: str) -> None:
        if self.on_piece is None or self.text == before:
            return
        same = len(before) if self.text.startswith(before) else _alike(before, self.text)
        self.on_piece(Piece(*self.number, same, self.text[same:]))

    def answer(self, prompt_tokens: int) -> Answer:
        """What came of it."""
        assert self.ended is not None
        text = self.text
        if self.ended != "cut at":
            text = self.vocabulary.decode(self.ids).decode("utf-8", "ignore")
        return Answer(
            text=text,
            ended=self.ended,
            ids=tuple(self.ids),
            chosen=self.chosen,
            log_likelihood=self.log_likelihood,
            least=exp(self.least),
            confidence=self.probabilities / self.choices if self.choices else 1.0,
            steps=self.steps,
            prompt_tokens=prompt_tokens,
        )


def _whole_characters(data: bytes) -> str:
    """A text without the beginning of a character at its end."""
    for cut in range(4):
        try:
            return data[: len(data) - cut].decode("utf-8")
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return data.decode("utf-8", "replace")
    return ""


def _alike(left: str, right: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(right))
