"""The base class of methods."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.methods.base import Batch, initial_context
from gopro.methods.coop import CoOp, CoOpSettings
from small_clips import close


def test_context_from_words(backbone: Backbone) -> None:
    words = backbone.token_embeddings("a photo of a")
    assert words.shape == (4, 64)
    assert torch.equal(initial_context(backbone, "a photo of a", 4), words)
    assert torch.equal(initial_context(backbone, "a photo of a", 2), words[2:])
    torch.manual_seed(3)
    long = initial_context(backbone, "a photo of a", 60)
    assert torch.equal(long[56:], words)
    assert long[:56].std().item() == pytest.approx(0.02, rel=0.1)
    torch.manual_seed(3)
    assert torch.equal(initial_context(backbone, "a photo of a", 60), long)
    assert initial_context(backbone, "", 3).shape == (3, 64)
    with pytest.raises(GoproError, match="got 0 context tokens; wanted at least 1"):
        initial_context(backbone, "a photo of a", 0)


def test_views_are_encoded_in_one_pass(backbone: Backbone, batch: Batch) -> None:
    method = CoOp(backbone, ["cat", "dog", "tree"], CoOpSettings())
    found = method.encode(batch)
    assert list(found) == ["x", "moco", "augmix"]
    for view, features in found.items():
        wanted = backbone.encode_image(batch.images[view])
        close(features.embedding, wanted.embedding)
        close(features.mean, wanted.mean)
        close(features.std, wanted.std)
    assert method.encode(Batch(labels=batch.labels, features=found)) == found
    assert method(batch).keys() == {"ce"}


class Darker(CoOp):
    """A method that modifies the image encoder: it halves the brightness."""

    modifies_image_encoder = True

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        return ImageFeatures.only(self.backbone.encode_image(pixels / 2).embedding)


def test_a_method_with_an_image_tower_of_its_own(backbone: Backbone, batch: Batch) -> None:
    method = Darker(backbone, ["cat", "dog", "tree"], CoOpSettings())
    for view, features in method.encode(batch).items():
        close(features.embedding, backbone.encode_image(batch.images[view] / 2).embedding)
        assert features.mean.shape == features.std.shape == (3, 0)
    frozen = {"x": backbone.encode_image(batch.images["x"])}
    with pytest.raises(GoproError, match="Darker changes the image encoder and got features"):
        method.loss(Batch(labels=batch.labels, features=frozen))


def test_for_classes_checks_the_names(backbone: Backbone) -> None:
    method = CoOp(backbone, ["cat", "dog"], CoOpSettings())
    for names in (["a&b", "a&amp;b"], [""], ["cat " * 40], []):
        with pytest.raises(GoproError):
            method.for_classes(names)
    assert method.class_names == ("cat", "dog")


@pytest.mark.parametrize("name", TABLE)
def test_the_table(name: str) -> None:
    method = find(name)
    assert method.__module__ == f"gopro.methods.{name}"
    assert method.about
    assert "\n" not in method.about
    assert method.Settings() == method.Settings()
    assert Path(__file__).parent.joinpath(f"test_{name}.py").is_file()
