"""Check before timing that our ways give the same results as the published way."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.ours import Exact
from benchmarks.published import Published
from benchmarks.setup import make
from gopro.backbones import Backbone
from gopro.methods.base import Batch

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.02}
"""Largest allowed difference, as a fraction of the largest entry."""


def check(backbone: Backbone) -> dict[str, float]:
    """Compare scores, loss terms and gradients on the same views of 2 images, with 4 classes.

    Returns:
        The largest difference of each kind, as a fraction of the largest entry.

    Raises:
        SystemExit: If one is above its tolerance.
    """
    setup = make(backbone, classes=4, batch=2)
    published, exact = Published(setup), Exact(setup)
    views = {name: view.to(backbone.device) for name, view in published.views().items()}
    differences = {"scores": _difference(exact.predict(), published.scores(views))}
    terms = published.learn(views)
    expected = {name: p.grad.clone() for name, p in _learned(setup.method) if p.grad is not None}
    ours = exact.learn(Batch(setup.labels.to(backbone.device), views))
    sides = [torch.stack([side[name].detach() for name in terms]) for side in (ours, terms)]
    differences["losses"] = _difference(*sides)
    largest = max(gradient.abs().max().item() for gradient in expected.values())
    differences["gradient"] = max(
        (parameter.grad - expected[name]).abs().max().item() / largest  # type: ignore[operator]
        for name, parameter in _learned(setup.method)
        if name in expected
    )
    tolerance = TOLERANCE[backbone.dtype]
    for name, value in differences.items():
        if not value <= tolerance:
            raise SystemExit(
                f"{name} differ by {value:.2g} of the largest entry, allowed is "
                f"{tolerance:g}: nothing is timed"
            )
    return differences


def _learned(method: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, p) for name, p in method.named_parameters() if p.requires_grad]


def _difference(actual: Tensor, expected: Tensor) -> float:
    return ((actual - expected).abs().max() / expected.abs().max().clamp(min=1e-6)).item()
