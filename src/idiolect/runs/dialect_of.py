"""The dialect and the project's context that a plan's block DIALECT names, made in one place for all stages.

Nobody is asked anything: code of a folder and the command run only if they were allowed before
(`dialects/trust.py`) or the caller says so. Paths are looked for as everywhere in a script.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idiolect.data.dialect_source import BadContext, DialectSource
from idiolect.dialects import trust
from idiolect.dialects.contract import Context, Dialect
from idiolect.dialects.registry import BUILT_IN, UnknownDialect
from idiolect.dialects.user.problems import BadDialect
from idiolect.okt.blocks.extension import DialectBlock
from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.runs.stage import Inputs, StageError

ALLOW = "read it, then run the script once with --allow-code"


def dialect_of(
    plan: Plan, root: Path, inputs: Inputs | None = None, *, allow_code: bool = False
) -> tuple[Dialect, Context]:
    """The plan's dialect, and the context that holds for all its texts; StageError says what is wrong.

    `inputs` are a stage's, whose files are found already.
    """
    return opened(dialect_source(plan, root, inputs, allow_code=allow_code))


def opened(source: DialectSource) -> tuple[Dialect, Context]:
    """What a source loads; StageError where it can't."""
    with faults_told():
        return source()


@contextmanager
def faults_told() -> Iterator[None]:
    """What is wrong with a dialect, as a StageError."""
    try:
        yield
    except (BadContext, UnknownDialect, BadDialect) as error:
        raise StageError(str(error)) from error


def dialect_source(
    plan: Plan, root: Path, inputs: Inputs | None = None, *, allow_code: bool = False
) -> DialectSource:
    """How the plan's dialect is loaded here or in a worker process; StageError without a DIALECT block."""
    block = _block(plan)
    found = _Places(plan, root, inputs)
    name, may_run = _named(block.name or "", "name", found, allow_code)
    embed, embed_may_run = _named(block.embed, "embed", found, allow_code) if block.embed else (None, False)
    command = None
    if block.command:
        if not (allow_code or trust.is_command_allowed(block.command, root)):
            raise StageError(f'DIALECT.command "{block.command}" is not allowed to run here', ALLOW)
        command = _rooted(block.command, root)
    return DialectSource(
        name,
        root,
        allow_code=may_run,
        schema=found.file("schema_", block.schema_),
        catalog=found.file("catalog", block.catalog),
        policy=found.file("policy", block.policy),
        grammar=found.file("grammar", block.grammar),
        embed=embed,
        embed_allow_code=embed_may_run,
        command=command,
    )


def allow_code_of(plan: Plan, root: Path) -> tuple[str, ...]:
    """Remember that the code of the plan's dialect may run in this project; what is new in that, in words."""
    from idiolect.dialects.folder import has_code

    if plan.dialect is None:
        return ()
    block, found, allowed = plan.dialect, _Places(plan, root, None), []
    for setting, written in (("name", block.name), ("embed", block.embed)):
        folder = found.folder(setting, written)
        new = folder is not None and has_code(folder) and not trust.is_allowed(folder, root)
        if folder is not None and new and trust.allow(folder, root):
            allowed.append(f"the code in {written}")
    command = block.command
    if command and not trust.is_command_allowed(command, root) and trust.allow_command(command, root):
        allowed.append(f'"{command}"')
    return tuple(allowed)


def script_of(plan: Plan, root: Path) -> Path:
    """The script that a plan was made from, which it names relative to the root, or as it was called."""
    named = (root / plan.script, Path(plan.script))
    return next((path for path in named if path.is_file()), root / plan.script)


class _Places:
    """Where the paths of the block lead."""

    def __init__(self, plan: Plan, root: Path, inputs: Inputs | None) -> None:
        self.root = root
        self.inputs = inputs
        self.script = script_of(plan, root)

    def file(self, setting: str, written: str | None) -> Path | None:
        """The file that a setting names; StageError where there is none."""
        if not written:
            return None
        given = self.inputs.of(f"dialect.{setting}") if self.inputs else ()
        if given:
            return given[0]
        found = locate(written, self.script)
        path = found.path if found.exists else self.root / written
        if not path.is_file():
            name = setting.rstrip("_")
            tried = ", ".join(str(place) for place in found.tried)
            raise StageError(f'DIALECT.{name}: "{written}" does not exist', f"looked for: {tried}")
        return path

    def folder(self, setting: str, written: str | None) -> Path | None:
        """The dialect folder that a setting names; None for a built-in dialect, or where there is none."""
        if not written or written in BUILT_IN:
            return None
        given = self.inputs.of(f"dialect.{setting}") if self.inputs else ()
        places = (*given, locate(written, self.script).path, self.root / written)
        return next((path for path in places if (path / "dialect.toml").is_file()), None)


def _block(plan: Plan) -> DialectBlock:
    if plan.dialect is None or plan.dialect.name is None:
        raise StageError("the script has no DIALECT block", 'add DIALECT { name: "ahk2" }')
    return plan.dialect


def _named(written: str, setting: str, found: _Places, allow_code: bool) -> tuple[str, bool]:
    """The name or folder by which a dialect is loaded, and whether its code may run."""
    folder = found.folder(setting, written)
    if folder is None:
        return written, False
    return str(folder.absolute()), allow_code or trust.is_allowed(folder, found.root)


def _rooted(command: str, root: Path) -> str:
    """The command with words that are the project's files made absolute: it runs in a folder of its own."""
    words = shlex.split(command)
    return shlex.join(str((root / word).absolute()) if (root / word).is_file() else word for word in words)
