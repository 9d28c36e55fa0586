"""A dialect with all that a project may say of it: another grammar, an embedded dialect, a validator.

Each part replaces or narrows what the dialect has by itself. It does **not** ask whether code may run.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from idiolect.dialects.command import BadCommand
from idiolect.dialects.contract import Dialect
from idiolect.dialects.narrowed import Narrowed
from idiolect.dialects.registry import BUILT_IN, UnknownDialect, load_dialect
from idiolect.dialects.user.settings import CommandSettings

if TYPE_CHECKING:
    from idiolect.grammar.form import Grammar

HOSTS = {"tcl": "dsl"}  # built-in dialects that hold blocks of another, and the argument that takes it


class BadComposition(Exception):
    """Parts that do not go together; `help` says what to write instead."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def composed(
    name: str,
    base: Path | None = None,
    *,
    allow_code: bool = False,
    grammar: Path | None = None,
    embedded: Dialect | None = None,
    command: str | None = None,
) -> Dialect:
    """The dialect of a name or folder with its replaced parts.

    A folder's grammar file is replaced; a built-in dialect has none, so there the grammar says which of
    its texts may be written.
    """
    if name not in BUILT_IN:
        from idiolect.dialects.folder import load_folder

        folder = (base or Path()) / name
        if not (folder / "dialect.toml").is_file():
            raise UnknownDialect(name)
        dialect = load_folder(folder, allow_code=allow_code, grammar=grammar, embedded=embedded)
        return _under_command(dialect, command)
    dialect = _host(name, embedded) if embedded is not None else load_dialect(name)
    if grammar is not None:
        dialect = Narrowed(dialect, grammar=_lowered(grammar))
    return _under_command(dialect, command)


def _host(name: str, embedded: Dialect) -> Dialect:
    if name not in HOSTS:
        raise BadComposition(
            f"{name} has no blocks of another language, so {embedded.name} can't be embedded in it",
            f"leave DIALECT.embed out, or write the host: {', '.join(HOSTS)} or a folder with [embed]",
        )
    module, _, attribute = BUILT_IN[name].partition(":")
    made = getattr(import_module(module), attribute)(**{HOSTS[name]: embedded})
    assert isinstance(made, Dialect)
    return made


def _lowered(path: Path) -> Grammar:
    from idiolect.grammar.form import GrammarError
    from idiolect.grammar.from_lark import lower_lark
    from idiolect.grammar.spacing import loose_variant

    try:
        text = path.read_text(encoding="utf-8-sig")
        return loose_variant(lower_lark(text, folder=path.parent))
    except (OSError, UnicodeDecodeError) as error:
        raise BadComposition(f"{path}: can't be read: {error}", "write it as UTF-8 text") from error
    except GrammarError as error:
        raise BadComposition(f"{path}: {error}", "see the page on grammars") from error


def _under_command(dialect: Dialect, command: str | None) -> Dialect:
    if command is None:
        return dialect
    try:
        return Narrowed(dialect, command=CommandSettings(run=command))
    except BadCommand as error:
        raise BadComposition(str(error), 'write command: "checker --strict {file}"') from error
