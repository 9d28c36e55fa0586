"""Verdicts a second on the Tcl Library, beside what tclsh itself offers on the same files.

    python benchmarks/tcl_verdicts.py [FOLDER] [--most-kb 60]

tclsh's `info complete` only counts delimiters; its disassembler compiles one level of a script (bodies
of procs stay text), and neither tells a place. Both run inside one tclsh process.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl, demo_catalog
from idiolect.dialects.verdict import Severity

TCLSH = r"""
proc timed {paths script} {
    set start [clock microseconds]
    foreach body $paths {eval $script}
    expr {([clock microseconds] - $start) / 1e6}
}
set bodies {}
while {[gets stdin path] >= 0} {
    set channel [open $path]
    lappend bodies [read $channel]
    close $channel
}
puts [timed $bodies {info complete $body}]
puts [timed $bodies {catch {::tcl::unsupported::disassemble lambda [list {} $body]}}]
"""


def main() -> int:
    """Print one line a checker, and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=Path("/usr/share/tcltk"))
    parser.add_argument("--most-kb", type=int, default=2000, help="leave bigger files out")
    options = parser.parse_args()
    paths = [path for path in sorted(options.folder.rglob("*.tcl")) if path.is_file()]
    paths = [path for path in paths if path.stat().st_size <= options.most_kb * 1024]
    if not paths:
        print(f"no .tcl file under {options.folder}", file=sys.stderr)
        return 1
    texts = [path.read_bytes().decode("utf-8", "replace") for path in paths]
    megabytes = sum(map(len, texts)) / 1e6
    tcl = Tcl()
    start = time.perf_counter()
    flagged = sum(
        any(fault.severity is Severity.ERROR for fault in tcl.verify(text).faults) for text in texts
    )
    ours = time.perf_counter() - start
    print(f"{len(paths)} files, {megabytes:.1f} MB, {flagged} flagged")
    report("idiolect tcl (words, expressions, commands, places)", len(paths), megabytes, ours)
    if shutil.which("tclsh"):
        complete, compiled = tclsh_seconds(paths)
        report("tclsh: info complete (delimiters only)", len(paths), megabytes, complete)
        report("tclsh: disassemble (one level)", len(paths), megabytes, compiled)
        print(
            f"ratio to tclsh's disassembler: {ours / compiled:.1f} times its time, with every level checked"
        )
    samples(tcl)
    return 0


def samples(tcl: Tcl, count: int = 500) -> None:
    """Verdicts on generated scripts against a catalog: the size that a model writes."""
    context = Context(catalog=demo_catalog())
    texts = [tcl.sample(random.Random(seed)).text for seed in range(count)]
    start = time.perf_counter()
    good = sum(tcl.verify(text, context).ok for text in texts)
    spent = time.perf_counter() - start
    assert good == count
    report(f"{count} samples against a catalog with DSL blocks", count, sum(map(len, texts)) / 1e6, spent)


def report(name: str, files: int, megabytes: float, seconds: float) -> None:
    """One line of figures."""
    print(f"{name:55} {files / seconds:10.0f} verdicts/s {megabytes / seconds:8.2f} MB/s")


def tclsh_seconds(paths: list[Path]) -> tuple[float, float]:
    """Seconds that tclsh takes for its two checks of the files."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "timed.tcl"
        script.write_text(TCLSH)
        lines = "".join(f"{path}\n" for path in paths)
        run = subprocess.run(["tclsh", str(script)], input=lines, capture_output=True, text=True, check=True)
    complete, compiled = map(float, run.stdout.split())
    return complete, compiled


if __name__ == "__main__":
    sys.exit(main())
