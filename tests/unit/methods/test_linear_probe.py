"""The linear probe: at the minimum of its objective, for the training classes only."""

from __future__ import annotations

from pathlib import Path

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.linear_probe import LinearProbe, LinearProbeSettings
from small_clips import close


@pytest.fixture
def features(backbone: Backbone) -> ImageFeatures:
    generator = torch.Generator().manual_seed(2)
    return backbone.encode_image(torch.rand(9, 3, 32, 32, generator=generator))


LABELS = torch.arange(9) % 3


def probe(backbone: Backbone, features: ImageFeatures, c: float = 0.316) -> LinearProbe:
    method = LinearProbe(backbone, NAMES, LinearProbeSettings(c=c))
    method.prepare(features, LABELS)
    return method


def objective(weight: Tensor, bias: Tensor, images: Tensor, c: float) -> Tensor:
    rows = torch.stack([torch.stack([w @ image for w in weight]) + bias for image in images])
    return c * len(images) * slow.cross_entropy(rows, LABELS) + (weight**2).sum() / 2


@pytest.mark.parametrize("c", [0.01, 0.316, 10.0])
def test_minimum(backbone: Backbone, features: ImageFeatures, c: float) -> None:
    method = probe(backbone, features, c)
    point = [value.detach().double().requires_grad_() for value in method.parameters()]
    images = features.embedding.double()
    value = objective(*point, images, c)
    slopes = torch.autograd.grad(value, point)
    start = [torch.zeros_like(part, requires_grad=True) for part in point]
    first = torch.autograd.grad(objective(*start, images, c), start)
    # the objective is convex, so a level place is the minimum
    assert max(slope.abs().max() for slope in slopes) < 1e-4 * max(s.abs().max() for s in first)


def test_scores(backbone: Backbone, features: ImageFeatures) -> None:
    method = probe(backbone, features)
    wanted = [
        [weight @ image + bias for weight, bias in zip(method.weight, method.bias, strict=True)]
        for image in features.embedding
    ]
    close(method.logits(features), torch.stack([torch.stack(row) for row in wanted]))
    assert (method.logits(features).argmax(dim=1) == LABELS).float().mean() > 0.6
    assert torch.equal(probe(backbone, features).weight, method.weight)


def test_training_classes_alone(backbone: Backbone, features: ImageFeatures, batch: Batch) -> None:
    method = probe(backbone, features)
    some = method.for_classes([NAMES[2], NAMES[0]])
    close(some.logits(features), method.logits(features)[:, [2, 0]])
    with pytest.raises(GoproError, match=r"none for 'tree'; .* or train a method"):
        method.for_classes(["tree", "cat"])
    slow.check_state(method, {"weight", "bias"})
    assert method.trainable_parameters == 3 * 32 + 3
    slow.check_gradients(method, batch)


def test_training_goes_on_from_there(backbone: Backbone, tmp_path: Path) -> None:
    method = LinearProbe(backbone, NAMES, LinearProbeSettings(c=0.01))
    recipe = Recipe(epochs=6, batch=6, lr=0.02, augment="none")
    slow.check_training(method, tmp_path, recipe)
    assert LinearProbe.recipe_for("ViT-B-16").epochs == 0


@pytest.mark.parametrize("options", [{"c": 0.0}, {"c": float("nan")}, {"iterations": 0}])
def test_what_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(GoproError):
        LinearProbeSettings(**options)  # type: ignore[arg-type]
