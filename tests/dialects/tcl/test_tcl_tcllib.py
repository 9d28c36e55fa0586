"""Real code as a judge: the Tcl Library's files are good Tcl, and tclsh's compiler finds the broken ones.

Needs the Tcl Library (Debian: tcllib) and, for the mutants, tclsh. What each known file is flagged
for was looked at one by one: see docs/dialects/tcl.md.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.verdict import Severity, Verdict

pytestmark = pytest.mark.slow

ROOT = Path("/usr/share/tcltk")
FILES = sorted(path for path in ROOT.glob("tcllib*/**/*.tcl") if path.is_file()) if ROOT.is_dir() else []
needs_tcllib = pytest.mark.skipif(len(FILES) < 300, reason="needs the Tcl Library under /usr/share/tcltk")
needs_tclsh = pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")

# Each of these is wrong for Tcl itself as well; the path is relative to the library.
REAL_MISTAKES = {
    "clay/clay.tcl",
    "cron/cron.tcl",
    "doctools2toc/structure.tcl",
    "math/geometry.tcl",
    "math/quasirandom.tcl",
    "nettool/nettool.tcl",
    "practcl/practcl.tcl",
    "tool/tool.tcl",
    "udpcluster/udpcluster.tcl",
}
TCL = Tcl()


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def errors(verdict: Verdict) -> list[str]:
    return [fault.code for fault in verdict.faults if fault.severity is Severity.ERROR]


def inside(path: Path) -> str:
    return "/".join(path.relative_to(ROOT).parts[1:])


@needs_tcllib
def test_good_files_are_taken_and_only_real_mistakes_flagged() -> None:
    flagged = {inside(path) for path in FILES if errors(TCL.verify(text_of(path)))}
    print(f"{len(flagged)} of {len(FILES)} flagged")
    if (ROOT / "tcllib1.21").is_dir():
        assert flagged == REAL_MISTAKES
    assert len(flagged) / len(FILES) < 0.02


@needs_tcllib
def test_formatting_keeps_every_command_of_real_files() -> None:
    tried = 0
    for path in FILES[::4]:
        text = text_of(path)
        if len(text) > 200_000:
            continue
        before = TCL.analyse(text.replace("\r\n", "\n"))
        try:
            form = TCL.canonical(text)
        except ValueError:
            assert inside(path) in REAL_MISTAKES
            continue
        after = TCL.analyse(form)
        tried += 1
        assert [fault.code for fault in before.faults] == [fault.code for fault in after.faults]
        assert _outline(before) == _outline(after), path
        assert len(before.walk.comments) == len(after.walk.comments)
        assert TCL.canonical(form) == form
    assert tried > 100


def _outline(found) -> list[tuple[object, ...]]:
    sites = sorted(found.walk.sites, key=lambda site: (site.command.start, -site.command.end))
    return [(site.name, len(site.command.words), site.where) for site in sites]


def tclsh_says(paths: list[Path]) -> dict[Path, str]:
    """What tclsh's compiler says of files; an empty message means that it found nothing."""
    script = Path(__file__).with_name("oracle.tcl")
    lines = "".join(f"{path}\n" for path in paths)
    run = subprocess.run(
        ["tclsh", str(script)], input=lines, capture_output=True, text=True, check=True, timeout=600
    )
    answers = dict(line.split("\t", 1) for line in run.stdout.splitlines())
    return {path: answers[str(path)].strip() for path in paths}


@needs_tcllib
@needs_tclsh
def test_what_tclsh_finds_broken_after_one_lost_delimiter_is_refused(tmp_path: Path) -> None:
    rng = random.Random(7)
    small = [path for path in FILES if 500 < path.stat().st_size < 30_000]
    chosen = [path for path in rng.sample(small, 150) if not errors(TCL.verify(text_of(path)))]
    mutants: list[Path] = []
    for number, path in enumerate(chosen):
        text = text_of(path)
        places = [at for at, mark in enumerate(text) if mark in '{}[]()"']
        if not places:
            continue
        at = rng.choice(places)
        mutant = tmp_path / f"{number}.tcl"
        mutant.write_text(text[:at] + text[at + 1 :], encoding="utf-8")
        mutants.append(mutant)
    said = tclsh_says(mutants)
    broken = [path for path in mutants if said[path]]
    missed = [(path, said[path]) for path in broken if not errors(TCL.verify(text_of(path)))]
    print(f"{len(broken)} of {len(mutants)} broken by tclsh, {len(missed)} of them missed")
    assert len(broken) > 60
    assert len(missed) / len(broken) <= 0.05, missed
