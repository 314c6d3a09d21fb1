"""Pictures drawn by formula, smooth and coloured, and random draws that are not random."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gopro.training.views.draws import Draws


class Fixed(Draws):
    """Draws that always give one number between the bounds: 0 the lowest, 0.5 the middle."""

    def __init__(self, count: int, place: float) -> None:
        self.count, self.place = count, place

    def uniform(
        self, low: float = 0.0, high: float = 1.0, shape: tuple[int, ...] = ()
    ) -> NDArray[np.float64]:
        return np.full((self.count, *shape), low + (high - low) * self.place)


def picture(side: int = 48, width: int | None = None, seed: int = 0) -> Tensor:
    """One 8-bit picture in [0, 1], [3, side, width]: a sum of waves, different in each channel."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : (width or side) * 1j]
    waves = [
        sum(
            np.sin(2 * np.pi * (u * x + v * y + shift))
            for u, v, shift in generator.uniform(-2, 2, (3, 3))
        )
        for _ in range(3)
    ]
    values = np.stack(waves)
    low = values.min(axis=(1, 2), keepdims=True)
    high = values.max(axis=(1, 2), keepdims=True)
    unit = (values - low) / (high - low)
    # leave room at both ends, so that contrast stretching has something to do
    return torch.from_numpy(np.round(20 + 200 * unit) / 255).float()
