"""GOPro with random weights, and its gradients, for the tests of GOPro."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gopro.backbones import Backbone
from gopro.methods.base import Batch
from gopro.methods.gopro import GOPro, GOProSettings

NAMES = ["cat", "golden retriever", "car_side", "C-130 Hercules"]


def gopro(backbone: Backbone, names: list[str] = NAMES, *, seed: int = 0, **options: Any) -> GOPro:
    """A method whose weights, those that start at zero too, are random."""
    torch.manual_seed(seed)
    method = GOPro(backbone, names, GOProSettings(**options))
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return method


def step(method: GOPro, batch: Batch, rate: float = 0.1) -> dict[str, Tensor]:
    """One plain gradient step on the total; gives the gradients by name."""
    terms = method.loss(batch)
    total = sum(method.loss_weights[name] * term for name, term in terms.items())
    method.zero_grad()
    total.backward()
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.grad is not None:
                parameter -= rate * parameter.grad
    return {
        name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
        for name, value in method.named_parameters()
    }


def gradients(value: Tensor, parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """The gradient of each parameter; zeros where the value doesn't depend on it."""
    found = torch.autograd.grad(
        value,
        list(parameters.values()),
        allow_unused=True,
        retain_graph=True,
        materialize_grads=True,
    )
    return dict(zip(parameters, found, strict=True))
