"""The trials of a search as a plot (SVG), readable on light and on dark ground.

The ground is transparent, and every colour is in the middle of the scale, with a contrast of 3:1 or more
against white and against near-black. Outcomes differ by markers as well as by colour. The same trials
give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from idiolect.train.explorer import Search, Trial, best_of

_INK = "#808080"
_COLORS = ("#3b82c4", "#d9731a", "#2e9e6b", "#b0579f")
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
