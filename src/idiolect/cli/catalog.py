"""`idiolect catalog extract` and `idiolect catalog diff`: the symbols of sources, and what changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.opening import open_dialect, read_context
from idiolect.cli.report import WRONG_INPUT, stop

if TYPE_CHECKING:
    from idiolect.dialects.catalog import Catalog
    from idiolect.dialects.catalog_diff import CatalogDiff

app = typer.Typer(no_args_is_help=True, help="Collect the symbols that texts may use, and compare them.")


@app.command()
def extract(
    sources: Annotated[list[Path], typer.Argument(help="Source files and folders.")],
    dialect: Annotated[
        str, typer.Option("--dialect", "-d", help="A built-in dialect's name, or a dialect folder.")
    ],
    out: Annotated[Path | None, typer.Option(help="The file to write; default: the output.")] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the code and commands of the dialect's folder.")
    ] = False,
) -> None:
    """Collect the symbols that source files define into a catalog (JSON)."""
    from idiolect.dialects.catalog_json import dump_catalog
    from idiolect.dialects.contract import NotOffered

    opened = open_dialect(dialect, allow_code=allow_code)
    files = list(_files(sources, opened.suffixes))
    if not files:
        stop(f"error: no file to read ends with {' or '.join(opened.suffixes) or 'anything known'}")
    try:
        catalog = opened.extract(files)
    except NotOffered as error:
        stop(f"error: {error}")
    except OSError as error:
        stop(f"error: {error.filename}: {error.strerror}")
    except ValueError as error:
        stop(f"error: {error}")
    written = dump_catalog(catalog)
    counts = f"{len(catalog.procs)} symbols and {len(catalog.variables)} variables from {len(files)} files"
    if out is None:
        print(written, end="")
        typer.echo(counts, err=True)
        return
    try:
        out.write_text(written, encoding="utf-8")
    except OSError as error:
        stop(f"error: {out}: {error.strerror}")
    print(f"wrote {out}: {counts}")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The catalog as it was.")],
    new: Annotated[Path, typer.Argument(help="The catalog as it is.")],
    examples: Annotated[
        Path | None, typer.Option(help="A .jsonl file: which of its texts use what changed?")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The column of the rows that holds the text.")] = None,
) -> None:
    """Say what changed from one catalog to the next, and which examples it affects."""
    from idiolect.dialects.catalog_diff import diff as compare

    before, after = _catalog(old), _catalog(new)
    found = compare(before, after)
    _print_diff(found)
    if examples is not None:
        _print_affected(found, examples, column)


def _files(sources: list[Path], suffixes: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(path for path in source.rglob("*") if path.is_file())
            found += [path for path in inside if path.name.endswith(suffixes)]
        elif source.is_file():
            found.append(source)
        else:
            stop(f"error: {source}: no such file or folder")
    return found


def _catalog(path: Path) -> Catalog:
    catalog = read_context(path, None, None).catalog
    assert catalog is not None
    return catalog


def _print_diff(found: CatalogDiff) -> None:
    if found.empty:
        print("nothing changed")
    for name in found.added:
        print(f"added    {name}")
    for name in found.removed:
        print(f"removed  {name}")
    for rename in found.renamed:
        print(f"renamed  {rename.old} -> {rename.new} (likely: {rename.likeness:.0%} alike)")
    for change in found.changed:
        breaking = "  BREAKS" if change.breaking else ""
        print(f"changed  {change.name}: {change.what}: {change.detail}{breaking}")


def _print_affected(found: CatalogDiff, examples: Path, column: str | None) -> None:
    from idiolect.dialects.checking import gather

    names = sorted(found.affected, key=len, reverse=True)
    # one pattern for all names, longest first; a name counts only where no name goes on beside it
    pattern = re.compile(r"(?<![\w:])(?:" + "|".join(re.escape(name) for name in names) + r")(?![\w:])")
    affected = total = 0
    for item in gather([examples], (), column):
        if item.unreadable:
            stop(f"error: {item.name}: {item.unreadable}", WRONG_INPUT)
        total += 1
        used = sorted(set(pattern.findall(item.text))) if names else []
        if used:
            affected += 1
            print(f"affected {item.name}: {', '.join(used)}")
    print(f"{affected} of {total} examples use what was removed, renamed or changed")
