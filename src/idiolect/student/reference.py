"""Finds the model that a script names: built in, in a local folder, in the Hugging Face cache, or on the hub.

Nothing is downloaded and no network is used: a hub id that is not in the cache is said to be so.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from idiolect.problem import Problem, ProblemSeverity, problem
from idiolect.student.aliases import ALIAS_FILE
from idiolect.student.model_folder import ModelFolder, fits, read_model_folder
from idiolect.text_hints import nearest, shortened

Kind = Literal["built-in", "local", "cached", "hub", "url", "missing"]

BUILT_IN = ("nano", "idiolect/nano")
NANO = Path(str(files("idiolect.student").joinpath("nano")))
_PRIVATE_OWNER = "oktoseek"
_HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)
_LONGEST_ID = 96  # the hub's own limit


@dataclass(frozen=True, slots=True)
class ModelFound:
    """Where a model is and what it is, as far as that can be known without loading it."""

    ref: str
    kind: Kind
    path: Path | None = None
    hub_id: str | None = None
    architecture: str | None = None  # the class name in config.json
    model_type: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    vocab_size: int | None = None
    context_window: int | None = None
    parameters: int | None = None
    parameters_exact: bool = False
    has_tokenizer: bool = False
    dtype: str | None = None
    problems: tuple[Problem, ...] = ()


def locate_model(
    ref: str,
    *,
    bases: Sequence[Path] = (Path(),),
    offline: bool = True,
    aliases: Mapping[str, str] | None = None,
    architecture: str | None = None,
    env: Mapping[str, str] = os.environ,
) -> ModelFound:
    """Find a model by the name in a script. Local paths are looked for below the `bases`, in order.

    A hub id that is not cached is a V004 warning; with `offline` false, which says that a download is
    possible, it is none. `architecture` is compared with what is found.
    """
    target = (aliases or {}).get(ref, ref).strip()
    try:
        found = replace(_locate(target, bases, offline, env), ref=ref)
    except OSError as error:
        what = f'"{shortened(target)}" can\'t be read: {error.strerror}'
        return ModelFound(ref, "missing", problems=(problem("V004", what),))
    if architecture and found.model_type and fits(architecture, found.model_type) is False:
        found = _with(found, _mismatch(ref, architecture, found.model_type))
    return found


def cache_folder(env: Mapping[str, str] = os.environ) -> Path:
    """The folder in which Hugging Face's libraries keep what they downloaded."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if env.get(name):
            return Path(env[name]).expanduser()
    home = env.get("HF_HOME") or str(Path(env.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    return Path(home).expanduser() / "hub"


def _locate(ref: str, bases: Sequence[Path], offline: bool, env: Mapping[str, str]) -> ModelFound:
    if ref in BUILT_IN:
        # Until it is pre-trained it has no weights, which is no fault of whoever names it.
        inside = replace(read_model_folder(NANO), problems=())
        return _described(ModelFound(ref, "built-in", NANO), inside)
    if "://" in ref:
        return _from_url(ref, offline, env)
    for base in bases:
        path = base / ref
        if ref and "\0" not in ref and os.path.lexists(path):
            return _local(ref, path)
    if _looks_like_a_path(ref) or not _is_hub_id(ref):
        return _missing(ref)
    return _hub(ref, offline, env)


def _local(ref: str, path: Path) -> ModelFound:
    if path.is_dir():
        return _described(ModelFound(ref, "local", path), read_model_folder(path))
    if path.suffix == ".safetensors":
        what, cure = "is one weight file", "name the folder that holds it beside config.json"
    elif path.suffix in (".gguf", ".onnx", ".tflite", ".okm"):
        what, cure = (
            f"is an exported {path.suffix[1:]} file",
            "training starts from a folder with safetensors",
        )
    elif path.exists():
        what, cure = "is a file, not a model's folder", "name the folder that holds config.json"
    else:
        what, cure = "is a link that leads nowhere", "mend the link or name the folder itself"
    found = problem("L429", f"{shortened(path.name)} {what}", help=cure, where=str(path))
    return ModelFound(ref, "local", path, problems=(found,))


def _hub(hub_id: str, offline: bool, env: Mapping[str, str]) -> ModelFound:
    snapshot = _snapshot(cache_folder(env) / f"models--{hub_id.replace('/', '--')}")
    if snapshot:
        return _described(ModelFound(hub_id, "cached", snapshot, hub_id), read_model_folder(snapshot))
    found = ModelFound(hub_id, "hub", hub_id=hub_id)
    severity: ProblemSeverity = "warning" if offline else "error"
    owner, _, name = hub_id.rpartition("/")
    right = _known().wrong.get(hub_id)
    if right:
        what = f'no model is named "{hub_id}"'
        return _with(found, problem("V004", what, help=f'write "{right}"', severity=severity))
    if owner.lower() == _PRIVATE_OWNER:
        cure = f'map it in {ALIAS_FILE} below [aliases]: "{hub_id}" = "models/{name}"'
        what = f'"{hub_id}" is a private name that only OktoSeek can resolve, and it is not on this machine'
        return _with(found, problem("V004", what, help=cure, severity=severity))
    if not offline:
        return found
    what = f'"{hub_id}" is no folder here and not in the local cache; whether the hub has it was not asked'
    return _with(found, problem("V004", what, help=_similar(hub_id), severity="warning"))


def _from_url(ref: str, offline: bool, env: Mapping[str, str]) -> ModelFound:
    try:
        parts = urlsplit(ref)
        host = (parts.hostname or "").lower()
    except ValueError:  # such as a broken IPv6 address
        return _missing(ref)
    if host in _HUB_HOSTS:
        hub_id = "/".join(parts.path.strip("/").split("/")[:2])
        if _is_hub_id(hub_id):
            return replace(_hub(hub_id, offline, env), ref=ref)
    what = f"models are not fetched from {shortened(host) or 'such an address'}"
    found = problem("V004", what, help="download the model and name its folder, or write its hub id")
    return ModelFound(ref, "url", problems=(found,))


def _missing(ref: str) -> ModelFound:
    shown = shortened(ref)
    if not ref:
        found = problem("V004", "the model's name is empty", help='write "nano"')
    elif _looks_like_a_path(ref):
        found = problem("V004", f'no folder "{shown}"', help="check the path")
    else:
        cure = _similar(ref) or "a hub id is owner/name, of letters, digits, '-', '_' and '.'"
        what = f'"{shown}" is neither a folder nor a well-formed hub id'
        found = problem("V004", what, help=cure)
    return ModelFound(ref, "missing", problems=(found,))


def _snapshot(folder: Path) -> Path | None:
    # refs/main names the commit; a model fetched by another revision has no such file.
    try:
        commit = (folder / "refs" / "main").read_text("ascii")[:100].strip()
    except (OSError, ValueError):
        commit = ""
    snapshots = folder / "snapshots"
    if commit and "/" not in commit and (snapshots / commit).is_dir():
        return snapshots / commit
    try:
        return next((path for path in sorted(snapshots.iterdir()) if path.is_dir()), None)
    except OSError:
        return None


def _described(found: ModelFound, folder: ModelFolder) -> ModelFound:
    return replace(found, **{one.name: getattr(folder, one.name) for one in fields(folder)})


def _is_hub_id(ref: str) -> bool:
    odd = "--" in ref or ".." in ref or ref.endswith((".git", ".", "-"))
    return len(ref) <= _LONGEST_ID and not odd and _HUB_ID.fullmatch(ref) is not None


def _looks_like_a_path(ref: str) -> bool:
    return ref.startswith((".", "/", "~")) or "\\" in ref or ref.count("/") > 1 or ref[1:2] == ":"


def _similar(ref: str) -> str | None:
    known = _known()
    if ref in known.all:
        return None
    by_name = {name.rpartition("/")[2]: name for name in known.all}
    near = nearest(ref, known.all, cutoff=0.8)
    if near is None and "/" not in ref:
        short = nearest(ref, tuple(by_name), cutoff=0.85)
        near = by_name[short] if short else None
    return f'did you mean "{near}"?' if near else None


@dataclass(frozen=True, slots=True)
class _Known:
    all: tuple[str, ...]
    wrong: Mapping[str, str]


@cache
def _known() -> _Known:
    table = tomllib.loads(files("idiolect.student").joinpath("known_models.toml").read_text("utf-8"))
    return _Known((*table["names"], *table["short"]), table["wrong"])


def _mismatch(ref: str, architecture: str, model_type: str) -> Problem:
    what = f'"{shortened(ref)}" is of type {model_type}, which is no {architecture}'
    return problem("L423", what, help="correct MODEL.architecture, or leave it out")


def _with(found: ModelFound, one: Problem) -> ModelFound:
    return replace(found, problems=(*found.problems, one))
