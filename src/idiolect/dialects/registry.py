"""Names of dialects, and how to load one by name or by folder. Loads a dialect's module on first use."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from idiolect.dialects.contract import Dialect

BUILT_IN = {
    "json_ast": "idiolect.dialects.json_ast.dialect:JsonAst",
    "gates": "idiolect.dialects.gates.dialect:Gates",
    "tcl": "idiolect.dialects.tcl.dialect:Tcl",
    "ahk2": "idiolect.dialects.ahk2.dialect:Ahk2",
}


class UnknownDialect(Exception):
    """A name that is neither a built-in dialect nor a dialect folder."""

    def __init__(self, name: str) -> None:
        near = get_close_matches(name, BUILT_IN, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"built-in dialects: {', '.join(sorted(BUILT_IN))}"
        super().__init__(
            f'no dialect "{name}": it is neither built in nor a folder with a dialect.toml; {hint}'
        )
        self.name = name


def built_in(name: str) -> Dialect:
    """A built-in dialect, made with no settings."""
    if name not in BUILT_IN:
        raise UnknownDialect(name)
    module, _, attribute = BUILT_IN[name].partition(":")
    made = getattr(import_module(module), attribute)()
    assert isinstance(made, Dialect)
    return made


def load_dialect(name_or_folder: str, base: Path | None = None, *, allow_code: bool = False) -> Dialect:
    """A dialect by name or by folder. Code in a folder runs only if `allow_code` says so."""
    if name_or_folder in BUILT_IN:
        return built_in(name_or_folder)
    folder = (base or Path()) / name_or_folder
    if not (folder / "dialect.toml").is_file():
        raise UnknownDialect(name_or_folder)
    from idiolect.dialects.folder import load_folder

    return load_folder(folder, allow_code=allow_code)
