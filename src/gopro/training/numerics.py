"""Telling where a training stopped being numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

_NAMED = 16
"""Files of a batch that a message names one by one."""


def all_finite(tensors: Iterable[Tensor | None]) -> bool:
    """Whether every number is finite; asks the device once."""
    checks = [tensor.isfinite().all() for tensor in tensors if tensor is not None]
    return not checks or bool(torch.stack(checks).all())


def broken_gradient(
    terms: Mapping[str, Tensor], weights: Mapping[str, float], module: nn.Module
) -> str:
    """Say in words which loss term's gradient is not finite, and at which learned tensor.

    Args:
        terms: Of a loss that is finite, their graph still there.
        weights: Of the terms.
        module: Whose parameters are learned.
    """
    learned = {name: value for name, value in module.named_parameters() if value.requires_grad}
    for term, value in terms.items():
        if not value.requires_grad:
            continue
        gradients = torch.autograd.grad(
            weights[term] * value, list(learned.values()), retain_graph=True, allow_unused=True
        )
        for name, gradient in zip(learned, gradients, strict=True):
            if not all_finite([gradient]):
                return f"the gradient of the loss term {term} is not finite (at {name})"
    return "the gradient is not finite"


def files(names: Sequence[str], chosen: Sequence[int]) -> str:
    """The files of a batch in words; their places where no names are known."""
    found = [names[place] if names else f"number {place}" for place in chosen]
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" and {more} more" if more > 0 else "")
