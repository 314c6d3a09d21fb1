"""Land animals and birds."""

from __future__ import annotations

from gopro.data.world.colours import (
    ANY,
    BEAK,
    BRIGHT,
    CREAM,
    DARK,
    WHITE,
    WOOD,
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
    spokes,
)


def butterfly(d: Dice, c: Colour, a: Colour) -> list[Part]:
    top, low = d.between(0.55, 0.85), d.between(0.45, 0.75)
    wing = [
        blob(c, (0.05, -0.1), (0.35, -top), (0.85, -top), (0.92, -0.3), (0.5, 0.08)),
        blob(mix(c, a, 0.35), (0.05, 0.0), (0.55, 0.02), (0.75, 0.35), (0.5, low), (0.18, 0.5)),
        oval(0.58, -top * 0.6, 0.16, 0.16, a),
        oval(0.46, low * 0.55, 0.1, 0.1, lighter(a)),
    ]
    feeler = curve(DARK, 0.04, (0.02, -0.4), (0.12, -0.7), (0.28, -0.88))
    return [
        *wing,
        *across(wing),
        feeler,
        *across([feeler]),
        oval(0, 0.05, 0.08, 0.48, DARK),
        oval(0, -0.42, 0.1, 0.1, DARK),
    ]


def snail(d: Dice, c: Colour, a: Colour) -> list[Part]:
    skin = mix(CREAM, WOOD, d.between(0.1, 0.5))
    r = d.between(0.5, 0.6)
    y = 0.62 - r
    spiral = []
    for i, (u, v) in enumerate(spokes(0, 0, r, 12, 60) * 2):
        shrink = 0.9 - 0.037 * i
        spiral.append((0.2 + u * shrink, y + v * shrink))
    return [
        blob(skin, (-0.98, 0.35), (-0.85, 0.1), (-0.62, 0.2), (-0.45, 0.52), (0.4, 0.5),
             (0.98, 0.78),
             (0.1, 0.84), (-0.7, 0.8)),
        line(skin, 0.07, (-0.85, 0.2), (-0.98, -0.3)),
        line(skin, 0.07, (-0.74, 0.2), (-0.66, -0.32)),
        oval(-0.98, -0.32, 0.07, 0.07, DARK),
        oval(-0.66, -0.34, 0.07, 0.07, DARK),
        oval(0.2, y, r, r, c),
        Part(spiral, darker(c, 0.45), 0.06, False),
    ]  # fmt: skip


def owl(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, e = d.between(0.55, 0.68), d.between(0.22, 0.28)
    half = [
        poly(c, (0.12, -0.6), (0.55, -0.98), (0.6, -0.4)),
        oval(0.22, 0.92, 0.16, 0.08, BEAK),
    ]
    wings = [
        blob(darker(c, 0.3), (w * 0.8, -0.2), (w * 1.15, 0.2), (w * 0.8, 0.75), (w * 0.6, 0.3))
    ]
    parts = half + across(half)
    parts += [
        blob(c, (0, -0.75), (w * 0.9, -0.6), (w, 0), (w * 0.85, 0.65), (0, 0.92), (-w * 0.85, 0.65),
             (-w, 0), (-w * 0.9, -0.6)),
        oval(0, 0.4, w * 0.62, 0.44, lighter(c, 0.45)),
    ]  # fmt: skip
    for x, y in ((-0.15, 0.25), (0.15, 0.25), (0, 0.42), (-0.15, 0.58), (0.15, 0.58)):
        parts.append(arc(x, y, 0.09, 0.08, 0, 180, darker(c, 0.2), 0.04))
    parts += wings + across(wings)
    for x in (-0.27, 0.27):
        parts.append(oval(x, -0.36, e, e, WHITE))
        parts.append(oval(x, -0.36, e * 0.6, e * 0.6, BEAK, edge=False))
        parts.append(oval(x, -0.36, e * 0.36, e * 0.36, DARK, edge=False))
    return [*parts, poly(BEAK, (-0.09, -0.24), (0.09, -0.24), (0, -0.02))]


def penguin(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, out = d.between(0.45, 0.58), d.between(0, 0.25)
    half = [
        oval(0.24, 0.92, 0.24, 0.09, BEAK),
        blob(c, (w * 0.8, -0.25), (w + 0.12 + out, 0.2), (w + 0.05 + out, 0.48), (w * 0.7, 0.2)),
    ]
    return [
        *half,
        *across(half),
        blob(c, (0, -0.95), (0.36, -0.75), (0.4, -0.4), (w, 0.2), (w * 0.8, 0.8), (0, 0.92),
             (-w * 0.8, 0.8), (-w, 0.2), (-0.4, -0.4), (-0.36, -0.75)),
        blob(WHITE, (0, -0.3), (w * 0.6, 0), (w * 0.65, 0.5), (0, 0.84), (-w * 0.65, 0.5),
             (-w * 0.6, 0)),
        *eye(-0.15, -0.66, 0.09),
        *eye(0.15, -0.66, 0.09),
        poly(BEAK, (-0.14, -0.54), (0.14, -0.54), (0, -0.34)),
    ]  # fmt: skip


def duck(d: Dice, c: Colour, a: Colour) -> list[Part]:
    neck = d.between(-0.5, -0.35)
    r = d.between(0.26, 0.33)
    return [
        blob(BEAK, (-0.6, neck - 0.06), (-0.98, neck + 0.02), (-0.92, neck + 0.14),
             (-0.6, neck + 0.14)),
        blob(c, (-0.62, 0.3), (-0.5, -0.05), (-0.2, neck + 0.1), (0, 0.05), (0.5, 0), (0.98, -0.28),
             (0.88, 0.35), (0.4, 0.75), (-0.3, 0.74)),
        oval(-0.42, neck, r, r, c),
        oval(-0.36, neck, r * 0.8, r * 0.8, c, edge=False),
        blob(darker(c, 0.18), (-0.15, 0.15), (0.3, 0.12), (0.65, 0.2), (0.3, 0.5), (-0.05, 0.42)),
        *eye(-0.52, neck - 0.08, 0.08, white=c[0] < 120),
    ]  # fmt: skip


def cat(d: Dice, c: Colour, a: Colour) -> list[Part]:
    ear = d.between(0.9, 1.0)
    half = [
        poly(c, (0.08, -0.55), (0.42, -ear), (0.52, -0.3)),
        poly((240, 170, 170), (0.22, -0.58), (0.39, -ear + 0.16), (0.44, -0.45), edge=False),
    ]
    whiskers = [
        line(DARK, 0.025, (0.16, -0.14 + k * 0.04), (0.62, -0.2 + k * 0.12), edge=False)
        for k in (0, 1)
    ]
    feet = [oval(0.2, 0.9, 0.17, 0.1, lighter(c, 0.3))]
    parts = [
        curve(c, 0.16, (0.4, 0.78), (0.85, 0.7), (0.85, 0.2), (0.7, -0.05)),
        blob(c, (0, -0.2), (0.35, 0.1), (0.5, 0.6), (0.42, 0.92), (-0.42, 0.92), (-0.5, 0.6),
             (-0.35, 0.1)),
        *half,
        *across(half),
        oval(0, -0.32, 0.52, 0.42, c),
        *feet,
        *across(feet),
    ]  # fmt: skip
    if d.chance(0.5):
        parts += [line(darker(c, 0.4), 0.05, (x, -0.7), (x, -0.52), edge=False)
                  for x in (-0.12, 0, 0.12)]  # fmt: skip
    for x in (-0.22, 0.22):
        parts.append(oval(x, -0.36, 0.1, 0.12, (186, 208, 90)))
        parts.append(oval(x, -0.36, 0.035, 0.1, DARK, edge=False))
    parts += [poly((226, 120, 130), (-0.07, -0.2), (0.07, -0.2), (0, -0.1)), *whiskers]
    return parts + across(whiskers)


def rabbit(d: Dice, c: Colour, a: Colour) -> list[Part]:
    lean = d.between(0, 16)
    half = [
        oval(0.2, -0.66, 0.13, 0.38, c, lean),
        oval(0.2, -0.66, 0.06, 0.27, (240, 170, 180), lean, edge=False),
        oval(0.25, 0.9, 0.2, 0.1, lighter(c, 0.3)),
    ]
    return [
        oval(0.5, 0.68, 0.16, 0.16, lighter(c, 0.6)),
        *half,
        *across(half),
        oval(0, 0.5, 0.46, 0.44, c),
        oval(0, 0.55, 0.26, 0.3, lighter(c, 0.5), edge=False),
        oval(0, -0.14, 0.37, 0.34, c),
        *eye(-0.15, -0.2, 0.09),
        *eye(0.15, -0.2, 0.09),
        oval(0, -0.05, 0.06, 0.045, (226, 110, 130)),
        poly(WHITE, (-0.06, 0.06), (0.06, 0.06), (0.05, 0.18), (-0.05, 0.18)),
    ]


def spider(d: Dice, c: Colour, a: Colour) -> list[Part]:
    knee = d.between(0.05, 0.2)
    legs = [
        curve(c, 0.06, (0.15, y0), (0.6, y1 - knee), (0.95, y2))
        for y0, y1, y2 in (
            (-0.2, -0.6, -0.7),
            (-0.1, -0.25, -0.15),
            (0, 0.15, 0.35),
            (0.1, 0.4, 0.9),
        )
    ]
    parts = legs + across(legs)
    if d.chance(0.4):
        parts.insert(0, line((190, 190, 196), 0.03, (0, 0), (0, -1.1), edge=False))
    return [
        *parts,
        oval(0, 0.32, d.between(0.36, 0.46), 0.46, c),
        oval(0, 0.32, 0.16, 0.26, a, edge=False),
        oval(0, -0.22, 0.26, 0.24, darker(c, 0.15)),
        *eye(-0.1, -0.3, 0.08),
        *eye(0.1, -0.3, 0.08),
    ]


ANIMALS: dict[str, Thing] = {
    "butterfly": Thing(butterfly, (*BRIGHT, "white")),
    "cat": Thing(cat, ("orange", "black", "grey", "white", "brown")),
    "duck": Thing(duck, ("yellow", "white", "brown", "grey")),
    "owl": Thing(owl, ("brown", "grey", "white", "orange")),
    "penguin": Thing(penguin, ("black", "blue", "grey")),
    "rabbit": Thing(rabbit, ("white", "brown", "grey", "black")),
    "snail": Thing(snail, ANY),
    "spider": Thing(spider, ("black", "brown", "grey", "red")),
}
