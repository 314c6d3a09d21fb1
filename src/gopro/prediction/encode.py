"""From images to answers: what every test and validation measures with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.cache import cached_features, cached_features_unless_busy
from gopro.backbones.image import to_unit
from gopro.common.progress import bar
from gopro.data import Dataset, Item
from gopro.data.pixels import batches
from gopro.methods.base import Method

_LATER = 4
"""At most so many batches of pictures wait for another process to encode them."""


def frozen_features(
    backbone: Backbone,
    dataset: Dataset,
    items: Sequence[Item],
    *,
    batch: int = 64,
    workers: int | None = None,
    title: str = "encoding images",
) -> ImageFeatures:
    """Features of images as they are, without any augmented view; from the cache where it has them.

    Args:
        backbone: The frozen CLIP.
        dataset: Opens the items.
        items: At least one.
        batch: Images per pass.
        workers: Threads that decode; None for one per core.
        title: What the progress bar says.

    Raises:
        GoproError: When an image is missing or can't be read.
    """
    image = partial(cached_features, backbone)
    unless_busy = partial(cached_features_unless_busy, backbone)
    return _features(image, backbone, dataset, items, batch, workers, title, unless_busy)


def features_for(
    method: Method,
    dataset: Dataset,
    items: Sequence[Item],
    *,
    batch: int = 64,
    workers: int | None = None,
    title: str = "encoding images",
) -> ImageFeatures:
    """Features of images as a method scores them: the frozen tower's, unless it has another one.

    Arguments and errors are those of ``frozen_features``.
    """
    backbone = method.backbone
    if not method.modifies_image_encoder:
        return frozen_features(backbone, dataset, items, batch=batch, workers=workers, title=title)
    return _features(_image_encoder(method), backbone, dataset, items, batch, workers, title)


def _image_encoder(method: Method, cached: bool = True) -> Callable[[Tensor], ImageFeatures]:
    """The method's image encoder, or the frozen one with its cache: from pixels to features."""
    if cached and not method.modifies_image_encoder:
        return partial(cached_features, method.backbone)

    def encode_image(pixels: Tensor) -> ImageFeatures:
        decoded = pixels.dtype == torch.uint8
        return method.encode_image(to_unit(pixels, method.backbone.device) if decoded else pixels)

    return encode_image


@torch.no_grad()
def _features(
    image: Callable[[Tensor], ImageFeatures],
    backbone: Backbone,
    dataset: Dataset,
    items: Sequence[Item],
    batch: int,
    workers: int | None,
    title: str,
    unless_busy: Callable[[Tensor], ImageFeatures | None] | None = None,
) -> ImageFeatures:
    parts: dict[int, ImageFeatures] = {}
    later: deque[tuple[int, Tensor]] = deque()  # what another process is at: soon it has them
    with bar(title, len(items)) as advance:

        def keep(number: int, pixels: Tensor, features: ImageFeatures) -> None:
            parts[number] = features
            advance("", len(pixels))

        pictures = batches(dataset, items, backbone.image_size, batch, workers)
        for number, pixels in enumerate(pictures):
            features = (unless_busy or image)(pixels)
            if features is None:
                later.append((number, pixels))
            else:
                keep(number, pixels, features)
            if len(later) > _LATER:
                number, pixels = later.popleft()
                keep(number, pixels, image(pixels))
        for number, pixels in later:
            keep(number, pixels, image(pixels))
    return ImageFeatures.cat([parts[number] for number in sorted(parts)])


@torch.no_grad()
def encode(
    method: Method, pixels: Tensor, batch: int = 64, *, cached: bool = True
) -> ImageFeatures:
    """Features of images, by the method's image encoder.

    Args:
        method: Its ``scores`` take these features.
        pixels: [N, 3, S, S], N at least 1: decoded (uint8), or in [0, 1] if not ``cached``.
        batch: Images per pass.
        cached: Whether to use the cache on disk for a frozen image encoder. Pictures that are seen
            once, such as a user's, don't need it.
    """
    image = _image_encoder(method, cached)
    return ImageFeatures.cat([image(part) for part in torch.split(pixels, batch)])
