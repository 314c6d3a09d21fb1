"""Charts of several methods as SVG; the page around them sets the colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gopro.results.pages.charts import Chart, nice_ticks, number, path

_HEIGHT = 200.0
_MARGINS = (44.0, 14.0, 12.0, 26.0)


@dataclass(frozen=True)
class Points:
    """One method's line in a chart.

    Attributes:
        name: The method.
        colour: A CSS class of the page, such as ``m1``.
        points: (x, y, standard deviation or None), sorted by x.
    """

    name: str
    colour: str
    points: tuple[tuple[float, float, float | None], ...]


@dataclass(frozen=True)
class Interval:
    """A mean and half the width of its confidence interval (None for a single pair)."""

    name: str
    colour: str
    mean: float
    reach: float | None

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the interval."""
        reach = self.reach or 0.0
        return self.mean - reach, self.mean + reach


@dataclass(frozen=True)
class Forest:
    """Intervals on a common scale that includes zero."""

    intervals: tuple[Interval, ...]

    @property
    def ticks(self) -> list[float]:
        """Round numbers around zero and all intervals."""
        ends = [end for one in self.intervals for end in one.ends]
        return nice_ticks(min(0.0, *ends), max(0.0, *ends))

    def place(self, value: float) -> float:
        """Position of a value between the first and the last tick, in percent."""
        ticks = self.ticks
        return 100 * (value - ticks[0]) / (ticks[-1] - ticks[0])


def lines(series: Sequence[Points], name: str, x_name: str, *, doubling: bool = False) -> Markup:
    """A line per method, with its standard deviation as a band.

    Args:
        series: The lines; at least one has a point.
        name: The label for screen readers.
        x_name: The label of the horizontal axis.
        doubling: Use a logarithmic axis, as for 1, 2, 4, 8, 16 shots.
    """
    points = [point for one in series for point in one.points]
    xs = sorted({x for x, _, _ in points})
    lows = [y - (wide or 0) for _, y, wide in points]
    highs = [y + (wide or 0) for _, y, wide in points]
    chart = Chart(name, (min(lows), max(highs)), _HEIGHT, _MARGINS)
    scale: Callable[[float], float] = math.log2 if doubling and xs[0] > 0 else float
    first, last = scale(xs[0]), scale(xs[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        return chart.x((scale(x) - first) / (last - first) if last > first else 0.5), chart.y(y)

    shown = xs if len(xs) <= 6 else [xs[0], xs[len(xs) // 2], xs[-1]]
    for x in shown:
        words = f"{x_name} {number(x)}" if x == shown[-1] else number(x)
        anchor = "end" if x == shown[-1] and len(shown) > 1 else "middle"
        chart.text(at(x, chart.low)[0], _HEIGHT - 8, words, anchor)
    for one in series:
        if len(one.points) > 1 and any(wide for _, _, wide in one.points):
            above = [at(x, y + (wide or 0)) for x, y, wide in one.points]
            below = [at(x, y - (wide or 0)) for x, y, wide in reversed(one.points)]
            band = path([*above, *below])
            chart.parts.append(f'<polygon class="band {one.colour}" points="{band}"/>')
        titles = [
            f"{one.name}, {number(x)}: {number(y)}" + (f" ± {wide:.2f}" if wide else "")
            for x, y, wide in one.points
        ]
        chart.line([at(x, y) for x, y, _ in one.points], titles, one.colour)
    return chart.svg
