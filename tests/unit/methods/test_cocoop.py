"""CoCoOp against its formulas, image by image and class by class."""

from __future__ import annotations

from pathlib import Path

import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.methods.base import Batch, Recipe
from gopro.methods.cocoop import CoCoOp, CoCoOpSettings
from small_clips import close


def cocoop(backbone: Backbone) -> CoCoOp:
    torch.manual_seed(0)
    method = CoCoOp(backbone, NAMES, CoCoOpSettings())
    slow.stir(method)
    return method


def literal(method: CoCoOp, images: Tensor) -> Tensor:
    """Scores [B, C]."""
    backbone, found = method.backbone, []
    learned = dict(method.named_parameters())
    first, second = (
        (learned[f"meta_net.{i}.weight"], learned[f"meta_net.{i}.bias"]) for i in (0, 2)
    )
    for image in images:
        hidden = (first[0] @ slow.unit(image) + first[1]).clamp(min=0)
        context = torch.stack([row + second[0] @ hidden + second[1] for row in method.context])
        ends = [slow.words(backbone, f"{name}.") for name in READ]
        texts = torch.stack([slow.sentence(backbone, [context, end]) for end in ends])
        found.append(slow.scores(backbone, image[None], texts)[0])
    return torch.stack(found)


def test_formulas(backbone: Backbone, batch: Batch) -> None:
    method = cocoop(backbone)
    features = backbone.encode_image(batch.images["x"])
    wanted = literal(method, features.embedding)
    close(method.logits(features), wanted)
    terms, loss = method.loss(batch), slow.cross_entropy(wanted, batch.labels)
    assert set(terms) == {"ce"} == set(method.loss_weights)
    close(terms["ce"], loss)
    for mine, plain in zip(
        slow.gradients(terms["ce"], method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 1e-4)
    slow.check_gradients(method, batch)


def test_sizes_and_state(backbone: Backbone) -> None:
    method = cocoop(backbone)
    # e = 32 and d_t = 64: 4 context tokens, then 32 -> 2 -> 64 with biases
    assert method.trainable_parameters == 4 * 64 + (32 * 2 + 2) + (2 * 64 + 64)
    parts = {f"meta_net.{i}.{part}" for i in (0, 2) for part in ("weight", "bias")}
    slow.check_state(method, {"context", *parts})


def test_new_names(backbone: Backbone, batch: Batch) -> None:
    slow.check_new_names(cocoop(backbone), batch.images["x"])


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, batch=2, lr=0.02, augment="none")
    slow.check_training(cocoop(backbone), tmp_path, recipe)
    assert CoCoOp.recipe_for("ViT-B-16") == Recipe(epochs=10, batch=1, lr=0.002, warmup_epochs=1)
