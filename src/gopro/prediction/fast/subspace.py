"""The subspace of the shifts of images: their mean, a few directions and their extent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import Self

_COMPONENTS = 24  # q at most
_SMALLEST = 1e-4  # components with a smaller share of the leading one's spread are left out
_NOTHING = 1e-6  # with a smaller spread, all images have the same shift


@dataclass(frozen=True)
class Subspace:
    """The leading components of shifts, scaled to unit spread.

    Attributes:
        mean: [D].
        directions: [D, q], from a centred shift to its components.
        back: [q, D], from components to a centred shift.
        inside: Largest norm of the components of the fitted shifts.
        outside: Largest distance of a fitted shift from the subspace.
    """

    mean: Tensor
    directions: Tensor
    back: Tensor
    inside: float
    outside: float

    @classmethod
    def of(cls, shifts: Tensor) -> Self:
        """PCA of shifts [n, D], with at most n / 4 components."""
        mean = shifts.mean(dim=0)
        centred = shifts - mean
        _, spread, rows = torch.linalg.svd(centred, full_matrices=False)
        spread = spread / len(shifts) ** 0.5
        seen = spread[0].item() > _NOTHING
        count = int((spread > _SMALLEST * spread[0]).sum()) if seen else 0
        count = min(count, _COMPONENTS, len(shifts) // 4)
        directions = rows[:count].T / spread[:count]
        back = rows[:count] * spread[:count, None]
        components = centred @ directions
        distance = (centred - components @ back).norm(dim=1).max().item()
        # not 0, even if the components explain all fitted shifts: a new one is a little outside
        distance = max(distance, 0.01 * spread[0].item(), _NOTHING)
        inside = max(components.norm(dim=1).max().item() if count else 0.0, _NOTHING)
        return cls(mean, directions, back, inside, distance)

    def features(self, shifts: Tensor) -> tuple[Tensor, Tensor]:
        """The input of the map, and how much larger its error may be than on the fitted shifts.

        A linear map has errors of second order in the components and of first order in the distance
        from the subspace; so the factor is the square of the one ratio, or the other ratio.

        Args:
            shifts: [B, D].

        Returns:
            phi [B, p], and factors [B] of at least 1.
        """
        centred = shifts - self.mean
        components = centred @ self.directions
        phi = torch.cat([torch.ones_like(centred[:, :1]), components], dim=1)
        distance = (centred - components @ self.back).norm(dim=1) / self.outside
        growth = torch.maximum((components.norm(dim=1) / self.inside) ** 2, distance)
        return phi, growth.clamp(min=1)
