"""The functions of kornia that views are made of, and nothing of the notes its import prints."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # kornia compiles unrelated parts of itself in a way that newer torch calls outdated
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
