"""Altered copies of a photograph, each with the words that say what was done to it.

A prompt that says "a dark photo of a" is trained on darkened copies, so its words come to mean
something. ``KINDS`` maps each alteration to the prompts that are true of it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

Picture = Image.Image

KINDS: dict[str, tuple[str, ...]] = {
    "plain": (
        "a photo of a {}.",
        "a photo of the {}.",
        "a good photo of a {}.",
        "a clear photo of a {}.",
    ),
    "dark": ("a dark photo of a {}.", "a photo of a {} in the dark.", "a {} at night."),
    "bright": ("a bright photo of a {}.", "an overexposed photo of a {}.", "a {} in bright light."),
    "blurry": (
        "a blurry photo of a {}.",
        "an unsharp photo of a {}.",
        "a photo of a {} out of focus.",
    ),
    "coarse": (
        "a low resolution photo of a {}.",
        "a pixelated photo of a {}.",
        "a bad photo of a {}.",
    ),
    "grey": (
        "a black and white photo of a {}.",
        "a greyscale photo of a {}.",
        "a grey photo of a {}.",
    ),
    "sketch": (
        "a sketch of a {}.",
        "a pencil drawing of a {}.",
        "a line drawing of a {}.",
        "a drawing of a {}.",
    ),
    "painting": (
        "a painting of a {}.",
        "an oil painting of a {}.",
        "a watercolor of a {}.",
        "art of a {}.",
    ),
    "cartoon": (
        "a cartoon of a {}.",
        "a cartoon {}.",
        "a comic of a {}.",
        "an illustration of a {}.",
    ),
    "turned": (
        "a rotated photo of a {}.",
        "a photo of a {} lying on its side.",
        "an upside down {}.",
    ),
    "small": ("a photo of a small {}.", "a tiny {} in the middle.", "a {} far away."),
    "close": (
        "a close-up photo of a {}.",
        "a cropped photo of a {}.",
        "a photo of a part of a {}.",
    ),
    "noisy": ("a noisy photo of a {}.", "a grainy photo of a {}.", "a photo of a {} in the snow."),
    "faded": ("a faded photo of a {}.", "a photo of a {} in the fog.", "a hazy photo of a {}."),
    "old": ("an old photo of a {}.", "a sepia photo of a {}.", "a brown photo of a {}."),
}
NAMES = tuple(KINDS)


def square(picture: Picture, size: int) -> Picture:
    """CLIP's resize of the shorter side, then the centre."""
    width, height = picture.size
    scale = size / min(width, height)
    wide, high = max(size, int(width * scale)), max(size, int(height * scale))
    left, top = round((wide - size) / 2), round((high - size) / 2)
    resized = picture.resize((wide, high), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + size, top + size))


def crop(
    picture: Picture, size: int, share: tuple[float, float], rng: np.random.Generator
) -> Picture:
    """A random part of the picture by share of its area, flipped half of the time."""
    width, height = picture.size
    area = rng.uniform(*share) * width * height
    ratio = float(np.exp(rng.uniform(-0.25, 0.25)))
    wide = min(width, max(8, round((area * ratio) ** 0.5)))
    high = min(height, max(8, round((area / ratio) ** 0.5)))
    left, top = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - high + 1))
    box = (left, top, left + wide, top + high)
    part = picture.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return ImageOps.mirror(part) if rng.random() < 0.5 else part


def altered(picture: Picture, kind: str, size: int, rng: np.random.Generator) -> Picture:
    """The picture as one of ``KINDS``, ``size`` pixels a side."""
    if kind == "close":
        return crop(picture, size, (0.12, 0.3), rng)
    part = square(picture, size) if rng.random() < 0.5 else crop(picture, size, (0.6, 1.0), rng)
    return _CHANGES[kind](part, rng)


def _plain(part: Picture, rng: np.random.Generator) -> Picture:
    return part


def _dark(part: Picture, rng: np.random.Generator) -> Picture:
    return ImageEnhance.Brightness(part).enhance(rng.uniform(0.12, 0.35))


def _bright(part: Picture, rng: np.random.Generator) -> Picture:
    return ImageEnhance.Brightness(part).enhance(rng.uniform(1.9, 3.0))


def _blurry(part: Picture, rng: np.random.Generator) -> Picture:
    return part.filter(ImageFilter.GaussianBlur(rng.uniform(4, 8)))


def _coarse(part: Picture, rng: np.random.Generator) -> Picture:
    side = int(rng.integers(24, 48))
    back = Image.Resampling.NEAREST if rng.random() < 0.7 else Image.Resampling.BILINEAR
    return part.resize((side, side), Image.Resampling.BOX).resize(part.size, back)


def _grey(part: Picture, rng: np.random.Generator) -> Picture:
    return ImageOps.grayscale(part).convert("RGB")


def _sketch(part: Picture, rng: np.random.Generator) -> Picture:
    grey = ImageOps.grayscale(part)
    if rng.random() < 0.4:  # bare lines
        lines = grey.filter(ImageFilter.GaussianBlur(1.5)).filter(ImageFilter.FIND_EDGES)
        lines = ImageOps.autocontrast(lines, cutoff=(60, 1))
    else:  # what differs from its surroundings
        around = grey.filter(ImageFilter.GaussianBlur(rng.uniform(3, 8)))
        lines = ImageOps.autocontrast(ImageChops.subtract(around, grey), cutoff=(50, 1))
    if rng.random() < 0.4:
        lines = lines.point(lambda value: 255 if value > 70 else 0)
    return ImageOps.invert(lines).convert("RGB")


def _painting(part: Picture, rng: np.random.Generator) -> Picture:
    side = part.size[0] // 2
    smooth = part.resize((side, side)).filter(ImageFilter.ModeFilter(int(rng.choice([5, 7, 9]))))
    smooth = smooth.resize(part.size, Image.Resampling.BICUBIC)
    warm = ImageEnhance.Color(smooth).enhance(rng.uniform(1.2, 2.0))
    return warm.filter(ImageFilter.EDGE_ENHANCE) if rng.random() < 0.5 else warm


def _cartoon(part: Picture, rng: np.random.Generator) -> Picture:
    smooth = part.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.MedianFilter(5))
    flat = ImageEnhance.Color(ImageOps.posterize(smooth, int(rng.integers(2, 4)))).enhance(1.8)
    lines = ImageOps.grayscale(smooth).filter(ImageFilter.FIND_EDGES)
    lines = lines.point(lambda value: 0 if value > 40 else 255).convert("RGB")
    return ImageChops.multiply(flat, lines)


def _turned(part: Picture, rng: np.random.Generator) -> Picture:
    return part.rotate(int(rng.choice([90, 180, 270])))


def _small(part: Picture, rng: np.random.Generator) -> Picture:
    size = part.size[0]
    side = int(size * rng.uniform(0.3, 0.5))
    colour = tuple(int(value) for value in rng.integers(0, 256, 3))
    page = Image.new("RGB", part.size, colour)
    place = rng.integers(0, size - side + 1, 2)
    page.paste(part.resize((side, side), Image.Resampling.BICUBIC), (int(place[0]), int(place[1])))
    return page


def _noisy(part: Picture, rng: np.random.Generator) -> Picture:
    pixels = np.asarray(part, dtype=np.float32)
    pixels = pixels + rng.normal(0, rng.uniform(35, 70), pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _faded(part: Picture, rng: np.random.Generator) -> Picture:
    fog = Image.new("RGB", part.size, (215, 215, 220))
    return Image.blend(part, fog, rng.uniform(0.55, 0.8))


def _old(part: Picture, rng: np.random.Generator) -> Picture:
    grey = ImageOps.grayscale(part)
    return ImageOps.colorize(grey, (45, 25, 10), (250, 225, 180), mid=(160, 120, 80))


_CHANGES = {
    "plain": _plain,
    "dark": _dark,
    "bright": _bright,
    "blurry": _blurry,
    "coarse": _coarse,
    "grey": _grey,
    "sketch": _sketch,
    "painting": _painting,
    "cartoon": _cartoon,
    "turned": _turned,
    "small": _small,
    "noisy": _noisy,
    "faded": _faded,
    "old": _old,
}
