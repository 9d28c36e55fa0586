"""TRAIN.report_to: experiment trackers, reached by transformers' own integrations where they are installed.

A tracker that is not installed is told in one line, and training goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec

# What transformers needs for each; one of them is enough.
_PACKAGES = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "trackio": ("trackio",),
}


def usable_trackers(
    names: Iterable[str], *, installed: Callable[[str], bool] = lambda package: find_spec(package) is not None
) -> tuple[list[str], list[str]]:
    """The trackers that can be reached, and one line for each that can't."""
    usable, missing = [], []
    for name in dict.fromkeys(names):
        if name == "none":
            continue
        if any(installed(package) for package in _PACKAGES[name]):
            usable.append(name)
        else:
            cure = f"pip install {_PACKAGES[name][0]}"
            missing.append(f'TRAIN.report_to: "{name}" is not installed, and nothing is sent to it; {cure}')
    return usable, missing
