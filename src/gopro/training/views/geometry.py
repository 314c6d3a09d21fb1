"""Affine maps, one per image; a batch is resampled once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gopro.training.views.draws import Floats


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
