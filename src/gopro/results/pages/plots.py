"""Charts of several methods at once, as SVG that takes its colours from the page around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from gopro.results.pages.charts import nice_ticks, number

_WIDTH, _HEIGHT = 340.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 14.0, 12.0, 26.0


@dataclass(frozen=True)
class Points:
    """One method's numbers.

    Attributes:
        name: The method.
        colour: A class of the page, such as ``m1``.
        points: (x, y, spread or None), sorted by x.
    """

    name: str
    colour: str
    points: tuple[tuple[float, float, float | None], ...]


@dataclass(frozen=True)
class Interval:
    """A mean and how far its confidence interval reaches to both sides (None: a single pair)."""

    name: str
    colour: str
    mean: float
    reach: float | None

    @property
    def ends(self) -> tuple[float, float]:
        """From where to where it reaches."""
        reach = self.reach or 0.0
        return self.mean - reach, self.mean + reach


@dataclass(frozen=True)
class Forest:
    """Intervals one under the other on one scale, zero on it."""

    intervals: tuple[Interval, ...]

    @property
    def ticks(self) -> list[float]:
        """Round numbers that hold all intervals and zero between them."""
        ends = [end for one in self.intervals for end in one.ends]
        return nice_ticks(min(0.0, *ends), max(0.0, *ends))

    def place(self, value: float) -> float:
        """Where a value lies between the first tick and the last, in percent."""
        ticks = self.ticks
        return 100 * (value - ticks[0]) / (ticks[-1] - ticks[0])


def lines(series: Sequence[Points], name: str, x_name: str, *, doubling: bool = False) -> Markup:
    """A line for each method, with its spread as a band.

    Args:
        series: At least one with a point.
        name: For readers who hear the page.
        x_name: What the horizontal axis counts.
        doubling: Equal steps for each doubling, as suits 1, 2, 4, 8, 16 shots.
    """
    every = [point for one in series for point in one.points]
    xs = sorted({x for x, _, _ in every})
    lows = [y - (wide or 0) for _, y, wide in every]
    highs = [y + (wide or 0) for _, y, wide in every]
    ticks = nice_ticks(min(lows), max(highs))
    low, high = ticks[0], ticks[-1]
    bend: Callable[[float], float] = math.log2 if doubling and xs[0] > 0 else float
    first, last = bend(xs[0]), bend(xs[-1])

    def at_x(x: float) -> float:
        across = (bend(x) - first) / (last - first) if last > first else 0.5
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT)

    def at_y(y: float) -> float:
        return _HEIGHT - _BOTTOM - (y - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_open(_HEIGHT, name), *_grid(ticks, at_y)]
    shown = xs if len(xs) <= 6 else [xs[0], xs[len(xs) // 2], xs[-1]]
    for x in shown:
        word = f"{x_name} {number(x)}" if x == shown[-1] else number(x)
        anchor = "end" if x == shown[-1] and len(shown) > 1 else "middle"
        parts.append(_text(at_x(x), _HEIGHT - 8, word, anchor))
    for one in series:
        parts += _one_line(one, at_x, at_y)
    return _close(parts)


def _one_line(
    one: Points, at_x: Callable[[float], float], at_y: Callable[[float], float]
) -> list[str]:
    placed = [(at_x(x), at_y(y)) for x, y, _ in one.points]
    parts = []
    if len(placed) > 1 and any(wide for _, _, wide in one.points):
        above = [(at_x(x), at_y(y + (wide or 0))) for x, y, wide in one.points]
        below = [(at_x(x), at_y(y - (wide or 0))) for x, y, wide in reversed(one.points)]
        parts.append(f'<polygon class="band {one.colour}" points="{_path([*above, *below])}"/>')
    parts.append(f'<polyline class="line {one.colour}" points="{_path(placed)}"/>')
    radius = 3 if len(placed) <= 30 else 1.5
    for (x, y), (value, height, wide) in zip(placed, one.points, strict=True):
        between = f" ± {wide:.2f}" if wide else ""
        parts.append(
            f'<circle class="dot {one.colour}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>'
            f"{escape(one.name)}, {number(value)}: {number(height)}{between}</title></circle>"
        )
    return parts


def _grid(ticks: Sequence[float], at_y: Callable[[float], float]) -> list[str]:
    parts = []
    for tick in ticks:
        y = at_y(tick)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(_text(_LEFT - 6, y + 3.5, number(tick), "end"))
    return parts


def _open(height: float, name: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(name)}">'


def _text(x: float, y: float, word: str, anchor: str, kind: str = "tick") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(word)}</text>'
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _close(parts: Sequence[str]) -> Markup:
    return Markup("".join(parts) + "</svg>")  # nosec B704  # names are escaped as they are put in
