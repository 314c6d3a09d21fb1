"""From images to answers: what every test and validation measures with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.data import Dataset, Item
from gopro.data.pixels import batches, to_unit
from gopro.features import frozen, frozen_unless_busy
from gopro.methods.base import Method
from gopro.progress import bar

_LATER = 4
"""At most so many batches of pictures wait for another process to encode them."""

_TOGETHER = 1024
"""Images that share a text pass; with 1000 classes their scores take 4 MB."""


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
    image = partial(frozen, backbone)
    unless_busy = partial(frozen_unless_busy, backbone)
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
    if not method.sees_pixels:
        return frozen_features(backbone, dataset, items, batch=batch, workers=workers, title=title)
    return _features(_tower(method), backbone, dataset, items, batch, workers, title)


def _tower(method: Method) -> Callable[[Tensor], ImageFeatures]:
    """From decoded images, uint8 [B, 3, S, S], to features as the method scores them."""
    backbone = method.backbone
    if method.sees_pixels:
        return lambda pixels: method.image(to_unit(pixels, backbone.device))
    return partial(frozen, backbone)


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
def encode(method: Method, pixels: Tensor, batch: int = 64) -> ImageFeatures:
    """Features, as a method scores them, of decoded images: uint8 [N, 3, S, S], N at least 1."""
    image = _tower(method)
    return ImageFeatures.cat([image(part) for part in torch.split(pixels, batch)])


def validator(
    method: Method, pixels: Tensor, labels: Sequence[int], batch: int = 64
) -> Callable[[Method], float]:
    """What measures the accuracy in percent on validation images after each epoch.

    They are encoded once where the image tower is frozen.

    Args:
        method: Of the kind that is going to be trained.
        pixels: uint8 [N, 3, S, S].
        labels: N indexes of the training classes.
        batch: Images per pass.
    """
    frozen = None if method.sees_pixels else encode(method, pixels, batch)

    def validate(method: Method) -> float:
        features = encode(method, pixels, batch) if frozen is None else frozen
        return accuracy(predict(method, features, batch), labels)

    return validate


class Scorer(Protocol):
    """A method, or what stands in for one."""

    def logits(self, features: ImageFeatures) -> Tensor:
        """Class scores [B, C] of images."""


@torch.no_grad()
def predict(method: Scorer, features: ImageFeatures, batch: int = 64) -> Tensor:
    """The most likely class of each image: [N] on the cpu.

    Args:
        method: What scores them.
        features: Of N images.
        batch: Images at once where each has prompts of its own; else a text pass serves more.
    """
    if isinstance(method, Method) and not method.prompts_per_image:
        batch = max(batch, _TOGETHER)
    answers = [
        method.logits(features[start : start + batch]).argmax(dim=1).cpu()
        for start in range(0, len(features), batch)
    ]
    return torch.cat(answers)


def accuracy(predicted: Tensor, labels: Sequence[int] | Tensor) -> float:
    """Top-1 accuracy in percent."""
    right = predicted == torch.as_tensor(labels)
    return 100.0 * right.double().mean().item()
