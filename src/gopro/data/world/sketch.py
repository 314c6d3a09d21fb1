"""The sketch style: lines and hatching on paper, or chalk on a blackboard."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from gopro.data.world.colours import WORDS, Colour, varied
from gopro.data.world.dice import Dice
from gopro.data.world.scene import Scene
from gopro.data.world.shapes import Part
from gopro.data.world.styles import Layers, fill
from gopro.data.world.textures import cloud, crop, hatching, mottle

_PAPER: tuple[Colour, ...] = ((252, 251, 247), (244, 238, 224), (232, 232, 230), (246, 246, 250))


def sketch(layers: Layers, scene: Scene, dice: Dice, size: int) -> Image.Image:
    """Wavering strokes, drawn several times; darker parts have denser hatching."""
    side = 2 * size
    lines = Image.new("L", (side, side), 0)
    tones = Image.new("L", (size, size), 0)
    pen, wash = ImageDraw.Draw(lines), ImageDraw.Draw(tones)
    width = dice.between(0.009, 0.018) * side
    again = dice.count(1, 3)
    shaky = dice.between(0.002, 0.009) * side
    for group, press in ((layers.strewn, 150), (layers.thing, 235), (layers.front, 200)):
        for part in group:
            red, green, blue = part.colour
            dark = 255 - int(0.3 * red + 0.59 * green + 0.11 * blue)
            fill(wash, part, size, dark, 0)
            _outline(pen, part, side, dice, width, again, shaky, press)
    ink = np.asarray(lines.reduce(2), dtype=np.float32) / 255
    tone = np.asarray(tones, dtype=np.float32) / 255
    if dice.chance(0.75):
        tone = tone + 0.12 * crop(cloud(size), size, dice) * (tone > 0)
        marks = crop(hatching(size, dice.count(0, 7)), size, dice)
        hatch = np.clip((tone * dice.between(0.7, 1.15) - marks) * 7, 0, 1)
        ink = np.maximum(ink, hatch * dice.between(0.35, 0.75))
    # the paper's grain modulates the pencil
    tooth = crop(mottle(size), size, dice)
    ink = ink * np.clip(1 - dice.between(0.1, 0.35) * (tooth + 0.6), 0, 1)
    if scene.background == "blackboard":
        ground = varied(dice.pick(((38, 60, 50), (44, 46, 52), (30, 42, 66))), dice, 10)
    else:
        ground = varied(dice.pick(_PAPER), dice, 5)
    uneven = dice.between(1, 7) * crop(cloud(size), size, dice) + dice.between(1, 4) * tooth
    paper = np.array(ground, np.float32) + uneven[..., None]
    colour = np.array(varied(WORDS[scene.colour], dice, 14), np.float32)
    if scene.colour == "grey":
        colour *= np.float32(0.7)
    pixels = paper * (1 - ink[..., None]) + colour * ink[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _outline(
    pen: ImageDraw.ImageDraw,
    part: Part,
    side: int,
    dice: Dice,
    width: float,
    again: int,
    shaky: float,
    press: int,
) -> None:
    """Erase the area of a part, then draw its outline ``again`` times."""
    thin = max(1, round(width))
    points = [(x * side, y * side) for x, y in part.points]
    if part.width and part.width * side <= 3 * width:
        strokes = [points]
    elif part.width:
        # a broad line is drawn as two edges: fill it, then erase its inside
        fill(pen, part, side, press, width * 0.6)
        fill(pen, part, side, 0, -width * 0.6)
        return
    else:
        pen.polygon(points, 0)
        strokes = [[*points, points[0]]]
    if not part.edge and not part.width:
        again, press, thin = 1, int(press * 0.7), max(1, thin - 1)
    for stroke in strokes:
        for _ in range(again if part.edge else 1):
            dx, dy = dice.around(shaky), dice.around(shaky)
            shaken = [(x + dx + dice.around(shaky * 0.45), y + dy + dice.around(shaky * 0.45))
                      for x, y in stroke]  # fmt: skip
            pen.line(shaken, dice.count(press - 60, press), thin, "curve")
