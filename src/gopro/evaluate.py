"""From frozen features to answers: what every test and validation measures with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.data import Dataset, Item
from gopro.data.pixels import batches, to_unit
from gopro.methods.base import Method
from gopro.progress import bar


def frozen_features(
    backbone: Backbone,
    dataset: Dataset,
    items: Sequence[Item],
    *,
    batch: int = 64,
    workers: int | None = None,
    title: str = "encoding images",
) -> ImageFeatures:
    """Features of images as they are, without any augmented view.

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
    parts = []
    with bar(title, len(items)) as advance:
        for pixels in batches(dataset, items, backbone.image_size, batch, workers):
            parts.append(backbone.image(to_unit(pixels, backbone.device)))
            advance("", len(pixels))
    return ImageFeatures.cat(parts)


def encode(backbone: Backbone, pixels: Tensor, batch: int = 64) -> ImageFeatures:
    """Features of decoded images, uint8 [N, 3, S, S] with N at least 1."""
    parts = [backbone.image(to_unit(part, backbone.device)) for part in torch.split(pixels, batch)]
    return ImageFeatures.cat(parts)


@torch.no_grad()
def predict(method: Method, features: ImageFeatures, batch: int = 64) -> Tensor:
    """The most likely class of each image: [N] on the cpu."""
    answers = [
        method.logits(features[start : start + batch]).argmax(dim=1).cpu()
        for start in range(0, len(features), batch)
    ]
    return torch.cat(answers)


def accuracy(predicted: Tensor, labels: Sequence[int] | Tensor) -> float:
    """Top-1 accuracy in percent."""
    right = predicted == torch.as_tensor(labels)
    return 100.0 * right.double().mean().item()
