"""The okm archive: a student with its dialect and behaviour in one file that proves what is in it.

A zip file with `manifest.json` (format, facts, SHA-256 and size of every file), the files, and, where it is
signed, `signature.json` (Ed25519 over the manifest). The same content gives the same bytes. It may be sealed
as a whole (`sealing.py`). Reading trusts nothing: names that lead out of the folder, files that are not in
the manifest, sizes that are not those announced and hashes that differ are refused, and nothing is written
outside of a folder beside the target before all of it is proven.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.ship.sealing import is_sealed, opened_chunks, seal

MANIFEST, SIGNATURE = "manifest.json", "signature.json"
_MOST_MANIFEST = 8 << 20
_MOST_FILES = 10_000
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say
_PIECE = 1 << 20


class BadArchive(Exception):
    """A file that is no okm archive, or not the one that was made."""


class FileEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class OkmManifest(BaseModel):
    """What an archive says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str = Field(default="idiolect.okm/1", pattern=r"^idiolect\.okm/1$")
    name: str
    made_with: str
    facts: dict[str, Any] = Field(default_factory=dict)  # base, dialect, behaviour, parity: JSON values
    files: dict[str, FileEntry]


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that was proven: its manifest, and the key that signed it, if one did."""

    manifest: OkmManifest
    signed_by: str | None  # the public key in hexadecimal
    sealed: bool


def write_okm(
    folder: Path,
    out: Path,
    *,
    name: str,
    facts: Mapping[str, Any],
    made_with: str,
    signing_key: Path | None = None,
    secret: str | None = None,
) -> Path:
    """Pack a folder; with a key it is signed, with a secret sealed."""
    files = entries_of(folder)
    manifest = OkmManifest(name=name, made_with=made_with, facts=dict(facts), files=files)
    text = (json.dumps(manifest.model_dump(), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        made = Path(place) / "archive"
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            _put(archive, MANIFEST, text)
            if signing_key is not None:
                _put(archive, SIGNATURE, json.dumps(signature_of(text, signing_key)).encode())
            for file in files:
                _put_file(archive, file, folder / file)
        if secret is not None:
            sealed = Path(place) / "sealed"
            with made.open("rb") as source, sealed.open("wb") as target:
                seal(source, target, secret)
            made = sealed
        made.replace(out)
    return out


def entries_of(folder: Path, without: tuple[str, ...] = ()) -> dict[str, FileEntry]:
    """Hash and size of every file in a folder, by names with forward slashes, sorted."""
    found = {
        path.relative_to(folder).as_posix(): _entry(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    return {name: entry for name, entry in found.items() if name not in without}


def read_okm(path: Path, *, secret: str | None = None) -> Opened:
    """What an archive says of itself; its files' hashes are proven only by `unpack_okm`."""
    with _opened(path, secret) as (archive, sealed):
        manifest, text = _manifest(archive)
        return Opened(manifest, _signer(archive, text), sealed)


def prove_okm(path: Path, *, secret: str | None = None) -> Opened:
    """What an archive says of itself, once all its files were proven to be those of the manifest."""
    with _opened(path, secret) as (archive, sealed):
        manifest, text = _manifest(archive)
        signed_by = _signer(archive, text)
        for name, entry in manifest.files.items():
            _copied(archive, name, entry, None)
        return Opened(manifest, signed_by, sealed)


def unpack_okm(path: Path, into: Path, *, secret: str | None = None) -> Opened:
    """Unpack an archive into a folder that is not there yet; BadArchive leaves nothing behind."""
    if into.exists():
        raise BadArchive(f"{into} is there already; name a folder that is not")
    into.parent.mkdir(parents=True, exist_ok=True)
    with _opened(path, secret) as (archive, sealed):
        manifest, text = _manifest(archive)
        signed_by = _signer(archive, text)
        with tempfile.TemporaryDirectory(dir=into.parent, prefix=f".{into.name}.") as place:
            folder = Path(place) / "content"
            folder.mkdir()
            for name, entry in manifest.files.items():
                _unpack_file(archive, name, entry, folder)
            folder.rename(into)
    return Opened(manifest, signed_by, sealed)


def _entry(path: Path) -> FileEntry:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileEntry(sha256=digest, bytes=path.stat().st_size)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(_info(name), data)


def _put_file(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    with path.open("rb") as source, archive.open(_info(name), "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, _PIECE)


@contextmanager
def _opened(path: Path, secret: str | None) -> Iterator[tuple[zipfile.ZipFile, bool]]:
    """The zip file inside; a sealed one is opened into a file that has no name."""
    try:
        sealed = is_sealed(path)
    except OSError as error:
        raise BadArchive(f"{path} can't be read: {error.strerror}") from error
    with path.open("rb") as stream, tempfile.TemporaryFile() as plain:
        source: BinaryIO = stream
        if sealed:
            if secret is None:
                raise BadArchive(f"{path.name} is sealed, and no key was given")
            for chunk in opened_chunks(stream, secret):
                plain.write(chunk)
            plain.seek(0)
            source = plain
        try:
            with zipfile.ZipFile(source) as archive:
                yield archive, sealed
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
            raise BadArchive(f"{path.name} is no whole okm archive: {error}") from error


def _manifest(archive: zipfile.ZipFile) -> tuple[OkmManifest, bytes]:
    names = archive.namelist()
    if MANIFEST not in names:
        raise BadArchive("it has no manifest.json")
    if len(names) > _MOST_FILES or len(set(names)) < len(names):
        raise BadArchive("it has too many files, or two of one name")
    text = _small(archive, MANIFEST)
    try:
        manifest = OkmManifest.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise BadArchive(f"its manifest is not one: {where}: {fault['msg']}") from error
    listed = {*manifest.files, MANIFEST, SIGNATURE}
    stray = next((name for name in names if name not in listed), None)
    if stray is not None:
        raise BadArchive(f"it holds {stray[:80]!r}, which its manifest does not name")
    missing = next((name for name in manifest.files if name not in names), None)
    if missing is not None:
        raise BadArchive(f"it lacks {missing[:80]!r}, which its manifest names")
    for name in manifest.files:
        _check_name(name)
    return manifest, text


def _check_name(name: str) -> None:
    """Names are relative, with forward slashes, and lead nowhere else."""
    path = PurePosixPath(name)
    odd = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name
    if odd or not name or name != path.as_posix():
        raise BadArchive(f"the name {name[:80]!r} in it leads out of its folder")


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_MANIFEST:
        raise BadArchive(f"its {name} is larger than a manifest is")
    with archive.open(name) as stream:
        return stream.read(_MOST_MANIFEST)


def _unpack_file(archive: zipfile.ZipFile, name: str, entry: FileEntry, folder: Path) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        _copied(archive, name, entry, stream)


def _copied(archive: zipfile.ZipFile, name: str, entry: FileEntry, stream: BinaryIO | None) -> None:
    """Read a file, write it where there is a stream, and prove that it is the manifest's."""
    if archive.getinfo(name).file_size != entry.bytes:
        raise BadArchive(f"{name} is not of the size that the manifest says")
    digest, written = hashlib.sha256(), 0
    with archive.open(name) as source:
        while piece := source.read(_PIECE):
            written += len(piece)
            if written > entry.bytes:
                raise BadArchive(f"{name} is larger than the manifest says")
            digest.update(piece)
            if stream is not None:
                stream.write(piece)
    if digest.hexdigest() != entry.sha256:
        raise BadArchive(f"{name} is not what was packed: its hash differs")


def new_signing_key(path: Path) -> str:
    """Make a key pair; the private key is written where only its owner can read it. The public key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w") as stream:
        stream.write(key.private_bytes_raw().hex() + "\n")
    return key.public_key().public_bytes_raw().hex()


def signature_of(text: bytes, path: Path) -> dict[str, str]:
    """The signature of a manifest, with the public half of the key in a file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("utf-8").strip()))
    except (OSError, ValueError) as error:
        raise BadArchive(f"the signing key {path} can't be used") from error
    return {"public_key": key.public_key().public_bytes_raw().hex(), "signature": key.sign(text).hex()}


def _signer(archive: zipfile.ZipFile, text: bytes) -> str | None:
    """The public key that signed the manifest; BadArchive where the signature is not its."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if SIGNATURE not in archive.namelist():
        return None
    try:
        said = json.loads(_small(archive, SIGNATURE))
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["public_key"]))
        key.verify(bytes.fromhex(said["signature"]), text)
    except (InvalidSignature, ValueError, KeyError, TypeError) as error:
        raise BadArchive("its signature is not one of its manifest: something was changed") from error
    return str(said["public_key"])
