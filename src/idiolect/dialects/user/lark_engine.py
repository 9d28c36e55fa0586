"""Parses texts by a user's Lark grammar and reports, in plain data, tokens or refusals.

LALR where the grammar allows it, else Earley, which reserves no keyword. Runs in the child process of
`lark_host`; no recursion on the text. It words no messages: that is `explain`'s work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.grammar import Rule
from lark.indenter import DedentError
from lark.lexer import PatternStr

from idiolect.dialects.user.lark_grammar import GrammarProblem, indenter, load_lark
from idiolect.dialects.user.outcome import Refusal

MAX_REPAIRS = 8  # further faults of a text are found only past a known repair, and each one re-parses


class LarkEngine:
    """One grammar, ready to parse."""

    def __init__(
        self,
        grammar: str,
        file: str,
        folder: str,
        start: str,
        parser: str,
        brackets: Sequence[tuple[str, str]],
    ) -> None:
        self._closers = dict(brackets)
        self._start = start
        options: dict[str, Any] = {
            "start": start,
            "maybe_placeholders": False,
            "source_path": file,
            "import_paths": [folder],
            "postlex": indenter(grammar),
        }
        try:
            self._lark, self.method = load_lark(grammar, parser, options)
        except GrammarProblem as problem:
            problem.known = sorted(
                set(re.findall(r"^[?!]*(_?\w+)(?=[ \t]*(?:\{[^}\n]*\})?(?:\.-?\d+)?[ \t]*:)", grammar, re.M))
            )
            raise
        self._rules = list(self._lark.rules)
        self._literals = {
            item.name: item.pattern.value
            for item in self._lark.terminals
            if isinstance(item.pattern, PatternStr)
        }
        self._names = [item.name for item in self._lark.terminals]
        if indenter(grammar) is not None:
            self._names += ["_INDENT", "_DEDENT"]
        self._number = {name: number for number, name in enumerate(self._names)}

    def vocabulary(self) -> dict[str, Any]:
        """What the parent needs to know of the grammar."""
        return {
            "method": self.method,
            "terminals": self._names,
            "literals": self._literals,
            "patterns": {item.name: item.pattern.to_regexp() for item in self._lark.terminals},
            "ignored": list(self._lark.ignore_tokens),
            "rules": sorted({str(rule.origin.name) for rule in self._rules}),
            "productions": [self._shown(rule) for rule in self._rules],
            "counted": [
                number
                for number, rule in enumerate(self._rules)
                if not str(rule.origin.name).startswith("__")
            ],
        }

    def parse(self, text: str, wanted: frozenset[str]) -> dict[str, Any]:
        """Tokens, spans of the wanted rules and productions of a text; or its refusals."""
        used = _Used(self._rules, wanted)
        if self.method == "earley":
            return self._parse_earley(text, used)
        return self._parse_lalr(text, used)

    # --- LALR ---

    def _parse_lalr(self, text: str, used: _Used) -> dict[str, Any]:
        session: Any = self._lark.parse_interactive(text)
        state = session.parser_state
        state.parse_conf.callbacks = used.callbacks
        position = session.lexer_thread.state.line_ctr
        fed: list[Token] = []
        refusals: list[Refusal] = []
        tokens = session.lexer_thread.lex(state)
        while True:
            before = position.char_pos
            token = None
            try:
                token = next(tokens, None)
                if token is None:
                    token = Token("$END", "", len(text), end_pos=len(text))
                    state.feed_token(token, True)
                    break
                state.feed_token(token)
                fed.append(token)
            except DedentError as error:
                refusals.append(Refusal("layout", before, before + 1, message=str(error)))
                break
            except UnexpectedCharacters as error:
                start = error.pos_in_stream or 0
                refusals.append(self._refusal("character", start, start + 1, "", fed))
                break
            except UnexpectedToken as error:
                found = error.token if token is None else token
                refusal = self._refuse_token(found, fed, text)
                refusals.append(refusal)
                if len(refusals) > MAX_REPAIRS or not refusal.repair or self._lark.options.postlex:
                    break
                state = self._state_after(fed)
                state.parse_conf.callbacks = used.callbacks
                self._feed_repair(state, refusal, fed)
                position.char_pos = refusal.end if refusal.misspelt else refusal.start
                tokens = session.lexer_thread.lex(state)
        if refusals:
            return self._refused(refusals, fed)
        return {"tokens": self._flat(fed), **used.as_data()}

    def _refuse_token(self, found: Token, fed: list[Token], text: str) -> Refusal:
        start, end = _span(found)
        refusal = self._refusal("end" if found.type == "$END" else "token", start, end, found.type, fed)
        word = text[start:end]
        if word[:1].isalpha() and len(word) < 80:
            expected = ((name, self._literals.get(name, "")) for name in refusal.expected)
            keywords = {literal.lower(): name for name, literal in expected if literal[:1].isalpha()}
            if near := get_close_matches(word.lower(), keywords, n=1, cutoff=0.7):
                refusal.repair, refusal.misspelt = keywords[near[0]], True
                return refusal
        literals = [name for name in refusal.expected if name in self._literals]
        fitting = [name for name in literals if self._leads_to(fed, name, found)]
        closer = self._closers.get(refusal.opener[2]) if refusal.opener else None
        best = [name for name in fitting if self._literals[name] == closer] or fitting
        # A keyword is put in only where nothing else could stand: else it is a guess.
        if len(best) == 1 and (len(refusal.expected) == 1 or not self._literals[best[0]][:1].isalpha()):
            refusal.repair = best[0]
        return refusal

    def _refusal(self, kind: Any, start: int, end: int, found: str, fed: list[Token]) -> Refusal:
        code_end = _span(fed[-1])[1] if fed else 0
        return Refusal(kind, start, end, found, self._expected(fed), code_end, self._open_bracket(fed))

    def _feed_repair(self, state: Any, refusal: Refusal, fed: list[Token]) -> None:
        end = refusal.end if refusal.misspelt else refusal.start
        token = Token(refusal.repair, self._literals[refusal.repair], refusal.start, end_pos=end)
        state.feed_token(token)
        fed.append(token)

    def _state_after(self, fed: Iterable[Token]) -> Any:
        """A parser state after these tokens; the one that refused has lost what it expected."""
        session: Any = self._lark.parse_interactive("")
        session.parser_state.parse_conf.callbacks = dict.fromkeys(self._rules, _nothing)
        for token in fed:
            session.parser_state.feed_token(token)
        return session.parser_state

    def _expected(self, fed: list[Token]) -> list[str]:
        state = self._state_after(fed)
        return [
            name for name in state.parse_conf.states[state.position] if name.isupper() and _takes(state, name)
        ]

    def _leads_to(self, fed: list[Token], name: str, found: Token) -> bool:
        state = self._state_after(fed)
        state.feed_token(Token(name, self._literals[name]))
        return found.type in state.parse_conf.states[state.position] and _takes(state, found.type)

    def _open_bracket(self, fed: list[Token]) -> tuple[int, int, str] | None:
        """Start, end and text of the innermost bracket that is still open."""
        openers: list[Token] = []
        closers = set(self._closers.values())
        for token in fed:
            if str(token) in self._closers:
                openers.append(token)
            elif str(token) in closers:
                while openers and self._closers[str(openers.pop())] != str(token):
                    pass
        if not openers:
            return None
        return (*_span(openers[-1]), str(openers[-1]))

    # --- Earley ---

    def _parse_earley(self, text: str, used: _Used) -> dict[str, Any]:
        self._lark.parser.parser.callbacks = {
            rule: partial(_Node, number) for number, rule in enumerate(self._rules)
        }
        refusal = None
        tokens: list[Token] = []
        try:
            tree: Any = self._lark.parse(text)
            tokens = used.take(tree)
        except DedentError as error:
            refusal = Refusal("layout", 0, 1, message=str(error))
        except UnexpectedInput as error:
            refusal = self._earley_refusal(error, text)
        if refusal is not None:
            return self._refused([refusal], tokens)
        return {"tokens": self._flat(tokens), **used.as_data()}

    def _earley_refusal(self, error: UnexpectedInput, text: str) -> Refusal:
        names = getattr(error, "expected", None) or getattr(error, "allowed", None) or ()
        expected = sorted(map(str, names))
        if isinstance(error, UnexpectedCharacters):
            start = error.pos_in_stream or 0
            word = re.match(
                r"\w+", text[start : start + 100]
            )  # as a reader sees it: there are no tokens here
            if word is None:
                return Refusal("character", start, start + 1, "", expected)
            return Refusal("token", start, start + word.end(), "", expected)
        if isinstance(error, UnexpectedToken) and error.token.type != "$END":
            return Refusal("token", *_span(error.token), error.token.type, expected)
        return Refusal("end", len(text), len(text), "$END", expected)

    # --- both ---

    def _refused(self, refusals: list[Refusal], tokens: list[Token]) -> dict[str, Any]:
        return {"refusals": [asdict(refusal) for refusal in refusals], "tokens": self._flat(tokens)}

    def _flat(self, tokens: list[Token]) -> list[int]:
        """Tokens as runs of three numbers: terminal, start, end."""
        flat: list[int] = []
        for token in tokens:
            flat += (self._number[token.type], *_span(token))
        return flat

    def _shown(self, rule: Rule) -> str:
        return f"{rule.origin.name}: {self._expansion(rule) or '(nothing)'}"

    def _expansion(self, rule: Rule) -> str:
        symbols = []
        for symbol in rule.expansion:
            name = str(symbol.name)
            if name.startswith("__") and not symbol.is_term:
                symbols.append(self._repeated(name))
            else:
                symbols.append(f'"{self._literals[name]}"' if name in self._literals else name)
        return " ".join(symbols)

    def _repeated(self, helper: str) -> str:
        """What a rule that Lark made for * and + repeats, as the author wrote it."""
        rounds = [rule for rule in self._rules if str(rule.origin.name) == helper]
        ways = [
            self._expansion(rule) for rule in rounds if all(str(one.name) != helper for one in rule.expansion)
        ]
        return f"({' | '.join(ways)})+"


@dataclass(slots=True)
class _Node:
    """One rule of an Earley parse: its number, and tokens and nodes under it."""

    rule: int
    children: list[Any]


class _Used:
    """Collects, while a text is parsed, the productions it uses and the spans of the wanted rules."""

    def __init__(self, rules: list[Rule], wanted: frozenset[str]) -> None:
        self._productions: set[int] = set()
        self._spans: list[tuple[str, int, int]] = []
        # an alias stands inside the rule that it is an alternative of
        self._names = [
            [word for word in (rule.alias, str(rule.origin.name)) if word in wanted] for rule in rules
        ]
        self.callbacks = {rule: partial(self._reduced, number) for number, rule in enumerate(rules)}

    def as_data(self) -> dict[str, Any]:
        return {"productions": sorted(self._productions), "spans": self._spans}

    def take(self, tree: _Node) -> list[Token]:
        """Collect from a finished tree, innermost rules first, without recursion; its tokens in order."""
        tokens: list[Token] = []
        spans: list[Any] = []  # of what is finished: a token, or the start and end of a rule
        stack: list[tuple[Any, bool]] = [(tree, False)]
        while stack:
            item, done = stack.pop()
            if isinstance(item, Token):
                tokens.append(item)
                spans.append(item)
            elif not done:
                stack.append((item, True))
                stack += [(child, False) for child in reversed(item.children)]
            else:
                first = len(spans) - len(item.children)
                spans[first:] = [self._reduced(item.rule, spans[first:])]
        return tokens

    def _reduced(self, number: int, children: list[Any]) -> tuple[int, int] | None:
        self._productions.add(number)
        there = [child for child in (*children[:1], *children[-1:]) if child is not None]
        if len(there) < min(len(children), 2):  # an end is empty: look further inside
            there = [child for child in children if child is not None]
        if not there:
            return None
        first, last = there[0], there[-1]
        start: int = _span(first)[0] if isinstance(first, Token) else first[0]
        end: int = _span(last)[1] if isinstance(last, Token) else last[1]
        for word in self._names[number]:
            self._spans.append((word, start, end))
        return start, end


def _takes(state: Any, name: str) -> bool:
    trial = state.copy(deepcopy_values=False)
    try:
        trial.feed_token(Token(name, ""), name == "$END")
    except UnexpectedToken:
        return False
    return True


def _span(token: Token) -> tuple[int, int]:
    start = token.start_pos or 0
    return start, token.end_pos if token.end_pos is not None else start + len(token)


def _nothing(children: list[Any]) -> None:
    return None
