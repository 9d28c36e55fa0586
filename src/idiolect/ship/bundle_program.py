"""Asks the model of this package, with no network.

    python bundle.py generate -i "route CLK on M3" --out script.tcl
    python bundle.py check script.tcl
    python bundle.py serve
    python bundle.py verify          every file is the one that was packed; needs nothing installed

What follows the word goes to `idiolect` as it is: `python bundle.py generate --help`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def verify() -> int:
    """Compare every file with the manifest."""
    files = json.loads((HERE / "package.json").read_text("utf-8"))["files"]
    odd = []
    for name, told in sorted(files.items()):
        path = HERE / name
        if not path.is_file():
            odd.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != told["sha256"]:
            odd.append(f"{name} was changed")
    for line in odd:
        print(f"error: {line}", file=sys.stderr)
    if not odd:
        print(f"{len(files)} files are those that were packed")
    return 1 if odd else 0


def main() -> int:
    words = sys.argv[1:]
    if not words or words[0] not in ("generate", "infer", "chat", "check", "serve", "verify"):
        print(__doc__)
        return 0 if words[:1] in ([], ["--help"], ["-h"]) else 2
    if words[0] == "verify":
        return verify()
    os.environ.update(OFFLINE)
    try:
        from idiolect.cli.app import main as idiolect
    except ModuleNotFoundError as error:
        print(f"error: {error.name} is not installed\n   help: see README.md", file=sys.stderr)
        return 1
    option = "--dialect" if words[0] == "check" else "--model"
    sys.argv = ["idiolect", words[0], option, str(HERE), *words[1:]]
    idiolect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
