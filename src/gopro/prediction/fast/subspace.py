"""Where the shifts of images lie: a few directions around their mean, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import Self

_COMPONENTS = 24  # q at most
_SMALLEST = 1e-4  # share of the leading component's spread below which one is left out
_NOTHING = 1e-6  # spread of a shift below which all images have the same


@dataclass(frozen=True)
class Subspace:
    """The leading components of shifts, scaled to unit spread.

    Attributes:
        mean: [D].
        directions: [D, q], from a centred shift to its components.
        back: [q, D], from components to a centred shift.
        inside: The largest norm of components seen.
        outside: The largest distance of a shift from the subspace seen.
    """

    mean: Tensor
    directions: Tensor
    back: Tensor
    inside: float
    outside: float

    @classmethod
    def of(cls, shifts: Tensor) -> Self:
        """By PCA of shifts [n, D]; at most a component for four of them."""
        mean = shifts.mean(dim=0)
        centred = shifts - mean
        _, spread, rows = torch.linalg.svd(centred, full_matrices=False)
        spread = spread / len(shifts) ** 0.5
        seen = spread[0].item() > _NOTHING
        count = int((spread > _SMALLEST * spread[0]).sum()) if seen else 0
        count = min(count, _COMPONENTS, len(shifts) // 4)
        directions = rows[:count].T / spread[:count]
        back = rows[:count] * spread[:count, None]
        within = centred @ directions
        beside = (centred - within @ back).norm(dim=1).max().item()
        # where the components explain every image seen, a new one still lies beside them a little
        beside = max(beside, 0.01 * spread[0].item(), _NOTHING)
        inside = max(within.norm(dim=1).max().item() if count else 0.0, _NOTHING)
        return cls(mean, directions, back, inside, beside)

    def features(self, shifts: Tensor) -> tuple[Tensor, Tensor]:
        """What a map takes, and how many times farther than those seen a shift lies.

        A linear map leaves out what is of second order within the components and of first order
        beside them, so the square of the one distance counts, and the other.

        Args:
            shifts: [B, D].

        Returns:
            phi [B, p], and factors [B] of at least 1.
        """
        centred = shifts - self.mean
        within = centred @ self.directions
        phi = torch.cat([torch.ones_like(centred[:, :1]), within], dim=1)
        beside = (centred - within @ self.back).norm(dim=1) / self.outside
        growth = torch.maximum((within.norm(dim=1) / self.inside) ** 2, beside)
        return phi, growth.clamp(min=1)
