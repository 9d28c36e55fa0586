"""Brings a base model into a local folder: built in, a folder, an alias, the cache, or the hub.

Only configuration, tokenizer and safetensors files are ever fetched: no pickle and no code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idiolect.problem import Problem, problem
from idiolect.student.aliases import ALIAS_FILE, read_aliases
from idiolect.student.model_folder import TOKENIZER_FILES, read_model_folder
from idiolect.student.reference import ModelFound, locate_model
from idiolect.student.trouble import StudentError, libraries

WANTED = ("*.json", "*.jinja", "*.safetensors", "*.model", "*.txt")
_SAMPLE = 1 << 16


@dataclass(frozen=True, slots=True)
class Base:
    """A base model in a local folder."""

    ref: str  # as the script names it
    folder: Path
    found: ModelFound

    @property
    def built_in(self) -> bool:
        return self.found.kind == "built-in"

    @property
    def has_weights(self) -> bool:
        return any(self.folder.glob("*.safetensors"))


def find_base(ref: str, root: Path, *, offline: bool = False, env: Mapping[str, str] = os.environ) -> Base:
    """The folder of a base model, downloaded if need be; StudentError where there is none."""
    aliases, faults = read_aliases(root)
    offline = offline or env.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    found = locate_model(ref, bases=(root, Path.cwd()), offline=offline, aliases=aliases, env=env)
    if found.kind == "hub" and not offline:
        found = _fetched(found)
    elif found.kind == "hub":
        raise StudentError(_offline(found, "this run is offline"))
    for one in (*faults, *found.problems):
        if one.severity == "error":
            raise StudentError(one)
    if found.path is None:
        raise StudentError(problem("V004", f'"{ref}" leads to no folder'))
    return Base(ref, found.path, found)


def fingerprint(folder: Path) -> str:
    """Tells one base from another: its configuration, its tokenizer, and samples of its weights' bytes."""
    seen = hashlib.sha256((folder / "config.json").read_bytes())
    for name in TOKENIZER_FILES:
        if (folder / name).is_file():
            seen.update((folder / name).read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        seen.update(f"{path.name} {size}".encode())
        with path.open("rb") as stream:
            for place in (0, size // 3, size // 2, max(0, size - _SAMPLE)):
                stream.seek(place)
                seen.update(stream.read(_SAMPLE))
    return seen.hexdigest()[:16]


def _fetched(found: ModelFound) -> ModelFound:
    """A model of the hub, downloaded into Hugging Face's own cache."""
    with libraries():
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError
    assert found.hub_id is not None
    try:
        folder = Path(snapshot_download(found.hub_id, allow_patterns=list(WANTED)))
    except GatedRepoError as error:
        what = f'"{found.hub_id}" is gated: its owner wants you to agree to terms first'
        help = f"agree on huggingface.co/{found.hub_id}, then: hf auth login"
        raise StudentError(problem("V004", what, help=help)) from error
    except LocalEntryNotFoundError as error:
        raise StudentError(_offline(found, "the hub can't be reached")) from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no"
        what = f'the hub does not give "{found.hub_id}": {status} answer'
        help = "check the spelling: a hub id is owner/name"
        raise StudentError(problem("V004", what, help=help)) from error
    except OSError as error:  # no network, no disk
        raise StudentError(_offline(found, str(error).splitlines()[0])) from error
    except (TypeError, KeyError, ValueError, AttributeError) as error:  # a proxy's page, say
        raise StudentError(_offline(found, "what answers as the hub is none")) from error
    read = locate_model(str(folder), bases=(Path(),))
    if not read.problems and not any(folder.glob("*.safetensors")):
        return _no_weights(read, folder)
    return read


def _no_weights(read: ModelFound, folder: Path) -> ModelFound:
    return ModelFound(read.ref, "local", folder, problems=read_model_folder(folder).problems)


def _offline(found: ModelFound, why: str) -> Problem:
    what = f'"{found.hub_id}" is not on this machine, and {why}'
    help = (
        f"on a machine with network: hf download {found.hub_id} --local-dir models/base; "
        f'then write base: "models/base", or map the name in {ALIAS_FILE}'
    )
    return problem("V004", what, help=help)
