"""From features to answers: what every test and validation measures with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.methods.base import Method
from gopro.prediction.encode import encode

_TOGETHER = 1024
"""Images that share a text pass; with 1000 classes their scores take 4 MB."""


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
    frozen = None if method.modifies_image_encoder else encode(method, pixels, batch)

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
