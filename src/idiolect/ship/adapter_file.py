"""An adapter as one safetensors file, which carries its own configuration in the file's header.

PEFT wants a folder; a file is what people pass on. `opened_adapter` makes the folder of it again.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from pathlib import Path

from idiolect.files import write_beside
from idiolect.problem import problem
from idiolect.student.adapters import CONFIG, WEIGHTS
from idiolect.student.trouble import StudentError

FILE = "adapter.safetensors"
_FACT = "adapter_config"


def write_adapter_file(folder: Path, out: Path) -> Path:
    """Write the adapter of a folder as one file."""
    from safetensors.torch import load_file, save_file

    config = json.loads((folder / CONFIG).read_text("utf-8"))
    told = {"format": "pt", _FACT: json.dumps(config, sort_keys=True)}
    save_file(load_file(folder / WEIGHTS), out, metadata=told)
    return out


def opened_adapter(path: Path) -> Path:
    """A folder with the adapter of a file; a folder is returned as it is."""
    if not path.is_file():
        return path
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as opened:
            config = (opened.metadata() or {}).get(_FACT)
    except (SafetensorError, OSError) as error:
        raise StudentError(
            problem("L613", f"{path} is no safetensors file: {error}", where=str(path))
        ) from error
    if config is None and (path.parent / CONFIG).is_file():
        config = (path.parent / CONFIG).read_text("utf-8")
    if config is None:
        what = f"{path} does not say what kind of adapter it is, and no {CONFIG} lies beside it"
        raise StudentError(problem("L613", what, help="name the adapter's folder", where=str(path)))
    folder = Path(tempfile.mkdtemp(prefix="idiolect-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_beside(folder / CONFIG, config)
    shutil.copyfile(path, folder / WEIGHTS)
    return folder
