"""Crops, flips and other affine maps, one per image; a batch is resampled once."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gopro.training.views.draws import Draws, Floats

RATIO = (3 / 4, 4 / 3)
ATTEMPTS = 10


def resample(images: Tensor, matrices: Floats, padding: str) -> Tensor:
    """Read each image through its own affine map, bilinearly.

    Args:
        images: [B, 3, H, W].
        matrices: [B, 2, 3], rows (a, b, c) and (d, e, f). The output's point (x, y) shows the
            input's point (a x + b y + c, d x + e y + f), in pixels from the top left corner
            (the first pixel's centre is (0.5, 0.5)), as in PIL's ``Image.transform``.
        padding: Values outside the image: "border" or "zeros".

    Returns:
        [B, 3, H, W].
    """
    height, width = images.shape[-2:]
    (a, b, c), (d, e, f) = matrices.transpose(1, 2, 0)
    # pixel centres, mapped to grid_sample's coordinates, which span -1..1; torch's affine_grid
    # does it with a matrix product, which is slower, and inexact with TF32
    x = np.arange(width) + 0.5
    y = np.arange(height) + 0.5
    terms = (
        np.multiply.outer(a, x) * (2 / width),
        (np.multiply.outer(b, y) + c[:, None]) * (2 / width) - 1,
        np.multiply.outer(d, x) * (2 / height),
        (np.multiply.outer(e, y) + f[:, None]) * (2 / height) - 1,
    )
    x_of_x, x_of_y, y_of_x, y_of_y = (
        torch.as_tensor(term, dtype=images.dtype).to(images.device) for term in terms
    )
    grid = images.new_empty((len(images), height, width, 2))
    torch.add(x_of_x[:, None, :], x_of_y[:, :, None], out=grid[..., 0])
    torch.add(y_of_x[:, None, :], y_of_y[:, :, None], out=grid[..., 1])
    return F.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def crop_and_flip(
    images: Tensor, draws: Draws, scale: tuple[float, float], min_side: int
) -> Tensor:
    """Random resized crop and horizontal flip (probability 1/2), one draw per image.

    The crop follows torchvision's RandomResizedCrop (Szegedy et al., CVPR 2015): a share of the
    area from ``scale``, a ratio of the sides from 3/4..4/3 (uniform in its logarithm), the first
    of ten draws that fits, else the largest centred box. Boxes may end between pixels. The smallest
    share is raised so that a square crop has at least ``min_side`` pixels a side.

    Returns:
        [B, 3, H, W], resized back to the input's size.
    """
    boxes = crop_boxes(draws, images.shape[-2], images.shape[-1], scale, min_side)
    flipped = draws.happens(0.5)
    x, y, box_width, box_height = boxes.T
    horizontal = box_width / images.shape[-1]
    matrices = np.zeros((len(images), 2, 3))
    matrices[:, 0, 0] = np.where(flipped, -horizontal, horizontal)
    matrices[:, 0, 2] = np.where(flipped, x + box_width, x)
    matrices[:, 1, 1] = box_height / images.shape[-2]
    matrices[:, 1, 2] = y
    return resample(images, matrices, padding="border")


def crop_boxes(
    draws: Draws, height: int, width: int, scale: tuple[float, float], min_side: int
) -> Floats:
    """The boxes of ``crop_and_flip``: x, y, width, height in pixels, [B, 4]."""
    area = height * width
    low = min(max(scale[0], min_side**2 / area), scale[1])
    areas = area * draws.uniform(low, scale[1], (ATTEMPTS,))
    ratios = np.exp(draws.uniform(math.log(RATIO[0]), math.log(RATIO[1]), (ATTEMPTS,)))
    position = draws.uniform(shape=(2,))
    widths, heights = np.sqrt(areas * ratios), np.sqrt(areas / ratios)
    fits = (widths <= width) & (heights <= height)
    first = fits.argmax(axis=1)
    rows = np.arange(len(first))
    box_width = np.where(fits.any(axis=1), widths[rows, first], min(width, height * RATIO[1]))
    box_height = np.where(fits.any(axis=1), heights[rows, first], min(height, width / RATIO[0]))
    position[~fits.any(axis=1)] = 0.5
    x, y = (width - box_width) * position[:, 0], (height - box_height) * position[:, 1]
    return np.stack([x, y, box_width, box_height], axis=1)
