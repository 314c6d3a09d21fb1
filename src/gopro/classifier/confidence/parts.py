"""The parts of the training pictures that are left out in turn."""

from __future__ import annotations

import torch
from torch import Tensor

ENOUGH = 300
"""No further part is left out once this many pictures have scores."""


def divided(truth: Tensor, parts: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """The indices of each part and of the others; every class is spread evenly over the parts.

    Args:
        truth: [N], class indices.
        parts: Their number.
        seed: Of the division.
    """
    generator = torch.Generator().manual_seed(seed)
    part = torch.empty_like(truth)
    dealt = 0
    for index in sorted(set(truth.tolist())):
        of_class = (truth == index).nonzero()[:, 0]
        of_class = of_class[torch.randperm(len(of_class), generator=generator)]
        part[of_class] = (torch.arange(len(of_class)) + dealt) % parts
        dealt += len(of_class)
    return [
        ((part == number).nonzero()[:, 0], (part != number).nonzero()[:, 0])
        for number in range(parts)
    ]
