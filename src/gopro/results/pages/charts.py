"""Small line charts as SVG that takes its colours from the page around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 340.0, 170.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 10.0, 24.0


@dataclass(frozen=True)
class Curve:
    """A number over epochs.

    Attributes:
        name: What it is, in words.
        note: More about it, such as its weight in the sum.
        points: (epoch, value), finite.
    """

    name: str
    note: str
    points: tuple[tuple[int, float], ...]

    @property
    def svg(self) -> Markup:
        """The chart; the page styles the classes ``grid``, ``tick``, ``line`` and ``dot``."""
        return line_chart(self.points, self.name)


def line_chart(points: Sequence[tuple[int, float]], name: str) -> Markup:
    """A chart of one line with the value of each point as its tooltip.

    Args:
        points: (epoch, value), at least one.
        name: For readers who hear the page.
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    ticks = nice_ticks(min(ys), max(ys))
    low, high = min(ticks[0], *ys), max(ticks[-1], *ys)
    first, last = min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first) if last > first else 0.5
        up = (y - low) / (high - low)
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-label="{escape(name)}">'
    ]
    for tick in ticks:
        _, y = place(first, tick)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">'
            f"{number(tick)}</text>"
        )
    for epoch in sorted({first, (first + last) // 2, last}):
        x, _ = place(epoch, low)
        anchor = "end" if epoch == last > first else "middle"
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - 7}" text-anchor="{anchor}">'
            f"{'epoch ' if epoch == last else ''}{epoch}</text>"
        )
    placed = [place(x, y) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    parts.append(f'<polyline class="line" points="{path}"/>')
    radius = 3 if len(points) <= 30 else 1.5
    for (x, y), (epoch, value) in zip(placed, points, strict=True):
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'
            f"<title>epoch {epoch}: {number(value)}</title></circle>"
        )
    return Markup("".join(parts) + "</svg>")  # nosec B704  # names are escaped as they are put in


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from below or at ``low`` to at or above ``high``, at least two."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        reach = abs(high) / 2 or 0.5
        low, high = low - reach, high + reach
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * place for place in range(start, max(end, start + 1) + 1)]


def number(value: float) -> str:
    """A number with three digits that count."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        return text
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
