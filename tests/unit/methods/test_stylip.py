"""StyLIP against its formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.coop import CoOp, CoOpSettings
from gopro.methods.stylip import StyLIP, StyLIPSettings, layers_of_tokens
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import RESNET, close, plain_prompts, small_backbone


def stylip(backbone: Backbone, **options: Any) -> StyLIP:
    torch.manual_seed(0)
    method = StyLIP(backbone, NAMES, StyLIPSettings(**options))
    slow.stir(method)
    return method


def even(row: Tensor) -> Tensor:
    """Zero mean, unit variance."""
    centred = row - row.sum() / len(row)
    return centred / (centred.square().sum() / len(row) + 1e-5).sqrt()


def literal(method: StyLIP, images: Tensor, scales: list[list[int]]) -> Tensor:
    """Scores [B, C], image by image and class by class."""
    backbone, learned = method.backbone, dict(method.named_parameters())
    features = backbone.encode_image(images)
    widths, rows = list(backbone.vision_widths), []
    for index in range(len(images)):
        mu = [even(part) for part in features.mean[index].split(widths)]
        sigma = [even(part) for part in features.std[index].split(widths)]
        tokens = list(learned["context"])
        if method.settings.style:
            for m, layers in enumerate(scales):
                style = torch.cat([torch.cat([mu[layer], sigma[layer]]) for layer in layers])
                tokens[m] = tokens[m] + learned[f"style.{m}.weight"] @ (style / len(style) ** 0.5)
        text = plain_prompts(backbone, READ, torch.stack(tokens))
        text = torch.stack([slow.unit(row) for row in text])
        if method.settings.content:
            everything = torch.cat(mu)
            content = learned["content.weight"] @ (everything / len(everything) ** 0.5)
            content = content + learned["content.bias"]
            text = torch.stack(
                [
                    row
                    + learned["fusion.weight"] @ torch.cat([row, content])
                    + learned["fusion.bias"]
                    for row in text
                ]
            )
        rows.append(slow.scores(backbone, features.embedding[index : index + 1], text)[0])
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("options", "scales"),
    [
        ({"n_ctx": 3}, [[0], [1], [2]]),
        ({"n_ctx": 2}, [[0], [1, 2]]),
        ({"n_ctx": 5}, [[0], [0], [1], [1], [2]]),
        ({"n_ctx": 3, "content": False}, [[0], [1], [2]]),
        ({"n_ctx": 3, "style": False}, []),
    ],
)
def test_formulas(
    backbone: Backbone, batch: Batch, options: dict[str, Any], scales: list[list[int]]
) -> None:
    method = stylip(backbone, **options)
    wanted = literal(method, batch.images["x"], scales)
    close(method.logits(backbone.encode_image(batch.images["x"])), wanted)
    loss = slow.cross_entropy(wanted, batch.labels)
    terms = method.loss(batch)
    close(terms["ce"], loss)
    for mine, plain in zip(
        slow.gradients(terms["ce"], method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 2e-4)
    slow.check_gradients(method, batch)


def test_a_resnets_stages(batch: Batch) -> None:
    """Layers of different widths, one for each token."""
    backbone = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 64, 64, generator=generator)
    method = stylip(backbone)
    wanted = literal(method, images, [[0], [1], [2], [3]])
    close(method.logits(backbone.encode_image(images)), wanted)


def test_starts_at_zero_shot(backbone: Backbone, batch: Batch) -> None:
    features = backbone.encode_image(batch.images["x"])
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings())
    close(StyLIP(backbone, NAMES, StyLIPSettings()).logits(features), zero.logits(features))


def test_without_content_and_style_of_zero_it_is_coop(backbone: Backbone, batch: Batch) -> None:
    method, coop = (
        kind(backbone, NAMES, settings)
        for kind, settings in (
            (StyLIP, StyLIPSettings(content=False)),
            (CoOp, CoOpSettings()),
        )
    )
    features = backbone.encode_image(batch.images["x"])
    close(method.logits(features), coop.logits(features))


@pytest.mark.parametrize(
    ("layers", "tokens", "wanted"),
    [
        (12, 4, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]),
        (4, 4, [[0], [1], [2], [3]]),
        (12, 5, [[0, 1], [2, 3], [4, 5, 6], [7, 8], [9, 10, 11]]),
        (2, 3, [[0], [0], [1]]),
        (6, 1, [[0, 1, 2, 3, 4, 5]]),
    ],
)
def test_layers_are_dealt_out(layers: int, tokens: int, wanted: list[list[int]]) -> None:
    assert [list(part) for part in layers_of_tokens(layers, tokens)] == wanted


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = stylip(backbone, n_ctx=2)
    slow.check_new_names(method, batch.images["x"])
    style = {"style.0.weight", "style.1.weight"}
    parts = {f"{part}.{kind}" for part in ("content", "fusion") for kind in ("weight", "bias")}
    slow.check_state(method, {"context", *style, *parts})


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, batch=6, lr=0.01, augment="none")
    slow.check_training(stylip(backbone), tmp_path, recipe)


def test_what_is_refused(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match="without style and content"):
        StyLIPSettings(style=False, content=False)
    with pytest.raises(GoproError, match="got 0 context tokens"):
        StyLIP(backbone, NAMES, StyLIPSettings(n_ctx=0))
