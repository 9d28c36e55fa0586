"""Opens okm archives as folders, for whoever wants a student of one: by its hash, unpacked once.

An open archive is unpacked into a cache (`$XDG_CACHE_HOME/idiolect`), where it is found again. A sealed one
is unpacked into a folder that only its owner can read, which goes when the program ends.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from idiolect.problem import problem
from idiolect.ship.okm import BadArchive, unpack_okm
from idiolect.ship.sealing import CantUnseal, is_sealed, secret_of
from idiolect.ship.security import KEY_FILE_VARIABLE
from idiolect.student.trouble import StudentError, libraries

SUFFIX = ".okm"


def is_archive(path: Path) -> bool:
    """Whether a path names an okm archive."""
    return path.suffix == SUFFIX and path.is_file()


def opened_archive(path: Path) -> Path:
    """The folder with an archive's content; StudentError where it can't be opened."""
    try:
        with libraries("export", "okm archives"):
            if is_sealed(path):
                return _private(path)
        return _cached(path)
    except CantUnseal as error:
        help = (
            f"set OKTO_KEY to the key that it was sealed with, or {KEY_FILE_VARIABLE} to a file that holds it"
        )
        raise StudentError(problem("L642", f"{path.name}: {error}", help=help, where=str(path))) from error
    except (BadArchive, OSError) as error:
        help = "take the archive anew from where it was made"
        raise StudentError(problem("L642", f"{path.name}: {error}", help=help, where=str(path))) from error


def secret_for(path: Path, key_file: Path | None = None) -> str | None:
    """The secret that opens an archive: of a key file or the environment; None where it is not sealed."""
    if not is_sealed(path):
        return None
    named = os.environ.get(KEY_FILE_VARIABLE)
    return secret_of(key_file or (Path(named) if named else None))


def _private(path: Path) -> Path:
    place = Path(tempfile.mkdtemp(prefix="idiolect-"))  # readable by its owner alone
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    unpack_okm(path, place / path.stem, secret=secret_for(path))
    return place / path.stem


def _cached(path: Path) -> Path:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    folder = _cache() / digest[:32] / path.stem
    if not folder.is_dir():
        unpack_okm(path, folder)
    return folder


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "idiolect" / "okm"
