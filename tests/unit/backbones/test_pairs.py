"""Single pairs of image and class get what all combinations of images and classes get."""

from __future__ import annotations

import pytest
import torch

from gopro.backbones import Backbone, Prompts
from small_clips import close, small_backbone
from small_towers import shared_family

NAMES = ["ant", "bumble bee", "a very old dog", "yak"]
IMAGES, CLASSES = [0, 0, 2, 2, 2, 1], [2, 0, 1, 3, 2, 0]


def _backbone(name: str) -> Backbone:
    if name in ("causal", "in chunks"):
        return small_backbone(chunk_tokens=16 if name == "in chunks" else 8192)
    return shared_family(name)


@pytest.mark.parametrize("name", ["causal", "in chunks", "siglip", "coca"])
@torch.no_grad()
def test_pairs_are_entries_of_the_whole(name: str) -> None:
    backbone = _backbone(name)
    classes = backbone.class_tokens(NAMES, 4)
    assert len(set(classes.lengths)) > 1
    context = torch.randn(3, 4, backbone.text_width, generator=torch.Generator().manual_seed(0))
    whole = backbone.encode_text(Prompts.after(context, classes))
    images, columns = torch.tensor(IMAGES), torch.tensor(CLASSES)
    pairs = backbone.encode_text(Prompts.after(context, classes.paired(images, columns)))
    assert pairs.shape == (6, 1, backbone.embed_dim)
    close(pairs[:, 0], whole[images, columns])
