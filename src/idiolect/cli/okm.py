"""`idiolect okm`: pack, unpack and show archives, and make the key that signs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.report import USAGE, stop

if TYPE_CHECKING:
    from idiolect.ship.okm import Opened

app = typer.Typer(no_args_is_help=True, help="Pack a student into one archive that proves what is in it.")

_Archive = Annotated[Path, typer.Argument(help="The .okm file.", show_default=False)]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", help="Holds the key of a sealed archive; default: OKTO_KEY.", show_default=False
    ),
]
_SHOWN = 200  # characters of a fact


@app.callback()
def _group() -> None: ...


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="A student's folder.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The archive to write.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Default: the folder's.", show_default=False)] = None,
    seal: Annotated[
        bool, typer.Option("--seal", help="Seal it with AES-256-GCM; the key is OKTO_KEY.")
    ] = False,
    key_file: KeyFile = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", help="File of the signing key.", show_default=False)
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(help="JSON object to put beside the facts of the student.", show_default=False),
    ] = None,
) -> None:
    """Pack a folder; signed with --sign, sealed with --seal or --key-file."""
    from idiolect import __version__

    if not folder.is_dir():
        stop(f"error: {folder} is no folder", USAGE)
    with _faults():
        from idiolect.ship.okm import write_okm
        from idiolect.ship.sealing import check_secret, secret_of

        secret = secret_of(key_file) if seal or key_file else None
        if secret is not None:
            check_secret(secret)
        write_okm(
            folder, out, name=name or folder.resolve().name, facts=_facts(facts), made_with=__version__,
            signing_key=sign, secret=secret,
        )  # fmt: skip
    typer.echo(f"wrote {out}")


@app.command()
def unpack(
    file: _Archive,
    into: Annotated[Path, typer.Option("--into", help="A folder that is not there yet.", show_default=False)],
    key_file: KeyFile = None,
) -> None:
    """Unpack an archive after proving all of it; one that was changed is refused and writes nothing."""
    with _faults():
        from idiolect.ship.archives import secret_for
        from idiolect.ship.okm import unpack_okm

        opened = unpack_okm(file, into, secret=secret_for(file, key_file))
    typer.echo(f"wrote {into}: {len(opened.manifest.files)} files, {_signed(opened)}")


@app.command()
def show(file: _Archive, key_file: KeyFile = None) -> None:
    """Show what an archive says of itself, once every file in it was proven."""
    with _faults():
        from idiolect.ship.archives import secret_for
        from idiolect.ship.okm import prove_okm

        opened = prove_okm(file, secret=secret_for(file, key_file))
    manifest = opened.manifest
    total = sum(entry.bytes for entry in manifest.files.values())
    lines = [
        f"{manifest.name}  ({manifest.format}, made with idiolect {manifest.made_with})",
        f"  files      {len(manifest.files)}, {total:,} bytes, every hash is the manifest's",
        f"  provenance {_signed(opened)}",
        f"  sealed     {'yes, AES-256-GCM' if opened.sealed else 'no'}",
    ]
    lines += [f"  {name:<10} {_short(value)}" for name, value in sorted(manifest.facts.items())]
    lines += [f"  {entry.bytes:>13,}  {entry.sha256[:16]}  {name}" for name, entry in manifest.files.items()]
    typer.echo("\n".join(lines))


@app.command()
def keygen(
    file: Annotated[
        Path, typer.Argument(help="Where the signing key goes: outside of the project.", show_default=False)
    ],
) -> None:
    """Make the key that SECURITY.watermark signs with; the public half is printed."""
    for folder in file.absolute().parents:
        if (folder / "okt.yaml").is_file() or (folder / ".git").exists():
            what = f"error: {file} lies in the project {folder}, where it would be shared with it"
            stop(f"{what}\n   help: name a file outside of it", USAGE)
    with _faults():
        from idiolect.ship.okm import new_signing_key

        public = new_signing_key(file)
    typer.echo(f"wrote {file}: keep it where only you can read it\npublic key {public}")
    typer.echo(f"to sign exports: set OKTO_SIGNING_KEY={file.absolute()}", err=True)


@contextmanager
def _faults() -> Iterator[None]:
    """What is wrong with an archive or a key, in one line."""
    try:
        from idiolect.ship.okm import BadArchive
        from idiolect.ship.sealing import CantUnseal

        try:
            yield
        except (BadArchive, CantUnseal) as error:
            stop(f"error: {error}")
        except FileExistsError as error:
            stop(f"error: {error.filename} is there already\n   help: name a file that is not there yet")
        except OSError as error:
            stop(f"error: {error.filename}: {error.strerror}")
    except ModuleNotFoundError as error:
        help = 'pip install "idiolect[export]"'
        stop(f"error: archives need {error.name}, which is not installed\n   help: {help}")


def _facts(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        stop(f"error: {path}: {error}")
    if not isinstance(found, dict):
        stop(f"error: {path} holds no JSON object")
    return found


def _signed(opened: Opened) -> str:
    return f"signed by {opened.signed_by}" if opened.signed_by else "not signed"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
