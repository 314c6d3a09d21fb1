"""``--precision auto``: bf16 if a short trial shows that it is faster on this device."""

from __future__ import annotations

import statistics
from functools import lru_cache
from typing import Literal

import torch

from gopro.backbones.build import build, choose_device
from gopro.backbones.clip import Backbone
from gopro.common.timed import timed

PAYS = 1.2
"""bf16 must be this many times as fast to be worth its rounding."""

_KINDS = ("fp32", "bf16")
_IMAGES = 4
_TIMES = 3


@lru_cache(maxsize=1)  # one decision for all runs of a command
def fastest(name: str, pretrained: str | None, device: str) -> Literal["fp32", "bf16"]:
    """The faster precision: both encoders are timed in float32 and bf16, in turns.

    Args:
        name: As ``build`` takes it.
        pretrained: As ``build`` takes it.
        device: As ``build`` takes it.

    Raises:
        GoproError: As ``build``.
    """
    resolved = choose_device(device)
    backbones = {kind: build(name, pretrained, device=device, precision=kind) for kind in _KINDS}
    times: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for _ in range(1 + _TIMES):  # the first time is a warm-up
        for kind, backbone in backbones.items():
            times[kind].append(timed(lambda: _work(backbone), resolved)[1])  # noqa: B023
    exact, rounded = (statistics.median(times[kind][1:]) for kind in _KINDS)
    return "bf16" if exact >= PAYS * rounded else "fp32"


def _work(backbone: Backbone) -> None:
    """One pass of each encoder, on dummy images and prompts."""
    side = backbone.image_size
    backbone.encode_image(torch.zeros(_IMAGES, 3, side, side, device=backbone.device))
    backbone.encode_class_names([f"class {number}" for number in range(8 * _IMAGES)])
