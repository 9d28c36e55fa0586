"""`idiolect index`: what requests are answered from: the catalog, manuals and examples, made searchable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.opening import good_examples
from idiolect.cli.report import USAGE, stop
from idiolect.cli.tables import print_table

if TYPE_CHECKING:
    from idiolect.data.example import Example
    from idiolect.decode.retrieval import Embed, Index
    from idiolect.dialects.catalog import Catalog

app = typer.Typer(no_args_is_help=True, help="Make a catalog, manuals and examples searchable for requests.")

_FOLDER = "index"  # in a run
_MOST_BYTES = 16 << 20  # of a manual
_File = Annotated[Path, typer.Argument(help="The .okt file.", show_default=False)]
_Embedding = Annotated[
    Path | None,
    typer.Option("--embedding", help="Folder of a local embedding model, to find by meaning too."),
]


@app.callback()
def _group() -> None: ...


@app.command()
def build(
    file: _File,
    manual: Annotated[
        list[Path] | None, typer.Option("--manual", help="A manual in Markdown or plain text; repeatable.")
    ] = None,
    embedding: _Embedding = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder; default: index/ in the run.")] = None,
) -> None:
    """Build the index of a script: its catalog, its training examples, and manuals named here."""
    from idiolect.decode.documents import entries_of_catalog, entries_of_examples, entries_of_manual
    from idiolect.decode.retrieval import build_index

    folder, catalog = _of_script(file)
    entries = list(entries_of_catalog(catalog)) if catalog else []
    for path in manual or ():
        entries += entries_of_manual(_text(path), path.name)
    entries += entries_of_examples(_train(folder))
    if not entries:
        stop(
            f"error: {file} has nothing to make searchable\n"
            "   help: name DIALECT.catalog, run the stages up to split, or pass --manual FILE"
        )
    index = build_index(entries, _embed(embedding))
    place = out or folder / _FOLDER
    index.save(place)
    kinds: dict[str, int] = {}
    for entry in index.entries:
        kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
    print_table(("what", "entries"), list(kinds.items()))
    typer.echo(f"wrote {place}")


@app.command()
def search(
    where: Annotated[Path, typer.Argument(help="An index's folder, or the .okt file.", show_default=False)],
    request: Annotated[str, typer.Argument(help="What is asked for.", show_default=False)],
    embedding: _Embedding = None,
    pack: Annotated[
        bool, typer.Option("--pack", help="Show the context pack that a prompt would get.")
    ] = False,
) -> None:
    """Show what a request finds."""
    from idiolect.decode.packs import PackRetriever

    index, catalog = _opened(where, embedding)
    if pack:
        if catalog is None:
            stop(
                "error: a context pack is made of a catalog\n   help: name the .okt file instead of a folder",
                USAGE,
            )
        typer.echo(PackRetriever(index, catalog).pack(request).text)
        return
    found = index.find(request)
    if not found:
        typer.echo("nothing found")
        return
    print_table(
        ("what", "name", "score"), [(one.entry.kind, one.entry.name, f"{one.score:.3f}") for one in found]
    )


@app.command()
def measure(
    file: _File,
    embedding: _Embedding = None,
    examples: Annotated[
        Path | None, typer.Option("--examples", help="JSONL of examples; default: the run's test split.")
    ] = None,
) -> None:
    """Measure how many of the symbols that references use are found for their requests."""
    from idiolect.decode.packs import recall_of
    from idiolect.decode.retrieval import DEFAULT_MOST

    index, catalog = _opened(file, embedding)
    if catalog is None:
        stop(f"error: {file} names no catalog\n   help: add catalog to its DIALECT block")
    folder, _ = _of_script(file)
    held = list(good_examples(examples or folder / "split" / "test.jsonl"))
    recall = recall_of(index, catalog, held)
    if not recall.tasks:
        stop("error: no example uses a symbol of the project's catalog\n   help: pass --examples FILE")
    most = ", ".join(f"{number} {kind}s" for kind, number in DEFAULT_MOST.items())
    typer.echo(
        f"{recall.tasks:,} requests, {recall.symbols:,} symbols used: {recall.share:.1%} found; "
        f"all of them for {recall.whole:,} requests (at most {most})"
    )


def _opened(where: Path, embedding: Path | None) -> tuple[Index, Catalog | None]:
    from idiolect.decode.retrieval import BadIndex, load_index

    folder, catalog = where, None
    if where.suffix == ".okt":
        run, catalog = _of_script(where)
        folder = run / _FOLDER
    try:
        return load_index(folder, _embed(embedding)), catalog
    except BadIndex as error:
        stop(f"error: {error}")


def _of_script(file: Path) -> tuple[Path, Catalog | None]:
    """A script's run folder and the catalog that its DIALECT names."""
    from idiolect.cli.load import load_plan
    from idiolect.plan.paths import project_root
    from idiolect.runs.dialect_of import dialect_of
    from idiolect.runs.stage import StageError

    plan = load_plan(file)
    root = project_root(file)[0]
    if plan.dialect is None:
        return root / plan.project.run_folder, None
    try:
        dialect, context = dialect_of(plan, root)
    except StageError as error:
        stop(f"error: {error}" + (f"\n   help: {error.help}" if error.help else ""))
    return root / plan.project.run_folder, context.catalog or getattr(dialect, "catalog", None)


def _embed(folder: Path | None) -> Embed | None:
    if folder is None:
        return None
    from idiolect.decode.embedding import LocalEmbedder
    from idiolect.student.trouble import StudentError

    if not (folder / "config.json").is_file():
        stop(
            f"error: {folder} holds no model\n   help: name a folder with config.json and safetensors", USAGE
        )
    try:
        return LocalEmbedder(folder)
    except StudentError as error:
        stop(f"error: {error}" + (f"\n   help: {error.help}" if error.help else ""))
    except (OSError, ValueError) as error:
        stop(f"error: {folder} can't be loaded: {str(error).splitlines()[0]}")


def _train(run: Path) -> Iterator[Example]:
    path = run / "split" / "train.jsonl"
    return good_examples(path) if path.is_file() else iter(())


def _text(path: Path) -> str:
    from idiolect.files import Unreadable, read_small

    try:
        return read_small(path, _MOST_BYTES).decode("utf-8-sig")
    except Unreadable as reason:
        stop(f"error: {path} {reason}")
    except UnicodeDecodeError as error:
        stop(f"error: {path}: byte {error.start} is not UTF-8")
