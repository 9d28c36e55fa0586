"""Reading a script for a command that needs a good one; with errors the command ends here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from idiolect.cli.report import print_diagnostics, stop, summary

if TYPE_CHECKING:
    from idiolect.okt.check import Checked
    from idiolect.plan.plan import Plan


def load_checked(path: Path) -> Checked:
    """A script without errors."""
    from idiolect.okt.check import check_file
    from idiolect.okt.text import UnreadableScript

    try:
        checked = check_file(path)
    except UnreadableScript as error:
        stop(str(error))
    if checked.errors:
        print_diagnostics(checked.errors, checked.source)
        stop(f"{path}: not ok: {summary(checked.errors, verbose=True)}")
    return checked


def load_plan(path: Path) -> Plan:
    """The plan of a script without errors."""
    from idiolect.plan.paths import project_root
    from idiolect.plan.resolve import resolve

    checked = load_checked(path)
    return resolve(checked, root=project_root(path)[0])
