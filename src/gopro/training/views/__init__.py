"""The random views of a training image: x (crop and flip), x' (MoCo v3) and x'' (AugMix).

All three are cut from the original picture and resized once, on the CPU; colours, blur and AugMix's
operations are then applied to a whole batch, on any device. Each image has its own random draw. It
depends only on ``seed``, the image's key and the kind of view, not on the batch, the device or a
global random state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gopro.training.config import ViewSettings
from gopro.training.views.crops import Pixels, crop_and_flip
from gopro.training.views.draws import Draws

__all__ = ["VIEWS", "View", "ViewSettings", "cut", "make_views", "on_crops"]

_DEFAULT = ViewSettings()
_CROPS = 8
"""A crop's random stream comes this far after that of its view."""


# kornia and torchvision's transforms take seconds to load, and most commands need neither view


def _moco(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    from gopro.training.views.moco import make_moco

    return make_moco(images, draws, settings)


def _augmix(images: Tensor, draws: Draws, settings: ViewSettings) -> Tensor:
    from gopro.training.views.augmix import make_augmix

    return make_augmix(images, draws, settings)


@dataclass(frozen=True)
class View:
    """A kind of view.

    Attributes:
        stream: Number of its random stream.
        scale: Name of the setting with its crop's share of the area.
        change: What happens to a batch of crops; None for nothing.
    """

    stream: int
    scale: str
    change: Callable[[Tensor, Draws, ViewSettings], Tensor] | None


VIEWS = {
    "x": View(0, "crop_scale", None),  # CoOp's training transform (Zhou et al., IJCV 2022)
    "moco": View(1, "moco_scale", _moco),
    "augmix": View(2, "augmix_scale", _augmix),
}
"""Views by name."""


def cut(
    picture: Pixels, names: Sequence[str], seed: int, settings: ViewSettings, key: int, size: int
) -> dict[str, Tensor]:
    """The crops of one picture.

    Args:
        picture: uint8 [H, W, 3].
        names: Keys of ``VIEWS``.
        seed: See ``make_views``.
        settings: How the views are made.
        key: See ``make_views``.
        size: S.

    Returns:
        For each name uint8 [3, S, S].
    """
    crops = {}
    for name in names:
        view = VIEWS[name]
        draws = Draws(seed, [key], view.stream + _CROPS)
        crops[name] = crop_and_flip(picture, draws, getattr(settings, view.scale), size)
    return crops


@torch.no_grad()
def on_crops(
    crops: Mapping[str, Tensor], seed: int, settings: ViewSettings, keys: Sequence[int]
) -> dict[str, Tensor]:
    """The views of crops.

    Args:
        crops: For each name uint8 [B, 3, S, S], on the device to compute on.
        seed: See ``make_views``.
        settings: How the views are made.
        keys: See ``make_views``.

    Returns:
        As ``make_views``.
    """
    views = {}
    for name, pixels in crops.items():
        change, images = VIEWS[name].change, pixels.float() / 255
        if change is not None and len(images):
            # half precision is too coarse for colours and for the sampling grid
            with torch.autocast(images.device.type, enabled=False):
                images = change(images, Draws(seed, keys, VIEWS[name].stream), settings)
        views[name] = images.clamp(0, 1)
    return views


def make_views(
    pictures: Sequence[Pixels],
    names: Sequence[str],
    seed: int,
    settings: ViewSettings = _DEFAULT,
    keys: Sequence[int] | None = None,
    *,
    size: int,
    device: torch.device | None = None,
) -> dict[str, Tensor]:
    """Make several views of pictures.

    Args:
        pictures: B original pictures, uint8 [H, W, 3], of any sizes.
        names: Keys of ``VIEWS``.
        seed: Changes all draws; use another one in each epoch or step.
        settings: How the views are made.
        keys: One integer per picture, such as its index in the training set. It makes the picture's
            draw the same in any batch and process. By default the index in the batch.
        size: S, the side that the backbone takes.
        device: Where the views are computed; by default the CPU.

    Returns:
        For each name [B, 3, S, S] in [0, 1], float32, without gradient.

    Raises:
        ValueError: An unknown name, or pictures or keys of another shape or type.
    """
    unknown = [name for name in names if name not in VIEWS]
    if unknown:
        raise ValueError(f"unknown views {unknown}; choose from {list(VIEWS)}")
    keys = range(len(pictures)) if keys is None else keys
    if len(keys) != len(pictures):
        raise ValueError(f"{len(keys)} keys for {len(pictures)} pictures")
    for picture in pictures:
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != "uint8":
            raise ValueError(
                f"a picture is {picture.dtype} {list(picture.shape)}; views take uint8 [H, W, 3]"
            )
    cuts = [
        cut(picture, names, seed, settings, key, size)
        for picture, key in zip(pictures, keys, strict=True)
    ]
    empty = torch.zeros(0, 3, size, size, dtype=torch.uint8)
    crops = {
        name: torch.stack([one[name] for one in cuts]).to(device) if cuts else empty
        for name in names
    }
    return on_crops(crops, seed, settings, keys)
