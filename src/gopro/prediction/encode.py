"""From images to features, for tests, validation and prediction."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.feature_cache import (
    cached_features,
    cached_features_unless_busy,
    file_name,
    forget_unless_of,
    open_cache,
    stored_features,
)
from gopro.backbones.image import to_unit
from gopro.common.preprocessing import Decode, Preprocessing
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
    verify: bool = False,
    title: str = "encoding images",
) -> ImageFeatures:
    """Features of a data set's images, without augmentation, by the method's image encoder.

    Images whose features are in the cache are not opened; see ``Dataset.identity``.

    Args:
        method: Its ``logits`` take these features.
        dataset: Opens the items.
        items: At least one.
        batch: Images per pass.
        workers: Threads that decode; None for one per core.
        decode: See ``Preprocessing``.
        verify: Open images of the cache too, and compare their pixels with those it knows.
        title: Text of the progress bar.

    Raises:
        GoproError: If an image is missing or can't be read.
    """
    backbone, image = method.backbone, _image_encoder(method)
    how = backbone.preprocessing.with_decode(decode)
    groups = [items[start : start + batch] for start in range(0, len(items), batch)]
    names: list[str | None] = [None] * len(groups)
    if not method.modifies_image_encoder:
        names = [cache_name(backbone, dataset, group, how) for group in groups]
    parts: dict[int, ImageFeatures] = {}
    waiting: deque[tuple[int, Tensor]] = deque()  # batches that another process is encoding
    with bar(title, len(items)) as advance:

        def add(number: int, features: ImageFeatures) -> None:
            parts[number] = features
            advance("", len(groups[number]))

        for number, name in enumerate(names):
            stored = stored_features(backbone, name) if name and not verify else None
            if stored is not None:
                add(number, stored)
        missing = [number for number in range(len(groups)) if number not in parts]
        opened = [item for number in missing for item in groups[number]]
        pictures = batches(dataset, opened, how, batch, workers)
        changed = 0
        for number, pixels in zip(missing, pictures, strict=True):
            name = names[number]
            changed += name is not None and verify and forget_unless_of(pixels, name)
            features = _first_try(method, pixels, name)
            if features is None:
                waiting.append((number, pixels))
            else:
                add(number, features)
            if len(waiting) > _WAITING:
                number, pixels = waiting.popleft()
                add(number, image(pixels, names[number]))
        for number, pixels in waiting:
            add(number, image(pixels, names[number]))
    if changed:
        warnings.warn(
            f"{dataset.name}: in {changed} of {len(groups)} batches, pictures have changed while "
            "their files kept size and time; their features were computed again",
            stacklevel=2,
        )
    return ImageFeatures.cat([parts[number] for number in sorted(parts)])


def cache_name(
    backbone: Backbone, dataset: Dataset, items: Sequence[Item], how: Preprocessing
) -> str | None:
    """Name of the file in the feature cache for images that needn't be opened for it.

    Args:
        backbone: The frozen CLIP.
        dataset: The data set of the items.
        items: The images, in order.
        how: The preprocessing.

    Returns:
        None without a cache, or if only the decoded pixels identify the images.
    """
    identity = None if open_cache() is None else dataset.identity(items)
    return None if identity is None else file_name(backbone, f"{identity} {how}")


@torch.no_grad()
def encode(
    method: Method,
    pixels: Tensor,
    batch: int = 64,
    *,
    cached: bool = True,
    names: Sequence[str | None] = (),
) -> ImageFeatures:
    """Features of images, by the method's image encoder.

    Args:
        method: Its ``logits`` take these features.
        pixels: [N, 3, S, S], N at least 1: decoded (uint8), or in [0, 1] if not ``cached``.
        batch: Images per pass.
        cached: Whether to use the cache on disk for a frozen image encoder. Pictures that are seen
            once, such as a user's, don't need it.
        names: Of the cache's files, one for each pass; by default made of the pixels.
    """
    image, parts = _image_encoder(method, cached), torch.split(pixels, batch)
    named = zip(parts, names or [None] * len(parts), strict=True)
    return ImageFeatures.cat([image(part, name) for part, name in named])


def _image_encoder(
    method: Method, cached: bool = True
) -> Callable[[Tensor, str | None], ImageFeatures]:
    """The method's image encoder, or the frozen one with its cache: from pixels to features."""
    if cached and not method.modifies_image_encoder:
        return partial(cached_features, method.backbone)

    def encode_image(pixels: Tensor, name: str | None) -> ImageFeatures:
        decoded = pixels.dtype == torch.uint8
        return method.encode_image(to_unit(pixels, method.backbone.device) if decoded else pixels)

    return encode_image


def _first_try(method: Method, pixels: Tensor, name: str | None) -> ImageFeatures | None:
    """Features of decoded images; None while another process encodes them for the cache."""
    if method.modifies_image_encoder:
        return _image_encoder(method)(pixels, name)
    return cached_features_unless_busy(method.backbone, pixels, name)
