"""Tiles of noise, brush strokes and hatching, computed once per picture size."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gopro.data.world.dice import Dice

Floats = NDArray[np.floating[Any]]
REFERENCE = 96
"""The picture size in pixels that stroke and grain sizes refer to."""


def crop(tile: NDArray[Any], size: int, dice: Dice) -> NDArray[Any]:
    """A random ``size`` x ``size`` window of a tile, mirrored at random."""
    y = dice.count(0, tile.shape[0] - size)
    x = dice.count(0, tile.shape[1] - size)
    window = tile[y : y + size, x : x + size]
    return window[:: dice.pick((1, -1)), :: dice.pick((1, -1))]


@lru_cache(maxsize=16)
def grain(size: int) -> Floats:
    """Fine noise, approximately standard normal: [2 size, 2 size]."""
    side = 2 * size
    # raw output of a counter-based generator is the same in every NumPy version
    words = np.random.Philox(key=7).random_raw(side * side)
    halves = [(words >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    total = sum(half.astype(np.float32) for half in halves[1:]) + halves[0].astype(np.float32)
    values = (total / 65535 - 2) * np.float32(3**0.5)
    return np.asarray(values, dtype=np.float32).reshape(side, side)


@lru_cache(maxsize=16)
def cloud(size: int) -> Floats:
    """Smooth noise of several scales, about -1 to 1: [2 size, 2 size]."""
    side = 2 * size
    total = np.zeros((side, side), np.float32)
    for cells, weight in ((6, 0.55), (12, 0.3), (28, 0.15)):
        coarse = Image.fromarray(grain(64)[:cells, cells : 2 * cells].copy(), mode="F")
        total += weight * np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    return total


@lru_cache(maxsize=16)
def mottle(size: int) -> Floats:
    """Noise a few pixels wide, like paper or plaster, about -1 to 1: [2 size, 2 size]."""
    image = Image.fromarray(grain(size), mode="F")
    small = image.resize((size * 2 // 3, size * 2 // 3), Image.Resampling.BOX)
    large = small.resize((2 * size, 2 * size), Image.Resampling.BICUBIC)
    values: Floats = np.asarray(large, dtype=np.float32) * np.float32(0.6)
    return values


@lru_cache(maxsize=64)
def strokes(size: int, variant: int, width: float) -> tuple[NDArray[np.int32], Floats]:
    """A picture covered with brush strokes.

    Returns:
        For each pixel of [size, size], the pixel (flat index) that its topmost stroke takes its
        colour from; and the light on the paint's relief, about 1.
    """
    dice = Dice(f"strokes/{variant}/{width}")
    unit = size / REFERENCE
    image = Image.new("I", (size, size), 0)
    pen = ImageDraw.Draw(image)
    flow = cloud(REFERENCE)[variant * 9 :: 2, variant * 5 :: 2]
    for _ in range(int(26000 / width**2)):
        x, y = dice.between(-2, REFERENCE + 2), dice.between(-2, REFERENCE + 2)
        row, column = min(95, max(0, int(y * 0.7))), min(95, max(0, int(x * 0.7)))
        angle = float(flow[row % flow.shape[0], column % flow.shape[1]]) * 2.4 + dice.around(0.5)
        half = width * dice.between(0.9, 1.9)
        # a rational point on the circle; sin and cos differ between machines
        t = angle / 2
        u, v = half * (1 - t * t) / (1 + t * t), half * 2 * t / (1 + t * t)
        px, py = (min(size - 1, max(0, int(p * unit))) for p in (x, y))
        ends = [(p * unit for p in q) for q in ((x - u, y - v), (x + u, y + v))]
        pen.line([tuple(end) for end in ends], py * size + px, max(1, round(width * unit)))
    index = np.asarray(image, dtype=np.int32)
    height = grain(size).reshape(-1)[index] + 0.5 * crop(mottle(size), size, dice)
    slope = height - np.roll(height, 1, axis=(0, 1))
    return index, (1 + 0.035 * np.clip(slope, -2.5, 2.5)).astype(np.float32)


@lru_cache(maxsize=32)
def hatching(size: int, variant: int) -> Floats:
    """Thresholds of cross-hatching in (0, 1): pixels whose tone is above get ink."""
    dice = Dice(f"hatching/{variant}")
    thresholds = np.ones((2 * size, 2 * size), np.float32)
    rows, columns = np.mgrid[0 : 2 * size, 0 : 2 * size].astype(np.float32) * (REFERENCE / size)
    bend = cloud(size) * 1.2 + mottle(size) * 0.5
    first = dice.between(-1.3, 1.3)
    for turn, start in ((first, 0.16), (-1 / (first + 0.3), 0.5)):
        pitch = dice.between(4.2, 5.6)
        across = (rows + turn * columns) / (1 + turn * turn) ** 0.5 + bend
        stripe = np.abs((across / pitch) % 1 - 0.5) * 2
        thresholds = np.minimum(thresholds, start + 0.75 * stripe)
    return thresholds


def blurred(values: Floats, radius: float) -> Floats:
    """A [h, w] map of 0 to 255, box-blurred twice."""
    image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius))
    return np.asarray(image, dtype=np.float32)
