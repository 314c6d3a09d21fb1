"""CoOp against the plain loop."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch
from gopro.methods.coop import CoOp, CoOpSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close, plain_prompts

NAMES = ["cat", "golden retriever", "C-130 Hercules"]


def test_loss_logits_and_gradient(backbone: Backbone, batch: Batch) -> None:
    method = CoOp(backbone, NAMES, CoOpSettings(n_ctx=5))
    assert method.views == ("x",)
    features = backbone.encode_image(batch.images["x"])
    text = plain_prompts(backbone, NAMES, method.context)
    scale = backbone.model.logit_scale.exp()
    wanted = torch.stack(
        [
            torch.stack([scale * F.cosine_similarity(image, row, dim=0) for row in text])
            for image in features.embedding
        ]
    )
    close(method.logits(features), wanted)
    loss = -wanted.log_softmax(dim=1)[torch.arange(3), batch.labels].mean()
    terms = method.loss(batch)
    assert set(terms) == {"ce"} == set(method.loss_weights)
    close(terms["ce"], loss)
    (mine,) = torch.autograd.grad(terms["ce"], method.context)
    (slow,) = torch.autograd.grad(loss, method.context)
    close(mine, slow, 5e-5)


def test_starts_at_zero_shot(backbone: Backbone, batch: Batch) -> None:
    features = backbone.encode_image(batch.images["x"])
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings())
    close(CoOp(backbone, NAMES, CoOpSettings()).logits(features), zero.logits(features))


def test_new_names(backbone: Backbone, batch: Batch) -> None:
    method = CoOp(backbone, NAMES, CoOpSettings())
    features = backbone.encode_image(batch.images["x"])
    new = ["tree", "sailing boat", "sun"]
    built = CoOp(backbone, new, CoOpSettings())
    built.load_state_dict(method.state_dict())
    found = method.for_classes(new).logits(features)
    assert torch.equal(found, built.logits(features))
    assert not torch.equal(found, method.logits(features))
    assert set(method.state_dict()) == {"context"}
    assert method.trainable_parameters == 4 * 64


def test_too_many_context_tokens(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match="use fewer context tokens"):
        CoOp(backbone, NAMES, CoOpSettings(n_ctx=40))
