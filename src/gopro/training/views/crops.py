"""Random crops of the original pictures, resized once to the encoder's input."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from gopro.training.views.draws import Draws

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.intp]

RATIO = (3 / 4, 4 / 3)
ATTEMPTS = 10


def crop_and_flip(picture: Pixels, draws: Draws, scale: tuple[float, float], size: int) -> Tensor:
    """Random resized crop and horizontal flip (probability 1/2) of a picture.

    The crop is torchvision's RandomResizedCrop (Szegedy et al., CVPR 2015), as the published codes
    use it: the box is cut out, then resized with antialiased bicubic interpolation.

    Args:
        picture: uint8 [H, W, 3].
        draws: One stream.
        scale: Smallest and largest share of the picture's area.
        size: S.

    Returns:
        uint8 [3, S, S].
    """
    height, width = picture.shape[:2]
    left, top, box_width, box_height = crop_boxes(draws, height, width, scale)[0]
    box = Image.fromarray(picture[top : top + box_height, left : left + box_width])
    crop = np.asarray(box.resize((size, size), Image.Resampling.BICUBIC))
    if draws.happens(0.5)[0]:
        crop = crop[:, ::-1]
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))


def crop_boxes(draws: Draws, height: int, width: int, scale: tuple[float, float]) -> Boxes:
    """A box for each stream: left, top, width, height in whole pixels, [B, 4].

    A share of the area from ``scale`` and a ratio of the sides from 3/4..4/3 (uniform in its
    logarithm): the first of ten draws that fits, else the largest centred box.
    """
    areas = height * width * draws.uniform(*scale, (ATTEMPTS,))
    ratios = np.exp(draws.uniform(math.log(RATIO[0]), math.log(RATIO[1]), (ATTEMPTS,)))
    position = draws.uniform(shape=(2,))
    widths = np.rint(np.sqrt(areas * ratios)).astype(np.intp)
    heights = np.rint(np.sqrt(areas / ratios)).astype(np.intp)
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    rows, first, any_fits = np.arange(len(fits)), fits.argmax(axis=1), fits.any(axis=1)
    largest = min(width, round(height * RATIO[1])), min(height, round(width / RATIO[0]))
    box_width = np.where(any_fits, widths[rows, first], largest[0])
    box_height = np.where(any_fits, heights[rows, first], largest[1])
    left = np.floor((width - box_width + 1) * position[:, 0])
    top = np.floor((height - box_height + 1) * position[:, 1])
    left = np.where(any_fits, left, (width - box_width) // 2)
    top = np.where(any_fits, top, (height - box_height) // 2)
    return np.stack([left, top, box_width, box_height], axis=1).astype(np.intp)
