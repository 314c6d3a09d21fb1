"""The view x'': AugMix (Hendrycks et al., ICLR 2020)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2.functional import (  # type: ignore[import-untyped]
    autocontrast,
    equalize,
)

from gopro.training.config import ViewSettings
from gopro.training.views.draws import Draws, Floats
from gopro.training.views.geometry import resample
from gopro.training.views.kornia_functions import solarize as solarize_unit

MAX_LEVEL = 10
MIN_LEVEL = 0.1


def posterize(images: Tensor, levels: Tensor) -> Tensor:
    """Keep 4 bits of a colour, fewer from level 2.5 on (at least 1); uint8 in and out."""
    bits = (4 - (levels * 4 / MAX_LEVEL).int()).clamp(min=1)
    mask = (256 - 2 ** (8 - bits)).to(torch.uint8)
    return images & mask[:, None, None, None]


def solarize(images: Tensor, levels: Tensor) -> Tensor:
    """Invert colours from 256 (1 - level/10) on; uint8 in and out."""
    thresholds = (256 - (levels * 256 / MAX_LEVEL).int()) / 255
    return (solarize_unit(images / 255, thresholds) * 255).round().to(torch.uint8)


TONE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "autocontrast": lambda images, levels: autocontrast(images),
    "equalize": lambda images, levels: equalize(images),
    "posterize": posterize,
    "solarize": solarize,
}
"""Operations on colours: uint8 [N, 3, H, W] and levels [N] to uint8 [N, 3, H, W].

They are defined for 8-bit images. This also keeps contrast stretching from amplifying rounding
errors of a surface in one colour.
"""


def rotate(levels: Floats, width: int, height: int) -> Floats:
    """Turn by 3 degrees a level, counterclockwise, around the centre."""
    angle = np.deg2rad(30 * levels / MAX_LEVEL)
    matrices = np.tile(np.eye(2, 3), (len(levels), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle)
    matrices[:, 0, 1], matrices[:, 1, 0] = -np.sin(angle), np.sin(angle)
    centre = np.array([width / 2, height / 2])
    matrices[:, :, 2] = centre - matrices[:, :, :2] @ centre
    return matrices


AFFINE: dict[str, Callable[[Floats, int, int], Floats]] = {
    "rotate": rotate,
    "shear_x": lambda levels, width, height: _affine(levels, (0, 1), 0.3),
    "shear_y": lambda levels, width, height: _affine(levels, (1, 0), 0.3),
    "translate_x": lambda levels, width, height: _affine(levels, (0, 2), width / 3),
    "translate_y": lambda levels, width, height: _affine(levels, (1, 2), height / 3),
}
"""Geometric operations: signed levels [N], width and height to ``resample``'s maps [N, 2, 3].

A level shears by 0.03 pixels a pixel, or shifts by a thirtieth of the image's side.
"""

OPERATIONS = (*TONE, *AFFINE)


def make_augmix(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    """Mix a crop x with several chains of operations on it.

    With k chains, w ~ Dirichlet(1, .., 1) and m ~ Beta(1, 1), all drawn per image:
    (1 - m) x + m (w_1 chain_1(x) + .. + w_k chain_k(x)). A chain is 1 to ``augmix_depth``
    operations, each drawn from ``OPERATIONS`` with its own level from 0.1 to ``augmix_severity``
    (of 10) and, for the affine ones, its own sign.

    Args:
        images: [B, 3, H, W] float32 in [0, 1], cropped and flipped.
        draws: One stream per image.
        settings: Severity, number and depth of the chains.

    Returns:
        [B, 3, H, W] in [0, 1].
    """
    count, depth = settings.augmix_chains, settings.augmix_depth
    weights = draws.simplex(count)
    share = draws.uniform()
    lengths = draws.integer(1, depth, (count,)).reshape(-1)
    kinds = draws.integer(0, len(OPERATIONS) - 1, (count, depth)).reshape(-1, depth)
    levels = draws.uniform(MIN_LEVEL, settings.augmix_severity, (count, depth)).reshape(-1, depth)
    signs = np.sign(draws.uniform(-1, 1, (count, depth))).reshape(-1, depth)

    # all chains of all images go through each step together
    chains = images.repeat_interleave(count, dim=0)
    for step in range(depth):
        kind = np.where(step < lengths, kinds[:, step], -1)
        _apply(chains, kind, levels[:, step], signs[:, step])
    chains = chains.view(len(images), count, *images.shape[1:])
    mixed = torch.einsum("bk,bkchw->bchw", _like(weights, images), chains)
    return torch.lerp(images, mixed, _like(share, images)[:, None, None, None])


def _apply(chains: Tensor, kind: NDArray[np.intp], levels: Floats, signs: Floats) -> None:
    """Apply operation ``kind[n]`` to image n in place; each operation runs once for its images."""
    for number, tone in enumerate(TONE.values()):
        chosen = np.flatnonzero(kind == number)
        if chosen.size:
            where = torch.as_tensor(chosen, device=chains.device)
            eight_bit = (chains[where] * 255).round().to(torch.uint8)
            chains[where] = tone(eight_bit, _like(levels[chosen], chains)).to(chains.dtype) / 255

    chosen = np.flatnonzero(kind >= len(TONE))
    if chosen.size:
        height, width = chains.shape[-2:]
        matrices = np.empty((len(chosen), 2, 3))
        for number, operation in enumerate(AFFINE.values(), start=len(TONE)):
            group = kind[chosen] == number
            signed = (levels * signs)[chosen[group]]
            matrices[group] = operation(signed, width, height)
        where = torch.as_tensor(chosen, device=chains.device)
        chains[where] = resample(chains[where], matrices, padding="zeros")


def _affine(levels: Floats, entry: tuple[int, int], largest: float) -> Floats:
    """Identity maps but for one entry, which is ``largest`` at level 10."""
    matrices = np.tile(np.eye(2, 3), (len(levels), 1, 1))
    matrices[:, entry[0], entry[1]] = largest * levels / MAX_LEVEL
    return matrices


def _like(numbers: Floats, images: Tensor) -> Tensor:
    return torch.as_tensor(numbers, dtype=images.dtype).to(images.device)
