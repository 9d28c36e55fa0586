"""Reads `.okt-aliases.toml`: local or public models to take for names that only their owner can resolve.

    [aliases]
    "oktoseek/base-llm-7b" = "models/base-7b"

An alias is followed once; what it leads to is **not** looked up again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from idiolect.files import Unreadable, read_small
from idiolect.problem import Problem, problem

ALIAS_FILE = ".okt-aliases.toml"
_MAX_BYTES = 65_536
_MAX_BRACKETS = 200  # the parser recurses on nesting; a flat table of strings needs two
_MAX_LINE = 1_000  # the parser's time on one dotted key grows faster than the square of its length
_EXAMPLE = 'write [aliases] and below it lines such as "oktoseek/base-7b" = "models/base-7b"'


def read_aliases(project_root: Path) -> tuple[Mapping[str, str], tuple[Problem, ...]]:
    """The aliases of a project; none where it has no alias file."""
    path = project_root / ALIAS_FILE
    try:
        text = read_small(path, _MAX_BYTES).decode("utf-8-sig")
        if max(map(len, text.split("\n"))) > _MAX_LINE:
            return {}, (_fault(path, f"a line has more than {_MAX_LINE} characters"),)
        if text.count("[") + text.count("{") > _MAX_BRACKETS:
            return {}, (_fault(path, f"more than {_MAX_BRACKETS} brackets"),)
        content = tomllib.loads(text)
    except Unreadable as reason:
        return {}, () if reason.missing else (_fault(path, str(reason)),)
    except UnicodeDecodeError as error:
        return {}, (_fault(path, f"byte {error.start} is not UTF-8"),)
    except (tomllib.TOMLDecodeError, ValueError) as error:  # ValueError: a number with too many digits
        return {}, (_fault(path, str(error)),)
    aliases = content.pop("aliases", None)
    if content:
        return {}, (_fault(path, f'"{next(iter(content))}" is not known here'),)
    if not isinstance(aliases, dict):
        return {}, (_fault(path, "there is no [aliases] table"),)
    wrong = next((name for name, value in aliases.items() if not isinstance(value, str) or not value), None)
    if wrong is not None:
        return {}, (_fault(path, f'the alias of "{wrong}" is no text'),)
    return aliases, ()


def _fault(path: Path, what: str) -> Problem:
    return problem("L428", f"{ALIAS_FILE}: {what}", help=_EXAMPLE, where=str(path))
