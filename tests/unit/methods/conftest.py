"""A small backbone and three views of a few pictures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone
from gopro.methods.base import Batch
from small_clips import small_backbone


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """Two text blocks deep, so that the slow formulas stay fast."""
    return small_backbone(text={"layers": 2, "context_length": 24})


@pytest.fixture(scope="session")
def images() -> dict[str, Tensor]:
    """Three views of three pictures, [3, 3, 32, 32] each."""
    generator = torch.Generator().manual_seed(1)
    return {view: torch.rand(3, 3, 32, 32, generator=generator) for view in ("x", "moco", "augmix")}


@pytest.fixture
def batch(images: dict[str, Tensor]) -> Batch:
    """The pictures with labels."""
    return Batch(labels=torch.tensor([2, 0, 1]), images=images)
