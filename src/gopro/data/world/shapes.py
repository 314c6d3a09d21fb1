"""Parts of objects, in unit coordinates: x to the right, y down, both from -1 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gopro.data.world.colours import DARK, WHITE, Colour
from gopro.data.world.dice import Dice

Point = tuple[float, float]


class Part(NamedTuple):
    """A filled outline, or a line if ``width`` (in unit coordinates) is above 0."""

    points: list[Point]
    colour: Colour
    width: float = 0.0
    edge: bool = True
    """Whether drawn styles put an outline around it."""


class Thing(NamedTuple):
    """A class of ``world``: a function that draws it, and its possible colours."""

    draw: Callable[[Dice, Colour, Colour], list[Part]]
    """``draw(dice, main colour, second colour)`` returns the parts, back to front."""
    colours: tuple[str, ...]


def oval(
    x: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0, edge: bool = True
) -> Part:
    """An ellipse, turned by ``turn`` degrees."""
    return Part(ring(x, y, rx, ry, 0, 360, turn), colour, 0.0, edge)


def ring(
    x: float, y: float, rx: float, ry: float, start: float, stop: float, turn: float = 0
) -> list[Point]:
    """Points on an ellipse from angle ``start`` to ``stop`` (degrees, clockwise from the right)."""
    count = max(4, int(abs(stop - start) * (7 if max(rx, ry) < 0.2 else 13) / 180))
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    points = []
    for i in range(count + 1):
        angle = math.radians(start + (stop - start) * i / count)
        u, v = rx * math.cos(angle), ry * math.sin(angle)
        points.append((x + u * cos - v * sin, y + u * sin + v * cos))
    return points


def poly(colour: Colour, *points: Point, edge: bool = True) -> Part:
    """A polygon with straight sides."""
    return Part(list(points), colour, 0.0, edge)


def box(
    x0: float, y0: float, x1: float, y1: float, colour: Colour, round_: float = 0, edge: bool = True
) -> Part:
    """An upright rectangle with corners rounded by ``round_``."""
    if not round_:
        return Part([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, 0.0, edge)
    r = round_
    points = [
        *ring(x1 - r, y0 + r, r, r, -90, 0),
        *ring(x1 - r, y1 - r, r, r, 0, 90),
        *ring(x0 + r, y1 - r, r, r, 90, 180),
        *ring(x0 + r, y0 + r, r, r, 180, 270),
    ]
    return Part(points, colour, 0.0, edge)


def blob(colour: Colour, *points: Point, edge: bool = True) -> Part:
    """A smooth closed shape through the points (Catmull-Rom)."""
    return Part(smooth(points, closed=True), colour, 0.0, edge)


def smooth(points: Sequence[Point], closed: bool = False, steps: int = 5) -> list[Point]:
    """A smooth curve through the points (Catmull-Rom)."""
    n = len(points)
    curve = []
    for i in range(n if closed else n - 1):
        if closed:
            a, b, c, d = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            wa, wb = -t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3
            wc, wd = t + 4 * t**2 - 3 * t**3, -(t**2) + t**3
            curve.append(
                (
                    (wa * a[0] + wb * b[0] + wc * c[0] + wd * d[0]) / 2,
                    (wa * a[1] + wb * b[1] + wc * c[1] + wd * d[1]) / 2,
                )
            )
    if not closed:
        curve.append(points[-1])
    return curve


def line(colour: Colour, width: float, *points: Point, edge: bool = True) -> Part:
    """A line of straight segments."""
    return Part(list(points), colour, width, edge)


def curve(colour: Colour, width: float, *points: Point, edge: bool = True) -> Part:
    """A smooth line through the points."""
    return Part(smooth(points), colour, width, edge)


def arc(
    x: float,
    y: float,
    rx: float,
    ry: float,
    start: float,
    stop: float,
    colour: Colour,
    width: float,
) -> Part:
    """A part of an ellipse's outline."""
    return Part(ring(x, y, rx, ry, start, stop), colour, width)


def eye(x: float, y: float, radius: float, white: bool = True) -> list[Part]:
    """An eye: a white ball with a dark pupil, or the pupil alone."""
    pupil = oval(x, y, radius * 0.55, radius * 0.55, DARK, edge=False)
    return [oval(x, y, radius, radius, WHITE), pupil] if white else [pupil]


def spokes(x: float, y: float, radius: float, count: int, start: float = 0) -> list[Point]:
    """Points evenly around a circle, the first at ``start`` degrees."""
    return [
        (
            x + radius * math.cos(math.radians(start) + 2 * math.pi * i / count),
            y + radius * math.sin(math.radians(start) + 2 * math.pi * i / count),
        )
        for i in range(count)
    ]


def across(parts: Sequence[Part]) -> list[Part]:
    """The same parts mirrored left to right."""
    return [part._replace(points=[(-x, y) for x, y in part.points]) for part in parts]
