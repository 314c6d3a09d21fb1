"""What each setting of GOPro switches off, and settings that don't fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from random_gopro import NAMES, gopro, step
from torch import Tensor, nn

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.base import Batch
from gopro.methods.gopro import GOPro, GOProSettings


@pytest.mark.parametrize(
    ("options", "views", "terms", "branches"),
    [
        ({}, "x moco augmix", "ce sem con", "x moco augmix"),
        ({"w_sem": 0.0}, "x moco", "ce con", "x"),
        ({"w_con": 0.0}, "x moco augmix", "ce sem", "x moco augmix"),
        ({"w_sem": 0.0, "w_con": 0.0}, "x", "ce", "x"),
        ({"moco": False}, "x augmix", "ce sem", "x augmix"),
        ({"augmix": False}, "x moco", "ce sem con", "x moco"),
        ({"moco": False, "augmix": False}, "x", "ce", "x"),
        ({"per_branch": False}, "x moco augmix", "ce sem con", "x"),
        ({"image_projector": False}, "x moco augmix", "ce sem", "x moco augmix"),
        ({"image_projector": False, "w_sem": 0.0}, "x", "ce", "x"),
    ],
    ids=str,
)
def test_views_and_terms(
    backbone: Backbone, batch: Batch, options: dict[str, Any], views: str, terms: str, branches: str
) -> None:
    method = gopro(backbone, **options)
    assert method.views == tuple(views.split())
    assert set(method.generator.get_submodule("rho").keys()) == set(branches.split())
    needed = {view: batch.images[view] for view in method.views}
    found = method.loss(Batch(labels=batch.labels, images=needed))
    assert set(found) == set(terms.split())
    gradients = step(method, Batch(labels=batch.labels, images=needed))
    assert all(gradient.any() for gradient in gradients.values())


@pytest.mark.parametrize("options", [{"w_con": 0.0}, {"moco": False}], ids=str)
def test_released_without_contrast_has_no_projector(
    backbone: Backbone, batch: Batch, options: dict[str, Any]
) -> None:
    method = gopro(backbone, variant="released", **options)
    assert isinstance(method.image_projector, nn.Identity)
    assert all(gradient.any() for gradient in step(method, batch).values())


def test_primitives(backbone: Backbone, images: dict[str, Tensor]) -> None:
    layers, features = len(backbone.vision_widths), backbone.encode_image(images["x"])

    def rows(**options: Any) -> int:
        method = gopro(backbone, **options)
        found: Any = method.generator
        assert len(found.maps) == len(found.primitives(features))
        return len(found.maps)

    assert rows() == layers + 2
    assert rows(content=False) == 2
    assert rows(style=False) == layers
    assert rows(layers=(2,)) == 3
    assert rows(layers=(-1,), style=False) == 1


def test_settings_remove_the_projectors(backbone: Backbone) -> None:
    bare = gopro(backbone, image_projector=False, text_projector=False)
    assert isinstance(bare.image_projector, nn.Identity)
    assert isinstance(bare.text_projector, nn.Identity)
    removed = gopro(backbone).trainable_parameters - bare.trainable_parameters
    assert removed == 2 * (backbone.embed_dim**2 + backbone.embed_dim)


def test_weights_are_reported_apart_from_the_terms(backbone: Backbone, batch: Batch) -> None:
    method = gopro(backbone, w_ce=2.0, w_sem=3.0, w_con=4.0)
    assert method.loss_weights == {"ce": 2.0, "sem": 3.0, "con": 4.0}
    for name, term in gopro(backbone).loss(batch).items():
        assert torch.equal(term, method.loss(batch)[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "other"}, "got the variant 'other'; choose paper or released"),
        ({"content": False, "style": False}, "generates nothing"),
        ({"w_sem": -1.0}, r"got w_sem = -1\.0"),
        ({"w_ce": float("nan")}, "got w_ce = nan"),
        ({"w_con": float("inf")}, "got w_con = inf"),
        ({"temperature": 0.0}, r"got the temperature 0\.0"),
        ({"temperature": float("nan")}, "got the temperature nan"),
        ({"variant": "released", "style": False}, "released variant has no setting style"),
        ({"variant": "released", "layers": (1,)}, "released variant has no setting layers"),
        ({"n_ctx": 0}, "got 0 context tokens"),
        ({"n_ctx": 24}, "only 0 fit"),
        ({"layers": (0,)}, r"got the layers \[0\]; this image encoder has layers 1 to 3"),
        ({"layers": (1, 4)}, r"got the layers \[1, 4\]"),
        ({"layers": (-4,)}, r"got the layers \[-4\]; .* or -1 for the last"),
        ({"layers": ()}, r"got the layers \[\]"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit(
    backbone: Backbone, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(GoproError, match=message):
        GOPro(backbone, NAMES, GOProSettings(**options))


def test_found_by_name() -> None:
    assert find("gopro") is GOPro
    with pytest.raises(GoproError, match="did you mean gopro"):
        find("gropro")
    with pytest.raises(GoproError, match="choose one of zeroshot, coop, "):
        find("xyz")
