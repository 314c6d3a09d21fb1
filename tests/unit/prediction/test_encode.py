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
from gopro.common.preprocessing import Preprocessing
from gopro.data import Dataset, Item
from gopro.methods import find
from gopro.prediction import encode as encode_module
from gopro.prediction.encode import encode, features_for
from gopro.prediction.predict import accuracy, predict, scores, validator
from small_clips import small_backbone


class Means:
    """A backbone whose embedding is the mean colour."""

    preprocessing, device = Preprocessing(8), torch.device("cpu")

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        colour = pixels.mean(dim=(2, 3))
        return ImageFeatures.only(colour)


def frozen() -> Any:
    """A method with the frozen image encoder."""
    return SimpleNamespace(backbone=Means(), modifies_image_encoder=False)


def _dataset(colours: list[int]) -> Dataset:
    def draw(key: str) -> Image.Image:
        return Image.new("RGB", (8, 8), (int(key), 0, 0))

    items = tuple(Item(str(colour), 0) for colour in colours)
    return Dataset("drawn", Path(), ("a",), (), (), items, draw=draw)


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_features_come_in_order_whatever_the_batch(batch: int) -> None:
    dataset = _dataset([255, 0, 51])
    found = features_for(frozen(), dataset, dataset.test, batch=batch, workers=2)
    torch.testing.assert_close(found.embedding[:, 0], torch.tensor([1.0, 0.0, 0.2]))
    assert len(found) == 3


def test_pictures_that_another_process_encodes_come_last_and_stay_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset, order = _dataset([255, 0, 51, 102]), []

    def unless_busy(backbone: Any, pixels: Tensor, name: None) -> ImageFeatures | None:
        red = int(pixels[0, 0, 0, 0])
        order.append(red)
        return backbone.encode_image(pixels / 255) if red in (0, 102) else None

    monkeypatch.setattr(encode_module, "cached_features_unless_busy", unless_busy)
    found = features_for(frozen(), dataset, dataset.test, batch=1, workers=1)
    torch.testing.assert_close(found.embedding[:, 0], torch.tensor([1.0, 0.0, 0.2, 0.4]))
    assert order == [255, 0, 51, 102]


def test_no_more_than_a_few_batches_wait_for_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset, waiting, most = _dataset(list(range(20))), set[int](), 0

    def busy(backbone: Any, pixels: Tensor, name: None) -> None:
        nonlocal most
        waiting.add(int(pixels[0, 0, 0, 0]))
        most = max(most, len(waiting))

    def encode(backbone: Any, pixels: Tensor, name: None) -> ImageFeatures:
        waiting.discard(int(pixels[0, 0, 0, 0]))
        return Means().encode_image(pixels / 255)

    monkeypatch.setattr(encode_module, "cached_features_unless_busy", busy)
    monkeypatch.setattr(encode_module, "cached_features", encode)
    found = features_for(frozen(), dataset, dataset.test, batch=1, workers=1)
    assert found.embedding[:, 0].mul(255).round().tolist() == list(range(20))
    assert most == 5 and not waiting


def test_accuracy_by_hand() -> None:
    assert accuracy(torch.tensor([0, 1, 2, 2]), [0, 1, 2, 0]) == 75.0
    assert accuracy(torch.tensor([1, 1, 1]), torch.tensor([1, 0, 0])) == pytest.approx(100 / 3)
    assert accuracy(torch.tensor([3]), [0]) == 0.0


@pytest.mark.parametrize("batch", [1, 2, 3, 64])
def test_scores_in_float32_without_gradient(batch: int) -> None:
    wanted = torch.tensor([[0.0, 2.0], [3.0, 1.0], [0.0, 1.0]], requires_grad=True)
    method: Any = SimpleNamespace(logits=lambda features: features.embedding.bfloat16())
    features = ImageFeatures.only(wanted)
    found = scores(method, features, batch)
    assert torch.equal(found, wanted)
    assert found.dtype == torch.float32 and not found.requires_grad
    assert predict(method, features, batch).tolist() == [1, 0, 1]


@pytest.mark.parametrize(("name", "passes"), [("coop", 1), ("cocoop", 3)])
def test_one_text_pass_serves_all_images_where_prompts_are_the_same(
    name: str, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = small_backbone()
    kind = find(name)
    method = kind(backbone, ("ant", "bee"), kind.Settings())
    features = backbone.encode_image(torch.rand(5, 3, backbone.image_size, backbone.image_size))
    alone = [int(method.logits(features[at : at + 1]).argmax()) for at in range(5)]
    texts, count = backbone.encode_text, []
    monkeypatch.setattr(backbone, "encode_text", lambda prompts: count.append(1) or texts(prompts))
    assert predict(method, features, batch=2).tolist() == alone
    assert len(count) == passes


class Brighter:
    """A method that scores an image's mean colour, times what it has learned."""

    def __init__(self, modifies_image_encoder: bool) -> None:
        self.backbone: Any = Means()
        self.modifies_image_encoder = modifies_image_encoder
        self.gain = torch.tensor(1.0, requires_grad=True)
        self.passes = 0

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        self.passes += 1
        if not self.modifies_image_encoder:
            return self.backbone.encode_image(pixels)
        return ImageFeatures.only(self.gain * pixels.mean(dim=(2, 3)))

    def logits(self, features: ImageFeatures) -> Tensor:
        return torch.stack([features.embedding[:, 0], torch.full((len(features),), 0.3)], dim=1)


@pytest.mark.parametrize("modifies_image_encoder", [False, True])
def test_a_method_encodes_for_itself(modifies_image_encoder: bool) -> None:
    method: Any = Brighter(modifies_image_encoder)
    dataset = _dataset([255, 0, 51])
    pixels = torch.tensor([255, 0, 51], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 8, 8)
    for gain in (1.0, 2.0):
        method.gain.data.fill_(gain)
        wanted = torch.tensor([1.0, 0.0, 0.2]) * (gain if modifies_image_encoder else 1.0)
        found = encode(method, pixels, batch=2)
        torch.testing.assert_close(found.embedding[:, 0], wanted)
        assert not found.embedding.requires_grad
        passes = method.passes
        for plain in (pixels, pixels.float() / 255):
            found = encode(method, plain, batch=2, cached=False)
            torch.testing.assert_close(found.embedding[:, 0], wanted)
        assert method.passes == passes + 4  # not read from the cache
        found = features_for(method, dataset, dataset.test, batch=2, workers=1)
        torch.testing.assert_close(found.embedding[:, 0], wanted)
        assert not found.embedding.requires_grad


@pytest.mark.parametrize("modifies_image_encoder", [False, True])
def test_validation_encodes_again_where_the_tower_learns(modifies_image_encoder: bool) -> None:
    method: Any = Brighter(modifies_image_encoder)
    pixels = torch.tensor([255, 0, 51], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 8, 8)
    validate = validator(method, pixels, [0, 1, 0], batch=3)
    assert validate(method) == pytest.approx(200 / 3)
    method.gain.data.fill_(2.0)
    assert validate(method) == (100.0 if modifies_image_encoder else pytest.approx(200 / 3))
    assert method.passes == (
        2 if modifies_image_encoder else 0
    )  # the frozen tower's features are cached
