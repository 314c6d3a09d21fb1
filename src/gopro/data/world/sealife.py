"""Water animals."""

from __future__ import annotations

from gopro.data.world.colours import (
    BRIGHT,
    CREAM,
    LEAF,
    Colour,
    darker,
    lighter,
    mix,
)
from gopro.data.world.dice import Dice
from gopro.data.world.shapes import (
    Part,
    Thing,
    across,
    arc,
    blob,
    curve,
    eye,
    line,
    oval,
    poly,
    ring,
)


def fish(d: Dice, c: Colour, a: Colour) -> list[Part]:
    h, t = d.between(0.34, 0.5), d.between(0.35, 0.5)
    parts = [
        poly(a, (0.5, 0), (0.98, -t), (0.82, 0), (0.98, t)),
        poly(a, (-0.3, -h * 0.8), (0.1, -h - 0.28), (0.35, -h * 0.6)),
        poly(a, (-0.1, h * 0.8), (0.15, h + 0.2), (0.3, h * 0.6)),
        blob(c, (-0.95, 0.02), (-0.55, -h * 0.85), (0, -h), (0.6, -0.12), (0.6, 0.12), (0, h),
             (-0.55, h * 0.85)),
    ]  # fmt: skip
    if d.chance(0.5):
        parts += [arc(x, 0, 0.12, h * 0.75, -70, 70, a, 0.07) for x in (-0.2, 0.08, 0.3)]
    parts.append(arc(-0.5, 0, 0.12, h * 0.6, -60, 60, darker(c), 0.04))
    return parts + eye(-0.66, -0.1, 0.1)


def whale(d: Dice, c: Colour, a: Colour) -> list[Part]:
    parts = [
        blob(c, (-0.95, 0.15), (-0.8, -0.35), (-0.3, -0.5), (0.3, -0.25), (0.72, -0.1), (0.7, 0.2),
             (0.3, 0.55), (-0.4, 0.62), (-0.85, 0.48)),
        blob(c, (0.6, 0.05), (0.75, -0.3), (0.6, -0.62), (0.85, -0.45), (1, -0.62), (0.98, -0.25),
             (0.8, 0.1)),
        blob(lighter(c, 0.7), (-0.94, 0.28), (-0.4, 0.3), (0.15, 0.38), (-0.2, 0.56), (-0.75, 0.52),
             edge=False),
        blob(darker(c, 0.2), (-0.2, 0.35), (0.05, 0.4), (0.1, 0.75), (-0.15, 0.6)),
    ]  # fmt: skip
    if d.chance(0.7):
        spray = (150, 200, 236)
        parts.append(curve(spray, 0.07, (-0.45, -0.5), (-0.5, -0.8), (-0.72, -0.85)))
        parts.append(curve(spray, 0.07, (-0.45, -0.5), (-0.4, -0.85), (-0.2, -0.85)))
    return parts + eye(-0.68, 0.1, 0.07)


def turtle(d: Dice, c: Colour, a: Colour) -> list[Part]:
    skin = mix(LEAF, CREAM, d.between(0.1, 0.5))
    h = d.between(0.55, 0.78)
    y = 0.42
    return [
        poly(skin, (0.6, y - 0.05), (0.95, y + 0.18), (0.6, y + 0.15)),
        oval(-0.82, y - 0.24, 0.2, 0.17, skin),
        line(skin, 0.2, (-0.75, y - 0.12), (-0.5, y + 0.05)),
        _leg(-0.42, y, skin),
        _leg(0.38, y, skin),
        Part([*ring(0, y, 0.72, h, 180, 360)], c),
        poly(darker(c, 0.3), (-0.18, y - h * 0.85), (0.18, y - h * 0.85), (0.28, y - h * 0.4),
             (0, y - h * 0.15), (-0.28, y - h * 0.4)),
        line(darker(c, 0.3), 0.05, (-0.28, y - h * 0.4), (-0.6, y - 0.1), edge=False),
        line(darker(c, 0.3), 0.05, (0.28, y - h * 0.4), (0.6, y - 0.1), edge=False),
        line(lighter(c, 0.3), 0.12, (-0.7, y), (0.7, y)),
        *eye(-0.88, y - 0.28, 0.05, white=False),
    ]  # fmt: skip


def _leg(x: float, y: float, colour: Colour) -> Part:
    """A short leg below ``y``."""
    return blob(colour, (x - 0.12, y - 0.05), (x + 0.12, y - 0.05), (x + 0.13, y + 0.36),
                (x - 0.15, y + 0.36))  # fmt: skip


def crab(d: Dice, c: Colour, a: Colour) -> list[Part]:
    legs = [curve(c, 0.07, (0.4, 0.3 + i * 0.08), (0.75, 0.25 + i * 0.2),
         (0.82 - i * 0.1, 0.6 + i * 0.16))
            for i in range(3)]  # fmt: skip
    gap = d.between(0.15, 0.3)
    claw = [
        curve(c, 0.12, (0.5, 0.05), (0.78, -0.1), (0.72, -0.42)),
        Part([*ring(0.66, -0.62, 0.28, 0.3, -60 + gap * 100, 240), (0.66, -0.5)], c),
        line(c, 0.06, (0.18, 0), (0.2, -0.3)),
        *eye(0.2, -0.34, 0.09),
    ]
    return [
        *legs,
        *across(legs),
        *claw,
        *across(claw),
        oval(0, 0.25, d.between(0.52, 0.64), 0.38, c),
        arc(0, 0.28, 0.2, 0.12, 20, 160, darker(c, 0.5), 0.05),
    ]


SEALIFE: dict[str, Thing] = {
    "crab": Thing(crab, ("red", "orange", "blue")),
    "fish": Thing(fish, BRIGHT),
    "turtle": Thing(turtle, ("green", "brown", "blue")),
    "whale": Thing(whale, ("blue", "grey", "black")),
}
