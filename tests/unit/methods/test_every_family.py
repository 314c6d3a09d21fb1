"""One training step of the methods on every family of image-text models."""

from __future__ import annotations

import pytest
import torch

from gopro.methods import find
from gopro.methods.base import Batch
from small_towers import FAMILIES, pictures, shared_family

NAMES = ["tabby cat", "dog", "golden retriever"]
EVERYWHERE = ("coop", "cocoop", "gopro", "tip_adapter", "linear_adapter")
WITH_BLOCKS = ("maple", "vpt", "promptsrc", "clip_lora")
UPPER = ("mmrl", "mma")
"""These change the upper blocks of the text tower too, which those of transformers don't allow."""


CASES = [
    (family, method)
    for family, one in FAMILIES.items()
    for method in (
        *EVERYWHERE,
        *(WITH_BLOCKS if one.blocks else ()),
        *(UPPER if one.blocks and not one.hub else ()),
    )
]


@pytest.mark.parametrize(("family", "method"), CASES)
def test_one_step(family: str, method: str) -> None:
    backbone = shared_family(family)
    torch.manual_seed(0)
    kind = find(method)
    learner = kind(backbone, NAMES, kind.Settings()).train()
    labels = torch.tensor([0, 1, 2])
    images = dict.fromkeys(learner.views, pictures(backbone, 3))
    if learner.learns_from_features:
        learner.prepare(backbone.encode_image(images["x"]), labels)
    before = {name: part.detach().clone() for name, part in learner.named_parameters()}
    terms = learner.loss(Batch(labels, images))
    learner.backward(terms, torch.autograd.backward)
    torch.optim.SGD(learner.parameters(), lr=0.1).step()
    moved = [name for name, part in learner.named_parameters() if not part.equal(before[name])]
    assert moved
    assert all(part.isfinite().all() for part in learner.parameters())
    assert not any(part.grad is not None for part in backbone.model.parameters())
    with torch.no_grad():
        scores = learner.eval().logits(learner.encode_image(images["x"]))
    assert scores.shape == (3, 3) and scores.isfinite().all()
