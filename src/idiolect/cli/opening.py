"""What several commands do first: open a dialect and read what its texts are judged against.

Errors end the command with a message and never a traceback: 2 for a wrong call, 1 for a wrong file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from idiolect.cli.report import USAGE, stop

if TYPE_CHECKING:
    from idiolect.data.dialect_source import DialectSource
    from idiolect.data.example import Example
    from idiolect.dialects.contract import Context, Dialect
    from idiolect.plan.plan import Plan
    from idiolect.runs.stage import StageError


def open_dialect(name: str, *, allow_code: bool) -> Dialect:
    """The dialect of a name or folder, with its code if that is allowed now or was before."""
    from idiolect.dialects.registry import UnknownDialect, load_dialect
    from idiolect.dialects.user.problems import BadDialect

    try:
        return load_dialect(name, allow_code=code_allowed(name, asked=allow_code))
    except UnknownDialect as error:
        stop(f"error: {error}", USAGE)
    except BadDialect as error:
        stop(str(error))
    except ModuleNotFoundError as error:
        stop(f'error: dialect "{name}" can\'t be loaded: {error}')


def open_plan_dialect(plan: Plan, root: Path, *, allow_code: bool = False) -> tuple[Dialect, Context]:
    """The dialect of a script's DIALECT block and the context of the project, code and all if allowed."""
    from idiolect.runs.dialect_of import opened
    from idiolect.runs.stage import StageError

    source = plan_dialect_source(plan, root, allow_code=allow_code)
    try:
        return opened(source)
    except StageError as error:
        stop(told(error))


def open_package_dialect(folder: Path, *, allow_code: bool = False) -> tuple[Dialect, Context]:
    """The dialect of a package, and what its texts are judged against."""
    from idiolect.decode.opened import plan_in
    from idiolect.decode.trouble import DecodeError

    try:
        plan = plan_in(folder)
    except DecodeError as error:
        stop(f"error: {error.problem.message}")
    if plan.dialect is None:
        stop(f"error: the package {folder.name} has no dialect, so nothing can be checked by it")
    return open_plan_dialect(plan, folder.absolute(), allow_code=allow_code)


def plan_dialect_source(plan: Plan, root: Path, *, allow_code: bool = False) -> DialectSource:
    """How a script's dialect is loaded; with `allow_code` its code may run here from now on."""
    from idiolect.runs.dialect_of import dialect_source
    from idiolect.runs.stage import StageError

    if allow_code:
        remember_code(plan, root)
    try:
        return dialect_source(plan, root, allow_code=allow_code)
    except StageError as error:
        stop(told(error))


def remember_code(plan: Plan, root: Path) -> None:
    """Let the code of a script's dialect and hooks run in its project until it changes, and say so."""
    from idiolect.dialects import trust
    from idiolect.runs.dialect_of import allow_code_of
    from idiolect.train.hook_trust import allow_hooks

    for name in (*allow_code_of(plan, root), *allow_hooks(plan, root)):
        typer.echo(f"note: {name} may run here until it changes ({trust.RECORD})", err=True)


def told(error: StageError) -> str:
    """A StageError as a command prints it."""
    return f"error: {error}" + (f"\n   help: {error.help}" if error.help else "")


def code_allowed(name: str, *, asked: bool) -> bool:
    """Whether the code of a dialect folder may run: asked for now, or allowed before and unchanged since."""
    from idiolect.dialects.registry import BUILT_IN

    folder = Path(name)
    if name in BUILT_IN or not (folder / "dialect.toml").is_file():
        return asked
    from idiolect.dialects import trust
    from idiolect.dialects.folder import has_code

    project = Path()
    if asked:
        if has_code(folder) and not trust.is_allowed(folder, project) and trust.allow(folder, project):
            typer.echo(f"note: the code in {name} may run here until it changes ({trust.RECORD})", err=True)
        return True
    if trust.is_allowed(folder, project):
        return True
    if trust.was_allowed_before(folder, project) and has_code(folder):
        typer.echo(
            f"note: {name} has changed since its code was allowed; look at it and pass --allow-code again",
            err=True,
        )
    return False


def read_context(catalog: Path | None, schema: Path | None, policy: Path | None) -> Context:
    """What the files given on the command line say, read strictly."""
    from idiolect.dialects.catalog_json import read_catalog
    from idiolect.dialects.contract import Context
    from idiolect.dialects.policy import read_policy
    from idiolect.dialects.records import RecordsError

    try:
        return Context(
            schema=_read_schema(schema) if schema else None,
            catalog=read_catalog(catalog) if catalog else None,
            policy=read_policy(policy) if policy else None,
        )
    except (RecordsError, UnicodeDecodeError) as error:
        stop(f"error: {error}")
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")


def _read_schema(path: Path) -> dict[str, object]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        stop(f"error: {path}: not JSON: {error}")
    if not isinstance(schema, dict):
        stop(f"error: {path}: a JSON Schema is an object here, not {json.dumps(schema)[:40]}")
    return schema


def good_examples(path: Path) -> Iterator[Example]:
    """The examples of a file in our own form; the command ends at the first row that is none."""
    from idiolect.data.jsonl import BadRow, read_examples
    from idiolect.files import Unreadable

    try:
        yield from read_examples(path)
    except Unreadable as reason:
        stop(f"error: {path} {reason}")
    except BadRow as error:
        stop(f"error: {error}")
