"""Household objects."""

from __future__ import annotations

from gopro.data.world.colours import (
    ANY,
    CREAM,
    DARK,
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
    spokes,
)


def cup(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, low = d.between(0.48, 0.6), d.between(0.32, 0.5)
    parts = [
        arc(w - 0.02, 0.08, 0.34, 0.34, -95, 95, c, 0.13),
        Part([(-w, -0.5), (w, -0.5), *ring(0, 0.62, low, 0.14, 0, 180)], c),
        oval(0, -0.5, w, 0.15, lighter(c, 0.3)),
        oval(0, -0.47, w * 0.84, 0.1, (92, 56, 34), edge=False),
    ]
    if d.chance(0.4):
        parts.append(line(a, 0.12, (-w * 0.97, 0.05), (w * 0.97, 0.05), edge=False))
    if d.chance(0.4):
        parts += [curve((214, 214, 214), 0.05, (x, -0.68), (x + 0.07, -0.8), (x, -0.97), edge=False)
                  for x in (-0.15, 0.12)]  # fmt: skip
    return parts


def teapot(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, h = d.between(0.5, 0.6), d.between(0.46, 0.56)
    parts = [
        arc(w - 0.04, 0.12, 0.36, 0.36, -100, 100, c, 0.12),
        blob(c, (-w * 0.7, 0.4), (-0.76, 0.1), (-0.86, -0.28), (-0.98, -0.36), (-0.8, -0.42),
             (-0.62, -0.1), (-w * 0.7, -0.05)),
        oval(0, 0.2, w, h, c),
        Part(ring(0, -0.2, w * 0.66, 0.22, 180, 360), lighter(c, 0.2)),
        oval(0, -0.48, 0.1, 0.1, a),
        box(-w * 0.55, 0.2 + h - 0.1, w * 0.55, 0.26 + h, darker(c, 0.2), 0.05),
    ]  # fmt: skip
    if d.chance(0.5):
        parts += [oval(x, 0.22, 0.1, 0.1, a, edge=False) for x in (-0.24, 0, 0.24)]
    return parts


def clock(d: Dice, c: Colour, a: Colour) -> list[Part]:
    parts = []
    if d.chance(0.4):
        for x in (-0.5, 0.5):
            parts.append(oval(x, -0.72, 0.26, 0.2, METAL, -30 if x < 0 else 30))
            parts.append(line(DARK, 0.1, (x * 0.8, 0.6), (x * 1.3, 0.95)))
    parts += [oval(0, 0, 0.82, 0.82, c), oval(0, 0, 0.66, 0.66, WHITE)]
    inner, outer = spokes(0, 0, 0.5, 12), spokes(0, 0, 0.6, 12)
    parts += [line(DARK, 0.045, p, q, edge=False) for p, q in zip(inner, outer, strict=True)]
    hour, minute = spokes(0, 0, 0.34, 12)[d.count(0, 11)], spokes(0, 0, 0.52, 12)[d.count(0, 11)]
    return [
        *parts,
        line(DARK, 0.08, (0, 0), hour, edge=False),
        line(DARK, 0.055, (0, 0), minute, edge=False),
        oval(0, 0, 0.07, 0.07, c),
    ]


def chair(d: Dice, c: Colour, a: Colour) -> list[Part]:
    top, seat = d.between(-0.98, -0.8), d.between(0, 0.16)
    leg = WOOD if d.chance(0.5) else darker(c, 0.4)
    parts = [
        line(leg, 0.09, (0.3, seat), (0.34, 0.75)),
        line(leg, 0.09, (-0.26, seat), (-0.28, 0.75)),
        line(leg, 0.1, (-0.45, top), (-0.45, 0.95)),
        line(leg, 0.1, (0.45, seat + 0.1), (0.48, 0.95)),
        line(leg, 0.1, (0.2, top), (0.2, seat)),
    ]
    if d.chance(0.5):
        parts += [line(c, 0.13, (-0.45, top + k), (0.2, top + k)) for k in (0.1, 0.34, 0.58)]
    else:
        parts.append(box(-0.5, top, 0.26, top + 0.62, c, 0.08))
    return [*parts, poly(c, (-0.52, seat + 0.14), (-0.3, seat - 0.08), (0.4, seat - 0.08),
                         (0.56, seat + 0.14))]  # fmt: skip


def lamp(d: Dice, c: Colour, a: Colour) -> list[Part]:
    top, low = d.between(0.24, 0.4), d.between(0.55, 0.72)
    metal = d.pick((METAL, DARK, WOOD, (222, 176, 62)))
    base = d.pick((0, 1))
    parts = [line(metal, 0.1, (0, -0.2), (0, 0.85)), oval(0, 0.88, 0.4, 0.1, metal)]
    if base:
        parts.append(oval(0, 0.48, 0.22, 0.34, a))
    if d.chance(0.5):
        parts.append(oval(0, -0.12, 0.12, 0.14, (255, 246, 190)))
    parts.append(poly(c, (-top, -0.92), (top, -0.92), (low, -0.12), (-low, -0.12)))
    parts.append(line(lighter(c, 0.4), 0.06, (-low * 0.97, -0.17), (low * 0.97, -0.17), edge=False))
    return parts


def book(d: Dice, c: Colour, a: Colour) -> list[Part]:
    if d.chance(0.5):
        half = [
            poly(c, (0, -0.42), (0.98, -0.55), (0.98, 0.55), (0, 0.66)),
            blob(
                WHITE, (0, -0.45), (0.45, -0.62), (0.9, -0.55), (0.9, 0.45), (0.45, 0.42), (0, 0.58)
            ),
        ]
        lines = [line(METAL, 0.03, (0.14, y), (0.76, y - 0.08), edge=False)
                 for y in (-0.3, -0.12, 0.06, 0.24)]  # fmt: skip
        right = half + lines
        left = [p._replace(points=[(-x, y) for x, y in p.points]) for p in right]
        return [*right, *left, line(darker(c), 0.05, (0, -0.42), (0, 0.62))]
    return [
        poly(
            darker(c, 0.35), (-0.6, -0.82), (0.5, -0.82), (0.68, -0.68), (0.68, 0.92), (-0.44, 0.92)
        ),
        poly(WHITE, (-0.5, -0.76), (0.5, -0.76), (0.62, -0.66), (0.62, 0.86), (-0.44, 0.86)),
        box(-0.62, -0.84, 0.5, 0.8, c, 0.04),
        box(-0.62, -0.84, -0.46, 0.8, darker(c, 0.2)),
        box(-0.28, -0.55, 0.34, -0.25, lighter(a, 0.5)),
        line(DARK, 0.04, (-0.18, -0.4), (0.22, -0.4), edge=False),
    ]


def candle(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, top = d.between(0.2, 0.32), d.between(-0.35, -0.1)
    flame = top - 0.42
    return [
        oval(0, 0.82, 0.62, 0.14, darker(a, 0.2)),
        arc(0.66, 0.72, 0.17, 0.15, -170, 120, darker(a, 0.2), 0.07),
        Part([(-w, top), (w, top), *ring(0, 0.75, w, 0.1, 0, 180)], c),
        oval(0, top, w, 0.09, lighter(c, 0.4)),
        blob(lighter(c, 0.2), (-w, top), (-w * 0.4, top), (-w * 0.5, top + 0.4),
             (-w * 0.8, top + 0.3)),
        line(DARK, 0.04, (0, top), (0, top - 0.16)),
        blob((250, 150, 40), (0, top - 0.06), (0.17, flame + 0.2), (0.05, flame - 0.1),
             (0, flame - 0.25), (-0.06, flame - 0.05), (-0.17, flame + 0.2)),
        oval(0, flame + 0.2, 0.07, 0.14, (255, 236, 130), edge=False),
    ]  # fmt: skip


def bottle(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, shoulder = d.between(0.28, 0.38), d.between(-0.3, -0.05)
    n = d.between(0.1, 0.14)
    body = [
        (-n, -0.8), (n, -0.8), (n, shoulder - 0.2), (w, shoulder + 0.12), (w, 0.88),
        (w - 0.08, 0.96), (-w + 0.08, 0.96), (-w, 0.88), (-w, shoulder + 0.12),
        (-n, shoulder - 0.2),
    ]  # fmt: skip
    return [
        Part(body, c),
        box(-n - 0.03, -0.98, n + 0.03, -0.78, darker(a, 0.2), 0.03),
        box(-w, shoulder + 0.3, w, shoulder + 0.75, CREAM),
        oval(0, shoulder + 0.52, w * 0.5, 0.14, a, edge=False),
        line(
            lighter(c, 0.6),
            0.05,
            (-w * 0.65, shoulder + 0.14),
            (-w * 0.65, shoulder + 0.28),
            edge=False,
        ),
        line(lighter(c, 0.6), 0.05, (-w * 0.65, shoulder + 0.8), (-w * 0.65, 0.85), edge=False),
    ]


def light_bulb(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.52, 0.62)
    glass = lighter(c, 0.35)
    parts = [
        blob(glass, (0, -0.95), (w * 0.75, -0.75), (w, -0.3), (w * 0.7, 0.1), (0.25, 0.48),
             (-0.25, 0.48), (-w * 0.7, 0.1), (-w, -0.3), (-w * 0.75, -0.75)),
        line(darker(c, 0.5), 0.04, (-0.14, 0.45), (-0.2, -0.2), (-0.07, -0.05), (0, -0.25),
             (0.07, -0.05), (0.2, -0.2), (0.14, 0.45), edge=False),
    ]  # fmt: skip
    for i in range(3):
        parts.append(box(-0.25 + i * 0.02, 0.46 + i * 0.14, 0.25 - i * 0.02, 0.6 + i * 0.14,
                         darker(METAL, 0.1 * i), 0.05))  # fmt: skip
    parts.append(oval(0, 0.92, 0.12, 0.07, DARK))
    parts.append(oval(-w * 0.5, -0.48, 0.08, 0.18, WHITE, 25, edge=False))
    return parts


GOODS: dict[str, Thing] = {
    "book": Thing(book, ANY),
    "bottle": Thing(bottle, ("green", "brown", "blue", "red", "purple")),
    "candle": Thing(candle, ("white", "red", "yellow", "purple", "pink", "blue", "green")),
    "chair": Thing(chair, ANY),
    "clock": Thing(clock, ANY),
    "cup": Thing(cup, ANY),
    "lamp": Thing(lamp, ANY),
    "light bulb": Thing(light_bulb, ("yellow", "white", "orange", "blue")),
    "teapot": Thing(teapot, ANY),
}
