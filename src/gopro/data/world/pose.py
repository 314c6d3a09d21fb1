"""Places the object, scattered shapes and covers in the picture (coordinates 0 to 1)."""

from __future__ import annotations

import math

from gopro.data.world.colours import WORDS, Colour, darker, mix, varied
from gopro.data.world.dice import Dice
from gopro.data.world.scene import CLASS_NAMES, THINGS, Scene
from gopro.data.world.shapes import Part, Point, arc, blob, box, line, oval, poly, ring, spokes

_RADIUS = {"small": (0.2, 0.27), "medium": (0.31, 0.39), "large": (0.43, 0.53)}
_SHIFT = {"centre": (0, 0), "left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


def placed(scene: Scene, dice: Dice) -> list[Part]:
    """Parts of the scene's object, back to front, in picture coordinates."""
    thing = THINGS[CLASS_NAMES[scene.label]]
    word = dice.pick(thing.colours) if scene.style == "sketch" else scene.colour
    main = varied(WORDS[word], dice)
    others = [w for w in ("red", "yellow", "green", "blue", "purple", "orange", "white", "grey")
              if w != word]  # fmt: skip
    parts = thing.draw(dice, main, varied(WORDS[dice.pick(others)], dice))
    radius = dice.between(*_RADIUS[scene.size])
    room = max(0.0, 0.47 - radius)
    side_x, side_y = _SHIFT[scene.position]
    near, wander = dice.between(0.8, 1.15), room * 0.3
    x = 0.5 + side_x * room * near + dice.around(wander)
    y = 0.5 + side_y * room * near + dice.around(wander)
    turn = dice.around(9)
    if scene.turn == "tilted":
        turn = dice.pick((-1, 1)) * dice.between(18, 48)
    elif scene.turn == "upside-down":
        turn = 180 + dice.around(14)
    return moved(parts, dice, x, y, radius, turn)


def moved(
    parts: list[Part], dice: Dice, x: float, y: float, radius: float, turn: float
) -> list[Part]:
    """Parts from unit to picture coordinates: bent, stretched, sheared, mirrored, turned, moved."""
    wide = radius * dice.between(0.84, 1.14)
    high = radius * dice.between(0.86, 1.12)
    shear, flip = dice.around(0.2), dice.pick((-1, 1))
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    # picture = centre + turn * stretch * mirror * shear * unit
    a, b = cos * wide * flip, cos * wide * flip * shear - sin * high
    c, d = sin * wide * flip, sin * wide * flip * shear + cos * high
    bend, pitch, phase = dice.around(0.055), dice.between(1.2, 3), dice.between(0, 6)
    wave, beat, start = dice.around(0.05), dice.between(1.2, 3), dice.between(0, 6)
    grow = dice.between(0.85, 1.25) * radius
    placed_parts = []
    for part in parts:
        points: list[Point] = []
        for u, v in part.points:
            s = u + bend * math.sin(pitch * v + phase)
            t = v + wave * math.sin(beat * u + start)
            points.append((x + a * s + b * t, y + c * s + d * t))
        placed_parts.append(Part(points, part.colour, part.width * grow, part.edge))
    return placed_parts


def clutter(dice: Dice, backdrop: Colour) -> list[Part]:
    """A few small shapes, scattered around the object."""
    parts: list[Part] = []
    for _ in range(dice.count(3, 9)):
        colour = mix(varied(WORDS[dice.pick(tuple(WORDS))], dice), backdrop, dice.between(0, 0.5))
        unit = dice.pick(_SMALL)(dice, colour)
        radius = dice.between(0.035, 0.11)
        x, y = dice.between(0, 1), dice.between(0, 1)
        parts += moved(unit, dice, x, y, radius, dice.between(0, 360))
    return parts


def cover(dice: Dice, parts: list[Part], colour: Colour) -> list[Part]:
    """Something in front that hides an outer part of the object."""
    xs = [x for part in parts for x, _ in part.points]
    ys = [y for part in parts for _, y in part.points]
    left, right, top, low = min(xs), max(xs), min(ys), max(ys)
    kind = dice.count(0, 2)
    if kind == 0:  # grass or reeds from below
        blades = []
        x = left - 0.05
        while x < right + 0.05:
            tip = low - dice.between(0.1, 0.42) * (low - top)
            wide = dice.between(0.01, 0.024)
            blades.append(poly(varied(colour, dice, 30), (x - wide, 1.05),
                               (x + dice.around(0.08), tip), (x + wide, 1.05)))  # fmt: skip
            x += dice.between(0.05, 0.13)
        return blades
    if kind == 1:  # a post or a band across
        half = dice.between(0.022, 0.045)
        at = left + (right - left) * dice.between(0.15, 0.85)
        lean = dice.around(0.25)
        return [poly(colour, (at - half - lean, -0.1), (at + half - lean, -0.1),
                     (at + half + lean, 1.1), (at - half + lean, 1.1))]  # fmt: skip
    corner = (dice.pick((left, right)), dice.pick((top, low)))
    reach = dice.between(0.3, 0.48) * min(right - left, low - top)
    return moved([_stone(dice, colour)], dice, *corner, reach, dice.between(0, 360))


def _stone(dice: Dice, colour: Colour) -> Part:
    return blob(colour, *[(x * dice.between(0.75, 1.1), y * dice.between(0.75, 1.1))
                          for x, y in spokes(0, 0, 1, 7)])  # fmt: skip


def _twig(dice: Dice, colour: Colour) -> list[Part]:
    return [line(colour, 0.22, (-1, 0), (0, dice.around(0.4)), (1, dice.around(0.5)))]


def _leaf(dice: Dice, colour: Colour) -> list[Part]:
    return [
        blob(colour, (-1, 0), (-0.2, -0.5), (1, 0), (-0.2, 0.5)),
        line(darker(colour), 0.1, (-0.9, 0), (0.8, 0), edge=False),
    ]


def _star(dice: Dice, colour: Colour) -> list[Part]:
    pairs = zip(spokes(0, 0, 1, 5, -90), spokes(0, 0, 0.42, 5, -54), strict=True)
    return [poly(colour, *[point for pair in pairs for point in pair])]


_SMALL = (
    lambda d, c: [oval(0, 0, 1, d.between(0.5, 1), c)],
    lambda d, c: [box(-1, -0.6, 1, 0.6, c, 0.2)],
    lambda d, c: [poly(c, (-1, 0.8), (0, -0.9), (1, 0.8))],
    lambda d, c: [_stone(d, c)],
    lambda d, c: [Part(ring(0, 0, 0.8, 0.8, 0, 360), c, 0.3)],
    lambda d, c: [arc(0, 0, 1, 0.8, 180, 360, c, 0.3)],
    _twig,
    _leaf,
    _star,
)
