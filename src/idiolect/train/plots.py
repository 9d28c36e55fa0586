"""Plots of a training as SVG: its losses, and the trials of a search. Readable on light and on dark ground.

The ground is transparent, and every colour is in the middle of the scale, with a contrast of 3:1 or more
against white and against near-black. Lines differ by dashes and markers as well as by colour. The same
numbers give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from idiolect.train.explorer import Search, Trial, best_of

_INK = "#808080"
_COLORS = ("#3b82c4", "#d9731a", "#2e9e6b", "#b0579f")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), "-.")
_MARKS = ("", "o", "s", "^")
_STYLE = {
    "svg.hashsalt": "idiolect",  # else ids in the file are random
    "svg.fonttype": "none",  # text stays text: searched, copied, and drawn in the reader's own font
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _INK,
    "grid.alpha": 0.25,
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line over steps."""

    name: str
    points: Sequence[tuple[float, float]]


def loss_curves(lines: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Losses out of the lines of training_metrics.jsonl."""
    named = {"training loss": "loss", "validation loss": "eval_loss"}
    return [
        Curve(title, points)
        for title, name in named.items()
        if (points := [(line["step"], line[name]) for line in lines if _is_number(line.get(name))])
    ]


def curves_svg(curves: Sequence[Curve], *, y: str = "loss", best: float | None = None) -> str:
    """Curves over steps. `best` marks the step whose weights were kept."""
    with _figure((7.2, 3.6)) as (figure, axes):
        for number, curve in enumerate(curves):
            points = [(step, value) for step, value in curve.points if math.isfinite(value)]
            few = len(points) <= 60
            axes.plot(
                [step for step, _ in points],
                [value for _, value in points],
                color=_COLORS[number % 4],
                linestyle=_DASHES[number % 4],
                marker=_MARKS[number % 4] if few or number else "",
                markersize=4,
                linewidth=1.8,
                label=curve.name,
            )
        if best is not None:
            axes.axvline(best, color=_INK, linewidth=1, linestyle=":", label="kept weights")
        axes.set_xlabel("step")
        axes.set_ylabel(y)
        axes.grid(axis="y")
        _log_if_wide(axes, [value for curve in curves for _, value in curve.points])
        if curves:
            axes.legend(frameon=False, loc="best")
        return _svg(figure)


def trials_svg(search: Search, trials: Sequence[Trial]) -> str:
    """The trials of a search in their order: completed, pruned, failed, and the best one named."""
    best = best_of(search, trials)
    with _figure((7.2, 3.6)) as (figure, axes):
        for how, mark, color in (
            ("completed", "o", _COLORS[0]),
            ("pruned", "v", _COLORS[1]),
        ):
            some = [trial for trial in trials if trial.how == how and trial.score is not None]
            if some:
                axes.scatter(
                    [trial.number + 1 for trial in some],
                    [trial.score for trial in some],
                    marker=mark,
                    color=color,
                    s=44,
                    label=how,
                    zorder=3,
                )
        failed = [trial.number + 1 for trial in trials if trial.how == "failed"]
        if failed:
            axes.plot(failed, [0.02] * len(failed), "x", color=_COLORS[3], label="failed", **_at_foot(axes))
        if best is not None and best.score is not None:
            axes.scatter(
                [best.number + 1], [best.score], s=160, facecolors="none", edgecolors=_COLORS[2], label="best"
            )
        axes.set_xlabel("trial")
        axes.set_ylabel(search.metric)
        axes.set_xlim(0.5, max(len(trials), 1) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y")
        if trials:
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return _svg(figure)


def _at_foot(axes: Any) -> dict[str, Any]:
    return {"transform": axes.get_xaxis_transform(), "linestyle": "none", "markersize": 7, "clip_on": False}


def _log_if_wide(axes: Any, values: Sequence[float]) -> None:
    """A loss that falls by a factor of fifty shows nothing of its end on an even scale."""
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) / min(finite) > 50:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


@contextmanager
def _figure(inches: tuple[float, float]) -> Iterator[tuple[Any, Any]]:
    """A figure with one pair of axes, drawn without a screen, in our style."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=inches, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        yield figure, axes


def _svg(figure: Any) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
