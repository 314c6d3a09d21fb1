"""The views of a training image: x itself, x' (MoCo v3) and x'' (AugMix).

All functions take batches of unnormalised pixels, [B, 3, H, W] in [0, 1], on any device. Each
image has its own random draw. It depends only on ``seed``, the image's key and the kind of view,
not on the batch, the device or a global random state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from gopro.training.config import ViewSettings
from gopro.training.views.draws import Draws
from gopro.training.views.geometry import crop_and_flip

__all__ = [
    "VIEWS",
    "View",
    "ViewSettings",
    "augmix_view",
    "crop_flip_view",
    "make_views",
    "moco_view",
    "plain_view",
]

View = Callable[[Tensor, int, ViewSettings, Sequence[int] | None], Tensor]
_DEFAULT = ViewSettings()


def plain_view(
    images: Tensor, seed: int, settings: ViewSettings = _DEFAULT, keys: Sequence[int] | None = None
) -> Tensor:
    """The view x: the images themselves."""
    return images


def _crop(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    return crop_and_flip(images, draws, settings.crop_scale, settings.crop_min_side)


# kornia and torchvision's transforms take seconds to load, and most commands need neither view


def _moco(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    from gopro.training.views.moco import make_moco

    return make_moco(images, draws, settings)


def _augmix(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    from gopro.training.views.augmix import make_augmix

    return make_augmix(images, draws, settings)


@torch.no_grad()
def _view(
    make: Callable[[Tensor, Draws, ViewSettings], Tensor],
    stream: int,
    images: Tensor,
    seed: int,
    settings: ViewSettings = _DEFAULT,
    keys: Sequence[int] | None = None,
) -> Tensor:
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(
            f"images are {images.dtype} {list(images.shape)}; views take float [B, 3, H, W]"
        )
    if keys is None:
        keys = range(len(images))
    if len(keys) != len(images):
        raise ValueError(f"{len(keys)} keys for {len(images)} images")
    if not len(images):
        return images
    draws = Draws(seed, keys, stream)
    # half precision is too coarse for colours and for the sampling grid
    with torch.autocast(images.device.type, enabled=False):
        views = make(images.float(), draws, settings)
    return views.clamp(0, 1).to(images.dtype)


crop_flip_view = partial(_view, _crop, 0)
"""Random resized crop and flip, CoOp's training transform (Zhou et al., IJCV 2022).

Arguments (images, seed, settings, keys) and result as in ``make_views``, for this one view.
"""
moco_view = partial(_view, _moco, 1)
"""The view x' (``gopro.training.views.moco``)."""
augmix_view = partial(_view, _augmix, 2)
"""The view x'' (``gopro.training.views.augmix``)."""

VIEWS: dict[str, View] = {"x": plain_view, "moco": moco_view, "augmix": augmix_view}
"""Views by name."""


def make_views(
    images: Tensor,
    names: Sequence[str],
    seed: int,
    settings: ViewSettings = _DEFAULT,
    keys: Sequence[int] | None = None,
    *,
    augment: Literal["none", "crop-flip"] = "none",
) -> dict[str, Tensor]:
    """Make several views of a batch.

    Args:
        images: [B, 3, H, W] float in [0, 1], not normalised, at the size the backbone takes.
        names: Keys of ``VIEWS``.
        seed: Changes all draws; use another one in each epoch or step.
        settings: How the views are made.
        keys: One integer per image, such as its index in the training set. It makes the image's
            draw the same in any batch and process. By default the index in the batch.
        augment: Augmentation of x: none, or CoOp's random resized crop and flip.

    Returns:
        For each name [B, 3, H, W] in [0, 1], of the images' type and on their device, without
        gradient.

    Raises:
        ValueError: An unknown name, or images or keys of another shape or type.
    """
    unknown = [name for name in names if name not in VIEWS]
    if unknown:
        raise ValueError(f"unknown views {unknown}; choose from {list(VIEWS)}")
    table: dict[str, View] = {**VIEWS, "x": crop_flip_view} if augment == "crop-flip" else VIEWS
    return {name: table[name](images, seed, settings, keys) for name in names}
