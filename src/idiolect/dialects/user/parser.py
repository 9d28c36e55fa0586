"""The parser of a user's grammar, as the rest of the program sees it: text in, outcome out, in bounded time.

The parsing itself is done by `lark_engine` in a child process, so that a grammar that takes forever,
or a regular expression that does, costs the time limit and no more.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from idiolect.dialects.user.line_process import ChildFailed, LineProcess, module_argv
from idiolect.dialects.user.outcome import Lexeme, Outcome, Refusal, RuleSpan, Vocabulary
from idiolect.dialects.user.problems import BadDialect, Problem, did_you_mean, problem
from idiolect.dialects.user.settings import GrammarSettings
from idiolect.source import SourceText, Span

START_TIMEOUT_S = 15.0  # for reading the grammar: big ones take a second or two


class UserParser:
    """Parses by one grammar; the child process starts when the parser is made, and is reused."""

    def __init__(
        self,
        source: SourceText,
        folder: Path,
        settings: GrammarSettings,
        *,
        brackets: tuple[tuple[str, str], ...],
        described: dict[str, str],
    ) -> None:
        self.grammar_text = source.text
        self._time_limit_s = settings.time_limit_s
        self._process = LineProcess(
            module_argv("idiolect.dialects.user.lark_host"),
            start_timeout_s=START_TIMEOUT_S,
            first={
                "grammar": source.text,
                "file": str(folder / settings.file),
                "folder": str(folder),
                "start": settings.start,
                "parser": settings.parser,
                "brackets": brackets,
            },
        )
        try:
            greeting = self._process.start()
        except ChildFailed as error:
            raise BadDialect(
                [problem(source, "grammar.unusable", f"the grammar could not be prepared: {error}")]
            ) from error
        if "problem" in greeting:
            self._process.close()
            raise BadDialect([_grammar_problem(source, greeting["problem"])])
        self.vocabulary = _vocabulary(greeting["vocabulary"], described, dict(brackets))

    def parse(self, text: str, wanted: frozenset[str] = frozenset()) -> Outcome:
        """The outcome for a text, with the spans of the wanted rules; ChildFailed if none comes in time."""
        request = {"text": text, "rules": sorted(wanted), "timeout_s": self._time_limit_s}
        answer = self._process.ask(request, self._time_limit_s)
        if "failed" in answer:
            raise ChildFailed(answer["failed"])
        return Outcome(
            tuple(self._lexemes(text, answer["tokens"])),
            tuple(Refusal(**refusal) for refusal in answer.get("refusals", ())),
            tuple(RuleSpan(rule, Span(start, end)) for rule, start, end in answer.get("spans", ())),
            frozenset(answer.get("productions", ())),
        )

    def close(self) -> None:
        """End the child process; the next parse starts it again."""
        self._process.close()

    def _lexemes(self, text: str, flat: list[int]) -> list[Lexeme]:
        names = self.vocabulary.terminals
        triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        return [Lexeme(names[number], text[start:end], Span(start, end)) for number, start, end in triples]


def _vocabulary(data: dict[str, Any], described: dict[str, str], brackets: dict[str, str]) -> Vocabulary:
    return Vocabulary(
        method=data["method"],
        terminals=tuple(data["terminals"]),
        literals=data["literals"],
        patterns=data["patterns"],
        ignored=frozenset(data["ignored"]),
        rules=frozenset(data["rules"]),
        productions=tuple(data["productions"]),
        counted=frozenset(data["counted"]),
        described=described,
        brackets=brackets,
    )


def _place_of(word: str, grammar: str, *, at_definition: bool) -> Span | None:
    """Where a word of the grammar stands: its definition, or its first use."""
    name = rf"(?<!\w){re.escape(word)}(?!\w)"
    found = re.search(rf"^[?!]*({name})[^:\n]*:", grammar, re.MULTILINE) if at_definition else None
    if found:
        return Span(*found.span(1))
    found = re.search(name, grammar)
    return Span(*found.span()) if found else None


def _grammar_problem(source: SourceText, data: dict[str, Any]) -> Problem:
    """What the child says of the grammar, with the place in its file and a cure."""
    code, word = data["code"], data["word"]
    span = None
    if data["place"]:
        start = source.offset(*data["place"])
        span = Span(start, start + 1)
    elif word:
        span = _place_of(word, source.text, at_definition=code not in ("undefined", "import"))
    hint = {
        "not_lalr": 'rewrite the rules that collide, or set parser = "auto" under [grammar]',
        "nesting": "use fewer brackets, or a rule of its own for the inner part",
        "regexp": "close its brackets, and put a backslash before what stands for itself",
        "empty_terminal": "write + instead of *, and ? or * at the terminal where a rule uses it",
        "import": "the file must stand in the dialect's folder, with the ending .lark",
    }.get(code)
    if code == "undefined":
        hint = did_you_mean(word, data["known"])
    return problem(source, f"grammar.{code}", data["message"], span, hint)
