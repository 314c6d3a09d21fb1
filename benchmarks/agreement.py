"""Whether our ways give what the published way gives, before anything is timed."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.ours import Exact
from benchmarks.published import Published
from benchmarks.setup import make
from gopro.backbones import Backbone
from gopro.methods.base import Batch

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.02}
"""Largest difference allowed, as a part of the largest entry."""


def check(backbone: Backbone) -> dict[str, float]:
    """Compare scores, loss terms and gradients on 2 images and 4 classes, on the same views.

    Returns:
        The largest difference of each kind, as a part of the largest entry.

    Raises:
        SystemExit: When one is beyond its tolerance.
    """
    setup = make(backbone, classes=4, batch=2)
    published, exact = Published(setup), Exact(setup)
    views = {name: view.to(backbone.device) for name, view in published.views().items()}
    found = {"scores": _difference(exact.predict(), published.scores(views))}
    terms = published.learn(views)
    wanted = {name: p.grad.clone() for name, p in _learned(setup.method) if p.grad is not None}
    ours = exact.learn(Batch(setup.labels.to(backbone.device), views))
    sides = [torch.stack([side[name].detach() for name in terms]) for side in (ours, terms)]
    found["losses"] = _difference(*sides)
    largest = max(gradient.abs().max().item() for gradient in wanted.values())
    found["gradient"] = max(
        (parameter.grad - wanted[name]).abs().max().item() / largest  # type: ignore[operator]
        for name, parameter in _learned(setup.method)
        if name in wanted
    )
    tolerance = TOLERANCE[backbone.dtype]
    for name, value in found.items():
        if not value <= tolerance:
            raise SystemExit(
                f"{name} differ by {value:.2g} of the largest entry, allowed is "
                f"{tolerance:g}: nothing is timed"
            )
    return found


def _learned(method: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, p) for name, p in method.named_parameters() if p.requires_grad]


def _difference(found: Tensor, wanted: Tensor) -> float:
    return ((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6)).item()
