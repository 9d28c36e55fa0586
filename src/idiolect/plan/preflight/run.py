"""What a script points to: data files, models, checkpoints, dialects, hooks, the machine.

Nothing is loaded, downloaded or written.
"""

from __future__ import annotations

from pathlib import Path

from idiolect.okt.check import Checked
from idiolect.okt.diagnostics import Diagnostic, order
from idiolect.plan.preflight.data import check_data
from idiolect.plan.preflight.files import check_files, check_project_file
from idiolect.plan.preflight.flight import Flight
from idiolect.plan.preflight.machine import check_machine
from idiolect.plan.preflight.models import check_models


def preflight(
    checked: Checked, script: Path, *, data: bool = True, model: bool = True, machine: bool = True
) -> list[Diagnostic]:
    """Look at everything that a script names; with one of `data` and `model` off, at the other only."""
    flight = Flight(checked, script)
    everything = data and model
    if everything:
        check_project_file(flight)
        check_files(flight)
    if data:
        check_data(flight)
    if model:
        check_models(flight)
    if machine and everything:
        check_machine(flight)
    return order(flight.reporter.found)
