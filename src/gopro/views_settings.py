"""Settings of the augmented views; free of torch, so that the command line can read them fast."""

from __future__ import annotations

from dataclasses import dataclass

from gopro.errors import GoproError


@dataclass(frozen=True)
class ViewSettings:
    """How the views x, x' (MoCo v3) and x'' (AugMix) are made from a training image."""

    crop_scale: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image's area in the crop of x, with `crop-flip`."""

    crop_min_side: int = 24
    """Shortest side, in pixels, of a square random crop; keeps crops of small images readable."""

    moco_scale: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image's area in the MoCo v3 view's crop."""

    moco_jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    """Strength of the MoCo v3 view's brightness, contrast, saturation and hue changes."""

    moco_jitter_probability: float = 0.8
    """Share of MoCo v3 views whose colours are changed."""

    moco_grey_probability: float = 0.2
    """Share of MoCo v3 views turned to greyscale."""

    moco_blur_probability: float = 1.0
    """Share of MoCo v3 views that are blurred."""

    moco_blur_sigma: tuple[float, float] = (0.1, 2.0)
    """Smallest and largest standard deviation of the blur, in pixels of a 224-pixel image."""

    augmix_scale: tuple[float, float] = (0.5, 1.0)
    """Smallest and largest share of the image's area in the AugMix view's crop."""

    augmix_severity: float = 1.0
    """Largest strength of AugMix's operations, from 0.1 to AugMix's own largest, 10."""

    augmix_chains: int = 3
    """Number of chains of operations that an AugMix view mixes."""

    augmix_depth: int = 3
    """Largest number of operations in one of AugMix's chains (drawn from 1 to this)."""

    def __post_init__(self) -> None:
        for name in ("crop_scale", "moco_scale", "augmix_scale"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 1:
                raise GoproError(
                    f"{name} is ({low}, {high}): give two shares of the area, 0 < low <= high <= 1"
                )
        for name in ("moco_jitter_probability", "moco_grey_probability", "moco_blur_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise GoproError(f"{name} is {getattr(self, name)}: give a number from 0 to 1")
        *strengths, hue = self.moco_jitter
        if not all(0 <= strength <= 1 for strength in strengths) or not 0 <= hue <= 0.5:
            raise GoproError(
                f"moco_jitter is {self.moco_jitter}: give brightness, contrast and saturation from "
                "0 to 1 and hue from 0 to 0.5"
            )
        low, high = self.moco_blur_sigma
        if not 0 < low <= high <= 100:
            raise GoproError(f"moco_blur_sigma is ({low}, {high}): give 0 < low <= high <= 100")
        if not 0.1 <= self.augmix_severity <= 10:
            raise GoproError(
                f"augmix_severity is {self.augmix_severity}: give a number from 0.1 to 10"
            )
        for name in ("crop_min_side", "augmix_chains", "augmix_depth"):
            if getattr(self, name) < 1:
                raise GoproError(f"{name} is {getattr(self, name)}: give a whole number from 1 on")
