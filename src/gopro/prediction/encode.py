"""From images to features, for tests, validation and prediction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.feature_cache import cached_features, cached_features_unless_busy
from gopro.backbones.image import to_unit
from gopro.common.preprocessing import Decode
from gopro.common.progress import bar
from gopro.data import Dataset, Item
from gopro.data.pixels import batches
from gopro.methods.base import Method

_WAITING = 4
"""Largest number of batches that wait for another process to encode them."""


@torch.no_grad()
def features_for(
    method: Method,
    dataset: Dataset,
    items: Sequence[Item],
    *,
    batch: int = 64,
    workers: int | None = None,
    decode: Decode = "exact",
    title: str = "encoding images",
) -> ImageFeatures:
    """Features of a data set's images, without augmentation, by the method's image encoder.

    Args:
        method: Its ``logits`` take these features.
        dataset: Opens the items.
        items: At least one.
        batch: Images per pass.
        workers: Threads that decode; None for one per core.
        decode: See ``Preprocessing``.
        title: Text of the progress bar.

    Raises:
        GoproError: If an image is missing or can't be read.
    """
    backbone, image = method.backbone, _image_encoder(method)
    first_try: Callable[[Tensor], ImageFeatures | None] = image
    if not method.modifies_image_encoder:
        first_try = partial(cached_features_unless_busy, backbone)
    parts: dict[int, ImageFeatures] = {}
    waiting: deque[tuple[int, Tensor]] = deque()  # batches that another process is encoding
    with bar(title, len(items)) as advance:

        def add(number: int, pixels: Tensor, features: ImageFeatures) -> None:
            parts[number] = features
            advance("", len(pixels))

        how = backbone.preprocessing.with_decode(decode)
        pictures = batches(dataset, items, how, batch, workers)
        for number, pixels in enumerate(pictures):
            features = first_try(pixels)
            if features is None:
                waiting.append((number, pixels))
            else:
                add(number, pixels, features)
            if len(waiting) > _WAITING:
                number, pixels = waiting.popleft()
                add(number, pixels, image(pixels))
        for number, pixels in waiting:
            add(number, pixels, image(pixels))
    return ImageFeatures.cat([parts[number] for number in sorted(parts)])


@torch.no_grad()
def encode(
    method: Method, pixels: Tensor, batch: int = 64, *, cached: bool = True
) -> ImageFeatures:
    """Features of images, by the method's image encoder.

    Args:
        method: Its ``logits`` take these features.
        pixels: [N, 3, S, S], N at least 1: decoded (uint8), or in [0, 1] if not ``cached``.
        batch: Images per pass.
        cached: Whether to use the cache on disk for a frozen image encoder. Pictures that are seen
            once, such as a user's, don't need it.
    """
    image = _image_encoder(method, cached)
    return ImageFeatures.cat([image(part) for part in torch.split(pixels, batch)])


def _image_encoder(method: Method, cached: bool = True) -> Callable[[Tensor], ImageFeatures]:
    """The method's image encoder, or the frozen one with its cache: from pixels to features."""
    if cached and not method.modifies_image_encoder:
        return partial(cached_features, method.backbone)

    def encode_image(pixels: Tensor) -> ImageFeatures:
        decoded = pixels.dtype == torch.uint8
        return method.encode_image(to_unit(pixels, method.backbone.device) if decoded else pixels)

    return encode_image
