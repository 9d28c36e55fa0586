"""Copies what a script's DIALECT names into a package, and its grammar as other engines take it.

The block that is written into the package's plan names the copies, relative to the package.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from idiolect.decode.export import export_grammar, export_schema
from idiolect.decode.trouble import DecodeError
from idiolect.dialects.contract import Context, Dialect, NotOffered, offers
from idiolect.dialects.registry import BUILT_IN
from idiolect.files import write_beside
from idiolect.okt.blocks.extension import DialectBlock
from idiolect.plan.paths import locate
from idiolect.plan.plan import Plan
from idiolect.runs.dialect_of import script_of
from idiolect.runs.stage import Inputs

_FILES = {
    "schema_": "schema.json",
    "grammar": "grammar.lark",
    "catalog": "catalog.json",
    "policy": "policy.toml",
}
_FORMS: Mapping[str, str] = {"lark": "grammar.lark", "ebnf": "grammar.ebnf", "gbnf": "grammar.gbnf"}
_LEFT = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", "examples")


def copy_dialect(plan: Plan, root: Path, inputs: Inputs, into: Path) -> tuple[DialectBlock, tuple[str, ...]]:
    """The DIALECT block for the package whose files are in `into`, and what its user should know."""
    assert plan.dialect is not None
    block, notes = plan.dialect, []
    changed: dict[str, str | None] = {}
    for setting, name in _FILES.items():
        written = getattr(block, setting)
        if written:
            _copy(_place(plan, root, inputs, setting, written), into / name)
            changed[setting] = f"{into.name}/{name}"
    for setting in ("name", "embed"):
        written = getattr(block, setting)
        if written and written not in BUILT_IN:
            _copy(_place(plan, root, inputs, setting, written), into / setting)
            changed[setting] = f"{into.name}/{setting}"
    if block.command:
        notes.append(f'DIALECT.command "{block.command}" is not in the package: the machine must have it')
    return block.model_copy(update=changed), tuple(notes)


def write_constraints(dialect: Dialect, context: Context, into: Path) -> tuple[str, ...]:
    """Write the grammar in the forms of other engines; what could not be written, with its reason."""
    if not offers(dialect, "constraint"):
        return (f"the dialect {dialect.name} has no grammar to be held to",)
    left: list[str] = []
    try:
        grammar = dialect.constraint(context)
    except (NotOffered, ValueError) as error:
        return (f"no grammar without an example's own context: {error}",)
    into.mkdir(parents=True, exist_ok=True)
    for form, name in _FORMS.items():
        try:
            write_beside(into / name, export_grammar(grammar, form))  # type: ignore[arg-type]  # keys are forms
        except DecodeError as error:
            left.append(f"{name}: {error}")
    if context.schema is not None:
        try:
            write_beside(into / "schema.json", export_schema(context.schema))
        except DecodeError as error:
            left.append(f"schema.json: {error}")
    return tuple(left)


def _place(plan: Plan, root: Path, inputs: Inputs, setting: str, written: str) -> Path:
    given = inputs.of(f"dialect.{setting}")
    if given:
        return given[0]
    found = locate(written, script_of(plan, root))
    return found.path if found.exists else root / written


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_LEFT)
    else:
        shutil.copyfile(source, target)
