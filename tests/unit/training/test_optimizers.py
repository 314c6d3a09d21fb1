"""The optimizers are torch's, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gopro.methods.base import Recipe
from gopro.training.optimizers import make_optimizer

TORCHS: dict[str, Any] = {
    "sgd": lambda given: torch.optim.SGD(given, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda given: torch.optim.Adam(given, lr=0.1, weight_decay=0.01),
    "adamw": lambda given: torch.optim.AdamW(given, lr=0.1, weight_decay=0.01),
}


def _steps(optimizer: torch.optim.Optimizer, weight: torch.Tensor, count: int) -> None:
    for _ in range(count):
        optimizer.zero_grad()
        (weight.sin() * torch.arange(1.0, 6.0)).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@pytest.mark.parametrize("name", TORCHS)
def test_the_same_weights_as_torchs(name: Any) -> None:
    recipe = Recipe(optimizer=name, lr=0.1, momentum=0.9, weight_decay=0.01)
    ours, theirs = (torch.linspace(-1, 1, 5).requires_grad_() for _ in range(2))
    first, reference = make_optimizer(recipe, [ours]), TORCHS[name]([theirs])
    assert isinstance(first, type(reference))
    _steps(first, ours, 3)
    second = make_optimizer(recipe, [ours])
    second.load_state_dict(first.state_dict())  # as after a stop
    _steps(second, ours, 2)
    _steps(reference, theirs, 5)
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, torch.linspace(-1, 1, 5))


def test_a_loss_scaler_can_skip_a_step() -> None:
    weight = torch.ones(2, requires_grad=True)
    optimizer = make_optimizer(Recipe(), [weight])
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(weight.sum() * float("inf")).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(weight, torch.ones(2)) and scaler.get_scale() == 32768.0
