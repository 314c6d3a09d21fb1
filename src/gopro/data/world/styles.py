"""The three coloured styles: photo, painting and cartoon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gopro.data.world.colours import Colour
from gopro.data.world.dice import Dice
from gopro.data.world.scene import Scene
from gopro.data.world.shapes import Part
from gopro.data.world.textures import Floats, blurred, cloud, crop, grain, mottle, strokes

_LIGHT = {"normal": (0.92, 1.08), "dark": (0.42, 0.62), "bright": (1.3, 1.7)}


class Layers(NamedTuple):
    """The parts of a picture, back to front."""

    behind: list[Part]
    strewn: list[Part]
    thing: list[Part]
    front: list[Part]


def fill(
    pen: ImageDraw.ImageDraw, part: Part, side: int, colour: Colour | int, grow: float
) -> None:
    """Draw one part on a canvas of ``side`` pixels, ``grow`` pixels wider all around."""
    points = [(x * side, y * side) for x, y in part.points]
    if part.width:
        width = max(1, round(part.width * side + 2 * grow))
        pen.line(points, colour, width, "curve")
        r = width / 2 - 0.5
        if r >= 1.5:
            for x, y in (points[0], points[-1]):
                pen.ellipse((x - r, y - r, x + r, y + r), colour)
        return
    pen.polygon(points, colour)
    if grow >= 0.5:
        pen.line([*points, points[0], points[1]], colour, round(2 * grow), "curve")


def paint(image: Image.Image, parts: Sequence[Part]) -> None:
    """Draw parts in their flat colours."""
    pen = ImageDraw.Draw(image)
    for part in parts:
        fill(pen, part, image.width, part.colour, 0)


def cartoon(layers: Layers, scene: Scene, dice: Dice, size: int) -> Image.Image:
    """Flat colours and thick outlines; sometimes dots as in print."""
    side = 2 * size
    image = Image.new("RGB", (side, side))
    paint(image, layers.behind)
    pen = ImageDraw.Draw(image)
    ink = dice.pick(((24, 20, 28), (24, 20, 28), (60, 30, 30), (30, 34, 78)))
    thick = dice.between(0.006, 0.017) * side
    for group in (layers.strewn, layers.thing, layers.front):
        for part in group:
            if part.edge and part.width:
                fill(pen, part, side, ink, thick)
            fill(pen, part, side, part.colour, 0)
            if part.edge and not part.width:
                points = [(x * side, y * side) for x, y in part.points]
                pen.line([*points, points[0], points[1]], ink, max(1, round(thick)), "curve")
    image = image.reduce(2)
    if dice.chance(0.3):
        levels = dice.pick((5, 6, 8))
        image = image.point([round(v / 255 * levels) * 255 // levels for v in range(256)] * 3)
    light = dice.between(*_LIGHT[scene.light])
    return image.point([int(v) for v in _exposed(np.arange(256) / 1.0, light)] * 3)


def painting(layers: Layers, scene: Scene, dice: Dice, size: int) -> Image.Image:
    """Brush strokes on canvas, coarse in the background and finer on the object."""
    side = 2 * size
    image = Image.new("RGB", (side, side))
    paint(image, [*layers.behind, *layers.strewn, *layers.thing, *layers.front])
    flat: Floats = np.asarray(image.reduce(2), dtype=np.float32)
    mask = _mask([*layers.thing, *layers.front], size)
    shade = _relief(layers, size, dice, 0.8)
    shade += 0.1 * crop(cloud(size), size, dice)
    flat = flat * shade[..., None]
    turn, flip = dice.count(0, 3), dice.pick((1, -1))
    flat = np.rot90(flat, turn)[:, ::flip].reshape(-1, 3)
    inside = np.rot90(blurred(mask, size / 64), turn)[:, ::flip] > 40
    coarse, thick = strokes(size, dice.count(0, 5), dice.pick((3.4, 4.6, 6.2)))
    fine, thin = strokes(size, dice.count(0, 5), dice.pick((1.5, 2.0, 2.6)))
    index = np.where(inside, fine, coarse)
    bump = np.where(inside, thin, thick)
    # each stroke has its own tint
    tint = 1 + dice.between(0.03, 0.08) * grain(size).reshape(-1)[: size * size][index]
    wet = np.where(inside, np.float32(0.4), np.float32(0.12))[..., None]
    straight = flat.reshape(size, size, 3)
    result = (flat[index] * (1 - wet) + straight * wet) * (bump * tint)[..., None]
    result = np.rot90(result[:, ::flip], -turn)
    middle = dice.between(0.9, 1.25)
    warm = np.array(dice.pick(((1, 1, 1), (1.05, 1, 0.9), (0.95, 1, 1.06))), np.float32)
    result = ((result - 128) * middle + 128) * warm
    result = _exposed(result, dice.between(*_LIGHT[scene.light]))
    if dice.chance(0.6):
        rows, columns = np.ogrid[0:size, 0:size]
        result *= (1 + 0.035 * (((rows + columns) % 2) * 2 - 1))[..., None]
    return _image(result)


def photo(layers: Layers, scene: Scene, dice: Dice, size: int) -> Image.Image:
    """Shaded bodies with a shadow, a blurred background and camera effects."""
    depth = dice.pick((0.7, 0.5, 0.4, 0.3, 0.2))
    half = max(8, int(size * depth))
    image = Image.new("RGB", (size, size))
    paint(image, [*layers.behind, *layers.strewn])
    # downscaling and upscaling is the fastest blur
    image = image.resize((half, half), Image.Resampling.BOX)
    enlarged = image.resize((size, size), Image.Resampling.BICUBIC)
    back: Floats = np.asarray(enlarged, dtype=np.float32)
    texture = dice.between(0.02, 0.09) * crop(mottle(size), size, dice)
    texture += dice.between(0.02, 0.12) * crop(cloud(size), size, dice)
    back = back * (1 + texture)[..., None]
    side = 2 * size
    body = Image.new("RGB", (side, side))
    paint(body, [*layers.thing, *layers.front])
    flat = np.asarray(body.reduce(2), dtype=np.float32)
    mask = _mask([*layers.thing, *layers.front], size)
    shade = _relief(layers, size, dice, dice.between(0.8, 1.3))
    speckle = dice.between(0, 0.07) * crop(mottle(size), size, dice)
    shade = shade + speckle + 0.07 * crop(cloud(size), size, dice)
    gloss = np.clip(shade - dice.between(1.14, 1.3), 0, 1)[..., None] * dice.between(80, 500)
    solid = np.asarray(mask, dtype=np.float32)[..., None] / 255
    # reduce() blended the body's edge with black; divide by the coverage to undo it
    body_colour: Floats = flat / np.maximum(solid, 0.25)
    body_colour = body_colour * shade[..., None] + gloss
    shift = (dice.count(-size // 12, size // 12), dice.count(size // 40, size // 12))
    cast = np.roll(blurred(mask, size * dice.between(0.015, 0.05)), shift, axis=(1, 0)) / 255
    back = back * (1 - dice.between(0.25, 0.6) * cast)[..., None]
    result = back * (1 - solid) + np.clip(body_colour, 0, 255) * solid
    return _camera(result, scene, dice, size)


def _camera(pixels: Floats, scene: Scene, dice: Dice, size: int) -> Image.Image:
    """Exposure, white balance, a light from one side, focus and grain."""
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    light = 1 + dice.around(0.28) * ramp[:, None] + dice.around(0.28) * ramp[None, :]
    light -= dice.between(0, 0.16) * (ramp[:, None] ** 2 + ramp[None, :] ** 2)
    warm = dice.around(0.1)
    balance = np.array((1 + warm, 1, 1 - warm), np.float32)
    pixels = ((pixels - 120) * dice.between(0.8, 1.15) + 120) * light[..., None] * balance
    image = _image(_exposed(pixels, dice.between(*_LIGHT[scene.light])))
    if scene.blurry:
        image = image.filter(ImageFilter.GaussianBlur(size * dice.between(0.016, 0.03)))
    elif dice.chance(0.5):
        image = image.filter(ImageFilter.GaussianBlur(size * 0.005))
    noise = dice.between(1, 6) * (1.6 if scene.light == "dark" else 1)
    dust = noise * crop(grain(size), size, dice)[..., None]
    return _image(np.asarray(image, dtype=np.float32) + dust)


def _mask(parts: Sequence[Part], size: int) -> Floats:
    """Mask of the parts: [size, size], 0 to 255, smooth at the edge."""
    image = Image.new("L", (2 * size, 2 * size), 0)
    pen = ImageDraw.Draw(image)
    for part in parts:
        fill(pen, part, 2 * size, 255, 0)
    return np.asarray(image.reduce(2), dtype=np.float32)


def _relief(layers: Layers, size: int, dice: Dice, strength: float) -> Floats:
    """Brightness factors of the bodies, around 1; each part appears rounded at its edge.

    A height map (parts high, edges low) is blurred at two scales; its gradient along the light's
    direction is the brightness.
    """
    image = Image.new("L", (size, size), 40)
    pen = ImageDraw.Draw(image)
    for group in (layers.thing, layers.front):
        for part in group:
            fill(pen, part, size, 235, 0)
            if part.edge and not part.width:
                points = [(x * size, y * size) for x, y in part.points]
                pen.line([*points, points[0]], 70, max(1, size // 48))
    drawn = np.asarray(image, dtype=np.float32)
    shade = np.ones((size, size), np.float32)
    dx, dy = dice.pick((-1, 1)), -1 if dice.chance(0.85) else 1
    for radius, weight in ((size / 60, 0.0016), (size / 16, 0.0032)):
        step = max(1, round(radius))
        height = blurred(drawn, radius)
        slope = np.roll(height, (-dx * step, -dy * step), axis=(1, 0)) - np.roll(
            height, (dx * step, dy * step), axis=(1, 0)
        )
        shade -= np.float32(weight * strength) * slope
    return shade


def _exposed(pixels: Floats, light: float) -> Floats:
    """Pixels darkened (``light`` below 1) or brightened without overexposed whites."""
    if light <= 1:
        return pixels * light
    root = light**0.5
    brighter: Floats = 255 - (255 - np.minimum(pixels * root, 255)) / root
    return brighter


def _image(pixels: Floats) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
