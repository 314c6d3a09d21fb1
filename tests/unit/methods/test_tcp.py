"""TCP against its formulas."""

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
from gopro.methods.tcp import TCP, TCPSettings
from small_clips import close, plain_prompts, small_backbone


@pytest.fixture(scope="module")
def deep() -> Backbone:
    """Three blocks, so that the context matters before the class tokens take its place."""
    return small_backbone(text={"layers": 3, "context_length": 24})


def tcp(backbone: Backbone, **options: Any) -> TCP:
    torch.manual_seed(0)
    method = TCP(backbone, NAMES, TCPSettings(**options))
    slow.stir(method)
    return method


def literal(method: TCP) -> tuple[Tensor, Tensor]:
    """Unit text embeddings [C, e] from the learned and from the written prompts."""
    learned, tokens = dict(method.named_parameters()), []
    options = method.settings
    written = slow.written(method.backbone, options.template or "a photo of a {}.")
    for row in written:
        hidden = learned["down.weight"] @ row + learned["down.bias"]
        hidden = hidden / (1 + torch.exp(-1.702 * hidden))
        flat = learned["up.weight"] @ hidden + learned["up.bias"]
        tokens.append(torch.stack(flat.split(method.backbone.text_width)))
    puts = [*[None] * (method.block - 1), torch.stack(tokens)]
    text = plain_prompts(method.backbone, READ, method.context, puts, options.suffix or "{}.")
    return torch.stack([slow.unit(row) for row in text]), written


@pytest.mark.parametrize(
    ("options", "block"),
    [
        ({}, 2),
        ({"n_ctx": 3, "block": 2}, 2),
        ({"ctx_init": "a photo of a"}, 2),
        (TCP.sentences["dtd"], 2),
        ({"suffix": "person doing {}."}, 2),
    ],
)
def test_formulas(deep: Backbone, batch: Batch, options: dict[str, Any], block: int) -> None:
    method = tcp(deep, **options)
    assert method.block == block
    features = deep.encode_image(batch.images["x"])
    text, written = literal(method)
    wanted = slow.scores(deep, features.embedding, text)
    close(method.logits(features), wanted)
    distance = 1 - (text * written).sum(dim=1).mean()
    loss = slow.cross_entropy(wanted, batch.labels) + 8.0 * distance
    terms = method.loss(batch)
    close(terms["kg"], distance, 1e-4)
    close(method.total_loss(terms), loss)
    for mine, plain in zip(
        slow.gradients(method.total_loss(terms), method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 2e-4)
    slow.check_gradients(method, batch)


def test_new_names_and_state(deep: Backbone, batch: Batch) -> None:
    method = tcp(deep)
    slow.check_new_names(method, batch.images["x"])
    parts = {f"{part}.{kind}" for part in ("down", "up") for kind in ("weight", "bias")}
    slow.check_state(method, {"context", *parts})


def test_training(deep: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, batch=6, lr=0.002, augment="none", optimizer="adam")
    slow.check_training(tcp(deep), tmp_path, recipe)


def test_the_suffix_of_other_names(deep: Backbone) -> None:
    method = tcp(deep, suffix="{}, a type of pet.")
    target = method.for_classes(["tree"], suffix="{} texture.")
    tokens = deep.token_embeddings("tree texture.")
    assert torch.equal(target.classes.embedding[0, :-1], tokens)
    with pytest.raises(GoproError, match="got the template 'a type of pet' without"):
        method.for_classes(["tree"], suffix="a type of pet")


@pytest.mark.parametrize("block", [0, 3])
def test_blocks_that_are_not_there(deep: Backbone, block: int) -> None:
    with pytest.raises(GoproError, match=f"got block {block} .* before blocks 1 to 2"):
        TCP(deep, NAMES, TCPSettings(block=block))
    with pytest.raises(GoproError, match="got the reduction 0"):
        TCPSettings(reduction=0)
