"""Fruit, food and plants."""

from __future__ import annotations

from gopro.data.world.colours import (
    CREAM,
    DARK,
    GOLD,
    LEAF,
    WHITE,
    WOOD,
    Colour,
    darker,
    lighter,
    mix,
    varied,
)
from gopro.data.world.dice import Dice
from gopro.data.world.shapes import (
    Part,
    Thing,
    blob,
    box,
    curve,
    line,
    oval,
    poly,
    ring,
    smooth,
    spokes,
)


def apple(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, h = d.between(0.72, 0.9), d.between(0.7, 0.85)
    body = blob(
        c, (0, -0.42), (w * 0.55, -0.62), (w, -0.15), (w * 0.72, h * 0.75), (w * 0.3, h),
        (0, h * 0.9), (-w * 0.3, h), (-w * 0.72, h * 0.75), (-w, -0.15), (-w * 0.55, -0.62),
    )  # fmt: skip
    top = d.around(0.15)
    parts = [body, curve(WOOD, 0.09, (0, -0.38), (top * 0.4, -0.65), (top, -0.92))]
    if d.chance(0.75):
        parts.append(blob(LEAF, (0.05, -0.62), (0.3, -0.95), (0.62, -0.88), (0.38, -0.62)))
    parts.append(oval(-w * 0.5, -0.15, 0.1, 0.2, lighter(c), 20, edge=False))
    return parts


def pear(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, n = d.between(0.55, 0.72), d.between(0.24, 0.34)
    body = blob(
        c, (0, -0.68), (n, -0.5), (n * 1.15, -0.1), (w, 0.4), (w * 0.6, 0.86), (0, 0.92),
        (-w * 0.6, 0.86), (-w, 0.4), (-n * 1.15, -0.1), (-n, -0.5),
    )  # fmt: skip
    parts = [body, curve(WOOD, 0.08, (0, -0.64), (0.03, -0.82), (0.14, -1))]
    if d.chance(0.6):
        parts.append(blob(LEAF, (0.06, -0.76), (0.3, -1), (0.6, -0.88), (0.35, -0.72)))
    parts.append(oval(-w * 0.45, 0.25, 0.09, 0.2, lighter(c), 15, edge=False))
    return parts


def banana(d: Dice, c: Colour, a: Colour) -> list[Part]:
    fat = d.between(0.36, 0.52)
    outer = smooth([(-0.95, -0.42), (-0.78, 0.2), (-0.25, 0.62), (0.35, 0.58), (0.85, 0.12)])
    inner = smooth(
        [(0.8, 0.0), (0.4, 0.6 - fat), (-0.12, 0.66 - fat * 1.5), (-0.55, 0.1), (-0.8, -0.45)]
    )
    ridge = smooth([(-0.86, -0.35), (-0.6, 0.2), (-0.15, 0.45), (0.35, 0.4), (0.8, 0.06)])
    return [
        Part(outer + inner, c),
        Part(ridge, darker(c, 0.18), 0.035, False),
        poly(darker(c, 0.55), (-0.98, -0.45), (-0.92, -0.72), (-0.78, -0.72), (-0.77, -0.42)),
        oval(0.86, 0.05, 0.07, 0.08, darker(c, 0.6)),
    ]


def carrot(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.28, 0.4)
    parts = [
        curve(LEAF, 0.11, (0, -0.4), (x * 0.5, -0.75), (x, -0.98))
        for x in (-0.34, 0.32, -0.12, 0.12)
    ]
    parts.append(
        blob(c, (0, -0.48), (w, -0.4), (w * 0.8, 0.1), (0.07, 0.92), (-0.07, 0.92),
             (-w * 0.8, 0.1), (-w, -0.4))
    )  # fmt: skip
    for i in range(d.count(3, 5)):
        y = -0.28 + 0.22 * i
        side = 1 if i % 2 else -1
        parts.append(line(darker(c, 0.3), 0.035, (side * w * 0.75, y), (side * 0.06, y + 0.03),
                          edge=False))  # fmt: skip
    return parts


def cherry(d: Dice, c: Colour, a: Colour) -> list[Part]:
    r = d.between(0.36, 0.45)
    x, low = d.between(0.4, 0.5), d.between(0.3, 0.55)
    parts = [
        curve(darker(LEAF, 0.2), 0.07, (-x, low - r), (-0.3, -0.35), (0.1, -0.9)),
        curve(darker(LEAF, 0.2), 0.07, (x, 0.5 - r), (0.36, -0.3), (0.1, -0.9)),
        oval(-x, low, r, r, c),
        oval(x, 0.5, r, r, varied(c, d)),
        oval(-x - 0.13, low - 0.14, 0.08, 0.1, lighter(c, 0.6), edge=False),
        oval(x - 0.13, 0.36, 0.08, 0.1, lighter(c, 0.6), edge=False),
    ]
    if d.chance(0.7):
        parts.append(blob(LEAF, (0.1, -0.9), (0.45, -1), (0.85, -0.72), (0.45, -0.66)))
    return parts


def strawberry(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.62, 0.78)
    parts = [
        blob(c, (0, -0.55), (w * 0.7, -0.6), (w, -0.2), (w * 0.55, 0.5), (0, 0.95),
             (-w * 0.55, 0.5), (-w, -0.2), (-w * 0.7, -0.6))
    ]  # fmt: skip
    seed = lighter(GOLD, 0.3)
    for row, count in enumerate((4, 3, 4, 3, 2)):
        for i in range(count):
            spread = w * (1.35 - row * 0.2)
            x = (i + 0.5) / count * spread - spread / 2
            parts.append(oval(x, -0.3 + row * 0.24, 0.035, 0.06, seed, edge=False))
    outer, inner = spokes(0, -0.56, 0.55, 7, -90), spokes(0, -0.56, 0.2, 7, -64)
    star = [(x, -0.58 + (y + 0.56) * 0.6) for p in zip(outer, inner, strict=True) for x, y in p]
    parts += [poly(LEAF, *star), line(LEAF, 0.09, (0, -0.6), (d.around(0.1), -0.95))]
    return parts


def pineapple(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.42, 0.54)
    parts = []
    for x in (-0.5, 0.5, -0.3, 0.3, 0):
        parts.append(poly(mix(LEAF, DARK, abs(x) * 0.4), (-0.14 + x * 0.2, -0.2),
                          (x, -1 + abs(x) * 0.5), (0.14 + x * 0.2, -0.2)))  # fmt: skip
    parts.append(oval(0, 0.36, w, 0.64, c))
    ink = darker(c, 0.4)
    for k in (-0.6, -0.2, 0.2, 0.6):
        u = w * (1 - abs(k) * 0.35)
        for s in (-1, 1):
            parts.append(line(ink, 0.035, (s * u * 0.9, 0.36 + k * 0.75 - 0.22),
                              (-s * u * 0.9, 0.36 + k * 0.75 + 0.22), edge=False))  # fmt: skip
    return parts


def mushroom(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w, stem = d.between(0.75, 0.95), d.between(0.18, 0.3)
    parts = [
        blob(CREAM, (-stem, -0.1), (stem, -0.1), (stem * 1.1, 0.5), (stem * 1.5, 0.92),
             (-stem * 1.5, 0.92), (-stem * 1.1, 0.5)),
        oval(0, 0.02, w * 0.9, 0.16, darker(CREAM, 0.25)),
        Part([*ring(0, 0, w, d.between(0.7, 0.9), 180, 360), (w * 0.5, 0.1), (-w * 0.5, 0.1)], c),
    ]  # fmt: skip
    if d.chance(0.75):
        for x, y, r in (
            (0, -0.5, 0.14),
            (-0.5, -0.2, 0.11),
            (0.45, -0.28, 0.13),
            (0.02, -0.1, 0.08),
        ):
            parts.append(oval(x * w, y, r, r * 0.85, WHITE, edge=False))
    return parts


def cactus(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.17, 0.25)
    left, right = d.between(-0.2, 0.1), d.between(-0.35, 0)
    ink = darker(c, 0.35)
    parts = [
        line(c, 0.26, (0, left + 0.3), (-0.55, left + 0.3), (-0.55, left - 0.3)),
        line(c, 0.24, (0, right + 0.35), (0.52, right + 0.35), (0.52, right - 0.3)),
        box(-w, -0.95, w, 0.6, c, w),
        line(ink, 0.03, (-w * 0.4, -0.7), (-w * 0.4, 0.5), edge=False),
        line(ink, 0.03, (w * 0.4, -0.7), (w * 0.4, 0.5), edge=False),
    ]
    if d.chance(0.6):
        parts.append(poly(a, (-0.42, 0.45), (0.42, 0.45), (0.3, 0.98), (-0.3, 0.98)))
        parts.append(box(-0.48, 0.4, 0.48, 0.56, lighter(a, 0.2)))
    return parts


def tree(d: Dice, c: Colour, a: Colour) -> list[Part]:
    w = d.between(0.09, 0.15)
    trunk = poly(WOOD, (-w, 0.1), (w, 0.1), (w * 1.6, 0.98), (-w * 1.6, 0.98))
    if d.chance(0.4):
        wide = d.between(0.5, 0.7)
        return [
            trunk,
            poly(darker(c, 0.2), (-wide, 0.6), (0, -0.25), (wide, 0.6)),
            poly(darker(c, 0.1), (-wide * 0.82, 0.2), (0, -0.6), (wide * 0.82, 0.2)),
            poly(c, (-wide * 0.6, -0.25), (0, -0.98), (wide * 0.6, -0.25)),
        ]
    crown = [(x, -0.32 + (y + 0.32) * 0.85) for x, y in spokes(0, -0.32, 0.55, 7, d.between(0, 50))]
    parts = [trunk]
    parts += [oval(x, y, 0.3, 0.28, darker(c, d.between(0, 0.25))) for x, y in crown]
    return [*parts, oval(0, -0.32, 0.58, 0.48, c, edge=False)]


def sunflower(d: Dice, c: Colour, a: Colour) -> list[Part]:
    count = d.count(11, 15)
    parts = [
        line(LEAF, 0.1, (0, 0), (d.around(0.15), 1)),
        blob(LEAF, (0, 0.75), (0.3, 0.45), (0.65, 0.5), (0.35, 0.75)),
        blob(LEAF, (0, 0.85), (-0.3, 0.55), (-0.65, 0.62), (-0.35, 0.85)),
    ]
    start = d.between(0, 40)
    for i, (x, y) in enumerate(spokes(0, -0.3, 0.46, count, start)):
        parts.append(oval(x, y, 0.24, 0.11, varied(c, d, 12), start + 360 * i / count))
    middle = darker(WOOD, 0.4)
    r = d.between(0.26, 0.34)
    parts.append(oval(0, -0.3, r, r, middle))
    parts += [oval(x, y, 0.03, 0.03, WOOD, edge=False) for x, y in spokes(0, -0.3, r * 0.6, 8)]
    return parts


def pizza(d: Dice, c: Colour, a: Colour) -> list[Part]:
    crust, cheese, topping = (206, 148, 78), mix(c, CREAM, 0.35), (200, 52, 40)
    w = d.between(0.6, 0.75)
    parts = [
        Part([*smooth([(-w, -0.6), (0, -0.78), (w, -0.6)]), (0.02, 0.95)], cheese),
        curve(crust, 0.24, (-w, -0.64), (0, -0.84), (w, -0.64)),
    ]
    for x, y in ((-0.25, -0.4), (0.28, -0.3), (0.0, 0.05), (0.04, 0.5)):
        r = d.between(0.1, 0.17) if y < 0.4 else 0.09
        parts.append(oval(x + d.around(0.06), y, r, r, topping))
    for _ in range(d.count(2, 5)):
        x, y = d.around(0.35), d.between(-0.55, 0.1)
        parts.append(oval(x, y, 0.06, 0.03, LEAF, d.between(0, 180), edge=False))
    return parts


def cupcake(d: Dice, c: Colour, a: Colour) -> list[Part]:
    base = poly(a, (-0.55, 0.1), (0.55, 0.1), (0.38, 0.95), (-0.38, 0.95))
    parts = [base]
    for x in (-0.3, -0.1, 0.1, 0.3):
        parts.append(line(darker(a), 0.04, (x * 1.25, 0.15), (x, 0.92), edge=False))
    levels = ((0.08, 0.68), (-0.2, 0.54), (-0.45, 0.36))
    parts += [oval(0, y, w, 0.23, lighter(c, 0.15 * i)) for i, (y, w) in enumerate(levels)]
    parts.append(oval(d.around(0.08), -0.75, 0.15, 0.15, (206, 42, 40)))
    for _ in range(d.count(3, 8)):
        tint = d.pick(((246, 205, 52), (48, 104, 200), WHITE))
        parts.append(oval(d.around(0.5), d.between(-0.45, 0.15), 0.04, 0.04, tint, edge=False))
    return parts


def ice_cream(d: Dice, c: Colour, a: Colour) -> list[Part]:
    waffle = (222, 168, 98)
    w = d.between(0.36, 0.46)
    parts = [poly(waffle, (-w, 0), (w, 0), (0, 1))]
    for k in (0.25, 0.55):
        for s in (-1, 1):
            start = (s * w * (1 - k), k)
            parts.append(line(darker(waffle), 0.035, start, (-s * w * (0.75 - k), k * 0.4 + 0.3),
                              edge=False))  # fmt: skip
    if d.chance(0.6):
        parts.append(oval(0, -0.6, w * 0.85, 0.38, lighter(a, 0.3)))
    parts.append(oval(0, -0.16, w * 1.15, 0.36, c))
    parts += [oval(x * w, 0.1, 0.13, 0.12, c, edge=False) for x in (-0.8, 0, 0.8)]
    return parts


PLANTS: dict[str, Thing] = {
    "apple": Thing(apple, ("red", "green", "yellow")),
    "banana": Thing(banana, ("yellow", "green")),
    "cactus": Thing(cactus, ("green",)),
    "carrot": Thing(carrot, ("orange",)),
    "cherry": Thing(cherry, ("red", "black", "pink")),
    "cupcake": Thing(cupcake, ("pink", "white", "brown", "blue", "purple", "yellow")),
    "ice cream": Thing(ice_cream, ("pink", "white", "brown", "green", "yellow", "purple")),
    "mushroom": Thing(mushroom, ("red", "brown", "orange", "white", "purple")),
    "pear": Thing(pear, ("green", "yellow", "red")),
    "pineapple": Thing(pineapple, ("yellow", "orange")),
    "pizza": Thing(pizza, ("yellow", "orange")),
    "strawberry": Thing(strawberry, ("red", "pink")),
    "sunflower": Thing(sunflower, ("yellow", "orange")),
    "tree": Thing(tree, ("green", "orange", "red", "pink")),
}
