"""What is said of a path that leads nowhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from idiolect.okt.diagnostics import Edit
from idiolect.plan.preflight.flight import Flight
from idiolect.source import Span
from idiolect.text_hints import nearest


def tell_absent(
    flight: Flight, text: str, span: Span, tried: Sequence[Path], *, unused: bool = False
) -> None:
    """V001, with the name beside it that looks most like the missing one."""
    near = _near_file(tried[0])
    folder, separator, _ = text.rpartition("/")
    right = f'"{folder}{separator}{near}"'
    help = f"did you mean {right}?" if near else "looked for " + ", ".join(map(str, tried))
    edits = (Edit(f"Write {right}", span, right),) if near else ()
    note = " (not used: another source ranks above it)" if unused else ""
    report = flight.reporter.warning if unused else flight.reporter.error
    report("V001", span, f'no such file or folder: "{text}"{note}', help, edits=edits)


def _near_file(path: Path) -> str | None:
    try:
        names = sorted(entry.name for entry in os.scandir(path.parent))
    except OSError:
        return None
    return nearest(path.name, names, cutoff=0.7)
