"""The learning rate, epoch by epoch, against CoOp's own schedulers."""

from __future__ import annotations

import math

import pytest
import torch

from gopro.methods.base import Recipe
from gopro.training.schedule import learning_rate


def test_coops_values() -> None:
    recipe = Recipe(epochs=50, lr=0.002, warmup_epochs=1, warmup_lr=1e-5)
    rates = [learning_rate(recipe, epoch) for epoch in range(50)]
    assert rates[0] == 1e-5
    assert rates[1] == 0.002
    assert rates[26] == pytest.approx(0.001)
    assert rates[49] == pytest.approx(0.5 * 0.002 * (1 + math.cos(math.pi * 48 / 50)))
    assert rates[1:] == sorted(rates[1:], reverse=True)


@pytest.mark.parametrize(("warmup", "epochs"), [(1, 10), (3, 7), (0, 5)])
def test_a_constant_scheduler_in_front_of_torchs_cosine(warmup: int, epochs: int) -> None:
    recipe = Recipe(epochs=epochs, lr=0.1, warmup_epochs=warmup, warmup_lr=1e-3)
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.lr)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, epochs)
    for epoch in range(epochs):
        wanted = recipe.warmup_lr if epoch < warmup else cosine.get_last_lr()[0]
        assert learning_rate(recipe, epoch) == pytest.approx(wanted, rel=1e-12)
        if epoch >= warmup:
            sgd.step()
            cosine.step()


def test_warm_up_longer_than_the_training() -> None:
    recipe = Recipe(epochs=2, lr=0.1, warmup_epochs=5, warmup_lr=1e-4)
    assert [learning_rate(recipe, epoch) for epoch in range(2)] == [1e-4, 1e-4]
