"""What all views promise: own draws, no global state, range, type, no gradient."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from gopro.training.views import (
    VIEWS,
    View,
    ViewSettings,
    augmix_view,
    crop_flip_view,
    make_views,
    moco_view,
    plain_view,
)

SETTINGS = ViewSettings()
DRAWN = [crop_flip_view, moco_view, augmix_view]
drawn = pytest.mark.parametrize("view", DRAWN)


@drawn
def test_same_seed_same_view_other_seed_another(view: View, pictures: Tensor) -> None:
    first = view(pictures, 3, SETTINGS, None)
    assert torch.equal(first, view(pictures, 3, SETTINGS, None))
    assert (first - view(pictures, 4, SETTINGS, None)).abs().flatten(1).amax(1).min() > 0.01


@drawn
def test_every_image_has_its_own_draw(view: View, pictures: Tensor) -> None:
    views = view(pictures[:1].expand(8, -1, -1, -1), 0, SETTINGS, None)
    distances = (views[:, None] - views[None]).abs().flatten(2).amax(2)
    assert distances[~torch.eye(8, dtype=torch.bool)].min() > 0.01


@drawn
def test_the_draw_follows_the_key_not_the_batch(view: View, pictures: Tensor) -> None:
    whole = view(pictures, 7, SETTINGS, [10, 11, 12, 13, 14, 15])
    part = view(pictures[[4, 1]], 7, SETTINGS, [14, 11])
    torch.testing.assert_close(part, whole[[4, 1]], rtol=0, atol=1e-6)
    default = view(pictures, 7, SETTINGS, None)
    assert torch.equal(default, view(pictures, 7, SETTINGS, range(6)))


@drawn
def test_global_random_state_is_neither_used_nor_changed(view: View, pictures: Tensor) -> None:
    torch.manual_seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    first = view(pictures, 0, SETTINGS, None)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]
    torch.manual_seed(2)
    assert torch.equal(first, view(pictures, 0, SETTINGS, None))


@drawn
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_range_shape_and_type(view: View, dtype: torch.dtype) -> None:
    extremes = torch.stack([torch.zeros(3, 40, 24), torch.ones(3, 40, 24)])
    noise = torch.rand((6, 3, 40, 24), generator=torch.Generator().manual_seed(0))
    images = torch.cat([extremes, noise, noise.round()]).to(dtype)
    before = images.clone()
    views = view(images, 0, SETTINGS, None)
    assert views.shape == images.shape
    assert views.dtype == dtype
    assert views.min() >= 0
    assert views.max() <= 1
    assert torch.equal(images, before)


@drawn
def test_no_gradient(view: View, pictures: Tensor) -> None:
    assert not view(pictures.requires_grad_(), 0, SETTINGS, None).requires_grad


@drawn
def test_autocast_changes_nothing(view: View, pictures: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        under = view(pictures, 0, SETTINGS, None)
    assert torch.equal(under, view(pictures, 0, SETTINGS, None))


@drawn
@pytest.mark.parametrize("side", [1, 2, 16])
def test_tiny_images(view: View, side: int) -> None:
    assert view(torch.full((2, 3, side, side), 0.5), 0, SETTINGS, None).isfinite().all()


@drawn
def test_empty_batch(view: View) -> None:
    assert view(torch.empty(0, 3, 8, 8), 0, SETTINGS, None).shape == (0, 3, 8, 8)


def test_x_is_the_image_unless_asked_otherwise(pictures: Tensor) -> None:
    assert plain_view(pictures, 0) is pictures
    cropped = make_views(pictures, ["x"], 0, augment="crop-flip")["x"]
    assert torch.equal(cropped, crop_flip_view(pictures, 0))


def test_make_views_makes_those_asked_for(pictures: Tensor) -> None:
    views = make_views(pictures, ("x", "augmix"), 5, keys=range(10, 16))
    assert list(views) == ["x", "augmix"]
    assert views["x"] is pictures
    assert torch.equal(views["augmix"], augmix_view(pictures, 5, keys=range(10, 16)))
    assert make_views(pictures, (), 5) == {}
    assert set(VIEWS) == {"x", "moco", "augmix"}


def test_kinds_of_view_draw_independently(pictures: Tensor) -> None:
    same_crop = ViewSettings(
        moco_jitter_probability=0,
        moco_grey_probability=0,
        moco_blur_probability=0,
        moco_scale=(0.08, 1.0),
    )
    assert not torch.equal(moco_view(pictures, 0, same_crop), crop_flip_view(pictures, 0))


def test_wrong_calls_are_refused(pictures: Tensor) -> None:
    with pytest.raises(ValueError, match=r"unknown views \['mocco'\]; choose from \['x'"):
        make_views(pictures, ("x", "mocco"), 0)
    with pytest.raises(ValueError, match="5 keys for 6 images"):
        moco_view(pictures, 0, keys=range(5))
    with pytest.raises(ValueError, match=r"torch.uint8 .* take float \[B, 3, H, W\]"):
        moco_view((pictures * 255).byte(), 0)
    with pytest.raises(ValueError, match=r"\[3, 48, 48\]"):
        augmix_view(pictures[0], 0)
    with pytest.raises(ValueError, match=r"\[6, 1, 48, 48\]"):
        crop_flip_view(pictures[:, :1], 0)


def test_settings_come_without_torch() -> None:
    code = "import sys, gopro.training.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
