"""Small charts as SVG that a page holds in itself: curves, and figures with their intervals.

Colours are the page's CSS variables, so that a chart is readable in light and in dark. No script, no font.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 30
_LINES = ("var(--mark)", "var(--second)", "var(--third)")
_DASHES = ("", "6 4", "2 3")  # told apart without colour as well


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line of points, in the order of x."""

    name: str
    points: Sequence[tuple[float, float]]


def curves(lines: Sequence[Curve], *, x: str, y: str) -> str:
    """A chart of lines over one x axis; points that are no number are left out."""
    kept = [
        Curve(line.name, points)
        for line in lines
        if (points := [point for point in line.points if all(map(math.isfinite, point))])
    ]
    if not kept:
        return "<p>no points to draw</p>"
    across = _Axis([point[0] for line in kept for point in line.points], _LEFT, _WIDTH - _RIGHT)
    upward = _Axis([point[1] for line in kept for point in line.points], _HEIGHT - _BOTTOM, _TOP)
    parts = [_frame(f"{y} over {x}: {', '.join(line.name for line in kept)}")]
    for tick in upward.ticks():
        at = upward.place(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    for tick in across.ticks():
        at = across.place(tick)
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{_number(tick)}</text>')
    for number, line in enumerate(kept):
        path = " ".join(f"{across.place(a):.1f},{upward.place(b):.1f}" for a, b in line.points)
        style = f'stroke="{_LINES[number % 3]}" stroke-dasharray="{_DASHES[number % 3]}"'
        parts.append(f'<polyline fill="none" stroke-width="2" {style} points="{path}"/>')
    return "".join(parts) + "</svg>" + _legend([line.name for line in kept], x, y)


def _frame(title: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
    )


def _legend(names: Sequence[str], x: str, y: str) -> str:
    keys = "".join(
        '<span><svg viewBox="0 0 26 6" width="26" height="6" aria-hidden="true">'
        '<line x1="0" x2="26" y1="3" y2="3" stroke-width="2" '
        f'stroke="{_LINES[number % 3]}" stroke-dasharray="{_DASHES[number % 3]}"/></svg> '
        f"{escape(name)}</span>"
        for number, name in enumerate(names)
    )
    return f'<p class="legend">{keys}<span>{escape(y)} over {escape(x)}</span></p>'


@dataclass(frozen=True, slots=True)
class _Axis:
    values: Sequence[float]
    start: float  # pixels
    stop: float

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        high = max(self.values)
        return high if high > self.low else self.low + (abs(self.low) or 1.0) * 0.1

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """About four round numbers."""
        rough = (self.high - self.low) / 4
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def _number(value: float) -> str:
    if value and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return f"{value:.0e}"
    return f"{value:,.10g}" if abs(value) >= 1 else f"{value:.4g}"


def interval_bar(value: float, low: float, high: float) -> str:
    """A share from 0 to 1 as a bar with its interval as a line; the figures stand in the table beside it."""
    wide = max(0.6, 100 * (high - low))
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rail" x="0" y="3" width="100" height="4"/>'
        f'<rect class="fill" x="0" y="3" width="{100 * value:.2f}" height="4"/>'
        f'<rect class="range" x="{100 * low:.2f}" y="1" width="{wide:.2f}" height="8"/></svg>'
    )
