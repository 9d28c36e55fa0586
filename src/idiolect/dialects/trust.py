"""Which code a user has allowed to run, remembered beside the project: folders, commands and hooks.

The record holds the hash of every file of a folder, and of the project's files that a command names: one
changed byte asks again. It is sealed with a key of this machine, so a record that comes along with a
stranger's project allows nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shlex
from collections.abc import Callable
from pathlib import Path

RECORD = Path(".idiolect") / "allowed-code.json"
MAX_FOLDER_BYTES = 500_000_000
_CODE = frozenset({".py", ".js", ".mjs", ".cjs", ".sh", ".so", ".pyd", ".node"})


def allow(folder: Path, project: Path) -> bool:
    """Remember that this folder's code, as it is now, may run in this project; False if it can't be kept."""
    return _allow(str(folder.resolve()), project, lambda: _fingerprint(folder))


def allow_command(command: str, project: Path) -> bool:
    """Remember that this command, with the project's files in it, may run; False if it can't be kept."""
    return _allow(_command_name(command), project, lambda: _command_fingerprint(command, project))


def is_command_allowed(command: str, project: Path) -> bool:
    """Whether this command, exactly as it and the files that it names are now, was allowed before."""
    return _is_allowed(_command_name(command), project, lambda: _command_fingerprint(command, project))


def allow_hook(target: str, project: Path) -> bool:
    """Remember that this hook, with the code beside it, may run; False if it can't be kept."""
    return _allow(_hook_name(target), project, lambda: _hook_fingerprint(target, project))


def is_hook_allowed(target: str, project: Path) -> bool:
    """Whether this hook, exactly as it and the code beside it are now, was allowed before."""
    return _is_allowed(_hook_name(target), project, lambda: _hook_fingerprint(target, project))


def _allow(name: str, project: Path, fingerprint_of: Callable[[], str | None]) -> bool:
    try:
        key = _machine_key(create=True)
        fingerprint = fingerprint_of()
        if key is None or fingerprint is None:
            return False
        records = _read(project)
        records[name] = _seal(key, name, project, fingerprint)
        path = project / RECORD
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError:
        return False
    return True


def is_allowed(folder: Path, project: Path) -> bool:
    """Whether this folder's code, exactly as it is now, was allowed in this project before."""
    return _is_allowed(str(folder.resolve()), project, lambda: _fingerprint(folder))


def _is_allowed(name: str, project: Path, fingerprint_of: Callable[[], str | None]) -> bool:
    key = _machine_key(create=False)
    sealed = _read(project).get(name)
    if key is None or sealed is None:
        return False
    fingerprint = fingerprint_of()
    return fingerprint is not None and hmac.compare_digest(sealed, _seal(key, name, project, fingerprint))


def was_allowed_before(folder: Path, project: Path) -> bool:
    """Whether some state of this folder was allowed: then its content has changed since."""
    return str(folder.resolve()) in _read(project)


def _fingerprint(folder: Path) -> str | None:
    """One hash over the names and contents of all files; None for one that is too big or has links in it."""
    digest = hashlib.sha256()
    total = 0
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():  # what it points to may change unseen
            return None
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        content = path.read_bytes()
        total += len(content)
        if total > MAX_FOLDER_BYTES:
            return None
        name = path.relative_to(folder).as_posix().encode()
        digest.update(b"%d:%s:%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def _command_name(command: str) -> str:
    return f"command: {command}"


def _command_fingerprint(command: str, project: Path) -> str | None:
    """One hash over the command's words and the contents of those that are files of the project."""
    digest = hashlib.sha256(command.encode("utf-8", "surrogatepass"))
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for word in words:
        path = project / word
        if path.is_file() and path.resolve().is_relative_to(project.resolve()):
            content = path.read_bytes()
            digest.update(b"%d:" % len(content))
            digest.update(content)
    return digest.hexdigest()


def _hook_name(target: str) -> str:
    return f"hook: {target}"


def _hook_fingerprint(target: str, project: Path) -> str | None:
    """One hash over a hook's words and the code that it can load from beside it.

    What it loads from elsewhere, installed packages above all, is not looked at.
    """
    digest = hashlib.sha256(target.encode("utf-8", "surrogatepass"))
    for path in _hook_code(target, project):
        if path.is_symlink():  # what it points to may change unseen
            return None
        content = path.read_bytes()
        name = os.path.relpath(path, project).encode("utf-8", "surrogateescape")
        digest.update(b"%d:%s:%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def _hook_code(target: str, project: Path) -> list[Path]:
    if target.startswith("api:"):
        return []
    if target.startswith("python:"):
        top = target.removeprefix("python:").split(".")[0]
        folder, file = project / top, project / f"{top}.py"
        if file.is_file():
            return [file]
    else:
        folder = (project / target).parent
    if not folder.is_dir():
        return []
    at_root = folder.resolve() == project.resolve()  # there lie runs, data and environments as well
    found = folder.glob("*") if at_root else folder.rglob("*")
    return sorted(
        path
        for path in found
        if path.suffix in _CODE and "__pycache__" not in path.parts and (path.is_file() or path.is_symlink())
    )


def _seal(key: bytes, name: str, project: Path, fingerprint: str) -> str:
    message = "\0".join((name, str(project.resolve()), fingerprint))
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def _read(project: Path) -> dict[str, str]:
    try:
        data = json.loads((project / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: seal for name, seal in data.items() if isinstance(seal, str)}


def _machine_key(*, create: bool) -> bytes | None:
    """The key of this user on this machine; it never leaves it and is not in any project."""
    home = os.path.expanduser("~/.local/state")  # noqa: PTH111 - Path raises where there is no home
    base = os.environ.get("XDG_STATE_HOME") or home
    path = Path(base) / "idiolect" / "trust.key"
    try:
        key = path.read_bytes()
        return key if len(key) == 32 else None
    except FileNotFoundError:
        if not create:
            return None
    except OSError:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        return path.read_bytes()
    except OSError:
        return None
