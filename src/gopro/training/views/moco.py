"""The view x': MoCo v3's augmentation (Chen, Xie and He, ICCV 2021)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gopro.training.config import ViewSettings
from gopro.training.views.draws import Draws
from gopro.training.views.kornia_functions import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
    gaussian_blur2d,
    rgb_to_grayscale,
)

BLUR_REFERENCE = 224
"""Image side in pixels for which the blur's published widths are defined."""

_JITTER: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_saturation_with_gray_subtraction,
    lambda images, shift: adjust_hue(images, 2 * math.pi * shift),
)


def make_moco(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    """Colour jitter, greyscale and blur of crops, each with its own draw per image.

    The jitter applies brightness, contrast, saturation and hue in an order drawn per image. The
    blur's width is proportional to the image's side. Its default probability of 1 is that of
    MoCo v3's first augmentation; the second one (probability 0.1, with solarization) is not used.

    Args:
        images: [B, 3, H, W] float32 in [0, 1], cropped and flipped.
        draws: One stream per image.
        settings: Strengths and probabilities.

    Returns:
        [B, 3, H, W] in [0, 1].
    """
    views = images.clone()
    _jitter(views, draws, settings)
    grey = _indices(draws.happens(settings.moco_grey_probability), views)
    views[grey] = rgb_to_grayscale(views[grey]).expand(-1, 3, -1, -1)
    return _blur(views, draws, settings)


def _jitter(views: Tensor, draws: Draws, settings: ViewSettings) -> None:
    applied = draws.happens(settings.moco_jitter_probability)
    orders = draws.order(len(_JITTER))
    changes = draws.uniform(-1, 1, (len(_JITTER),)) * np.array(settings.moco_jitter)
    changes[:, :3] += 1  # three factors around 1; hue's is a shift around 0
    for position in range(len(_JITTER)):
        for kind, operation in enumerate(_JITTER):
            chosen = applied & (orders[:, position] == kind)
            if chosen.any():
                where = _indices(chosen, views)
                factors = torch.as_tensor(changes[chosen, kind], dtype=views.dtype).to(views.device)
                views[where] = operation(views[where], factors)


def _blur(views: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    applied = draws.happens(settings.moco_blur_probability)
    height, width = views.shape[-2:]
    ratio = min(height, width) / BLUR_REFERENCE
    sigmas = draws.uniform(*settings.moco_blur_sigma) * ratio
    if not applied.any():
        return views
    # three standard deviations a side, limited by the reflection at the border
    reach = min(math.ceil(3 * settings.moco_blur_sigma[1] * ratio), min(height, width) - 1)
    sigma = torch.as_tensor(sigmas[applied], dtype=views.dtype).to(views.device)
    where = _indices(applied, views)
    views[where] = gaussian_blur2d(views[where], 2 * reach + 1, sigma[:, None].expand(-1, 2))
    return views


def _indices(chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], like: Tensor) -> Tensor:
    return torch.as_tensor(np.flatnonzero(chosen), device=like.device)
