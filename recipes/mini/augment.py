"""Alter pictures in batches, and record the alterations.

Ordinary augmentation (crop, flip, small colour changes) is not recorded. Strong alterations (dark,
upside down, drawn as an outline, ...) are recorded in the picture's slots, so that its caption can
mention them.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from recipes.mini.captions import value_of
from recipes.mini.words import SLOTS
from torch import Tensor

STYLE, _, SIZE, PLACE, TURN, TONE, QUALITY, COLOUR, BACKGROUND = range(len(SLOTS))
_GEOMETRY = {
    (SIZE, "small"): 0.16, (SIZE, "large"): 0.2,
    (PLACE, "left"): 0.09, (PLACE, "right"): 0.09, (PLACE, "top"): 0.06, (PLACE, "bottom"): 0.06,
    (PLACE, "many"): 0.08,
    (TURN, "over"): 0.09, (TURN, "side"): 0.06, (TURN, "tilt"): 0.06, (TURN, "wide"): 0.03,
    (TURN, "tall"): 0.02,
}  # fmt: skip
_TONES = {"dark": 0.2, "bright": 0.13, "grey": 0.2, "negative": 0.09, "sepia": 0.07, "warm": 0.06,
          "cold": 0.06, "green": 0.04, "faded": 0.08, "vivid": 0.07}  # fmt: skip
_QUALITIES = {"blurry": 0.45, "noisy": 0.2, "pixelated": 0.2, "patchy": 0.15}
_STYLES = {"sketch": 0.5, "chalk": 0.1, "cartoon": 0.22, "art_painting": 0.18}
_TINTS = {"sepia": (1.0, 0.82, 0.6), "warm": (1.1, 0.72, 0.5), "cold": (0.55, 0.8, 1.1),
          "green": (0.6, 1.05, 0.6)}  # fmt: skip
_LUMA = (0.299, 0.587, 0.114)


def choose(
    slots: NDArray[np.int64],
    built_in: NDArray[np.bool_],
    often: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Choose the alterations of each picture.

    Args:
        slots: The slots of the pictures before, [B, slots].
        built_in: Which pictures are from the built-in world. Their captions already give position
            and size, so they are not cropped, turned or mirrored.
        often: Probability factor of alterations, from 0 to 1, [B].
        rng: Source of all random choices.

    Returns:
        The slots after the alterations, and the crop window of each picture, [B, 6]: centre x, y,
        half extent x (negative: mirrored), y, angle in radians, repeats.
    """
    slots = slots.copy()
    count = len(slots)
    window = np.zeros((count, 6), dtype=np.float32)
    window[:, 5] = 1
    area = rng.uniform(0.4, 1.0, count)
    stretch = np.exp(rng.uniform(-0.2, 0.2, count))
    half = np.sqrt(area)
    window[:, 2] = np.minimum(half * stretch, 1.0)
    window[:, 3] = np.minimum(half / stretch, 1.0)
    window[:, :2] = rng.uniform(-1, 1, (count, 2)) * (1 - window[:, 2:4])
    window[:, 4] = rng.normal(0, 0.06, count)
    kinds, chances = list(_GEOMETRY), np.array(list(_GEOMETRY.values()))
    for row in range(count):
        if built_in[row]:
            window[row, :5] = (0, 0, rng.uniform(0.92, 1.05), rng.uniform(0.92, 1.05), 0)
        elif rng.random() < 0.34 * often[row]:
            slot, value = kinds[rng.choice(len(kinds), p=chances / chances.sum())]
            slots[row, slot] = value_of(SLOTS[slot], value)
            _reframe(window[row], value, rng)
        if not built_in[row] and rng.random() < 0.5:
            window[row, 2] *= -1
        drawn = slots[row, STYLE] != 0
        if not drawn and not built_in[row] and rng.random() < 0.2 * often[row]:
            slots[row, STYLE] = value_of("style", _pick(_STYLES, rng))
            continue
        if rng.random() < (0.12 if drawn else 0.26) * often[row]:
            tone = _pick(_TONES, rng)
            slots[row, TONE] = value_of("tone", tone)
            if tone not in ("dark", "bright", "faded", "vivid"):
                slots[row, [COLOUR, BACKGROUND]] = 0
        if rng.random() < (0.09 if drawn else 0.2) * often[row]:
            slots[row, QUALITY] = value_of("quality", _pick(_QUALITIES, rng))
    return slots, window


def _pick(chances: dict[str, float], rng: np.random.Generator) -> str:
    weight = np.array(list(chances.values()))
    return str(rng.choice(list(chances), p=weight / weight.sum()))


def _reframe(window: NDArray[np.float32], value: str, rng: np.random.Generator) -> None:
    out = rng.uniform(1.25, 1.7)
    if value == "small":
        window[2:4] = rng.uniform(1.6, 2.4)
        window[:2] = rng.uniform(-0.4, 0.4, 2)
    elif value == "large":
        window[2:4] = rng.uniform(0.28, 0.5)
        window[:2] = rng.uniform(-0.35, 0.35, 2)
    elif value in ("left", "right", "top", "bottom"):
        axis = 0 if value in ("left", "right") else 1
        sign = 1 if value in ("left", "top") else -1
        window[2:4] = out
        window[axis] = sign * (out - 1)
        window[1 - axis] = rng.uniform(-0.3, 0.3) * (out - 1)
    elif value == "many":
        window[:4] = (0, 0, 1, 1)
        window[5] = rng.choice((2, 2, 3))
    elif value in ("over", "side", "tilt"):
        turn = {"over": np.pi, "side": np.pi / 2, "tilt": rng.uniform(0.4, 0.75)}[value]
        window[4] = turn if rng.random() < 0.5 else -turn
    elif value == "wide":
        window[3] = window[3] * rng.uniform(1.6, 2.0)
        window[1] = 0
    elif value == "tall":
        window[2] = window[2] * rng.uniform(1.6, 2.0)
        window[0] = 0


def render(
    pixels: Tensor,
    slots: NDArray[np.int64],
    before: NDArray[np.int64],
    window: NDArray[np.float32],
    side: int,
    generator: torch.Generator,
) -> Tensor:
    """Apply the alterations that :func:`choose` returned.

    Args:
        pixels: uint8 [B, S, S, 3].
        slots: The slots after the alterations, [B, slots].
        before: The slots before; where the two differ, the picture is altered.
        window: From :func:`choose`, [B, 6].
        side: Side of the result in pixels.
        generator: On the device of ``pixels``.

    Returns:
        float [B, 3, side, side] in [0, 1].
    """
    device = pixels.device
    images = pixels.permute(0, 3, 1, 2).float() / 255
    images = _seen_through(images, torch.from_numpy(window).to(device), side, generator)
    # a small colour change that is not recorded, so that exact colours do not matter
    change = torch.rand(4, len(images), 1, 1, 1, generator=generator, device=device) * 2 - 1
    grey = _grey(images)
    images = grey + (images - grey) * (1 + 0.35 * change[0])
    images = ((images - 0.5) * (1 + 0.2 * change[1]) + 0.5 + 0.12 * change[2]).clamp(0, 1)
    todo = np.where(slots != before, slots, 0)
    for name in _STYLES:
        rows = np.flatnonzero(todo[:, STYLE] == value_of("style", name))
        if len(rows):
            images[rows] = _restyle(images[rows], name, generator)
    for name in _TONES:
        rows = np.flatnonzero(todo[:, TONE] == value_of("tone", name))
        if len(rows):
            images[rows] = _retone(images[rows], name, generator)
    for name in _QUALITIES:
        rows = np.flatnonzero(todo[:, QUALITY] == value_of("quality", name))
        if len(rows):
            images[rows] = _spoil(images[rows], name, generator)
    return images.clamp(0, 1)


def pasted(
    images: Tensor, rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """CutMix: paste a part of another picture into some pictures. Small sources need it most.

    Args:
        images: float [B, 3, s, s].
        rows: Six in ten of these get a rectangle of another picture, at the same position.
        rng: Source of all random choices.

    Returns:
        The pictures, the partner of each [B], and the fraction of each that is still its own [B].
    """
    count, side = len(images), images.shape[-1]
    partner = torch.arange(count)
    share = torch.ones(count)
    out = images.clone()
    for row, other in zip(rows, rng.permutation(rows), strict=True):
        if rng.random() > 0.6:
            continue
        half = np.sqrt(rng.uniform(0, 0.5)) / 2
        y, x = rng.uniform(0, 1, 2)
        top, left = (round(side * max(0.0, float(at - half))) for at in (y, x))
        bottom, right = (round(side * min(1.0, float(at + half))) for at in (y, x))
        out[row, :, top:bottom, left:right] = images[other, :, top:bottom, left:right]
        partner[row] = int(other)
        share[row] = 1 - (bottom - top) * (right - left) / side**2
    return out, partner, share


def _seen_through(images: Tensor, window: Tensor, side: int, generator: torch.Generator) -> Tensor:
    count = len(images)
    axis = (torch.arange(side, device=images.device) + 0.5) * 2 / side - 1
    repeats = window[:, 5, None, None]
    wrapped = torch.remainder((axis + 1) * window[:, 5, None], 2) - 1  # [B, side]
    along = torch.where(repeats[:, 0] > 1, wrapped, axis)
    x = along[:, None, :] * window[:, 2, None, None]
    y = along[:, :, None] * window[:, 3, None, None]
    cosine, sine = window[:, 4].cos()[:, None, None], window[:, 4].sin()[:, None, None]
    grid = torch.stack(
        (
            x * cosine - y * sine + window[:, 0, None, None],
            x * sine + y * cosine + window[:, 1, None, None],
        ),
        -1,
    )
    # outside the picture is one colour: that of its border, white, or a random one
    rim = 0.5 * (images[:, :, 0].mean(-1) + images[:, :, -1].mean(-1))
    draw = torch.rand(count, 4, generator=generator, device=images.device)
    fill = torch.where(draw[:, :1] < 0.5, rim, torch.where(draw[:, :1] < 0.75, 1.0, draw[:, 1:]))
    fill = fill[:, :, None, None]
    return F.grid_sample(images - fill, grid, align_corners=False, padding_mode="zeros") + fill


def _grey(images: Tensor) -> Tensor:
    luma = torch.tensor(_LUMA, device=images.device).view(1, 3, 1, 1)
    return (images * luma).sum(1, keepdim=True).expand_as(images)


def _edges(images: Tensor, generator: torch.Generator) -> Tensor:
    """Edge strength, [B, 1, h, w] in [0, 1]."""
    soft = F.avg_pool2d(_grey(images)[:, :1], 3, 1, 1, count_include_pad=False)
    padded = F.pad(soft, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    strength = (across.square() + down.square()).sqrt()
    level = strength.flatten(1).quantile(0.93, dim=1).clamp(min=0.03).view(-1, 1, 1, 1)
    sharp = 1 + 3 * torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device)
    return ((strength / level - 0.45) * sharp).clamp(0, 1)


def _restyle(images: Tensor, name: str, generator: torch.Generator) -> Tensor:
    if name in ("sketch", "chalk"):
        lines = _edges(images, generator).expand_as(images)
        return 1 - lines if name == "sketch" else lines
    if name == "cartoon":
        flat = F.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
        grey = _grey(flat)
        flat = ((grey + (flat - grey) * 1.4).clamp(0, 1) * 5).round() / 5
        return flat * (1 - 0.9 * _edges(images, generator))
    # a painting: small blocks take the colour of a nearby point, like strokes
    count, _, height, width = images.shape
    rough = (
        2 * torch.rand(count, 2, height // 3, width // 3, generator=generator, device=images.device)
        - 1
    )
    shift = F.interpolate(rough, size=(height, width), mode="nearest").permute(0, 2, 3, 1) * 0.09
    axis = (torch.arange(width, device=images.device) + 0.5) * 2 / width - 1
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    strokes = F.grid_sample(images, grid + shift, align_corners=False, padding_mode="reflection")
    grey = _grey(strokes)
    return ((grey + (strokes - grey) * 1.3).clamp(0, 1) * 9).round() / 9


def _retone(images: Tensor, name: str, generator: torch.Generator) -> Tensor:
    draw = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device)
    if name == "dark":
        return images ** (1 + draw) * (0.22 + 0.3 * draw)
    if name == "bright":
        return 1 - (1 - images) * (0.25 + 0.3 * draw)
    if name == "negative":
        return 1 - images
    if name == "faded":
        return images * (0.3 + 0.2 * draw) + 0.4
    grey = _grey(images)
    if name == "grey":
        return grey
    if name == "vivid":
        return ((grey + (images - grey) * (1.5 + 0.7 * draw) - 0.5) * 1.2 + 0.5).clamp(0, 1)
    tint = torch.tensor(_TINTS[name], device=images.device).view(1, 3, 1, 1)
    return ((grey if name == "sepia" else images) * tint).clamp(0, 1)


def _spoil(images: Tensor, name: str, generator: torch.Generator) -> Tensor:
    side = images.shape[-1]
    draw = float(torch.rand((), generator=generator, device=images.device))
    if name == "noisy":
        noise = torch.randn(images.shape, generator=generator, device=images.device)
        return images + noise * (0.1 + 0.12 * draw)
    if name == "patchy":
        rough = torch.rand(len(images), 1, 4, 4, generator=generator, device=images.device)
        cover = F.interpolate(rough, size=(side, side), mode="nearest") < 0.3
        return torch.where(cover, torch.full_like(images, draw), images)
    small = F.interpolate(images, size=int(side / (2 + 2 * draw)), mode="area")
    mode = "bilinear" if name == "blurry" else "nearest"
    return F.interpolate(small, size=(side, side), mode=mode)
