"""`idiolect list`: the scripts, models, datasets and exports of this project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.tables import print_table


class What(StrEnum):
    """What can be listed."""

    PROJECTS = "projects"
    MODELS = "models"
    DATASETS = "datasets"
    EXPORTS = "exports"


_HEADERS = {
    What.PROJECTS: ("script", "project", "run"),
    What.MODELS: ("weights", "size", "what"),
    What.DATASETS: ("file", "size", "holds"),
    What.EXPORTS: ("file", "size", "format"),
}


def list_what(what: Annotated[What, typer.Argument(help="What to list.", show_default=False)]) -> None:
    """List projects, models, datasets or exports."""
    from idiolect.runs import inventory
    from idiolect.runs.shelf import project_of

    root = project_of(Path())
    readers = {
        What.PROJECTS: inventory.projects,
        What.MODELS: inventory.models,
        What.DATASETS: inventory.datasets,
        What.EXPORTS: inventory.exports,
    }
    rows = list(readers[what](root))
    if rows:
        print_table(_HEADERS[what], rows)
    else:
        typer.echo(f"no {what} in {root}")
