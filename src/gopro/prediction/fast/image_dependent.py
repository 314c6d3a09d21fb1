"""The methods with fast prediction, and the training images that it is fitted to."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import torch
from torch import Tensor
from typing_extensions import Self

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.prompts import ClassTokens
from gopro.common.errors import GoproError

IMAGES = 256
"""Largest number of training images that a map is fitted to and checked on."""


class Conditioned(Protocol):
    """A method whose prompts depend on the image only by shifts of the context tokens."""

    backbone: Backbone
    class_names: tuple[str, ...]
    classes: ClassTokens

    def state_dict(self) -> dict[str, Tensor]:
        """The learned tensors by name."""

    def shifts(self, features: ImageFeatures) -> Tensor:
        """Shifts [B, M or 1, d_t] of the context tokens."""

    def text_embedding(self, shifts: Tensor) -> Tensor:
        """Unit text embeddings [B, C, e]."""

    def image_embedding(self, features: ImageFeatures) -> Tensor:
        """Unit image embeddings [B, e]; scores are their scaled cosines."""


def is_conditioned(method: Any) -> TypeGuard[Conditioned]:
    """Whether a method has fast prediction."""
    parts = ("shifts", "text_embedding", "image_embedding")
    return not method.has_other_scores and all(hasattr(method, name) for name in parts)


def with_classes(method: Conditioned, indices: Sequence[int]) -> Conditioned:
    """The same method for some of its classes."""
    other = copy.copy(method)
    other.classes = method.classes.take(indices)
    return other


@dataclass(frozen=True)
class Reference:
    """The training images for fast prediction, independent of the classes.

    Attributes:
        shifts: [n, M or 1, d_t].
        images: Unit embeddings [n, e].
    """

    shifts: Tensor
    images: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, method: Any, features: ImageFeatures) -> Self:
        """Choose training images, evenly spread over the set.

        Args:
            method: The trained method.
            features: Features of the training images without augmentation; at least one.

        Raises:
            GoproError: If the method has no fast prediction.
        """
        if not is_conditioned(method):
            raise GoproError(
                f"there is no fast prediction for {type(method).__name__}; it is for methods whose "
                "prompts depend on the image, gopro and cocoop: leave out --fast"
            )
        indices = torch.linspace(0, len(features) - 1, min(IMAGES, len(features))).round().long()
        chosen = features[indices]
        return cls(method.shifts(chosen), method.image_embedding(chosen))
