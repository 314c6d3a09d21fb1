"""Learned projectors on top of the frozen embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """``z + W z + b``; W and b are initially zero, so it starts as the identity.

    Args:
        width: e, the embedding width.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, embedding: Tensor) -> Tensor:
        """Map [..., e] to [..., e]."""
        return embedding + nn.functional.linear(embedding, self.weight, self.bias)
