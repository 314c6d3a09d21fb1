"""From pictures to accuracy, by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.data import Dataset, Item
from gopro.evaluate import accuracy, frozen_features, predict


class Means:
    """A backbone whose embedding is the mean colour."""

    image_size, device = 8, torch.device("cpu")

    def image(self, pixels: Tensor) -> ImageFeatures:
        colour = pixels.mean(dim=(2, 3))
        return ImageFeatures(colour, colour, colour)


def _dataset(colours: list[int]) -> Dataset:
    def draw(key: str) -> Image.Image:
        return Image.new("RGB", (8, 8), (int(key), 0, 0))

    items = tuple(Item(str(colour), 0) for colour in colours)
    return Dataset("drawn", Path(), ("a",), (), (), items, draw=draw)


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_features_come_in_order_whatever_the_batch(batch: int) -> None:
    dataset = _dataset([255, 0, 51])
    backbone: Any = Means()
    found = frozen_features(backbone, dataset, dataset.test, batch=batch, workers=2)
    torch.testing.assert_close(found.embedding[:, 0], torch.tensor([1.0, 0.0, 0.2]))
    assert len(found) == 3


def test_accuracy_by_hand() -> None:
    assert accuracy(torch.tensor([0, 1, 2, 2]), [0, 1, 2, 0]) == 75.0
    assert accuracy(torch.tensor([1, 1, 1]), torch.tensor([1, 0, 0])) == pytest.approx(100 / 3)
    assert accuracy(torch.tensor([3]), [0]) == 0.0


@pytest.mark.parametrize("batch", [1, 2, 3, 64])
def test_predictions_are_the_largest_scores_without_gradient(batch: int) -> None:
    scores = torch.tensor([[0.0, 2.0], [3.0, 1.0], [0.0, 1.0]], requires_grad=True)
    method: Any = SimpleNamespace(logits=lambda features: features.embedding)
    found = predict(method, ImageFeatures(scores, scores, scores), batch)
    assert found.tolist() == [1, 0, 1]
    assert not found.requires_grad
