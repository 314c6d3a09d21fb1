"""Occlusion finds the region that determines the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.classifier.explain.regions import CELLS, in_words, occlusion


class _LooksAtOneCorner:
    """The first class's score is the brightness of the upper left quarter."""

    class_names: tuple[str, ...] = ("bright", "dark")

    def for_classes(self, names: Sequence[str]) -> _LooksAtOneCorner:
        other = _LooksAtOneCorner()
        other.class_names = tuple(names)
        return other

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        half = pixels.shape[-1] // 2
        corner = pixels[:, :, :half, :half].mean(dim=(1, 2, 3))[:, None]
        return ImageFeatures.only(corner)

    def logits(self, features: ImageFeatures) -> Tensor:
        bright = 9 * features.embedding
        places = {"bright": bright, "dark": torch.full_like(bright, 1.0)}
        return torch.cat([places[name] for name in self.class_names], dim=1)


def test_only_the_used_region_counts() -> None:
    pixels = torch.zeros(3, 32, 32)
    pixels[:, :16, :16] = 1.0
    method: Any = _LooksAtOneCorner()
    name, result = occlusion(method, pixels, batch=7)
    assert name == "bright"
    assert result.shape == (CELLS, CELLS)
    assert result[:4, :4].min() > 0
    assert result[5:, 5:].abs().max() < 1e-6
    assert in_words(result) == "upper left"


def test_nothing_matters() -> None:
    method: Any = _LooksAtOneCorner()
    name, result = occlusion(method, torch.full((3, 32, 32), 0.5))
    assert name == "bright"
    assert result.abs().max() == pytest.approx(0, abs=1e-6)
    assert in_words(torch.zeros(8, 8)) == "nowhere in particular"
    assert in_words(torch.nn.functional.pad(torch.ones(2, 2), (3, 3, 3, 3))) == "centre"
