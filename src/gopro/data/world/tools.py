"""Tools, instruments, and things that are worn or carried."""

from __future__ import annotations

from gopro.data.world.colours import (
    ANY,
    BRIGHT,
    CREAM,
    DARK,
    GLASS,
    METAL,
    WHITE,
    WOOD,
    Colour,
    darker,
    lighter,
)
from gopro.data.world.dice import Dice
from gopro.data.world.shapes import (
    Part,
    Thing,
    arc,
    blob,
    box,
    curve,
    line,
    oval,
    poly,
    ring,
)


def umbrella(d: Dice, c: Colour, a: Colour) -> list[Part]:
    h = d.between(0.6, 0.78)
    y = -0.05
    parts = [
        Part([(0, -0.05), (0, 0.72), *ring(0.14, 0.74, 0.14, 0.18, 180, 20)], WOOD, 0.075),
        line(METAL, 0.05, (0, y - h), (0, -0.98)),
        Part(ring(0, y, 0.95, h, 180, 360), c),
        Part(ring(0, y, 0.34, h, 180, 360), a if d.chance(0.5) else lighter(c, 0.25), 0.0),
    ]
    for x in (-0.64, 0, 0.64):
        scallop = ring(x, y + 0.02, 0.31, 0.13, 180, 360)
        parts.append(Part(scallop, darker(c, 0.5), 0.0, False))
    return parts


def key(d: Dice, c: Colour, a: Colour) -> list[Part]:
    r = d.between(0.26, 0.32)
    parts = [
        line(c, 0.14, (-0.3, 0), (0.95, 0)),
        box(0.62, 0.0, 0.74, 0.34, c),
        box(0.82, 0.0, 0.94, d.between(0.22, 0.34), c),
        Part(ring(-0.6, 0, r, r, 0, 360), c, 0.17),
    ]
    if d.chance(0.5):
        parts.insert(1, box(0.42, 0.0, 0.54, 0.24, c))
    parts.append(line(darker(c, 0.25), 0.03, (-0.25, 0), (0.9, 0), edge=False))
    return parts


def scissors(d: Dice, c: Colour, a: Colour) -> list[Part]:
    gap = d.between(0.14, 0.34)
    parts = []
    for s in (-1, 1):
        parts += [
            poly(METAL, (-s * gap, -0.98), (-s * gap + s * 0.16, -0.85), (s * 0.1, 0.15),
                 (-s * 0.04, 0.1)),
            line(c, 0.13, (0, 0.08), (s * 0.26, 0.42)),
            Part(ring(s * 0.38, 0.65, 0.22, 0.28, 0, 360, -s * 25), c, 0.13),
        ]  # fmt: skip
    return [*parts, oval(0, 0.06, 0.06, 0.06, DARK)]


def hammer(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.08, 0.12)
    return [
        box(-w, -0.6, w, 0.96, c, 0.06),
        box(-w * 1.25, 0.4, w * 1.25, 0.98, darker(c, 0.35), 0.06),
        poly(
            METAL,
            (-0.1, -0.78),
            (0.22, -0.8),
            (0.62, -0.58),
            (0.6, -0.5),
            (0.2, -0.5),
            (-0.1, -0.5),
        ),
        box(-0.34, -0.76, -0.06, -0.5, METAL),
        box(-0.56, -0.86, -0.32, -0.4, darker(METAL, 0.2), 0.05),
        box(-0.15, -0.84, 0.16, -0.44, darker(METAL, 0.1), 0.04),
    ]


def guitar(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.42, 0.5)
    body = blob(
        c, (0, -0.12), (w * 0.72, -0.02), (w * 0.55, 0.28), (w, 0.6), (w * 0.6, 0.94), (0, 0.98),
        (-w * 0.6, 0.94), (-w, 0.6), (-w * 0.55, 0.28), (-w * 0.72, -0.02),
    )  # fmt: skip
    return [
        box(-0.13, -1, 0.13, -0.74, darker(WOOD, 0.4), 0.03),
        body,
        oval(0, 0.32, 0.17, 0.17, DARK),
        box(-0.07, -0.78, 0.07, 0.3, darker(WOOD, 0.3)),
        box(-0.2, 0.66, 0.2, 0.74, darker(WOOD, 0.4)),
        *[line(CREAM, 0.02, (x, -0.9), (x, 0.7), edge=False) for x in (-0.035, 0.035)],
    ]


def drum(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, top, low = d.between(0.6, 0.75), -0.25, d.between(0.45, 0.6)
    body = [*ring(0, low, w, 0.22, 0, 180), (-w, top), (w, top)]
    parts = [Part(body, c)]
    n = 5
    for i in range(n):
        x0, x1 = -w + 2 * w * i / n, -w + 2 * w * (i + 1) / n
        parts.append(line(CREAM, 0.045, (x0, top + 0.2), ((x0 + x1) / 2, low + 0.12),
                          (x1, top + 0.2), edge=False))  # fmt: skip
    parts += [
        arc(0, low, w, 0.22, 0, 180, a, 0.11),
        oval(0, top, w, 0.24, WHITE),
        arc(0, top, w, 0.24, 0, 360, a, 0.09),
    ]
    if d.chance(0.75):
        for s in (-1, 1):
            parts.append(line(WOOD, 0.06, (s * 0.85, -0.9), (s * 0.12, -0.3)))
            parts.append(oval(s * 0.12, -0.3, 0.08, 0.07, WOOD))
    return parts


def glasses(d: Dice, c: Colour, a: Colour) -> list[Part]:
    h = d.between(0.24, 0.34)
    tint = d.pick((GLASS, lighter(GLASS, 0.6), (80, 84, 96)))
    parts = [
        arc(0, 0, 0.16, 0.14, 190, 350, c, 0.09),
        curve(c, 0.08, (-0.88, -0.06), (-0.98, -0.3), (-0.75, -0.5)),
        curve(c, 0.08, (0.88, -0.06), (0.98, -0.3), (0.75, -0.5)),
    ]
    square = d.chance(0.4)
    for x in (-0.5, 0.5):
        lens = box(x - 0.36, -h + 0.05, x + 0.36, h + 0.05, tint, 0.1) if square else oval(
            x, 0.05, 0.38, h + 0.05, tint
        )  # fmt: skip
        parts += [lens, Part([*lens.points, lens.points[0]], c, 0.1)]
        parts.append(line(WHITE, 0.04, (x - 0.16, 0.08), (x, -0.12), edge=False))
    return parts


def kite(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, y = d.between(0.48, 0.62), d.between(-0.5, -0.35)
    end = d.between(-0.5, 0.5)
    tail = curve(DARK, 0.03, (0, 0.35), (0.2, 0.6), (-0.05, 0.78), (end, 0.98), edge=False)
    parts = [tail]
    for i in (5, 9, 13):
        x, v = tail.points[min(i, len(tail.points) - 1)]
        parts.append(poly(a, (x - 0.13, v - 0.08), (x - 0.13, v + 0.08), (x + 0.13, v - 0.08),
                          (x + 0.13, v + 0.08)))  # fmt: skip
    return [
        *parts,
        poly(c, (0, -0.98), (w, y), (0, 0.4)),
        poly(a, (0, -0.98), (-w, y), (0, 0.4)),
        line(WOOD, 0.035, (0, -0.98), (0, 0.4), edge=False),
        line(WOOD, 0.035, (-w, y), (w, y), edge=False),
    ]


TOOLS: dict[str, Thing] = {
    "drum": Thing(drum, BRIGHT),
    "glasses": Thing(glasses, ("black", "red", "brown", "blue", "purple", "pink")),
    "guitar": Thing(guitar, ("brown", "orange", "red", "black", "blue")),
    "hammer": Thing(hammer, ("brown", "yellow", "red", "orange", "black")),
    "key": Thing(key, ("yellow", "grey", "brown", "orange")),
    "kite": Thing(kite, BRIGHT),
    "scissors": Thing(scissors, BRIGHT),
    "umbrella": Thing(umbrella, ANY),
}
