"""What a decoder may write next: a grammar over a student's tokens, by llguidance.

    constraint = constraint_of(dialect, context, vocabulary)
    guide = constraint.begin()
    guide.forced()      tokens that can't be otherwise: they are appended without asking the model
    guide.mask()        one bit a token: which may come next
    guide.take([17])    what was chosen

Compiled constraints are kept by their printed content. Masks become logits in `decode/masks.py`. What a
grammar can't say is in `constraint.post_checks`; the dialect's verifier judges it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from idiolect.decode.slices import slices_of
from idiolect.decode.trouble import DecodeError, trouble
from idiolect.decode.vocabulary import Vocabulary
from idiolect.grammar import charset
from idiolect.grammar.completion import Completer, Machine, NoWay
from idiolect.grammar.form import Chars, Grammar, Node, PostCheck, Text, parts
from idiolect.grammar.to_llguidance import print_llguidance

if TYPE_CHECKING:
    from idiolect.dialects.contract import Context, Dialect

_KEPT = 64  # compiled constraints; each some hundred kilobytes
_KEPT_SLICES = 8  # sets of vocabulary classes; each a part of the vocabulary again
# Items of the completer's chart at one place: 5 to 30 in catalogs and schemas, 100 and more where white space
# or lexemes are spelt out in the rules.
_MUCH = 40
_LOOKED_AT = 300  # characters of a set that are tried on a tokenizer that lacks some

# llguidance's own limits end at flat catalogs of 2,000 names. These are what 50,000 procs were seen to need,
# several times over; the process's memory ends before a mask takes seconds.
_LIMITS: dict[str, Any] = {
    "max_items_in_row": 200_000,
    "initial_lexer_fuel": 200_000_000,
    "step_lexer_fuel": 20_000_000,
    "step_max_items": 5_000_000,
    "max_lexer_states": 2_000_000,
    "max_grammar_size": 50_000_000,
    "verbose_errors": False,
}

_compiled: OrderedDict[tuple[str, Vocabulary], Constraint] = OrderedDict()
_lock = Lock()


def constraint_of(dialect: Dialect, context: Context, vocabulary: Vocabulary) -> Constraint:
    """The constraint of a dialect in a context; DecodeError says why there is none."""
    try:
        grammar = dialect.constraint(context)
    except Exception as error:  # whatever keeps a grammar from being made is what is told of it
        help = "mend what is named, or answer without a grammar: DIALECT { enforce: false }"
        raise trouble("L710", f"no grammar can be made for {dialect.name}: {error}", help) from error
    return constrain(grammar, vocabulary)


def constrain(grammar: Grammar, vocabulary: Vocabulary) -> Constraint:
    """The constraint of a grammar, compiled or found among those that were."""
    try:
        printed = print_llguidance(grammar)
    except Exception as error:
        raise trouble("L710", f"the grammar can't be printed for decoding: {error}") from error
    key = (printed, vocabulary)
    with _lock:
        known = _compiled.get(key)
        if known is not None:
            _compiled.move_to_end(key)
            return known
    made = Constraint(grammar, printed, vocabulary)
    with _lock:
        _compiled[key] = made
        while len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return made


class Constraint:
    """A compiled grammar over a vocabulary. `begin` gives a guide for each text that is written."""

    def __init__(self, grammar: Grammar, printed: str, vocabulary: Vocabulary) -> None:
        _check_spelling(grammar, vocabulary)
        self.grammar = grammar
        self.printed = printed
        self.vocabulary = vocabulary
        self._root = _compile(printed, _sliced(vocabulary, slices_of(grammar)))

    @property
    def post_checks(self) -> tuple[PostCheck, ...]:
        """What the grammar can't say."""
        return self.grammar.post_checks

    @cached_property
    def checked(self) -> bool:
        """Whether tokens that the model likes are checked before a mask is made.

        So where names must exist, which no mask says, and where so much could be going on at each place that
        a mask takes milliseconds: a check is a hundred times quicker.
        """
        if self.grammar.naming is not None:
            return True
        completer = Completer(self.machine)
        completer.read(completer.closing())
        return max(map(len, completer.chart)) > _MUCH

    @cached_property
    def machine(self) -> Machine:
        """The grammar taken apart for finding shortest endings."""
        return Machine(self.grammar)

    @cached_property
    def shortest(self) -> int:
        """Tokens of a shortest whole text."""
        return len(self.vocabulary.encode(Completer(self.machine).closing()))

    def begin(self) -> Guide:
        """A guide at the beginning of a text."""
        return Guide(self, self._root.deep_copy())


class Guide:
    """One text on its way through a constraint."""

    def __init__(self, constraint: Constraint, matcher: Any) -> None:
        self.constraint = constraint
        self.matcher = matcher
        self.ids: list[int] = []
        self._completer: Completer | None = None
        self._begins: list[int] = [0]  # characters before each token; -1 inside of a character
        self._data = b""

    def copy(self) -> Guide:
        """The same text, to go on with in another way."""
        twin = Guide(self.constraint, self.matcher.deep_copy())
        twin.ids = list(self.ids)
        return twin

    @property
    def whole(self) -> bool:
        """Whether the text may end here."""
        return bool(self.matcher.is_accepting())

    @property
    def over(self) -> bool:
        """Whether the text can only end here."""
        return bool(self.matcher.is_stopped())

    def forced(self) -> list[int]:
        """The tokens that must come next, as the tokenizer itself would cut them."""
        return [] if self.over else list(self.matcher.compute_ff_tokens())

    def mask(self) -> bytes:
        """One bit a token, lowest first: which may come next. Stop tokens' bits say whether it may end."""
        return bytes(self.matcher.compute_bitmask())

    def take(self, ids: Sequence[int]) -> None:
        """Write tokens."""
        if not self.matcher.consume_tokens(list(ids)):
            raise trouble("L710", f"the grammar's engine gave up: {_reason(self.matcher)}")
        self.ids += ids

    def fits(self, ids: Sequence[int]) -> bool:
        """Whether tokens may come next, all of them."""
        return int(self.matcher.validate_tokens(list(ids))) == len(ids) and self.names_exist(ids)

    def names_exist(self, ids: Sequence[int]) -> bool:
        """Whether tokens name only what the text has declared; True where the grammar knows no names."""
        if self.constraint.grammar.naming is None:
            return True
        self._read()
        assert self._completer is not None
        try:
            text = (self._data + self.constraint.vocabulary.decode(ids)).decode("utf-8")
        except UnicodeDecodeError:  # the rest of a character is still to come
            return True
        return self._completer.takes(text)

    def spell(self, text: str) -> list[int]:
        """Tokens that write a text here: plainer ones where the usual would merge with what is before."""
        vocabulary = self.constraint.vocabulary
        ids = vocabulary.encode(text)
        return ids if self.fits(ids) else list(vocabulary.engine.greedy_tokenize(text))

    def back_to(self, count: int) -> None:
        """Forget all but the first tokens."""
        gone = len(self.ids) - count
        if gone <= 0:
            return
        if not self.matcher.rollback(gone):
            raise trouble("L710", f"the grammar's engine can't go back: {_reason(self.matcher)}")
        del self.ids[count:]
        self._forget(count)

    def closing(self, count: int | None = None) -> list[int] | None:
        """Tokens of a shortest ending after the first `count` tokens; None inside of a character."""
        place = len(self.ids) if count is None else count
        self._read()
        position = self._begins[place]
        if position < 0:
            return None
        assert self._completer is not None
        ending = self._completer.closing(position)
        return self.constraint.vocabulary.encode(ending) if ending else []

    def _read(self) -> None:
        """Let the completer catch up with what was written."""
        if self._completer is None:
            self._completer = Completer(self.constraint.machine)
        for number in self.ids[len(self._begins) - 1 :]:
            self._data += self.constraint.vocabulary.decode([number])
            try:
                text = self._data.decode("utf-8")
            except UnicodeDecodeError:
                self._begins.append(-1)
                continue
            try:
                self._completer.read(text)
            except NoWay as error:
                raise trouble("L710", f"the grammar and its engine disagree: {error}") from error
            self._data = b""
            self._begins.append(self._completer.position)

    def _forget(self, count: int) -> None:
        if len(self._begins) - 1 <= count:
            return
        del self._begins[count + 1 :]
        self._data = b""
        while self._begins[-1] < 0:  # the bytes of a begun character are read again
            self._begins.pop()
        assert self._completer is not None
        self._completer.back_to(self._begins[-1])


def _compile(printed: str, engine: Any) -> Any:
    from llguidance import LLMatcher, LLParserLimits

    source = LLMatcher.grammar_from_lark(printed)
    matcher = LLMatcher(engine, source, log_level=0, limits=LLParserLimits(**_LIMITS))
    if not matcher.is_error():
        return matcher
    reason = _reason(matcher)
    if "symbols.len()" in reason:
        what = "the grammar has more than the 65,000 symbols that its engine can hold"
        help = "decode with a part of the catalog: a context pack, as retrieval makes them"
        raise trouble("L710", what, help)
    raise trouble("L710", f"the grammar can't be compiled: {reason}")


@lru_cache(maxsize=_KEPT_SLICES)
def _sliced(vocabulary: Vocabulary, slices: tuple[str, ...]) -> Any:
    return vocabulary.engine.with_slices(list(slices))


def _reason(matcher: Any) -> str:
    """The engine's own reason without the dump of its state."""
    return (str(matcher.get_error()).strip().splitlines() or ["no reason given"])[0]


def _check_spelling(grammar: Grammar, vocabulary: Vocabulary) -> None:
    """Every literal must be writable, and of every set of characters at least one."""
    if vocabulary.spells_all:
        return
    nodes = [one for body in grammar.rules.values() for one in parts(body)]
    nodes += [one for terminal in grammar.terminals.values() for one in parts(terminal.node)]
    lacking = {one for node in nodes for one in _needed(node, vocabulary)}
    if lacking:
        shown = " ".join(map(repr, sorted(lacking)[:10])) + (" ..." if len(lacking) > 10 else "")
        raise _unspelt(shown)


def _needed(node: Node, vocabulary: Vocabulary) -> list[str]:
    match node:
        case Text(literal):
            return vocabulary.unspelt(literal)
        case Chars(ranges) if ranges:
            some = [chr(charset.nth(ranges, at)) for at in range(min(charset.size(ranges), _LOOKED_AT))]
            lacking = vocabulary.unspelt(some)
            return some[:1] if len(lacking) == len(some) else []
        case _:
            return []


def _unspelt(shown: str) -> DecodeError:
    return trouble(
        "L711",
        f"the tokenizer has no tokens for {shown}, which the language is written with",
        "take a base model with a byte-level tokenizer, or one with byte fallback",
    )
