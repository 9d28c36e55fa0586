"""Reads statements: control flow, function definitions, and what remains as actions.

Each `_read_...` takes the loader and the statement, checks its own parts and leaves bodies to the
block stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from idiolect.dialects.ahk2 import builtins
from idiolect.dialects.ahk2.actions import read_action
from idiolect.dialects.ahk2.class_bodies import read_class
from idiolect.dialects.ahk2.declarations import read_declaration
from idiolect.dialects.ahk2.functions import read_function
from idiolect.dialects.ahk2.script import Statement

if TYPE_CHECKING:
    from idiolect.dialects.ahk2.loader import Loader

_MOST: dict[str, tuple[int, int]] = {
    "if": (1, 1), "while": (1, 1), "until": (1, 1), "return": (0, 1), "throw": (0, 1), "break": (0, 1),
    "continue": (0, 1), "switch": (0, 2), "loop": (0, 1), "loop parse": (1, 3), "loop files": (1, 2),
    "loop read": (1, 2), "loop reg": (1, 2), "goto": (1, 1), "case": (0, 20),
}  # fmt: skip
_LOOP_KINDS = {"parse": "parse", "files": "files", "file": "files", "read": "read", "reg": "reg"}
_ASSIGNS = {":=", "+=", "-=", "*=", "/=", ".=", "++", "--", "=>", "|=", "&=", "^=", "//=", "<<=", ">>="}


def read_statement(loader: Loader, statement: Statement) -> None:
    """Read the statements of one line: a `try` or `else` may have another one after it."""
    rest: Statement | None = statement
    while rest is not None:
        rest = _read_one(loader, rest)


def _read_one(loader: Loader, statement: Statement) -> Statement | None:
    """Read one statement in a file, function or block; what follows it on the line."""
    if loader.block.kind == "switch" and not _in_switch(loader, statement):
        return None
    if statement.start >= statement.end:
        return None
    if read_function(loader, statement):
        return None
    first = statement.tokens[statement.start]
    word = first.text.lower() if first.kind == "name" else ""
    if word == "class" and _is_class(statement):
        read_class(loader, statement)
        return None
    if word in ("global", "local", "static") and read_declaration(loader, statement):
        return None
    reader = _READERS.get(word)
    if reader is not None and _is_keyword(statement, word):
        if _comma_after(loader, statement, word):
            return None
        return reader(loader, statement)
    _plain_action(loader, statement)
    return None


def _plain_action(loader: Loader, statement: Statement) -> None:
    loader.block.start_statement()
    if statement.opens:
        loader.faults.add("parse.brace.stray", statement.line.span(*_brace(statement)))
        loader.open_block("block", statement.line.span(*_brace(statement)))
    else:
        read_action(loader, statement)
        loader.block.finish_statement()


def _brace(statement: Statement) -> tuple[int, int]:
    return len(statement.line.text) - 1, len(statement.line.text)


def _is_class(statement: Statement) -> bool:
    if statement.end - statement.start < 2:
        return False
    return statement.tokens[statement.start + 1].kind in ("name", "badnumber", "number")


def _is_keyword(statement: Statement, word: str) -> bool:
    """Whether the word is the statement's, not a name that is misused."""
    if statement.end - statement.start < 2:
        return True
    following = statement.tokens[statement.start + 1]
    if word in ("goto", "default") and following.text != ":":
        return word == "goto" and following.text not in _ASSIGNS
    if following.kind == "op" and following.text in _ASSIGNS:
        return word in ("return", "throw", "if", "while") and following.text in ("++", "--")
    return following.kind != "member" or following.space


def _comma_after(loader: Loader, statement: Statement, word: str) -> bool:
    """A comma right after a keyword: the form of v1."""
    following = statement.tokens[statement.start + 1] if statement.end > statement.start + 1 else None
    if following is None or following.kind != "comma" or word in ("case", "for"):
        return False
    loader.faults.add("v1.comma", statement.span(statement.start, statement.start + 1), name=word)
    if word in ("if", "loop", "while", "for", "switch"):
        loader.block.start_statement()
        loader.block.own(word, statement.span(statement.start), loader.depth)
        if loader.starts_block(statement):
            loader.open_block("block", statement.span(statement.start))
    else:
        loader.block.start_statement()
        loader.block.finish_statement()
    return True


def _condition(loader: Loader, statement: Statement, start: int, word: str) -> None:
    """The parameters of a statement, and whether they are as many as it takes."""
    least, most = _MOST[word]
    head = statement.span(statement.start)
    given = 0
    if start < statement.end:
        expression = loader.expression(statement)
        found = expression.check(start, statement.end, "several" if most == 1 else "arguments")
        if found is None:
            return
        given = len(found[0])
        if given == 1 and expression.ends_unset and word != "throw":
            loader.faults.add("parse.unset", head)
    if given > most:
        if word == "loop":
            loader.faults.add("parse.loop", head)
        else:
            loader.faults.add("parse.many", head, word=word, most=most)
    elif given < least:
        loader.faults.add("parse.few", head, word=word)


def _own(loader: Loader, statement: Statement, word: str) -> None:
    """The statement takes a body: open its block if a brace follows on the line."""
    span = statement.span(statement.start)
    loader.block.start_statement()
    loader.block.own(word, span, loader.depth)
    if statement.opens:
        loader.open_block("switch" if word == "switch" else "block", statement.line.span(*_brace(statement)))


def _read_condition(loader: Loader, statement: Statement) -> None:
    word = statement.tokens[statement.start].text.lower()
    _condition(loader, statement, statement.start + 1, word)
    _own(loader, statement, word)


def _read_loop(loader: Loader, statement: Statement) -> None:
    start, word = statement.start + 1, "loop"
    if start < statement.end:
        token = statement.tokens[start]
        kind = _LOOP_KINDS.get(token.text.lower()) if token.kind == "name" else None
        following = statement.tokens[start + 1] if start + 1 < statement.end else None
        alone = following is None and not statement.opens
        if kind is not None and not alone and (following is None or following.kind != "member"):
            word, start = f"loop {kind}", start + 1
            if following is not None and following.kind == "comma":
                start += 1
    _condition(loader, statement, start, word)
    _own(loader, statement, "loop")


def _read_for(loader: Loader, statement: Statement) -> None:
    start, end = statement.start + 1, statement.end
    tokens = statement.tokens
    if start < end and tokens[start].text == "(" and statement.pairs.get(start) == end - 1:
        start, end = start + 1, end - 1
    at = start
    while at < end and tokens[at].text.lower() != "in":
        at += 1
    names = tokens[start:at]
    wrong = [token for token in names if token.kind not in ("name", "comma")]
    doubled = any(a.kind == b.kind == "name" for a, b in pairwise(names))
    if at >= end or wrong or doubled:
        loader.faults.add("parse.for", statement.whole)
    else:
        _for_names(loader, statement, start, at)
        if at + 1 >= end:
            loader.faults.add("parse.few", statement.span(at), word="for")
        else:
            loader.expression(statement).check(at + 1, end)
    _own(loader, statement, "for")


def _for_names(loader: Loader, statement: Statement, start: int, end: int) -> None:
    for index in range(start, end):
        token = statement.tokens[index]
        if token.kind == "name":
            if token.text.lower() in builtins.RESERVED:
                loader.faults.add("name.reserved", statement.span(index), name=token.text, what="variable")
            else:
                loader.scope.use(token.text, statement.span(index), "written")


def _read_switch(loader: Loader, statement: Statement) -> None:
    _condition(loader, statement, statement.start + 1, "switch")
    _own(loader, statement, "switch")


def _in_switch(loader: Loader, statement: Statement) -> bool:
    """Read a case's head; whether something is left to read as a statement."""
    first = statement.tokens[statement.start]
    word = first.text.lower()
    block = loader.block
    if word not in ("case", "default") or not _is_case(statement, word):
        if not block.first_seen:
            loader.faults.add("parse.case.expected", statement.whole)
            block.first_seen = True
        return True
    block.report_missing_body(loader.faults)
    block.owners.clear()
    block.first_seen = True
    colon = _case_colon(statement)
    if colon < 0:
        loader.faults.add("parse.case.colon", statement.whole)
        return False
    if word == "case" and colon > statement.start + 1:
        head = Statement(statement.line, statement.tokens, statement.pairs, statement.start, colon, False)
        _condition(loader, head, statement.start + 1, "case")
    rest = statement.from_index(colon + 1)
    if rest.start < rest.end and rest.tokens[rest.start].text == "{":
        loader.faults.add("parse.case.brace", rest.span(rest.start))
        loader.open_block("block", rest.span(rest.start))
        return False
    if rest.opens:
        loader.faults.add("parse.case.brace", statement.line.span(*_brace(statement)))
        loader.open_block("block", statement.line.span(*_brace(statement)))
        return False
    statement.start = colon + 1
    return True


def _is_case(statement: Statement, word: str) -> bool:
    following = statement.tokens[statement.start + 1] if statement.start + 1 < statement.end else None
    return word == "case" or (following is not None and following.text == ":")


def _case_colon(statement: Statement) -> int:
    index, questions = statement.start + 1, 0
    while index < statement.end:
        token = statement.tokens[index]
        if token.kind == "open":
            index = statement.pairs.get(index, statement.end)
        elif token.text == "?" and token.kind == "op":
            questions += 1
        elif token.text == ":" and token.kind == "op":
            if not questions:
                return index
            questions -= 1
        index += 1
    return -1


def _read_stray_case(loader: Loader, statement: Statement) -> None:
    loader.faults.add("parse.case.stray", statement.span(statement.start))
    loader.block.start_statement()
    loader.block.finish_statement()


def _read_try(loader: Loader, statement: Statement) -> Statement | None:
    word = statement.tokens[statement.start].text.lower()
    span = statement.span(statement.start)
    if word == "try":
        loader.block.start_statement()
        loader.block.own("try", span, loader.depth)
    else:
        loader.block.connect(word, span, loader.depth, loader.faults)
    rest = statement.from_index(statement.start + 1)
    if rest.start < rest.end:
        return rest
    if statement.opens:
        loader.open_block("block", statement.line.span(*_brace(statement)))
    return None


def _read_until(loader: Loader, statement: Statement) -> None:
    loader.block.connect("until", statement.span(statement.start), loader.depth, loader.faults)
    _condition(loader, statement, statement.start + 1, "until")


def _read_catch(loader: Loader, statement: Statement) -> None:
    loader.block.connect("catch", statement.span(statement.start), loader.depth, loader.faults)
    start, end = statement.start + 1, statement.end
    tokens = statement.tokens
    if start < end and tokens[start].text == "(" and statement.pairs.get(start) == end - 1:
        start, end = start + 1, end - 1
    _catch_parts(loader, statement, start, end)
    if statement.opens:
        loader.open_block("block", statement.line.span(*_brace(statement)))


def _catch_parts(loader: Loader, statement: Statement, start: int, end: int) -> None:
    tokens = statement.tokens
    at = start
    while at < end and tokens[at].text.lower() != "as":
        at += 1
    for index in range(start, at):
        token = tokens[index]
        expected = (
            ("name", "member") if index == start or tokens[index - 1].kind == "comma" else ("comma", "member")
        )
        if token.kind not in expected:
            code = "v1.catch" if token.kind == "name" else "parse.catch"
            loader.faults.add(code, statement.span(index), name=token.text)
            return
    name = ""
    for index in range(start, at + 1):
        if index < at and tokens[index].kind != "comma":
            name += tokens[index].text
            continue
        if name and not _known_class(loader, name):
            single = "," not in "".join(token.text for token in tokens[start:at]) and at == end
            loader.classes_caught.append((name, statement.span(start, at - 1), single))
        name = ""
    if at < end:
        _catch_name(loader, statement, at + 1, end)


def _known_class(loader: Loader, name: str) -> bool:
    return name.lower() in builtins.classes()


def _catch_name(loader: Loader, statement: Statement, at: int, end: int) -> None:
    if at >= end:
        loader.faults.add("parse.catch", statement.span(at - 1), name="as")
        return
    token = statement.tokens[at]
    if token.kind in ("number", "badnumber"):
        loader.faults.add("name.digit", statement.span(at), name=token.text)
    elif token.kind != "name" or at + 1 < end:
        loader.faults.add("parse.catch", statement.span(at), name=token.text)
    elif token.text.lower() in builtins.RESERVED:
        loader.faults.add("name.reserved", statement.span(at), name=token.text, what="variable")
    else:
        loader.scope.use(token.text, statement.span(at), "written")


def _read_leave(loader: Loader, statement: Statement) -> None:
    """return and throw."""
    word = statement.tokens[statement.start].text.lower()
    loader.block.start_statement()
    if word == "return" and loader.block.in_finally:
        loader.faults.add("flow.finally", statement.span(statement.start), word=word)
    if statement.opens:
        loader.faults.add("parse.brace.stray", statement.line.span(*_brace(statement)))
    if word == "return" and not loader.in_function and statement.end > statement.start + 1:
        loader.faults.add("flow.return", statement.span(statement.start, statement.end - 1))
    _condition(loader, statement, statement.start + 1, word)
    loader.block.finish_statement()


def _read_jump(loader: Loader, statement: Statement) -> None:
    """break, continue and goto."""
    word = statement.tokens[statement.start].text.lower()
    block = loader.block
    block.start_statement()
    start, end = statement.start + 1, statement.end
    called = start < end and statement.tokens[start].text == "(" and statement.pairs.get(start) == end - 1
    if word != "goto" and not block.current_loops:
        loader.faults.add("flow.loop", statement.span(statement.start), word=word)
    elif word != "goto" and block.in_finally and _leaves_finally(loader):
        loader.faults.add("flow.finally", statement.span(statement.start), word=word)
    if called:
        loader.expression(statement).check(start, end)
        inner = statement.tokens[start + 1]
        if inner.kind == "string" and end - start == 3:
            _jump_to(loader, statement, inner.text[1:-1], word)
    elif start < end:
        text = statement.line.text[statement.tokens[start].start : statement.tokens[end - 1].end]
        _jump_to(loader, statement, text, word)
    elif word == "goto":
        loader.faults.add("parse.few", statement.span(statement.start), word=word)
    block.finish_statement()


def _leaves_finally(loader: Loader) -> bool:
    """Whether no loop stands between the jump and the finally it would leave."""
    block = loader.block
    return block.current_loops <= block.loops and block.loops == 0


def _jump_to(loader: Loader, statement: Statement, target: str, word: str) -> None:
    span = statement.span(statement.start, statement.end - 1)
    if word != "goto" and re.fullmatch(r"\d+", target):
        if not 1 <= int(target[:9]) <= max(1, loader.block.current_loops):
            loader.faults.add("flow.count", span, count=target)
        return
    loader.gotos.append((target, span, loader.block, loader.function_block()))


_READERS: dict[str, Callable[[Loader, Statement], Statement | None]] = {
    "if": _read_condition, "while": _read_condition, "loop": _read_loop, "for": _read_for,
    "switch": _read_switch, "case": _read_stray_case, "default": _read_stray_case, "try": _read_try,
    "else": _read_try, "finally": _read_try, "catch": _read_catch, "until": _read_until,
    "return": _read_leave, "throw": _read_leave, "break": _read_jump, "continue": _read_jump,
    "goto": _read_jump,
}  # fmt: skip
