"""What fast prediction asks of a method, and of the images it was trained on."""

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
"""How many training images a map is fitted to and checked on, at most."""


class Conditioned(Protocol):
    """A method whose prompts depend on an image through shifts of the context tokens alone."""

    backbone: Backbone
    class_names: tuple[str, ...]
    classes: ClassTokens

    def state_dict(self) -> dict[str, Tensor]:
        """What was learned, by name."""

    def shifts(self, features: ImageFeatures) -> Tensor:
        """What an image adds to the context tokens: [B, M or 1, d_t]."""

    def text_embedding(self, shifts: Tensor) -> Tensor:
        """Unit text embeddings [B, C, e]."""

    def image_embedding(self, features: ImageFeatures) -> Tensor:
        """Unit image embeddings [B, e]; scores are their cosines, scaled."""


def is_conditioned(method: Any) -> TypeGuard[Conditioned]:
    """Whether there is a fast way for a method."""
    return all(hasattr(method, name) for name in ("shifts", "text_embedding", "image_embedding"))


def only(method: Conditioned, places: Sequence[int]) -> Conditioned:
    """A method for some of its classes."""
    other = copy.copy(method)
    other.classes = method.classes.take(places)
    return other


@dataclass(frozen=True)
class Reference:
    """What fast prediction needs of the training images, whatever the classes.

    Attributes:
        shifts: [n, M or 1, d_t].
        images: Unit embeddings [n, e].
    """

    shifts: Tensor
    images: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, method: Any, features: ImageFeatures) -> Self:
        """Take some training images, evenly spread over the set.

        Args:
            method: Trained.
            features: Of the training images, not augmented; at least one.

        Raises:
            GoproError: When there is no fast way for the method.
        """
        if not is_conditioned(method):
            raise GoproError(
                f"there is no fast prediction for {type(method).__name__}; it is for methods whose "
                "prompts depend on the image, gopro and cocoop: leave out --fast"
            )
        places = torch.linspace(0, len(features) - 1, min(IMAGES, len(features))).round().long()
        chosen = features[places]
        return cls(method.shifts(chosen), method.image_embedding(chosen))
