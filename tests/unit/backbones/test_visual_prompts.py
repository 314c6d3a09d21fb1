"""Prompts in the image tower against a loop over images, values and gradients."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from slow_vision import plain_image
from small_clips import RESNET, close, small_backbone

TEXT = {"layers": 1, "context_length": 16}
TOWERS: dict[str, dict[str, Any]] = {
    "clip": {},
    "no pre-norm": {"no_ln_pre": True},
    "average": {"pool_type": "avg"},
    "average, then norm": {"pool_type": "avg", "final_ln_after_pool": True},
    "class token, then norm": {"final_ln_after_pool": True},
    "sin-cos positions": {"pos_embed_type": "sin_cos_2d"},
    "layer scale": {"ls_init_value": 0.3},
    "patch dropout": {"patch_dropout": 0.5},
    "attentional pool": {"attentional_pool": True, "attn_pooler_heads": 2},
}


def pictures(count: int) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def made(depth: int, tokens: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    shape = (tokens, 64)
    return [torch.randn(shape, generator=generator).requires_grad_() for _ in range(depth)]


@pytest.mark.parametrize("behind_class", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_shallow_and_deep(depth: int, behind_class: bool) -> None:
    compare(small_backbone(text=TEXT), made(depth), behind_class)


@pytest.mark.parametrize("tower", TOWERS)
def test_every_vit(tower: str) -> None:
    compare(small_backbone(vision=TOWERS[tower], text=TEXT), made(2))


def test_as_many_prompts_as_one_likes_in_each_block() -> None:
    compare(small_backbone(text=TEXT), [made(1, 4)[0], made(1, 1)[0], made(1, 2)[0]])


def compare(backbone: Backbone, prompts: list[Tensor], behind_class: bool = False) -> None:
    """Values, gradients to every prompt, and none to a weight."""
    pixels = pictures(2)
    found = backbone.encode_image(pixels, prompts)
    wanted = plain_image(backbone, pixels, prompts, behind_class)
    close(found.embedding, wanted)
    assert found.mean.shape == found.std.shape == (2, 0)
    weight = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(3))
    mine = torch.autograd.grad((found.embedding * weight).sum(), prompts)
    plain = torch.autograd.grad((wanted * weight).sum(), prompts)
    for one, other in zip(mine, plain, strict=True):
        assert one.any()
        close(one, other, 2e-4)
    assert not any(part.requires_grad or part.grad is not None for part in weights(backbone))


def weights(backbone: Backbone) -> list[Tensor]:
    return list(backbone.model.parameters())


def test_without_prompts_the_tower_is_the_frozen_one() -> None:
    backbone, pixels = small_backbone(text=TEXT), pictures(2)
    before = backbone.encode_image(pixels)
    with pytest.raises(RuntimeError):
        backbone.encode_image(pixels[:, :2], made(2))
    backbone.encode_image(pixels, made(2))
    after = backbone.encode_image(pixels)
    assert torch.equal(before.embedding, after.embedding)
    assert torch.equal(before.mean, after.mean)
    assert not after.embedding.requires_grad
    assert backbone.image_encoder.prompts._passes.current is None


def test_threads_keep_their_prompts_apart() -> None:
    backbone, pixels = small_backbone(text=TEXT), pictures(2)
    given: list[list[Tensor]] = [[], made(1), made(3), made(2, tokens=1)]
    wanted = [backbone.encode_image(pixels, prompts).embedding for prompts in given]
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda prompts: backbone.encode_image(pixels, prompts).embedding, given * 3)
        )
    for one, other in zip(found, wanted * 3, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision(precision: str) -> None:
    backbone, pixels, prompts = small_backbone(text=TEXT), pictures(2), made(2)
    wanted = backbone.encode_image(pixels, prompts).embedding
    found = backbone.to("cpu", precision).encode_image(pixels, prompts).embedding
    assert found.dtype == torch.float32
    close(found, wanted.detach(), 0.1)
    found.sum().backward()
    assert all(part.grad is not None and part.grad.dtype == torch.float32 for part in prompts)


def test_what_a_tower_cannot_do() -> None:
    resnet = small_backbone(vision=RESNET, text=TEXT)
    with pytest.raises(
        GoproError, match=r"VPT learns prompts among .* small has no transformer blocks; choose"
    ):
        resnet.image_encoder.prompts.check("VPT", 1)
    vit = small_backbone(text=TEXT).image_encoder.prompts
    vit.check("VPT", 3)
    for depth in (0, 4):
        with pytest.raises(GoproError, match=f"got prompts for {depth} blocks"):
            vit.check("VPT", depth)
    with pytest.raises(GoproError, match="small takes 32 x 32; resize them first"):
        small_backbone(text=TEXT).encode_image(torch.zeros(1, 3, 16, 16), made(1))
