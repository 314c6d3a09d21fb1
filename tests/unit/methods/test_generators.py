"""What content and style contribute adds up to the shift, in both variants."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gopro.backbones import ImageFeatures
from gopro.methods.generators import PaperGenerator, ReleasedGenerator

WIDTHS = (6, 8)


def _features() -> ImageFeatures:
    draw = torch.Generator().manual_seed(0)
    mean, std, embedding = (torch.randn(3, 14, generator=draw) for _ in range(3))
    return ImageFeatures(embedding, mean, std.abs(), embedding[:, :0])


def _random(generator: nn.Module) -> None:
    torch.manual_seed(1)
    for parameter in generator.parameters():
        nn.init.normal_(parameter)


@pytest.mark.parametrize("rescale", [True, False])
def test_paper(rescale: bool) -> None:
    generator = PaperGenerator(
        WIDTHS,
        5,
        tokens=4,
        content=True,
        style=True,
        layers=None,
        rescale=rescale,
        branches=("x", "moco"),
    )
    _random(generator)
    for branch in ("x", "moco", "augmix"):
        found = generator.contributions(_features(), branch)
        assert found["content"].shape == (3, 4, 5)
        torch.testing.assert_close(sum(found.values()), generator(_features(), branch))


def test_a_part_that_is_off_contributes_nothing() -> None:
    generator = PaperGenerator(
        WIDTHS,
        5,
        tokens=2,
        content=False,
        style=True,
        layers=None,
        rescale=True,
        branches=("x",),
    )
    _random(generator)
    assert not generator.contributions(_features(), "x")["content"].any()


def test_released() -> None:
    generator = ReleasedGenerator(WIDTHS, 5)
    _random(generator)
    found = generator.contributions(_features(), "x")
    torch.testing.assert_close(sum(found.values()), generator(_features(), "x"))
