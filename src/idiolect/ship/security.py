"""What SECURITY asks of exports: sealing, signing and checksums, with keys from outside of the script.

Keys come from the environment or from files that it names, never from a script, and are written nowhere. A
script that asks for protection and finds no key is refused: nothing is written open instead.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from idiolect.files import write_beside
from idiolect.okt.blocks.ship import Security
from idiolect.ship.sealing import KEY_VARIABLE, CantUnseal, check_secret, is_public, is_wrapping, secret_of

CHECKSUMS = "SHA256SUMS"
KEY_FILE_VARIABLE = "OKTO_KEY_FILE"
SIGNING_VARIABLE = "OKTO_SIGNING_KEY"
_PIECE = 1 << 20


class NoKey(Exception):
    """A key that a script's SECURITY needs and that is not there, or that can't be used."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Protection:
    """How exports are protected. It holds a secret: it is never written and never printed."""

    secret: str | None = None  # seals archives
    signing_key: Path | None = None  # signs manifests
    checksums: bool = False  # SHA-256 of everything, beside it
    notes: tuple[str, ...] = ()

    @property
    def opening_secret(self) -> str | None:
        """The secret that opens what this one seals; None where that is another's private key."""
        return None if self.secret is None or is_public(self.secret) else self.secret

    def __repr__(self) -> str:
        return f"Protection(sealed={self.secret is not None}, signed={self.signing_key is not None})"


OPEN = Protection()


def protection_of(
    security: Security | None, root: Path, environment: Mapping[str, str] | None = None
) -> Protection:
    """What a script's SECURITY asks for, with its keys; NoKey where one is missing."""
    environment = os.environ if environment is None else environment
    if security is None:
        return OPEN
    algorithm = security.encryption.algorithm if security.encryption else None
    notes = []
    if algorithm == "SHA-256":
        notes.append(f"SHA-256 is a digest and encrypts nothing: checksums are in {CHECKSUMS}")
    seals = security.encrypt_model or algorithm in ("AES-256", "RSA")
    return Protection(
        _secret(environment, algorithm == "RSA") if seals else None,
        _signing_key(environment, root) if security.watermark else None,
        checksums=algorithm == "SHA-256",
        notes=tuple(notes),
    )


def write_checksums(folder: Path, names: Iterable[str]) -> Path:
    """Write the SHA-256 of files and of all files in folders, as `sha256sum -c` reads them."""
    lines = []
    for name in sorted(names):
        place = folder / name
        files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        lines += [f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    write_beside(folder / CHECKSUMS, "".join(lines))
    return folder / CHECKSUMS


def _secret(environment: Mapping[str, str], wraps: bool) -> str:
    kind = "SECURITY.encryption RSA" if wraps else "SECURITY.encrypt_model"
    named = environment.get(KEY_FILE_VARIABLE)
    help = f"set {KEY_VARIABLE}, or {KEY_FILE_VARIABLE} to a file outside of the project"
    try:
        secret = secret_of(Path(named) if named else None, environment)
        check_secret(secret)
    except CantUnseal as error:
        raise NoKey(f"{kind} asks for a key: {error}", help) from error
    if wraps and not is_wrapping(secret):
        what = "SECURITY.encryption RSA wraps the key of AES-256, for which it takes a public RSA key in PEM"
        raise NoKey(what, help)
    if not wraps and is_wrapping(secret):
        what = f"{KEY_VARIABLE} holds an RSA key, and SECURITY asks for AES-256"
        raise NoKey(what, 'write encryption { algorithm: "RSA" }, or give a key of 32 bytes')
    return secret


def _signing_key(environment: Mapping[str, str], root: Path) -> Path:
    named = environment.get(SIGNING_VARIABLE, "").strip()
    help = (
        f"make one with: idiolect okm keygen FILE, outside of the project; then set {SIGNING_VARIABLE}=FILE"
    )
    if not named:
        raise NoKey("SECURITY.watermark asks for a signing key", help)
    path = Path(named).expanduser()
    if not path.is_file():
        raise NoKey(f"the signing key {path} does not exist", help)
    if path.resolve().is_relative_to(root.resolve()):
        raise NoKey(f"the signing key {path} lies in the project, where it would be shared with it", help)
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
