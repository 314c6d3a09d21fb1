"""CLIP-Adapter against its formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.clip_adapter import CLIPAdapter, CLIPAdapterSettings
from small_clips import close


def adapter(backbone: Backbone, **options: Any) -> CLIPAdapter:
    torch.manual_seed(0)
    method = CLIPAdapter(backbone, NAMES, CLIPAdapterSettings(**options))
    slow.stir(method)
    return method


@pytest.mark.parametrize("ratio", [0.2, 0.6])
def test_formulas(backbone: Backbone, batch: Batch, ratio: float) -> None:
    method = adapter(backbone, ratio=ratio)
    features = backbone.encode_image(batch.images["x"])
    down, up = method.parameters()
    mixed = []
    for image in features.embedding:
        inner = torch.stack([(row @ image).clamp(min=0) for row in down])
        outer = torch.stack([(row @ inner).clamp(min=0) for row in up])
        mixed.append(ratio * outer + (1 - ratio) * image)
    texts = slow.written(backbone, "a photo of a {}.")
    wanted = slow.scores(backbone, torch.stack(mixed), texts)
    close(method.logits(features), wanted)
    terms, loss = method.loss(batch), slow.cross_entropy(wanted, batch.labels)
    close(terms["ce"], loss)
    for mine, plain in zip(
        slow.gradients(terms["ce"], method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 5e-5)
    slow.check_gradients(method, batch)


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = adapter(backbone)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"adapter.0.weight", "adapter.2.weight"})
    assert method.trainable_parameters == 2 * 32 * 8


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=10, batch=6, lr=0.3, augment="none")
    slow.check_training(adapter(backbone), tmp_path, recipe)


@pytest.mark.parametrize("options", [{"ratio": 1.5}, {"ratio": float("nan")}, {"reduction": 0}])
def test_what_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(GoproError):
        CLIPAdapterSettings(**options)
