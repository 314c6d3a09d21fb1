"""What all views promise: own draws, no global state, range, size, no gradient."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor
from view_helpers import picture

from gopro.training.views import VIEWS, ViewSettings, make_views
from gopro.training.views.crops import Pixels, crop_and_flip
from gopro.training.views.draws import Draws

SIZE = 48
drawn = pytest.mark.parametrize("name", list(VIEWS))


@pytest.fixture(scope="module")
def originals() -> list[Pixels]:
    """Six pictures of different sizes."""
    return [
        (picture(60 + seed, width=90 - 5 * seed, seed=seed) * 255).byte().permute(1, 2, 0).numpy()
        for seed in range(6)
    ]


def view(name: str, originals: list[Pixels], seed: int, keys: object = None) -> Tensor:
    return make_views(originals, [name], seed, keys=keys, size=SIZE)[name]  # type: ignore[arg-type]


@drawn
def test_same_seed_same_view_other_seed_another(name: str, originals: list[Pixels]) -> None:
    first = view(name, originals, 3)
    assert torch.equal(first, view(name, originals, 3))
    assert (first - view(name, originals, 4)).abs().flatten(1).amax(1).min() > 0.01


@drawn
def test_every_image_has_its_own_draw(name: str, originals: list[Pixels]) -> None:
    views = view(name, originals[:1] * 8, 0)
    distances = (views[:, None] - views[None]).abs().flatten(2).amax(2)
    assert distances[~torch.eye(8, dtype=torch.bool)].min() > 0.01


@drawn
def test_the_draw_follows_the_key_not_the_batch(name: str, originals: list[Pixels]) -> None:
    whole = view(name, originals, 7, [10, 11, 12, 13, 14, 15])
    part = view(name, [originals[4], originals[1]], 7, [14, 11])
    torch.testing.assert_close(part, whole[[4, 1]], rtol=0, atol=1e-6)
    assert torch.equal(view(name, originals, 7), view(name, originals, 7, range(6)))


@drawn
def test_global_random_state_is_neither_used_nor_changed(
    name: str, originals: list[Pixels]
) -> None:
    torch.manual_seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    first = view(name, originals, 0)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]
    torch.manual_seed(2)
    assert torch.equal(first, view(name, originals, 0))


@drawn
def test_range_shape_and_type(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 40, 24, 3), dtype=np.uint8)
    extremes = [np.zeros((40, 24, 3), np.uint8), np.full((40, 24, 3), 255, np.uint8)]
    before = noise.copy()
    views = view(name, [*extremes, *noise], 0)
    assert views.shape == (6, 3, SIZE, SIZE) and views.dtype == torch.float32
    assert views.min() >= 0 and views.max() <= 1
    assert not views.requires_grad
    assert np.array_equal(noise, before)


@drawn
def test_autocast_changes_nothing(name: str, originals: list[Pixels]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        under = view(name, originals, 0)
    assert torch.equal(under, view(name, originals, 0))


@drawn
@pytest.mark.parametrize("side", [1, 2, 16])
def test_tiny_images(name: str, side: int) -> None:
    assert view(name, [np.full((side, side, 3), 128, np.uint8)] * 2, 0).isfinite().all()


@drawn
def test_empty_batch(name: str) -> None:
    assert view(name, [], 0).shape == (0, 3, SIZE, SIZE)


def test_x_is_a_crop_and_all_kinds_draw_independently(originals: list[Pixels]) -> None:
    nothing = ViewSettings(
        moco_jitter_probability=0, moco_grey_probability=0, moco_blur_probability=0
    )
    views = make_views(originals, ("x", "moco"), 5, nothing, range(10, 16), size=SIZE)
    wanted = crop_and_flip(originals[2], Draws(5, [12], 8), (0.08, 1.0), SIZE)
    assert torch.equal(views["x"][2], wanted.float() / 255)
    assert not torch.equal(views["x"], views["moco"])


def test_make_views_makes_those_asked_for(originals: list[Pixels]) -> None:
    assert list(make_views(originals, ("x", "augmix"), 5, size=SIZE)) == ["x", "augmix"]
    assert make_views(originals, (), 5, size=SIZE) == {}
    assert set(VIEWS) == {"x", "moco", "augmix"}


def test_wrong_calls_are_refused(originals: list[Pixels]) -> None:
    with pytest.raises(ValueError, match=r"unknown views \['mocco'\]; choose from \['x'"):
        make_views(originals, ("x", "mocco"), 0, size=SIZE)
    with pytest.raises(ValueError, match="5 keys for 6 pictures"):
        make_views(originals, ("moco",), 0, keys=range(5), size=SIZE)
    with pytest.raises(ValueError, match=r"float64 .*; views take uint8 \[H, W, 3\]"):
        make_views([np.zeros((8, 8, 3))], ("moco",), 0, size=SIZE)  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"uint8 \[3, 8, 8\]"):
        make_views([np.zeros((3, 8, 8), np.uint8)], ("moco",), 0, size=SIZE)


def test_settings_come_without_torch() -> None:
    code = "import sys, gopro.training.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
