"""Every weight is trained, by exactly one optimiser."""

from __future__ import annotations

import torch
from recipes.mini.model import Learner
from recipes.mini.optimizers import optimizers

from small_mini import needs_muon

pytestmark = needs_muon


def test_each_weight_has_one_optimiser_and_blocks_have_muon() -> None:
    model = Learner(50)
    made = optimizers(model, 1e-3, 0.1)
    held = [
        parameter for each in made for group in each.param_groups for parameter in group["params"]
    ]
    assert len(held) == len({id(parameter) for parameter in held})
    assert len(held) == len(list(model.parameters()))
    matrices = {
        id(parameter)
        for name, parameter in model.named_parameters()
        if "resblocks" in name and parameter.ndim == 2
    }
    muon = {id(p) for group in made[0].param_groups for p in group["params"]}
    assert isinstance(made[0], torch.optim.Muon)
    assert muon == matrices


def test_frozen_weights_have_none() -> None:
    model = Learner(50)
    model.clip.visual.requires_grad_(False)
    frozen = {id(parameter) for parameter in model.clip.visual.parameters()}
    for each in optimizers(model, 1e-3, 0.1):
        held = {id(p) for group in each.param_groups for p in group["params"]}
        assert held and not held & frozen
