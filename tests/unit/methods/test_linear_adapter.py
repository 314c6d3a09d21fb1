"""The regularised linear adapter and ProLIP, against their formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.base import Batch, Recipe
from gopro.methods.linear_adapter import LinearAdapter, LinearAdapterSettings
from gopro.methods.prolip import ProLIP
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import RESNET, close, small_backbone
from small_towers import shared_family

LABELS = torch.tensor([0, 1, 2, 2, 1])
METHODS = ["linear_adapter", "prolip"]


def made(backbone: Backbone, name: str, **options: Any) -> LinearAdapter:
    method = find(name)(backbone, NAMES, LinearAdapterSettings(**options))
    assert isinstance(method, LinearAdapter)
    pictures = torch.rand(5, 3, backbone.image_size, backbone.image_size)
    method.prepare(backbone.encode_image(pictures), LABELS)
    return method


def start_of(backbone: Backbone, name: str) -> tuple[Tensor, Tensor]:
    """The map before training, and the features it is given for each image of a batch."""
    if name == "linear_adapter":
        return torch.eye(backbone.embed_dim), torch.zeros(backbone.embed_dim)
    visual: Any = backbone.model.visual
    if hasattr(visual, "attnpool"):
        return visual.attnpool.c_proj.weight, visual.attnpool.c_proj.bias
    return visual.proj.T, torch.zeros(backbone.embed_dim)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("strength", [None, 0.3])
@pytest.mark.parametrize("tower", ["vit", "resnet"])
def test_formulas(backbone: Backbone, name: str, strength: float | None, tower: str) -> None:
    if tower == "resnet":
        backbone = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    side = backbone.image_size
    images = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(1))
    batch = Batch(torch.tensor([2, 0, 1]), {"x": images})
    method = made(backbone, name, strength=strength)
    slow.stir(method)
    features = backbone.encode_image(images)
    start, bias = start_of(backbone, name)
    learned = (start + method.change).detach().requires_grad_()
    given = features.embedding if name == "linear_adapter" else features.pooled
    mapped = torch.stack([learned @ one + bias for one in given])
    wanted = slow.scores(backbone, mapped, slow.written(backbone, "a photo of a {}."))
    close(method.logits(features), wanted)
    terms = method.loss(batch)
    cross_entropy = slow.cross_entropy(wanted, batch.labels)
    distance = sum((a - b) ** 2 for a, b in zip(learned.flatten(), start.flatten(), strict=True))
    close(terms["ce"], cross_entropy)
    close(terms["distance"], torch.as_tensor(distance))
    # three classes, five training images: 5 / 3 images per class
    weight = 3 / 5 if strength is None else strength
    loss = method.total_loss(terms)
    slow_loss = cross_entropy + weight * distance
    close(loss, slow_loss)
    (mine,) = torch.autograd.grad(loss, [method.change])
    (plain,) = torch.autograd.grad(slow_loss, [learned])
    close(mine, plain, 5e-5)


@pytest.mark.parametrize("name", METHODS)
def test_it_starts_at_zero_shot_clip(backbone: Backbone, batch: Batch, name: str) -> None:
    method = made(backbone, name)
    features = backbone.encode_image(batch.images["x"])
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings()).logits(features)
    close(method.logits(features), zero, 1e-6)  # torch 2.6 rounds differently
    assert method.loss(batch)["distance"] == 0
    width = {"linear_adapter": 32, "prolip": 64}[name]
    assert method.trainable_parameters == 32 * width


@pytest.mark.parametrize("name", METHODS)
def test_interface(backbone: Backbone, batch: Batch, name: str) -> None:
    method = made(backbone, name)
    slow.stir(method)
    slow.check_gradients(method, batch)
    slow.check_state(method, {"change", "strength"})
    slow.check_new_names(method, batch.images["x"])
    fresh = find(name)(backbone, NAMES, LinearAdapterSettings())
    assert fresh.loss_weights["distance"] == 0
    fresh.load_state_dict(method.state_dict())
    assert fresh.loss_weights["distance"] == pytest.approx(3 / 5)


@pytest.mark.parametrize("name", METHODS)
def test_training(backbone: Backbone, tmp_path: Path, name: str) -> None:
    method = find(name)(backbone, NAMES, LinearAdapterSettings())
    recipe = Recipe(epochs=8, batch=6, lr=0.001, augment="none", weight_decay=0.0, optimizer="adam")
    rows = slow.check_training(method, tmp_path, recipe)
    assert rows[0]["distance"] == 0 < rows[-1]["distance"]


def test_a_larger_strength_stays_nearer(backbone: Backbone, tmp_path: Path) -> None:
    distances = []
    for strength in (0.01, 1.0, 100.0):
        method = ProLIP(backbone, NAMES, LinearAdapterSettings(strength=strength))
        recipe = Recipe(epochs=30, batch=6, lr=0.001, augment="none", optimizer="adam")
        slow.check_training(method, tmp_path / str(strength), recipe)
        distances.append(method.change.square().sum().item())
    assert distances[0] > distances[1] > distances[2] > 0


def test_a_tower_without_a_last_linear_map(backbone: Backbone) -> None:
    siglip = shared_family("siglip")
    with pytest.raises(GoproError, match=r"^prolip learns the linear map .* choose --method lin"):
        ProLIP(siglip, NAMES, LinearAdapterSettings())
    assert LinearAdapter(siglip, NAMES, LinearAdapterSettings()).trainable_parameters == 64 * 64


@pytest.mark.parametrize("strength", [-1.0, math.inf, math.nan])
def test_what_is_refused(strength: float) -> None:
    with pytest.raises(GoproError, match="it must be 0 or more"):
        LinearAdapterSettings(strength=strength)
