"""Small line charts as SVG; the page around them sets the colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

PERCENT = "in %"
"""End of the name of a chart whose values are shares: its axis ends at 100."""

_WIDTH, _HEIGHT = 340.0, 170.0
_MARGINS = (46.0, 10.0, 10.0, 24.0)


@dataclass(frozen=True)
class Curve:
    """A metric over epochs.

    Attributes:
        name: The name of the metric.
        note: A remark, such as the weight of a loss term.
        points: (epoch, value); values are finite.
    """

    name: str
    note: str
    points: tuple[tuple[int, float], ...]

    @property
    def svg(self) -> Markup:
        """The chart; its CSS classes are ``grid``, ``tick``, ``line`` and ``dot``."""
        return line_chart(self.points, self.name)


class Chart:
    """An SVG chart: a grid for the lowest to the highest value, to which texts and lines are added.

    ``name`` is the label for screen readers; margins are left, right, top and bottom.
    """

    def __init__(
        self,
        name: str,
        values: tuple[float, float],
        height: float,
        margins: tuple[float, float, float, float],
    ) -> None:
        self.height, (self.left, self.right, self.top, self.bottom) = height, margins
        ticks = nice_ticks(*values)
        if name.endswith(PERCENT) and values[1] <= 100:
            ticks = [tick for tick in ticks if tick <= 100]
        self.low, self.high = min(ticks[0], values[0]), max(ticks[-1], values[1])
        size = f'viewBox="0 0 {_WIDTH:.0f} {height:.0f}"'
        self.parts = [f'<svg {size} role="img" aria-label="{escape(name)}">']
        for tick in ticks:
            x1, x2, y = self.left, _WIDTH - self.right, self.y(tick)
            self.parts.append(f'<line class="grid" x1="{x1}" x2="{x2}" y1="{y:.1f}" y2="{y:.1f}"/>')
            self.text(self.left - 6, y + 3.5, number(tick), "end")

    def x(self, fraction: float) -> float:
        """Horizontal position of a fraction of the frame's width."""
        return self.left + fraction * (_WIDTH - self.left - self.right)

    def y(self, value: float) -> float:
        """Vertical position of a value."""
        up = (value - self.low) / (self.high - self.low)
        return self.height - self.bottom - up * (self.height - self.top - self.bottom)

    def text(self, x: float, y: float, words: str, anchor: str) -> None:
        """Add the text of a tick."""
        self.parts.append(
            f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def line(
        self, points: Sequence[tuple[float, float]], titles: Sequence[str], colour: str = ""
    ) -> None:
        """Add a line, and a dot with a tooltip at each point; ``colour`` is a CSS class of both."""
        css = f" {colour}" if colour else ""
        self.parts.append(f'<polyline class="line{css}" points="{path(points)}"/>')
        radius = 3 if len(points) <= 30 else 1.5
        for (x, y), title in zip(points, titles, strict=True):
            self.parts.append(
                f'<circle class="dot{css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'
                f"<title>{escape(title)}</title></circle>"
            )

    @property
    def svg(self) -> Markup:
        """The finished chart."""
        return Markup("".join(self.parts) + "</svg>")  # nosec B704  # texts are escaped above


def path(points: Sequence[tuple[float, float]]) -> str:
    """Positions as the ``points`` of an SVG line or polygon."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def line_chart(points: Sequence[tuple[int, float]], name: str) -> Markup:
    """A chart of one line; each point has its value as tooltip.

    Args:
        points: (epoch, value), at least one.
        name: The label for screen readers.
    """
    epochs, values = [x for x, _ in points], [y for _, y in points]
    first, last = min(epochs), max(epochs)
    chart = Chart(name, (min(values), max(values)), _HEIGHT, _MARGINS)

    def x(epoch: int) -> float:
        return chart.x((epoch - first) / (last - first) if last > first else 0.5)

    for epoch in sorted({first, (first + last) // 2, last}):
        anchor = "end" if epoch == last > first else "middle"
        words = f"epoch {epoch}" if epoch == last else str(epoch)
        chart.text(x(epoch), _HEIGHT - 7, words, anchor)
    titles = [f"epoch {epoch}: {number(value)}" for epoch, value in points]
    chart.line([(x(epoch), chart.y(value)) for epoch, value in points], titles)
    return chart.svg


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers, at least two; the first is at most ``low``, the last at least ``high``."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        reach = abs(high) / 2 or 0.5
        low, high = low - reach, high + reach
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * count for count in range(start, max(end, start + 1) + 1)]


def number(value: float) -> str:
    """A number with three significant digits."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
