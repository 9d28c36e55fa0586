"""Says what a script does, by rules: one phrase a step, from the catalog's own notes.

A proc's note "route a net on a layer" becomes "route net CLK on layer M3". With a random generator
the wording varies, for requests that training examples answer. It invents nothing: what has no note
that names an action is named by its command, and every value of a call is said.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from idiolect.dialects.catalog import Arg, Catalog, Variable
from idiolect.dialects.tcl.analysis import Analysis
from idiolect.dialects.tcl.calls import Call
from idiolect.dialects.tcl.embed import Block
from idiolect.dialects.tcl.forms import TOKEN, Piece, pieces_of
from idiolect.dialects.tcl.wording import Wording, action_in, wording
from idiolect.dialects.tcl.words import Command, Script, Word

DEEPEST = 30
COMPARED = re.compile(r'\$([\w:]+) (eq|ne) "([^"]*)"')
CORE = {
    "puts": "print {0}",
    "package": "{0} package {1}",
    "source": "read the script {0}",
    "proc": "define the procedure {0} with the arguments ({1})",
    "return": "return {0}",
    "incr": "count {0} up",
    "lappend": "append to the list {0}",
    "append": "append to {0}",
    "while": "repeat while {0}",
    "for": "loop from {0} while {1}",
    "switch": "choose by {0}",
    "catch": "try, and catch errors",
    "try": "try, and handle errors",
    "namespace": "{0} namespace {1}",
    "global": "use the global variable {0}",
    "variable": "declare the variable {0}",
    "unset": "unset {0}",
    "expr": "compute {0}",
    "error": "raise the error {0}",
}
_SMALL = (  # words that are no noun
    r"(?:an?|the|of|on|at|to|in|into|for|and|or|from|with|by|as|over|off|is|than|until|between"
    r"|up|out|down|away|around|under|below|before|after|behind)\b"
)
_NAMED = 0.15  # of requests that also say the command of a step
_SWEPT = 2  # calls in a row that differ in one value are said as one step from so many on


def describe(found: Analysis) -> str:
    """What a script does, a sentence a step."""
    steps = _Phrases(found, wording()).script(found.walk.top, 0)
    return " ".join(f"{_upper(step)}." for step in steps) if steps else "Nothing: the script has no commands."


def request(
    found: Analysis,
    rng: random.Random,
    language: str = "en",
    *,
    noted: bool = True,
    other_words: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A request that a script answers, in varied words.

    `noted`: whether the catalog's notes are in that language, else commands go by their names.
    `other_words`: what else may be said for the note of a symbol or statement, by its name.
    """
    return asked(steps_of(found, rng, language, noted=noted, other_words=other_words), rng, language)


def steps_of(
    found: Analysis,
    rng: random.Random | None,
    language: str = "en",
    *,
    noted: bool = True,
    other_words: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """What a script does, a phrase in the infinitive for each step."""
    return _Phrases(found, wording(language, rng), noted, other_words).script(found.walk.top, 0)


def asked(steps: Sequence[str], rng: random.Random, language: str = "en") -> str:
    """A request for some steps, in their order."""
    said = wording(language, rng)
    if not steps:
        return said.say("empty")
    if len(steps) == 1:
        options = list(said.table["one"])
        if re.match(r"(?:if|for|unless|in|with|si|pour|sauf|au|dans|avec)\b", steps[0]):  # no infinitive
            options = [option for option in options if option.startswith("{step}")]
        return _upper(said.either(options).format(step=steps[0]))
    style = rng.randrange(4)
    if style == 0:
        return said.say("listed", steps="; ".join(steps))
    if style == 1:
        return " ".join(f"{_upper(step)}." for step in steps)
    if style == 2:
        links = [said.say("first"), *(said.say("next") for _ in steps[1:-1]), said.say("last")]
        return " ".join(_upper(link + step) + "." for link, step in zip(links, steps, strict=True))
    lines = [f"{number}. {_upper(step)}" for number, step in enumerate(steps, 1)]
    return said.say("numbered") + "\n" + "\n".join(lines)


class _Phrases:
    def __init__(
        self,
        found: Analysis,
        said: Wording,
        noted: bool = True,
        other_words: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.walk, self.text, self.said, self.noted = found.walk, found.text, said, noted
        self.catalog = found.catalog
        self.other_words = other_words or {}
        self.doubled = _doubled(found.catalog) if found.catalog else frozenset()
        self.calls: dict[int, Call] = {call.site.command.start: call for call in found.calls}
        self.blocks: dict[int, Block] = {block.span.start: block for block in found.blocks}

    def script(self, script: Script, depth: int) -> list[str]:
        """A phrase for each command of a script, and one for a sweep of a command over some values."""
        if depth > DEEPEST:
            return [self.said.say("go_on")]
        phrases = []
        commands = list(script.commands)
        while commands:
            swept = self._swept(commands)
            phrase = self._sweep(swept) if swept else self.command(commands[0], depth)
            del commands[: max(len(swept), 1)]
            if phrase:
                phrases.append(phrase)
        return phrases

    def command(self, command: Command, depth: int) -> str:
        if command.start in self.blocks:
            return self._block(self.blocks[command.start])
        if command.start in self.calls:
            return self.call(self.calls[command.start])
        words = command.words
        name = self.walk.value(words[0])
        if name == "if" and len(words) > 2:
            return self._if(words, depth)
        if name == "foreach" and len(words) == 4:
            return self._foreach(words, depth)
        if name == "set" and len(words) == 3:
            return self._set(words)
        if name in CORE and self.said.language == "en":
            shown = [self._shown(word) for word in words[1:3]] + ["", ""]
            return CORE[name].format(*shown).strip()
        return self.said.say("run", text=self._clip(self.text[command.start : command.end]))

    def _shown(self, word: Word) -> str:
        value = self.walk.value(word)
        return self._clip(value if value is not None else self.text[word.start : word.end])

    def _clip(self, text: str) -> str:
        text = " ".join(text.split())
        return text if len(text) <= 80 else text[:77] + "..."

    def _set(self, words: list[Word]) -> str:
        name, value = self._shown(words[1]), _quoted(self._shown(words[2]))
        variable = self.catalog.variable(name) if self.catalog else None
        if isinstance(variable, Variable) and variable.notes and self.noted:
            return self.said.say("set_noted", name=name, notes=variable.notes, value=value)
        return self.said.say("set", name=name, value=value)

    # Calls

    def call(self, call: Call, instead: Mapping[str, str] | None = None) -> str:
        """A call in the words of its proc's note; `instead` holds values that are said otherwise."""
        proc = call.proc
        values = {name: self._value(call, name, word) for name, word in call.values.items()}
        values |= instead or {}
        notes = self._notes(proc.name, proc.notes)
        if not notes:
            pairs = self._pairs(proc.args, values, call.switches)
            return self.said.say("call", name=proc.name) + self._with(pairs)
        phrase, rest = self._filled(notes, proc.args, values)
        extra = self._pairs([arg for arg in proc.args if arg.name in rest], values, call.switches)
        rng = self.said.rng
        named = proc.name in self.doubled or (rng is not None and rng.random() < _NAMED)
        phrase += self.said.say("named", name=proc.name) if named else ""
        # "with a skew ... with levels 3" reads badly.
        paren = self.said.say("with", pairs="") in phrase or call.switches or named
        wording = "paren" if paren else self.said.either(("with", "paren"))
        return phrase + (self._with(extra) if wording == "with" else self._paren(extra))

    def _value(self, call: Call, name: str, word: Word) -> str:
        shown = self._shown(word)
        arg = call.proc.arg(name)
        return self.said.listed(shown.split()) if arg is not None and arg.list else _quoted(shown)

    def _notes(self, name: str, notes: str) -> str:
        """The action in a note, or one of the other words for it."""
        options = [*filter(None, [action_in(notes, name, self.said.language) if self.noted else ""])]
        options += self.other_words.get(name, ()) if self.said.rng else ()
        return self.said.either(options) if options else ""

    def _swept(self, commands: Sequence[Command]) -> list[Call]:
        """The calls that a row of commands begins with and that differ in the value of one argument."""
        run: list[Call] = []
        swept: set[str] = set()
        for command in commands:
            call = self.calls.get(command.start)
            if call is None or command.start in self.blocks:
                break
            if run:
                first = run[0]
                if call.proc is not first.proc or call.switches != first.switches:
                    break
                if list(call.values) != list(first.values):
                    break
                differing = {
                    name
                    for name, word in call.values.items()
                    if self._shown(word) != self._shown(first.values[name])
                }
                if len(differing) != 1 or (swept and differing != swept):
                    break
                swept = differing
            run.append(call)
        return run if len(run) >= _SWEPT else []

    def _sweep(self, calls: Sequence[Call]) -> str:
        """Some calls as one step: "route net CLK on layer M1, then M2, one call each"."""
        first = calls[0]
        name = next(
            name
            for name, word in first.values.items()
            if self._shown(word) != self._shown(calls[1].values[name])
        )
        values = [self._value(call, name, call.values[name]) for call in calls]
        joined = self.said.say("then").join(values)
        return self.call(first, {name: joined}) + self.said.say("each_call")

    # Blocks of Tcl

    def _if(self, words: list[Word], depth: int) -> str:
        phrases: list[str] = []
        at = 1
        while at + 1 < len(words):
            word = words[at]
            at += 2 if self.walk.value(words[at + 1]) == "then" else 1
            if at >= len(words):
                break
            body = self.said.listed(self._body(words[at], depth)) or self.said.say("nothing")
            at += 1
            phrases.append(self._branch(word, body, first=not phrases, alone=at >= len(words)))
            if at < len(words) and self.walk.value(words[at]) == "elseif":
                at += 1
                continue
            if at < len(words):
                body = self.said.listed(self._body(words[-1], depth)) or self.said.say("nothing")
                phrases.append(self.said.say("else", body=body))
            break
        return ", ".join(phrases)

    def _branch(self, word: Word, body: str, *, first: bool, alone: bool) -> str:
        test, negated = self._test(word)
        if negated and first and alone:
            return self.said.say("unless", test=test, body=body)
        if negated:
            test = self.said.say("not", test=test)
        return self.said.say("if" if first else "else_if", test=test, body=body)

    def _test(self, word: Word) -> tuple[str, bool]:
        """A condition in words, where it is one call of a predicate, and whether it is negated."""
        checked = self.walk.exprs.get(word.inner[0])
        source = self._clip(self.text[slice(*word.inner)])
        if compared := COMPARED.fullmatch(source):
            name, operator, value = compared.groups()
            variable = self.catalog.variable(name) if self.catalog else None
            if variable and variable.notes and self.noted:
                name = self.said.say("known", notes=variable.notes, name=name)
            return self.said.say("equal" if operator == "eq" else "unequal", name=name, value=value), False
        bare = source.lstrip("! ")
        if checked is None or len(checked.parts) != 1 or not (bare[:1] == "[" and bare[-1:] == "]"):
            return source, False
        call = self.calls.get(checked.parts[0].start + 1)
        whether = self.said.table["whether"]
        if call is None or not (self.noted and call.proc.notes.startswith(whether)):
            return source, False
        negated = source.count("!", 0, len(source) - len(bare)) % 2 == 1
        return self._predicate(call), negated

    def _predicate(self, call: Call) -> str:
        """What a predicate asks, as a statement."""
        values = {name: self._value(call, name, word) for name, word in call.values.items()}
        options = [
            call.proc.notes.strip(),
            *(self.other_words.get(call.proc.name, ()) if self.said.rng else ()),
        ]
        chosen = self.said.either(options).removeprefix(self.said.table["whether"])
        phrase, rest = self._filled(chosen, call.proc.args, values)
        args = [arg for arg in call.proc.args if arg.name in rest]
        return phrase + self._paren(self._pairs(args, values, call.switches))

    def _body(self, word: Word, depth: int) -> list[str]:
        script = self.walk.scripts.get(word.inner[0])
        return self.script(script, depth + 1) if script is not None else []

    def _foreach(self, words: list[Word], depth: int) -> str:
        items = self.said.listed(self._shown(words[2]).split())
        body = self.said.listed(self._body(words[3], depth)) or self.said.say("nothing")
        return self.said.say("foreach", name=self._shown(words[1]), items=items, body=body)

    # Blocks of an embedded language

    def _block(self, block: Block) -> str:
        phrases = []
        for line in self.text[block.start : block.end].splitlines():
            tokens = TOKEN.findall(line)
            if tokens and not tokens[0].startswith("#"):
                phrases.append(self._statement(block, tokens))
        opened = block.dsl.embedding.open.rstrip(" {(<[")
        body = self.said.listed(phrases) or self.said.say("say_nothing")
        article = "an" if opened[:1].lower() in "aeiou" else "a"
        return self.said.say("block", article=article, opened=opened, body=body)

    def _statement(self, block: Block, tokens: list[str]) -> str:
        for statement in block.dsl.statements:
            values = _slot_values(pieces_of(statement), tokens)
            if values is None:
                continue
            values = {name: _quoted(value) for name, value in values.items()}
            notes = self._notes(statement.name, statement.notes)
            if not notes:
                pairs = self._pairs(statement.slots, values, set())
                return self.said.say("statement", name=statement.name) + self._with(pairs)
            phrase, rest = self._filled(notes, statement.slots, values)
            slots = [slot for slot in statement.slots if slot.name in rest]
            return phrase + self._paren(self._pairs(slots, values, set()))
        return self.said.say("literal", text=" ".join(tokens))

    # Values

    def _filled(self, notes: str, args: Sequence[Arg], values: Mapping[str, str]) -> tuple[str, set[str]]:
        """A note with its slots filled, and the names that found no place in it.

        `<net>` is a slot of its own; failing that, "a net" becomes "net CLK".
        """
        rest = {arg.name for arg in args}
        for arg in args:
            value = values.get(arg.name)
            if value is None:
                continue
            for word in dict.fromkeys((arg.name, arg.type)):
                filled = self._slot_filled(notes, arg, word, value)
                if filled != notes:
                    rest.discard(arg.name)
                    notes = filled
                    break
        return notes, rest

    def _slot_filled(self, notes: str, arg: Arg, word: str, value: str) -> str:
        """A note with one value put where `<word>` or "a word" stands; as it was where neither does."""
        slot, plain = rf"<{re.escape(word)}>", rf"\b(?:an?|the) {re.escape(word)}\b"
        looped = self._looped(arg, value)
        if looped == value:
            filled = re.sub(slot, lambda _: value, notes, count=1)
            return filled if filled != notes else re.sub(plain, lambda _: f"{word} {value}", notes, count=1)
        if self.said.language == "en" and (
            found := re.search(rf"(?<= )(?!{_SMALL})([a-z]+?)s? {slot}", notes)
        ):
            # "sample <spl>" in a loop is "that sample", not "sample that spl".
            return notes[: found.start()] + self.said.say("that", word=found[1]) + notes[found.end() :]
        return re.sub(f"{slot}|{plain}", lambda _: looped, notes, count=1)

    def _looped(self, arg: Arg, value: str) -> str:
        """A loop's variable in words: "$net" is "that net"."""
        for word in (arg.name, arg.type):
            if value == f"${word}":
                return self.said.say("that", word=word)
        return value

    def _pairs(self, args: Sequence[Arg], values: Mapping[str, str], switches: set[str]) -> list[str]:
        """The arguments that are given: "width 0.4um", "option shielded"."""
        pairs = []
        for arg in args:
            label = arg.notes.strip() if arg.notes.strip() and self.noted else arg.name
            if arg.name in switches:
                pairs.append(self.said.say("option", name=arg.name))
            elif arg.name in values:
                unit = f" {arg.unit}" if arg.unit and not arg.unit_written else ""
                value = self._looped(arg, values[arg.name])
                pairs.append(value if value.endswith(f" {label}") else f"{label} {value}{unit}")
        return pairs

    def _with(self, pairs: Sequence[str]) -> str:
        return self.said.say("with", pairs=self.said.listed(pairs)) if pairs else ""

    def _paren(self, pairs: Sequence[str]) -> str:
        return self.said.say("paren", pairs=", ".join(pairs)) if pairs else ""


def _slot_values(pieces: Sequence[Piece], tokens: Sequence[str]) -> dict[str, str] | None:
    """The values of a statement's slots; None where the tokens are none of its form."""
    values: dict[str, str] = {}
    at = 0
    skipped = 0
    for piece in pieces:
        before, after, slot, group = piece.before, piece.after, piece.slot, piece.group
        token = tokens[at] if at < len(tokens) else None
        if slot is None:
            fits = token == before
        else:
            fits = token is not None and token.startswith(before) and token.endswith(after)
        if group and (group == skipped or not fits):
            skipped = group
            continue
        if not fits or token is None:
            return None
        if slot is not None:
            values[slot.name] = token[len(before) : len(token) - len(after) or None]
        at += 1
    return values if at == len(tokens) else None


def _doubled(catalog: Catalog) -> frozenset[str]:
    """The symbols whose note is another one's as well: they must be named."""
    counts = Counter(proc.notes.strip() for proc in catalog.procs)
    return frozenset(proc.name for proc in catalog.procs if counts[proc.notes.strip()] > 1)


def _quoted(value: str) -> str:
    """A value of several words in quotes, so that one sees where it ends."""
    return f'"{value}"' if " " in value and not value.startswith('"') else value


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
