"""Zero-shot CLIP against open_clip's own towers."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from gopro.backbones import Backbone
from gopro.errors import GoproError
from gopro.methods.base import Batch
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close

NAMES = ["cat", "golden_retriever", "C-130 Hercules"]


@pytest.mark.parametrize("template", ["a photo of a {}.", "{}, a type of thing."])
def test_logits(backbone: Backbone, batch: Batch, template: str) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings(template=template))
    features = backbone.image(batch.images["x"])
    texts = [template.replace("{}", name.replace("_", " ")) for name in NAMES]
    tokens = backbone.tokenizer(texts, context_length=24)  # type: ignore[operator]
    with torch.no_grad():
        text = backbone.model.encode_text(tokens)
    wanted = backbone.model.logit_scale.exp() * torch.stack(
        [F.cosine_similarity(features.embedding, row[None]) for row in text], dim=1
    )
    close(method.logits(features), wanted)


def test_nothing_is_learned(backbone: Backbone, batch: Batch) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings())
    assert method.trainable_parameters == 0
    assert method.state_dict() == {}
    with pytest.raises(GoproError, match="zeroshot learns nothing"):
        method.loss(batch)


def test_new_names_leave_the_first_ones_alone(backbone: Backbone, batch: Batch) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings())
    features = backbone.image(batch.images["x"])
    before = method.logits(features)
    found = method.for_classes(["tree", "sun"]).logits(features)
    assert torch.equal(
        found, ZeroShot(backbone, ["tree", "sun"], ZeroShotSettings()).logits(features)
    )
    assert torch.equal(method.logits(features), before)


def test_template_needs_a_place(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match="without a place"):
        ZeroShot(backbone, NAMES, ZeroShotSettings(template="a photo"))
