"""Tip-Adapter, with and without training, against its formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.tip_adapter import TipAdapter, TipAdapterSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close

LABELS = torch.tensor([0, 1, 2, 2, 1])


@pytest.fixture
def training(backbone: Backbone) -> ImageFeatures:
    generator = torch.Generator().manual_seed(2)
    return backbone.encode_image(torch.rand(5, 3, 32, 32, generator=generator))


def tip(backbone: Backbone, training: ImageFeatures, **options: Any) -> TipAdapter:
    method = TipAdapter(backbone, NAMES, TipAdapterSettings(**options))
    method.prepare(training, LABELS)
    return method


@pytest.mark.parametrize("options", [{}, {"trained": False}, {"alpha": 2.0, "beta": 5.5}])
def test_formulas(
    backbone: Backbone, batch: Batch, training: ImageFeatures, options: dict[str, Any]
) -> None:
    method = tip(backbone, training, **options)
    for key, image in zip(method.keys, training.embedding, strict=True):
        close(key, slow.unit(image))
    if method.settings.trained:
        slow.stir(method)
    features = backbone.encode_image(batch.images["x"])
    texts = slow.written(backbone, "a photo of a {}.")
    alpha, beta = method.settings.alpha, method.settings.beta
    rows = []
    for image, zero in zip(
        features.embedding, slow.scores(backbone, features.embedding, texts), strict=True
    ):
        row = list(zero)
        for key, label in zip(method.keys, LABELS.tolist(), strict=True):
            row[label] = row[label] + alpha * torch.exp(-beta * (1 - slow.unit(image) @ key))
        rows.append(torch.stack(row))
    wanted = torch.stack(rows)
    close(method.logits(features), wanted)
    terms, loss = method.loss(batch), slow.cross_entropy(wanted, batch.labels)
    close(terms["ce"], loss)
    if method.settings.trained:
        (mine,), (plain,) = (slow.gradients(value, method) for value in (terms["ce"], loss))
        close(mine, plain, 5e-5)
        slow.check_gradients(method, batch)
    assert method.trainable_parameters == (5 * 32 if method.settings.trained else 0)


def test_other_classes_have_no_entries(
    backbone: Backbone, batch: Batch, training: ImageFeatures
) -> None:
    method = tip(backbone, training)
    features = backbone.encode_image(batch.images["x"])
    names = ["tree", NAMES[2], "sun"]
    mixed = method.for_classes(names).logits(features)
    zero = ZeroShot(backbone, names, ZeroShotSettings()).logits(features)
    close(mixed[:, [0, 2]], zero[:, [0, 2]])
    close(mixed[:, 1], method.logits(features)[:, 2])
    assert (mixed[:, 1] - zero[:, 1]).abs().min() > 0.1
    new = method.for_classes(slow.NEW).logits(features)
    close(new, ZeroShot(backbone, slow.NEW, ZeroShotSettings()).logits(features))


@pytest.mark.parametrize("trained", [True, False])
def test_state_comes_back_into_an_empty_cache(
    backbone: Backbone, batch: Batch, training: ImageFeatures, trained: bool
) -> None:
    method = tip(backbone, training, trained=trained)
    slow.check_state(method, {"keys", "labels"})
    fresh = TipAdapter(backbone, NAMES, TipAdapterSettings(trained=trained))
    features = backbone.encode_image(batch.images["x"])
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings()).logits(features)
    close(fresh.logits(features), zero)
    fresh.load_state_dict(method.state_dict())
    assert torch.equal(fresh.logits(features), method.logits(features))
    assert fresh.trainable_parameters == method.trainable_parameters
    for damaged in ({"keys": torch.zeros(5, 31)}, {"labels": torch.zeros(4, dtype=torch.long)}):
        other = TipAdapter(backbone, NAMES, TipAdapterSettings())
        with pytest.raises(RuntimeError, match="size mismatch"):
            other.load_state_dict({**method.state_dict(), **damaged})


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    method = TipAdapter(backbone, NAMES, TipAdapterSettings())
    recipe = Recipe(
        epochs=8, batch=6, lr=0.01, augment="none", weight_decay=0.01, optimizer="adamw"
    )
    slow.check_training(method, tmp_path, recipe)
    assert len(method.keys) == 6


@pytest.mark.parametrize("options", [{"alpha": -1.0}, {"beta": math.inf}, {"beta": math.nan}])
def test_what_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(GoproError):
        TipAdapterSettings(**options)  # type: ignore[arg-type]
