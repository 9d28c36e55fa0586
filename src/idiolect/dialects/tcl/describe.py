"""Says in English what a script does, by rules: one phrase a step, from the catalog's own notes.

A proc's note "route a net on a layer" becomes "route net CLK on layer M3". With a random generator
the wording varies, for requests that training examples answer. It invents nothing: what has no note
is named by its command.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from idiolect.dialects.catalog import Arg, Variable
from idiolect.dialects.tcl.analysis import Analysis
from idiolect.dialects.tcl.calls import Call
from idiolect.dialects.tcl.embed import Block
from idiolect.dialects.tcl.forms import TOKEN, pieces_of
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


def describe(found: Analysis) -> str:
    """What a script does, a sentence a step."""
    steps = _Phrases(found, None).script(found.walk.top, 0)
    return " ".join(f"{_upper(step)}." for step in steps) if steps else "Nothing: the script has no commands."


def request(found: Analysis, rng: random.Random) -> str:
    """A request that a script answers, in varied words."""
    steps = _Phrases(found, rng).script(found.walk.top, 0)
    if not steps:
        return "Write an empty script."
    if len(steps) == 1:
        opening = rng.choice(("", "", "Please ", "Write a Tcl script to ", "I need a script to ", "Can you "))
        step = steps[0]
        if opening.strip() in ("Write a Tcl script to", "I need a script to") and step.startswith(
            ("if ", "for ")
        ):
            opening = "Please "
        return _upper(opening + step) + ("?" if opening == "Can you " else ".")
    style = rng.randrange(4)
    if style == 0:
        opening = rng.choice(("Write a script that does this", "Please do the following", "Steps", "Goal"))
        return f"{opening}: " + "; ".join(steps) + "."
    if style == 1:
        return " ".join(f"{_upper(step)}." for step in steps)
    if style == 2:
        links = [rng.choice(("Then ", "Next, ", "After that, ", "")) for _ in steps[1:-1]]
        links = [
            rng.choice(("First, ", "Start: ", "")),
            *links,
            rng.choice(("Finally, ", "At the end, ", "Last, ")),
        ]
        return " ".join(_upper(link + step) + "." for link, step in zip(links, steps, strict=True))
    lines = [f"{number}. {_upper(step)}" for number, step in enumerate(steps, 1)]
    return (
        rng.choice(("I need a Tcl script:", "Tasks, in this order:", "Script wanted:"))
        + "\n"
        + "\n".join(lines)
    )


class _Phrases:
    def __init__(self, found: Analysis, rng: random.Random | None) -> None:
        self.walk, self.text, self.rng = found.walk, found.text, rng
        self.catalog = found.catalog
        self.calls: dict[int, Call] = {call.site.command.start: call for call in found.calls}
        self.blocks: dict[int, Block] = {block.span.start: block for block in found.blocks}

    def either(self, *wordings: str) -> str:
        """One of several wordings; without a generator the first."""
        return wordings[0] if self.rng is None else self.rng.choice(wordings)

    def script(self, script: Script, depth: int) -> list[str]:
        """A phrase for each command of a script."""
        if depth > DEEPEST:
            return ["go on"]
        return [phrase for command in script.commands if (phrase := self.command(command, depth))]

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
        if name in CORE:
            shown = [self._shown(word) for word in words[1:3]] + ["", ""]
            return CORE[name].format(*shown).strip()
        return f"run {self._clip(self.text[command.start : command.end])}"

    def _shown(self, word: Word) -> str:
        value = self.walk.value(word)
        return self._clip(value if value is not None else self.text[word.start : word.end])

    def _clip(self, text: str) -> str:
        text = " ".join(text.split())
        return text if len(text) <= 80 else text[:77] + "..."

    def _set(self, words: list[Word]) -> str:
        name, value = self._shown(words[1]), self._shown(words[2])
        variable = self.catalog.variable(name) if self.catalog else None
        if isinstance(variable, Variable) and variable.notes:
            notes = variable.notes
            return self.either(
                f"set the {notes} ({name}) to {value}",
                f"use {value} as the {notes} ({name})",
                f"set {name}, the {notes}, to {value}",
            )
        return f"set {name} to {value}"

    def call(self, call: Call) -> str:
        """A call in the words of its proc's note."""
        proc = call.proc
        notes = proc.notes.strip().rstrip(".").splitlines()[0] if proc.notes.strip() else ""
        values = {name: self._shown(word) for name, word in call.values.items()}
        if not notes:
            return f"call {proc.name}" + _with(_listed(_pairs(proc.args, values, call.switches)))
        phrase, rest = _filled(notes, proc.args, values)
        extra = _pairs([arg for arg in proc.args if arg.name in rest], values, call.switches)
        named = f" by {proc.name}" if self.rng is not None and self.rng.random() < 0.15 else ""
        # "with a skew ... with levels 3" reads badly.
        wording = "paren" if " with " in phrase or call.switches else self.either("with", "paren")
        joined = _with(_listed(extra)) if wording == "with" else _paren(extra)
        return phrase + named + joined

    def _if(self, words: list[Word], depth: int) -> str:
        phrases = []
        at = 1
        first = True
        while at + 1 < len(words):
            test = self._test(words[at])
            at += 2 if self.walk.value(words[at + 1]) == "then" else 1
            if at >= len(words):
                break
            body = _listed(self._body(words[at], depth)) or "do nothing"
            phrases.append(f"if {test}, {body}" if first else f"else if {test}, {body}")
            first = False
            at += 1
            if at < len(words) and self.walk.value(words[at]) == "elseif":
                at += 1
                continue
            if at < len(words):
                body = _listed(self._body(words[-1], depth)) or "do nothing"
                phrases.append(f"{self.either('otherwise', 'else', 'if not')} {body}")
            break
        return "; ".join(phrases)

    def _test(self, word: Word) -> str:
        """A condition in words, where it is one call of a predicate."""
        checked = self.walk.exprs.get(word.inner[0])
        source = self._clip(self.text[slice(*word.inner)])
        if compared := COMPARED.fullmatch(source):
            name, operator, value = compared.groups()
            variable = self.catalog.variable(name) if self.catalog else None
            said = f"the {variable.notes} ({name})" if variable and variable.notes else name
            return f"{said} is {'not ' if operator == 'ne' else ''}{value}"
        bare = source.lstrip("! ")
        if checked is None or len(checked.parts) != 1 or not (bare[:1] == "[" and bare[-1:] == "]"):
            return source
        call = self.calls.get(checked.parts[0].start + 1)
        if call is None or not call.proc.notes.startswith("whether "):
            return source
        phrase = self.call(call).removeprefix("whether ")
        negated = source.count("!", 0, len(source) - len(bare)) % 2
        return f"it is not so that {phrase}" if negated else phrase

    def _body(self, word: Word, depth: int) -> list[str]:
        script = self.walk.scripts.get(word.inner[0])
        return self.script(script, depth + 1) if script is not None else []

    def _foreach(self, words: list[Word], depth: int) -> str:
        name = self._shown(words[1])
        items = self._shown(words[2]).split()
        body = _listed(self._body(words[3], depth)) or "do nothing"
        start = self.either(
            f"for each {name} in {_listed(items)}, ",
            f"loop over {_listed(items)} as {name} and ",
            f"do this for {_listed(items)} (as {name}): ",
        )
        return start + body

    def _block(self, block: Block) -> str:
        phrases = []
        for line in self.text[block.start : block.end].splitlines():
            tokens = TOKEN.findall(line)
            if tokens and not tokens[0].startswith("#"):
                phrases.append(self._statement(block, tokens))
        opened = block.dsl.embedding.open.rstrip(" {(<[")
        where = self.either(f"in a {opened} block, ", f"add a {opened} block to ", f"with a {opened} block, ")
        return where + (_listed(phrases) or "say nothing")

    def _statement(self, block: Block, tokens: list[str]) -> str:
        for statement in block.dsl.statements:
            pieces = [piece for piece in pieces_of(statement) if not piece.group or len(tokens) > 1]
            if pieces[0].before != tokens[0] or not statement.notes:
                continue
            values: dict[str, str] = {}
            for piece, token in zip(pieces, tokens, strict=False):
                if piece.slot is not None:
                    values[piece.slot.name] = token[len(piece.before) : len(token) - len(piece.after) or None]
            phrase, rest = _filled(statement.notes, statement.slots, values)
            return phrase + _paren(
                _pairs([slot for slot in statement.slots if slot.name in rest], values, set())
            )
        return f"write {' '.join(tokens)}"


def _filled(notes: str, args: Sequence[Arg], values: dict[str, str]) -> tuple[str, set[str]]:
    """A note with its slots filled, and the names that found no place in it.

    `<net>` is a slot of its own; failing that, "a net" becomes "net CLK".
    """
    rest = {arg.name for arg in args}
    for arg in args:
        value = values.get(arg.name)
        if value is None:
            continue
        for word in dict.fromkeys((arg.name, arg.type)):
            # "$net" in a loop is "the net".
            looped = value == f"${word}"
            plain = rf"\b(?:an?|the) {re.escape(word)}\b"
            for pattern, said in ((f"<{re.escape(word)}>", value), (plain, f"{word} {value}")):
                said = f"the {word}" if looped else said
                filled = re.sub(pattern, said.replace("\\", r"\\"), notes, count=1)
                if filled != notes:
                    rest.discard(arg.name)
                    break
            notes = filled
            if arg.name not in rest:
                break
    return notes, rest


def _pairs(args: Sequence[Arg], values: dict[str, str], switches: set[str]) -> list[str]:
    """The arguments that are given: "width 0.4um", "shielded"."""
    pairs = []
    for arg in args:
        if arg.name in switches:
            pairs.append(arg.name)
        elif arg.name in values:
            unit = f" {arg.unit}" if arg.unit and not arg.unit_written else ""
            pairs.append(f"{arg.name} {values[arg.name]}{unit}")
    return pairs


def _with(said: str) -> str:
    return f" with {said}" if said else ""


def _paren(pairs: list[str]) -> str:
    return f" ({', '.join(pairs)})" if pairs else ""


def _listed(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + f" and {items[-1]}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
