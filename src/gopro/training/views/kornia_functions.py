"""The functions of kornia that the views use, imported without its warnings."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # kornia compiles other parts in a way that is deprecated in newer versions of torch
    warnings.simplefilter("ignore", FutureWarning)
    from kornia.color import rgb_to_grayscale
    from kornia.enhance import (
        adjust_brightness_accumulative,
        adjust_contrast_with_mean_subtraction,
        adjust_hue,
        adjust_saturation_with_gray_subtraction,
        solarize,
    )
    from kornia.filters import gaussian_blur2d

__all__ = [
    "adjust_brightness_accumulative",
    "adjust_contrast_with_mean_subtraction",
    "adjust_hue",
    "adjust_saturation_with_gray_subtraction",
    "gaussian_blur2d",
    "rgb_to_grayscale",
    "solarize",
]
