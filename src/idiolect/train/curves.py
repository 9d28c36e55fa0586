"""The losses of a training over its steps as one SVG that reads well on light and on dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 34, 40
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.grid{stroke:#8884;stroke-width:1}"
    ".a{stroke:#2563c9}.b{stroke:#c2410c;stroke-dasharray:6 4}polyline{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}.a{stroke:#7fb2ff}.b{stroke:#ffab70}}"
)
_MOST_POINTS = 1000

Points = list[tuple[float, float]]


def loss_curves(history: Sequence[Mapping[str, Any]], title: str) -> str:
    """A picture of `loss` and `eval_loss`; one that says so where there are no points."""
    keys = {"loss": "loss", "validation": "eval_loss"}
    lines = {name: points for name, key in keys.items() if (points := thinned(points_of(history, key)))}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    if not lines:
        return f'{head}<text x="{_LEFT}" y="{_TOP}">no loss was logged</text></svg>\n'
    every = [point for points in lines.values() for point in points]
    low_x, high_x = _range([x for x, _ in every])
    low_y, high_y = _range([y for _, y in every])

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (x - low_x) / (high_x - low_x) * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - (y - low_y) / (high_y - low_y) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [head]
    for tick in _ticks(low_y, high_y):
        at = place(low_x, tick)[1]
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
    for tick in _ticks(low_x, high_x):
        at = place(tick, low_y)[0]
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - 18}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 2}" text-anchor="end">step</text>')
    for number, (name, points) in enumerate(lines.items()):
        kind = "ab"[name == "validation"]
        spots = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
        parts.append(f'<polyline class="{kind}" points="{spots}"/>')
        x = _LEFT + 180 * number
        parts.append(f'<polyline class="{kind}" points="{x},{_TOP - 18} {x + 26},{_TOP - 18}"/>')
        parts.append(f'<text x="{x + 32}" y="{_TOP - 14}">{name} {points[-1][1]:.4g}</text>')
    return "".join(parts) + "</svg>\n"


def points_of(history: Sequence[Mapping[str, Any]], key: str) -> Points:
    """Steps and values of one number; what is no number is left out."""
    return [
        (float(entry["step"]), float(entry[key]))
        for entry in history
        if isinstance(entry.get(key), int | float) and math.isfinite(entry[key])
    ]


def thinned(points: Points) -> Points:
    """No more points than can be seen: means of neighbours."""
    size = -(-len(points) // _MOST_POINTS)
    if size <= 1:
        return points
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [(group[-1][0], math.fsum(y for _, y in group) / len(group)) for group in groups]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    unit = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= (high - low) / 5)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
