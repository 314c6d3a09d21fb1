"""GOPro's parts: switching one off removes its weights and its computation, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.methods.base import Batch
from gopro.methods.gopro import GOPro, GOProSettings

NAMES = ["cat", "golden retriever", "car_side", "C-130 Hercules"]
IMAGES = 3


@dataclass
class Work:
    """Counts the calls of the encoders in a training step.

    Attributes:
        images: How many went through the image tower.
        contexts: How many contexts went through the text tower, and of how many tokens.
    """

    images: int = 0
    contexts: list[int] = field(default_factory=list)


def step(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, options: GOProSettings
) -> tuple[GOPro, set[str], Work]:
    """A training step: the method, its loss terms and the work it took."""
    work = Work()
    image, text = backbone.encode_image, backbone.encode_text

    def seen(pixels: Tensor) -> ImageFeatures:
        work.images += len(pixels)
        return image(pixels)

    def read(prompts: Prompts) -> Tensor:
        embeddings = text(prompts)
        work.contexts += [len(embeddings), method.context.shape[0]]
        return embeddings

    monkeypatch.setattr(backbone, "encode_image", seen)
    monkeypatch.setattr(backbone, "encode_text", read)
    torch.manual_seed(0)
    method = GOPro(backbone, NAMES, options)
    size = backbone.image_size
    views = {name: torch.rand(IMAGES, 3, size, size) for name in method.views}
    terms = method.loss(Batch(labels=torch.arange(IMAGES), images=views))
    return method, set(terms), work


# part -> terms that are gone, views still seen, views with prompts, what is gone of the weights
REMOVED: dict[str, tuple[str, str, str, str]] = {
    "no-sem": ("sem", "x moco", "x", "generator.rho.moco generator.rho.augmix"),
    "no-con": ("con", "x moco augmix", "x moco augmix", ""),
    "no-image-projector": ("con", "x moco augmix", "x moco augmix", "image_projector"),
    "no-text-projector": ("", "x moco augmix", "x moco augmix", "text_projector"),
    "no-content": (
        "",
        "x moco augmix",
        "x moco augmix",
        "generator.maps.2 generator.maps.3 generator.maps.4",
    ),
    "no-style": ("", "x moco augmix", "x moco augmix", "generator.maps.3 generator.maps.4"),
    "no-moco": ("con", "x augmix", "x augmix", "generator.rho.moco"),
    "no-augmix": ("", "x moco", "x moco", "generator.rho.augmix"),
    "one-rho": ("", "x moco augmix", "x moco augmix", "generator.rho.moco generator.rho.augmix"),
    "no-rescale": ("", "x moco augmix", "x moco augmix", ""),
    "last-layer": ("", "x moco augmix", "x moco augmix", "generator.maps.3 generator.maps.4"),
    "1-token": ("", "x moco augmix", "x moco augmix", ""),
    "2-tokens": ("", "x moco augmix", "x moco augmix", ""),
    "8-tokens": ("", "x moco augmix", "x moco augmix", ""),
}


def test_every_part_is_here() -> None:
    assert set(REMOVED) == set(GOPro.parts)


@pytest.mark.parametrize("part", REMOVED)
def test_a_part_switched_off(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    assert len(backbone.vision_widths) == 3  # which the maps above are counted for
    full = GOPro(backbone, NAMES, GOProSettings())
    options = replace(GOProSettings(), **GOPro.parts[part])
    method, terms, work = step(backbone, monkeypatch, options)
    gone, seen, prompted, weights = (words.split() for words in REMOVED[part])
    assert {"ce", "sem", "con"} - terms == set(gone)
    assert method.views == tuple(seen)
    assert work.images == IMAGES * len(seen)
    assert work.contexts == [IMAGES * len(prompted), options.n_ctx]
    before, after = dict(full.named_parameters()), dict(method.named_parameters())
    assert set(after) <= set(before)
    lost = set(before) - set(after)
    assert {name.rpartition(".")[0] for name in lost} == set(weights)


def test_tokens(backbone: Backbone) -> None:
    for part in ("1-token", "2-tokens", "8-tokens"):
        method = GOPro(backbone, NAMES, replace(GOProSettings(), **GOPro.parts[part]))
        assert method.context.shape[0] == int(part[0])


def test_the_last_layer_is_the_only_one(backbone: Backbone) -> None:
    method = GOPro(backbone, NAMES, replace(GOProSettings(), **GOPro.parts["last-layer"]))
    counted = GOPro(backbone, NAMES, GOProSettings(layers=(len(backbone.vision_widths),)))
    assert method.generator.layers == counted.generator.layers == (3,)


def test_without_rescaling_the_primitives_are_as_they_are(
    backbone: Backbone, images: dict[str, Tensor]
) -> None:
    features = backbone.encode_image(images["x"])
    shifts = []
    for scale in (1.0, 2.0):
        torch.manual_seed(0)
        method = GOPro(backbone, NAMES, replace(GOProSettings(), **GOPro.parts["no-rescale"]))
        for linear in (*method.generator.maps, *method.generator.rho.values()):
            torch.nn.init.ones_(linear.weight)
            torch.nn.init.zeros_(linear.bias)
        scaled = replace(features, mean=scale * features.mean, std=scale * features.std)
        shifts.append(method.generator(scaled, "x"))
    torch.testing.assert_close(shifts[1], 2 * shifts[0])
