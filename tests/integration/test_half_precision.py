"""Half precision, where the published codes overflow."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gopro.backbones.image import to_unit
from half_precision import (
    STEPS,
    STORED_SCALE,
    TEMPERATURE,
    assert_sound,
    loud_backbone,
    pictures,
    train,
)


def test_these_settings_overflow_as_published() -> None:
    """What the released codes compute in half precision is infinite here; ours is not."""
    backbone = loud_backbone("fp16")
    seen: list[torch.Tensor] = []
    backbone.image_encoder.layers[-1].register_forward_hook(
        lambda module, args, out: seen.append(out)
    )
    features = backbone.encode_image(to_unit(pictures().pixels, backbone.device))
    tokens = seen[0]
    assert tokens.dtype == torch.float16 and tokens.isfinite().all()
    assert not ((tokens - tokens.mean(dim=1, keepdim=True)) ** 2).sum(dim=1).isfinite().all()
    assert features.std.isfinite().all() and features.std.max() > 100
    assert torch.tensor(STORED_SCALE).half().exp().isinf()
    assert torch.tensor(1 / TEMPERATURE).half().exp().isinf()
    assert backbone.logit_scale.item() == 100.0


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_200_steps(tmp_path: Path, variant: str) -> None:
    half = train("gopro", tmp_path, "fp16", variant=variant, temperature=TEMPERATURE)
    assert len(half.progress.rows) * half.steps == STEPS
    assert_sound(half)
