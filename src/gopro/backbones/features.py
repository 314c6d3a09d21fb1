"""The features of images: embedding and layer statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageFeatures:
    """The embedding and the layer statistics of a batch of images.

    Shape notation: B images, e embedding width, D the sum of the layers' token widths
    (``L * d_v`` for a ViT with L blocks; the sum of the stages' channels for a ResNet). D is 0 for
    an image encoder that a method changes.

    Attributes:
        embedding: [B, e], not normalised.
        mean: [B, D], the mean over tokens after each layer, layer by layer.
        std: [B, D], the standard deviation over tokens, in the same order.
    """

    embedding: Tensor
    mean: Tensor
    std: Tensor

    @classmethod
    def only(cls, embedding: Tensor) -> ImageFeatures:
        """An embedding [B, e] without layer statistics."""
        empty = embedding.new_zeros(embedding.shape[0], 0)
        return cls(embedding, empty, empty)

    def __len__(self) -> int:
        return self.embedding.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors."""
        return self.embedding.nbytes + self.mean.nbytes + self.std.nbytes

    def __getitem__(self, index: slice | Tensor) -> ImageFeatures:
        return ImageFeatures(self.embedding[index], self.mean[index], self.std[index])

    def to(self, device: torch.device) -> ImageFeatures:
        """The same features on another device."""
        return ImageFeatures(self.embedding.to(device), self.mean.to(device), self.std.to(device))

    @staticmethod
    def cat(parts: Sequence[ImageFeatures]) -> ImageFeatures:
        """Concatenate batches, in order."""
        return ImageFeatures(
            torch.cat([part.embedding for part in parts]),
            torch.cat([part.mean for part in parts]),
            torch.cat([part.std for part in parts]),
        )
