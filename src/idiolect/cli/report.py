"""How commands print diagnostics, and how they end.

Exit codes: 0 fine, 1 the user's input is wrong, 2 usage, 3 a quality gate failed.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from idiolect.okt.diagnostics import Diagnostic
    from idiolect.source import SourceText

WRONG_INPUT = 1
USAGE = 2
GATE_FAILED = 3

_COLORS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "info": typer.colors.CYAN}


def print_diagnostics(
    found: Iterable[Diagnostic], source: SourceText, *, verbose: bool = False, err: bool = False
) -> None:
    """Errors and warnings, and with `verbose` notes too, each as a compiler would print it."""
    from idiolect.okt.diagnostics import Severity, render

    for diagnostic in found:
        if diagnostic.severity is Severity.INFO and not verbose:
            continue
        head, *rest = render(diagnostic, source).split("\n")
        label = f"{diagnostic.severity}[{diagnostic.code}]"
        if colored():
            place, _, message = head.partition(f" {label}: ")
            color = _COLORS[diagnostic.severity.value]
            head = f"{place} {typer.style(label, fg=color, bold=True)}: {typer.style(message, bold=True)}"
        typer.echo("\n".join([head, *rest]), err=err)


def colored() -> bool:
    """Whether standard output shows colours; NO_COLOR turns them off."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def summary(found: Iterable[Diagnostic], *, verbose: bool) -> str:
    """How many faults of each severity."""
    counts = Counter(diagnostic.severity.value for diagnostic in found)
    parts = [_counted(counts[name], name) for name in ("error", "warning") if counts[name]]
    if counts["info"]:
        parts.append(_counted(counts["info"], "note") + ("" if verbose else " (--verbose shows them)"))
    return ", ".join(parts) or "no faults"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def stop(message: str, code: int = WRONG_INPUT) -> NoReturn:
    """End a command with one clear message on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
