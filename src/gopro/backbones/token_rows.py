"""Rows of a token embedding for the tokens that the training of an embedded backbone never used."""

from __future__ import annotations

import torch
from torch import Tensor

FILL_SEED = 0
FILL_SPREAD = 0.5


def untouched_rows(rows: Tensor, vocabulary: int) -> Tensor:
    """Embedding rows for tokens that training never used.

    Each is the mean of the trained rows plus noise of half their spread, drawn with a fixed seed,
    the same on every machine: an unknown word then means little, and two unknown words differ.

    Args:
        rows: The trained rows, [n, width].
        vocabulary: How many rows to make.

    Returns:
        float32 [vocabulary, width].
    """
    noise = torch.randn(
        vocabulary, rows.shape[1], generator=torch.Generator().manual_seed(FILL_SEED)
    )
    return noise.mul_(rows.std(0) * FILL_SPREAD).add_(rows.mean(0))
