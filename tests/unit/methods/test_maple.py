"""MaPLe against its formulas."""

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
from gopro.methods.maple import MaPLe, MaPLeSettings
from slow_vision import plain_image
from small_clips import RESNET, close, plain_prompts, small_backbone


@pytest.fixture(scope="module")
def deep() -> Backbone:
    """Three blocks in both towers."""
    return small_backbone(text={"layers": 3, "context_length": 24})


def maple(backbone: Backbone, **options: Any) -> MaPLe:
    torch.manual_seed(0)
    method = MaPLe(backbone, NAMES, MaPLeSettings(**options))
    slow.stir(method)
    return method


def literal(method: MaPLe, images: Tensor, rest: str) -> tuple[Tensor, Tensor]:
    """Image and text embeddings, [B, e] and [C, e]."""
    learned = dict(method.named_parameters())
    depth = sum(name.startswith("deep") for name in learned)
    prompts = [learned["context"], *(learned[f"deep.{j}"] for j in range(depth))]
    maps = ["couple", *(f"couple_deep.{j}" for j in range(depth))]
    made = [
        torch.stack([learned[f"{one}.weight"] @ row + learned[f"{one}.bias"] for row in tokens])
        for one, tokens in zip(maps, prompts, strict=True)
    ]
    names = [f"{rest}{name}" for name in READ]
    text = plain_prompts(method.backbone, names, prompts[0], prompts[1:])
    return plain_image(method.backbone, images, made), text


@pytest.mark.parametrize(
    ("options", "rest", "depth"),
    [
        ({}, "of a ", 2),
        ({"n_ctx": 4, "depth": 3}, "", 3),
        ({"n_ctx": 1, "ctx_init": "a", "depth": 1}, "", 1),
        ({"n_ctx": 3, "ctx_init": "a photo", "depth": 2}, "", 2),
    ],
)
def test_formulas(
    deep: Backbone, batch: Batch, options: dict[str, Any], rest: str, depth: int
) -> None:
    method = maple(deep, **options)
    assert 1 + len(method.deep) == depth
    image, text = literal(method, batch.images["x"], rest)
    wanted = slow.scores(deep, image, text)
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    loss = slow.cross_entropy(wanted, batch.labels)
    total = method.total_loss(method.loss(batch))
    close(total, loss)
    for mine, plain in zip(
        slow.gradients(total, method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 2e-4)
    slow.check_gradients(method, batch)


def test_how_it_starts(deep: Backbone) -> None:
    """The first words of the prompt, and the same weights in all later maps, as its code has it."""
    torch.manual_seed(0)
    method = MaPLe(deep, NAMES, MaPLeSettings(depth=3))
    assert torch.equal(method.context, deep.token_embeddings("a photo"))
    first, second = method.couple_deep
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, method.couple.weight)
    assert not torch.equal(method.deep[0], method.deep[1])


@pytest.mark.parametrize(("blocks", "depth"), [(2, 2), (3, 2)])
def test_the_tower_with_fewer_blocks_decides(blocks: int, depth: int) -> None:
    backbone = small_backbone(text={"layers": blocks, "context_length": 24})
    assert 1 + len(maple(backbone).deep) == depth


def test_new_names_and_state(deep: Backbone, batch: Batch) -> None:
    method = maple(deep)
    slow.check_new_names(method, batch.images["x"])
    maps = {f"{one}.{kind}" for one in ("couple", "couple_deep.0") for kind in ("weight", "bias")}
    slow.check_state(method, {"context", "deep.0", *maps})


def test_training(deep: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch=6, lr=0.02, augment="none")
    slow.check_training(maple(deep), tmp_path, recipe)


def test_what_it_refuses(deep: Backbone) -> None:
    with pytest.raises(GoproError, match="got 0 context tokens"):
        MaPLe(deep, NAMES, MaPLeSettings(n_ctx=0))
    with pytest.raises(GoproError, match="got prompts for 4 blocks of the image tower"):
        MaPLe(deep, NAMES, MaPLeSettings(depth=4))
    shallow = small_backbone(text={"layers": 2, "context_length": 24})
    with pytest.raises(GoproError, match="got prompts for 3 blocks of the text tower"):
        MaPLe(shallow, NAMES, MaPLeSettings(depth=3))
    resnet = small_backbone(vision=RESNET, text={"layers": 1, "context_length": 24})
    with pytest.raises(
        GoproError, match=r"maple learns prompts among .* has no transformer blocks"
    ):
        MaPLe(resnet, NAMES, MaPLeSettings())
