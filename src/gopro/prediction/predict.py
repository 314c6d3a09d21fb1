"""From features to scores, predicted classes and accuracy, for tests and for users' pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.methods.base import Method
from gopro.prediction.encode import encode

_TOGETHER = 4096
"""Images per pass when they share the text embeddings, which each pass computes; 16 MB of scores
for 1000 classes."""


def validator(
    method: Method, images: Tensor | ImageFeatures, labels: Sequence[int], batch: int = 64
) -> Callable[[Method], float]:
    """A function that measures the accuracy in percent on validation images after each epoch.

    If the image encoder is frozen, the images are encoded once.

    Args:
        method: The method to be trained.
        images: uint8 [N, 3, S, S], or features of the frozen image encoder.
        labels: N indexes of the training classes.
        batch: Images per pass.
    """
    if isinstance(images, Tensor) and not method.modifies_image_encoder:
        images = encode(method, images, batch)

    def validate(method: Method) -> float:
        features = encode(method, images, batch) if isinstance(images, Tensor) else images
        return accuracy(predict(method, features, batch), labels)

    return validate


class Scorer(Protocol):
    """A method, or its fast prediction."""

    def logits(self, features: ImageFeatures) -> Tensor:
        """Logits [B, C] of images."""


def scores(method: Scorer, features: ImageFeatures, batch: int = 64) -> Tensor:
    """Logits [N, C] of images, in float32, on the device of the features.

    Args:
        method: Computes the logits.
        features: Features of N images, at least one.
        batch: Images per pass if each image has its own prompts. Otherwise more images share a
            pass, because they share the text embeddings.
    """
    return torch.cat(list(_passes(method, features, batch)))


def predict(method: Scorer, features: ImageFeatures, batch: int = 64) -> Tensor:
    """The most likely class of each image: [N] on the cpu. Arguments as for ``scores``."""
    # pass by pass: all logits of 50,000 images and 1000 classes take 200 MB
    return torch.cat([part.argmax(dim=1).cpu() for part in _passes(method, features, batch)])


@torch.no_grad()
def _passes(method: Scorer, features: ImageFeatures, batch: int) -> Iterator[Tensor]:
    if isinstance(method, Method) and not method.prompts_per_image:
        batch = max(batch, _TOGETHER)
    for start in range(0, len(features), batch):
        yield method.logits(features[start : start + batch]).float()


def accuracy(predicted: Tensor, labels: Sequence[int] | Tensor) -> float:
    """Top-1 accuracy in percent."""
    right = predicted == torch.as_tensor(labels)
    return 100.0 * right.double().mean().item()
