"""Verdicts a second on AutoHotkey scripts: ours, and the interpreter's own where one is given.

    python benchmarks/ahk2_verdicts.py SCRIPTS [--interpreter "wine64 AutoHotkey64.exe"] [--most 100]

SCRIPTS is a folder of .ahk files. With an interpreter, each script is also given to it with
/Validate, from the script's own folder, and agreement is counted. Scripts are never run.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

from idiolect.dialects.ahk2.dialect import Ahk2
from idiolect.dialects.contract import Context


def read(path: Path) -> str:
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "utf-16"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp1252")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", type=Path)
    parser.add_argument("--interpreter", default="", help="the command that starts AutoHotkey v2")
    parser.add_argument("--most", type=int, default=0, help="look at this many scripts only")
    options = parser.parse_args()
    paths = sorted(options.scripts.rglob("*.ahk"))[: options.most or None]
    if not paths:
        print(f"no .ahk files below {options.scripts}", file=sys.stderr)
        return 1
    texts = [read(path) for path in paths]
    dialect = Ahk2(includes="require", newer="require")
    dialect.verify(texts[0])  # read the tables once
    begun = time.perf_counter()
    verdicts = [
        dialect.verify(text, Context(folder=path.parent)) for text, path in zip(texts, paths, strict=True)
    ]
    ours = time.perf_counter() - begun
    size = sum(map(len, texts))
    rate = len(paths) / ours
    print(f"ours:        {len(paths)} scripts, {size / 1e6:.2f} MB, {ours:.2f} s, {rate:.0f} verdicts/s")
    if options.interpreter:
        compare(paths, [verdict.ok for verdict in verdicts], options.interpreter, rate)
    return 0


def compare(paths: list[Path], ours: list[bool], command: str, rate: float) -> None:
    """Ask the interpreter about each script and count where it agrees."""
    agreed = asked = 0
    begun = time.perf_counter()
    for path, ok in zip(paths, ours, strict=True):
        words = [*shlex.split(command), "/ErrorStdOut=UTF-8", "/Validate", path.name]
        try:
            done = subprocess.run(words, cwd=path.parent, capture_output=True, timeout=20, check=False)
        except subprocess.TimeoutExpired:
            continue  # a warning's dialog waits for a click
        asked += 1
        agreed += (done.returncode == 0) == ok
    theirs = asked / (time.perf_counter() - begun)
    print(f"interpreter: {asked} scripts, {theirs:.1f} verdicts/s; agreement {agreed / asked:.1%}")
    print(f"ratio:       {rate / theirs:.1f}")


if __name__ == "__main__":
    raise SystemExit(main())
