"""Zero-shot CLIP against open_clip's own towers."""

from __future__ import annotations

from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES
from torch.nn import functional as F

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.data.templates import DEFAULT, ensemble_templates
from gopro.methods.base import Batch
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close


@pytest.mark.parametrize("template", ["a photo of a {}.", "{}, a type of thing."])
def test_logits(backbone: Backbone, batch: Batch, template: str) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings(template=template))
    features = backbone.encode_image(batch.images["x"])
    texts = [template.replace("{}", name.replace("_", " ")) for name in NAMES]
    tokens = backbone.tokenizer(texts, context_length=24)  # type: ignore[operator]
    with torch.no_grad():
        text = backbone.model.encode_text(tokens)
    wanted = backbone.model.logit_scale.exp() * torch.stack(
        [F.cosine_similarity(features.embedding, row[None]) for row in text], dim=1
    )
    close(method.logits(features), wanted)


def test_without_a_sentence_it_is_the_usual_one(backbone: Backbone, batch: Batch) -> None:
    features = backbone.encode_image(batch.images["x"])
    usual = ZeroShot(backbone, NAMES, ZeroShotSettings(template=DEFAULT))
    found = ZeroShot(backbone, NAMES, ZeroShotSettings()).logits(features)
    assert torch.equal(found, usual.logits(features))


@pytest.mark.parametrize(
    ("ensemble", "template", "count"),
    [("select", None, 7), ("select", "{} texture.", 8), ("imagenet", "{} texture.", 80)],
)
def test_ensembles(
    backbone: Backbone, batch: Batch, ensemble: Any, template: str | None, count: int
) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings(template, ensemble))
    used = [*ensemble_templates(ensemble), *(["{} texture."] if count == 8 else [])]
    assert len(used) == count
    texts = torch.stack([slow.written(backbone, sentence) for sentence in used])
    mean = torch.stack([slow.unit(row) for row in texts.sum(dim=0) / count])
    features = backbone.encode_image(batch.images["x"])
    close(method.logits(features), slow.scores(backbone, features.embedding, mean))


def test_other_names_bring_their_own_sentence(backbone: Backbone, batch: Batch) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings(DEFAULT))
    features = backbone.encode_image(batch.images["x"])
    other = method.for_classes(["tree", "sun"], template="{} texture.")
    wanted = ZeroShot(backbone, ["tree", "sun"], ZeroShotSettings("{} texture."))
    assert torch.equal(other.logits(features), wanted.logits(features))
    assert method.settings.template == DEFAULT
    assert other.for_classes(NAMES).settings.template == "{} texture."


def test_nothing_is_learned(backbone: Backbone, batch: Batch) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings())
    assert method.trainable_parameters == 0
    assert method.state_dict() == {}
    with pytest.raises(GoproError, match="zeroshot learns nothing"):
        method.loss(batch)


def test_new_names_leave_the_first_ones_alone(backbone: Backbone, batch: Batch) -> None:
    method = ZeroShot(backbone, NAMES, ZeroShotSettings())
    features = backbone.encode_image(batch.images["x"])
    before = method.logits(features)
    found = method.for_classes(["tree", "sun"]).logits(features)
    assert torch.equal(
        found, ZeroShot(backbone, ["tree", "sun"], ZeroShotSettings()).logits(features)
    )
    assert torch.equal(method.logits(features), before)


def test_template_needs_a_place(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match=r"without \{\} for the class name"):
        ZeroShot(backbone, NAMES, ZeroShotSettings(template="a photo"))


def test_an_unknown_ensemble() -> None:
    with pytest.raises(GoproError, match="got the ensemble 'all'; choose none, select or imagenet"):
        ZeroShotSettings(ensemble="all")  # type: ignore[arg-type]
