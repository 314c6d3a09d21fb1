"""Vehicles and buildings."""

from __future__ import annotations

from gopro.data.world.colours import (
    ANY,
    BEAK,
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
    varied,
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


def _wheel(x: float, y: float, r: float) -> list[Part]:
    return [oval(x, y, r, r, DARK), oval(x, y, r * 0.5, r * 0.5, METAL, edge=False)]


def car(d: Dice, c: Colour, a: Colour) -> list[Part]:
    roof, back = d.between(-0.55, -0.38), d.between(0.3, 0.7)
    r = d.between(0.19, 0.24)
    return [
        poly(c, (-0.62, 0), (-0.35, roof), (back - 0.12, roof), (back + 0.14, 0)),
        poly(GLASS, (-0.5, -0.02), (-0.3, roof + 0.1), (-0.02, roof + 0.1), (-0.02, -0.02)),
        poly(GLASS, (0.06, -0.02), (0.06, roof + 0.1), (back - 0.18, roof + 0.1), (back, -0.02)),
        blob(c, (-0.98, 0.3), (-0.92, 0.05), (-0.6, -0.04), (0.6, -0.04), (0.95, 0.05),
             (0.98, 0.36), (0.8, 0.42), (-0.85, 0.42)),
        oval(-0.9, 0.16, 0.08, 0.07, (255, 240, 170)),
        line(darker(c), 0.03, (0.02, 0), (0.02, 0.34), edge=False),
        *_wheel(-0.54, 0.42, r),
        *_wheel(0.56, 0.42, r),
    ]  # fmt: skip


def bus(d: Dice, c: Colour, a: Colour) -> list[Part]:
    h, n = d.between(-0.68, -0.5), d.count(3, 5)
    parts = [box(-0.98, h, 0.98, 0.48, c, 0.12), box(-0.98, 0.12, 0.98, 0.22, a, edge=False)]
    step = 1.42 / n
    for i in range(n):
        x = -0.88 + i * step
        parts.append(box(x, h + 0.16, x + step * 0.82, -0.02, GLASS, 0.03))
    parts.append(box(0.6, h + 0.2, 0.88, 0.44, lighter(GLASS, 0.2)))
    return parts + _wheel(-0.55, 0.5, 0.2) + _wheel(0.42, 0.5, 0.2)


def bicycle(d: Dice, c: Colour, a: Colour) -> list[Part]:
    r, y = d.between(0.38, 0.46), 0.3
    parts = []
    for x in (-0.54, 0.54):
        parts.append(Part(ring(x, y, r, r, 0, 360), DARK, 0.075, False))
        tips = spokes(x, y, r, 8, d.between(0, 45))
        parts += [line(METAL, 0.02, tips[i], tips[i + 4], edge=False) for i in range(4)]
    seat, bar, crank = (0.25, -0.3), (-0.38, -0.32), (0.08, y)
    for start, stop in (
        (seat, bar),
        (bar, crank),
        (crank, seat),
        (crank, (0.54, y)),
        (seat, (0.54, y)),
    ):
        parts.append(line(c, 0.075, start, stop))
    return [
        *parts,
        line(c, 0.075, (-0.42, -0.48), (-0.54, y)),
        line(c, 0.07, seat, (0.3, -0.46)),
        oval(0.3, -0.48, 0.2, 0.06, DARK),
        curve(DARK, 0.06, (-0.6, -0.44), (-0.48, -0.58), (-0.34, -0.52)),
        oval(*crank, 0.1, 0.1, METAL),
    ]


def sailboat(d: Dice, c: Colour, a: Colour) -> list[Part]:
    top = d.between(-0.98, -0.8)
    return [
        line(WOOD, 0.06, (0, 0.5), (0, top)),
        poly(WHITE if d.chance(0.6) else a, (0.07, top + 0.08), (0.07, 0.38),
             (d.between(0.65, 0.9), 0.38)),
        poly(lighter(a, 0.35), (-0.07, top + 0.2), (-0.07, 0.38), (d.between(-0.75, -0.5), 0.38)),
        poly(c, (-0.85, 0.5), (0.92, 0.5), (0.6, 0.9), (-0.6, 0.9)),
        line(lighter(c, 0.6), 0.05, (-0.76, 0.62), (0.82, 0.62), edge=False),
    ]  # fmt: skip


def rocket(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.24, 0.34)
    parts = []
    if d.chance(0.7):
        parts.append(blob(BEAK, (-w * 0.6, 0.55), (w * 0.6, 0.55), (w * 0.3, 0.8), (0, 1),
                          (-w * 0.3, 0.8)))  # fmt: skip
        parts.append(oval(0, 0.65, w * 0.3, 0.2, (255, 230, 110), edge=False))
    return [
        *parts,
        poly(a, (-w * 0.8, 0.1), (-w - 0.28, 0.66), (-w * 0.7, 0.56)),
        poly(a, (w * 0.8, 0.1), (w + 0.28, 0.66), (w * 0.7, 0.56)),
        blob(c, (0, -0.95), (w * 0.75, -0.5), (w, 0), (w * 0.7, 0.58), (-w * 0.7, 0.58),
             (-w, 0), (-w * 0.75, -0.5)),
        poly(a, (0, -0.98), (w * 0.5, -0.68), (w * 0.72, -0.44), (-w * 0.72, -0.44),
             (-w * 0.5, -0.68)),
        oval(0, -0.12, 0.17, 0.17, METAL),
        oval(0, -0.12, 0.11, 0.11, GLASS, edge=False),
        poly(darker(a, 0.2), (-0.05, 0.2), (0.05, 0.2), (0.05, 0.7), (-0.05, 0.7)),
    ]  # fmt: skip


def airplane(d: Dice, c: Colour, a: Colour) -> list[Part]:
    wing = d.between(0.62, 0.85)
    parts = [
        poly(a, (0.6, -0.08), (0.82, -0.52), (0.98, -0.52), (0.9, 0)),
        poly(darker(c, 0.15), (-0.1, -0.1), (0.28, -wing * 0.75), (0.42, -wing * 0.75),
             (0.22, -0.1)),
        blob(c, (-0.98, 0.08), (-0.8, -0.14), (-0.3, -0.18), (0.5, -0.16), (0.96, -0.04),
             (0.5, 0.14), (-0.3, 0.22), (-0.85, 0.2)),
        poly(a, (-0.15, 0.06), (0.35, wing), (0.54, wing), (0.28, 0.06)),
        poly(darker(a, 0.1), (0.62, 0.02), (0.86, 0.28), (0.98, 0.28), (0.86, 0.02)),
        poly(GLASS, (-0.88, -0.06), (-0.74, -0.14), (-0.66, -0.02), (-0.84, 0.02)),
    ]  # fmt: skip
    return parts + [oval(x / 10, -0.04, 0.035, 0.045, DARK, edge=False) for x in (-5, -3, -1, 1, 3)]


def balloon(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.58, 0.72)
    envelope = [*ring(0, -0.32, w, 0.66, 150, 390), (0.16, 0.5), (-0.16, 0.5)]
    parts = [
        line(WOOD, 0.035, (-0.16, 0.45), (-0.13, 0.75)),
        line(WOOD, 0.035, (0.16, 0.45), (0.13, 0.75)),
        Part(envelope, c),
    ]
    if d.chance(0.8):
        for x in (-0.55, 0.55):
            side = [*ring(x * w, -0.32, 0.2 * w, 0.55, 180, 360), (x * 0.22, 0.46), (x * 0.1, 0.46)]
            parts.append(Part(side, a, 0.0, False))
    parts.append(box(-0.17, 0.72, 0.17, 0.98, WOOD, 0.04))
    return parts


def house(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, top = d.between(0.62, 0.8), d.between(-0.98, -0.75)
    wall = varied(c, d)
    door = d.between(-0.2, 0.2)
    roof = darker(a, 0.15)
    parts = []
    if d.chance(0.7):
        parts.append(box(0.3, -0.85, 0.5, -0.3, darker(wall, 0.35)))
    parts += [
        box(-w, -0.15, w, 0.9, wall),
        poly(roof, (-w - 0.18, -0.12), (0, top), (w + 0.18, -0.12)),
        box(door - 0.15, 0.34, door + 0.15, 0.9, WOOD),
        oval(door + 0.09, 0.64, 0.03, 0.03, BEAK, edge=False),
    ]
    for x in (door - 0.42, door + 0.42):
        if abs(x) < w - 0.12:
            parts.append(box(x - 0.13, 0.18, x + 0.13, 0.48, GLASS))
            parts.append(line(WHITE, 0.035, (x, 0.18), (x, 0.48), edge=False))
            parts.append(line(WHITE, 0.035, (x - 0.13, 0.33), (x + 0.13, 0.33), edge=False))
    return parts


def lighthouse(d: Dice, c: Colour, a: Colour) -> list[Part]:
    low, high = d.between(0.3, 0.4), d.between(0.18, 0.24)
    parts = [blob((120, 112, 108), (-0.7, 0.98), (-0.4, 0.72), (0.4, 0.72), (0.72, 0.98))]
    n = d.count(4, 6)
    for i in range(n):
        y0, y1 = -0.4 + 1.25 * i / n, -0.4 + 1.25 * (i + 1) / n
        w0 = high + (low - high) * i / n
        w1 = high + (low - high) * (i + 1) / n
        parts.append(poly(WHITE if i % 2 else c, (-w0, y0), (w0, y0), (w1, y1), (-w1, y1)))
    return [
        *parts,
        box(-0.14, -0.7, 0.14, -0.42, (255, 232, 130)),
        line(DARK, 0.07, (-high - 0.1, -0.4), (high + 0.1, -0.4)),
        poly(c, (-0.22, -0.68), (0, -0.98), (0.22, -0.68)),
        line(DARK, 0.03, (0, -0.7), (0, -0.42), edge=False),
    ]


def windmill(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.3, 0.4)
    turn = d.between(0, 90)
    parts = [
        poly(c, (-0.2, -0.35), (0.2, -0.35), (w, 0.98), (-w, 0.98)),
        Part([*ring(0, -0.34, 0.24, 0.28, 180, 360)], darker(a, 0.2)),
        box(-0.11, 0.62, 0.11, 0.98, WOOD),
        box(-0.08, 0.1, 0.08, 0.3, GLASS),
    ]
    tips = spokes(0, -0.35, 0.78, 4, turn)
    sides = spokes(0, -0.35, 0.8, 4, turn + 20)
    for (x, y), (u, v) in zip(tips, sides, strict=True):
        near = (x * 0.25, -0.35 + (y + 0.35) * 0.25)
        far = (u * 0.3, -0.35 + (v + 0.35) * 0.3)
        parts.append(poly(CREAM, near, (x, y), (u, v), far))
        parts.append(line(WOOD, 0.05, (0, -0.35), (x, y), edge=False))
    return [*parts, oval(0, -0.35, 0.08, 0.08, WOOD)]


def castle(d: Dice, c: Colour, a: Colour) -> list[Part]:
    side, mid = d.between(-0.45, -0.25), d.between(-0.1, 0.15)
    wall, dark = c, darker(c, 0.15)
    parts = [box(-0.5, mid, 0.5, 0.92, dark)]
    parts += [box(x - 0.08, mid - 0.14, x + 0.08, mid + 0.02, dark) for x in (-0.3, 0, 0.3)]
    for x in (-0.68, 0.68):
        parts.append(box(x - 0.24, side, x + 0.24, 0.92, wall))
        parts.append(poly(a, (x - 0.32, side), (x, side - 0.5), (x + 0.32, side)))
        parts.append(box(x - 0.06, side + 0.25, x + 0.06, side + 0.5, DARK, 0.05))
    gate = [(-0.2, 0.92), *ring(0, 0.55, 0.2, 0.22, 180, 360), (0.2, 0.92)]
    return [*parts, Part(gate, WOOD)]


def tent(d: Dice, c: Colour, a: Colour) -> list[Part]:
    top, lean = d.between(-0.75, -0.55), d.between(0.25, 0.45)
    return [
        line(WOOD, 0.05, (-lean, top), (-lean + 0.06, top - 0.18)),
        poly(darker(c, 0.25), (-lean, top), (lean + 0.1, top + 0.08), (0.98, 0.72), (0.25, 0.8)),
        poly(c, (-lean, top), (0.28, 0.8), (-0.98, 0.8)),
        poly(DARK, (-lean, top + 0.25), (-0.12, 0.79), (-0.55, 0.79)),
        poly(lighter(c, 0.3), (-lean, top + 0.25), (-0.55, 0.79), (-0.75, 0.79)),
        line(WOOD, 0.03, (0.9, 0.6), (1, 0.82)),
    ]


def anchor(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, y = d.between(0.6, 0.75), d.between(-0.45, -0.3)
    half = [(w, 0.2), (w + 0.17, 0.5), (w - 0.2, 0.42)]
    return [
        Part(ring(0, -0.8, 0.15, 0.15, 0, 360), c, 0.09),
        line(c, 0.13, (0, -0.65), (0, 0.85)),
        line(c, 0.12, (-0.4, y), (0.4, y)),
        arc(0, 0.22, w, 0.66, 10, 170, c, 0.14),
        poly(c, *half),
        poly(c, *[(-x, v) for x, v in half]),
    ]


PLACES: dict[str, Thing] = {
    "airplane": Thing(airplane, ("white", "grey", "red", "blue", "yellow", "green")),
    "anchor": Thing(anchor, ("black", "grey", "blue", "red", "brown")),
    "balloon": Thing(balloon, BRIGHT),
    "bicycle": Thing(bicycle, ANY),
    "bus": Thing(bus, ("red", "yellow", "blue", "green", "orange", "white")),
    "car": Thing(car, ANY),
    "castle": Thing(castle, ("grey", "brown", "white", "pink")),
    "house": Thing(house, ("white", "yellow", "red", "blue", "brown", "pink", "green")),
    "lighthouse": Thing(lighthouse, ("red", "blue", "black", "green")),
    "rocket": Thing(rocket, ("white", "white", "white", "grey", "red", "blue", "orange", "yellow")),
    "sailboat": Thing(sailboat, ("red", "blue", "brown", "green", "black", "white")),
    "tent": Thing(tent, ("orange", "green", "blue", "red", "yellow", "purple")),
    "windmill": Thing(windmill, ("white", "brown", "red", "grey", "blue")),
}
