"""The features of images: embedding, layer statistics and pooled features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageFeatures:
    """The embedding, the layer statistics and the pooled features of a batch of images.

    Shape notation: B images, e embedding width, D the sum of the layers' token widths
    (``L * d_v`` for a ViT with L blocks; the sum of the stages' channels for a ResNet), p the
    width of the pooled features. D and p are 0 for an image encoder that a method changes.

    Attributes:
        embedding: [B, e], not normalised.
        mean: [B, D], the mean over tokens after each layer, layer by layer.
        std: [B, D], the standard deviation over tokens, in the same order.
        pooled: [B, p], the input of the last linear map, whose output is the embedding; p is 0 for
            an encoder that ends with another layer, and by default.
    """

    embedding: Tensor
    mean: Tensor
    std: Tensor
    pooled: Tensor = field(default_factory=lambda: torch.empty(0, 0))

    def __post_init__(self) -> None:
        if len(self.pooled) != len(self.embedding):  # the default
            object.__setattr__(self, "pooled", self.embedding[:, :0])

    @classmethod
    def only(cls, embedding: Tensor) -> ImageFeatures:
        """An embedding [B, e] and nothing else."""
        empty = embedding.new_zeros(embedding.shape[0], 0)
        return cls(embedding, empty, empty, empty)

    @property
    def parts(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return vars(self)

    @property
    def nbytes(self) -> int:
        """Size in memory, in bytes."""
        return sum(part.nbytes for part in self.parts.values())

    def __len__(self) -> int:
        return self.embedding.shape[0]

    def __getitem__(self, index: slice | Tensor) -> ImageFeatures:
        return ImageFeatures(**{name: part[index] for name, part in self.parts.items()})

    def to(self, device: torch.device) -> ImageFeatures:
        """The same features on another device."""
        return ImageFeatures(**{name: part.to(device) for name, part in self.parts.items()})

    @staticmethod
    def cat(batches: Sequence[ImageFeatures]) -> ImageFeatures:
        """Concatenate batches, in order."""
        names = batches[0].parts
        return ImageFeatures(
            **{name: torch.cat([batch.parts[name] for batch in batches]) for name in names}
        )
