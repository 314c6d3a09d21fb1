"""Finds the loss term, the tensor and the files behind a loss or gradient that is not finite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

_MAX_NAMED = 16
"""Files of a batch that a message names."""


def all_finite(tensors: Iterable[Tensor | None]) -> bool:
    """Whether all numbers are finite; waits for the device once."""
    checks = [tensor.isfinite().all() for tensor in tensors if tensor is not None]
    return not checks or bool(torch.stack(checks).all())


def broken_gradient(
    terms: Mapping[str, Tensor], weights: Mapping[str, float], module: nn.Module
) -> str:
    """The loss term whose gradient is not finite, and the learned tensor, in words.

    Args:
        terms: Of a finite loss, with their graph.
        weights: Of the terms.
        module: Holds the learned parameters.
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
    """The files of a batch in words; their numbers when there are no names."""
    words = [names[index] if names else f"number {index}" for index in chosen]
    more = len(words) - _MAX_NAMED
    return ", ".join(words[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
