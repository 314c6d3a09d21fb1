"""The input of an image tower's last linear map, on every family of towers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone
from gopro.backbones.build import build
from gopro.common.errors import GoproError
from small_clips import RESNET, close, small_backbone
from small_towers import FAMILIES, pictures, shared_family

WITHOUT = {"siglip", "siglip2", "siglip-i18n", "nllb"}
"""Families whose tower ends with an attention pooling."""


def weights(visual: Any) -> tuple[Tensor, Tensor | None]:
    """The last linear map of a tower, by its place in each."""
    if hasattr(visual, "projection"):
        return visual.projection.weight, visual.projection.bias
    if hasattr(visual, "attnpool"):
        return visual.attnpool.c_proj.weight, visual.attnpool.c_proj.bias
    if getattr(visual, "proj", None) is not None:
        return visual.proj.T, None
    linear = [part for part in visual.modules() if isinstance(part, torch.nn.Linear)][-1]
    return linear.weight, linear.bias


def check(backbone: Backbone) -> None:
    features = backbone.encode_image(pictures(backbone, 3))
    weight, bias = weights(backbone.model.visual)
    assert features.pooled.shape == (3, backbone.pooled_width) == (3, weight.shape[1])
    close(torch.nn.functional.linear(features.pooled, weight, bias), features.embedding)
    close(features.embedding, backbone.image_encoder.embedding(pictures(backbone, 3)))


@pytest.mark.parametrize("family", FAMILIES)
def test_families(family: str) -> None:
    backbone = shared_family(family)
    if family not in WITHOUT:
        check(backbone)
        return
    assert backbone.pooled_width == 0
    assert backbone.encode_image(pictures(backbone, 2)).pooled.shape == (2, 0)
    with pytest.raises(GoproError, match="ends with another layer; choose --method linear_adapter"):
        backbone.image_encoder.projection_input.check("prolip")


@pytest.mark.parametrize("vision", [{}, {"final_ln_after_pool": True, "pool_type": "avg"}, RESNET])
def test_own_towers(vision: dict[str, Any]) -> None:
    check(small_backbone(vision=vision))


@pytest.mark.parametrize("name", ["lite", "mini"])
def test_embedded(name: str) -> None:
    check(build(name))
