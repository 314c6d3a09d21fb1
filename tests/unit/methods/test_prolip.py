"""ProLIP learns the encoder's own last map; its formulas are in ``test_linear_adapter``."""

from __future__ import annotations

import torch
from slow_methods import NAMES

from gopro.backbones import Backbone
from gopro.methods.base import Batch
from gopro.methods.prolip import ProLIP
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close


def test_starts_at_zero_shot_and_changes_through_the_pooled_features(
    backbone: Backbone, batch: Batch
) -> None:
    torch.manual_seed(0)
    method = ProLIP(backbone, NAMES, ProLIP.Settings()).eval()
    features = backbone.encode_image(batch.images["x"])
    zero_shot = ZeroShot(backbone, NAMES, ZeroShotSettings()).logits(features)
    close(method.logits(features), zero_shot)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    assert (method.logits(features) - zero_shot).abs().max() > 0.01
    blank = type(features)(**{**features.parts, "pooled": torch.zeros_like(features.pooled)})
    close(method.logits(blank), zero_shot)
