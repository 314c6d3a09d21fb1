"""Affine maps, crops and flips."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import RandomResizedCrop
from view_helpers import Fixed, picture

from gopro.training.views.draws import Draws
from gopro.training.views.geometry import crop_and_flip, crop_boxes, resample

PARTS = [0.1, 0.25, 0.5, 0.75, 0.9]
WHOLE = (1.0, 1.0)
"""A crop scale that leaves a square image whole whenever the drawn ratio can't fit."""


def test_the_identity_map_changes_nothing(pictures: Tensor) -> None:
    matrices = np.tile(np.eye(2, 3), (6, 1, 1))
    for padding in ("border", "zeros"):
        torch.testing.assert_close(
            resample(pictures, matrices, padding), pictures, rtol=0, atol=2e-5
        )


def test_maps_agree_with_pil_on_an_oblong_image() -> None:
    image = picture(40, width=56)
    matrix = np.array([[0.9, 0.2, 3.0], [-0.15, 1.1, -1.5]])
    ours = resample(image[None], matrix[None], "zeros")[0]
    for channel in range(3):
        pil = Image.fromarray(image[channel].numpy(), mode="F")
        theirs = np.asarray(
            pil.transform(
                pil.size, Image.Transform.AFFINE, matrix.ravel(), Image.Resampling.BILINEAR
            )
        )
        # PIL does not fade into the outside, so the outermost pixels are left out
        inside = (theirs > 0) & (ours[channel].numpy() > 0)
        inside[1:-1, 1:-1] &= (inside[:-2, 1:-1] & inside[2:, 1:-1]) & (
            inside[1:-1, :-2] & inside[1:-1, 2:]
        )
        inside[[0, -1]] = inside[:, [0, -1]] = False
        assert inside.mean() > 0.6
        assert np.abs(ours[channel].numpy() - theirs)[inside].max() < 1e-3


def test_each_image_has_its_own_map(pictures: Tensor) -> None:
    matrices = np.tile(np.eye(2, 3), (6, 1, 1))
    matrices[:, 0, 2] = range(6)
    moved = resample(pictures, matrices, "zeros")
    for shift in range(6):
        wanted = torch.zeros_like(pictures[shift])
        wanted[..., : 48 - shift] = pictures[shift][..., shift:]
        torch.testing.assert_close(moved[shift], wanted, rtol=0, atol=2e-5)


def test_a_crop_is_pil_s_resized_crop(pictures: Tensor) -> None:
    draws = Fixed(6, 0.5)
    x, y, width, height = crop_boxes(draws, 48, 48, (0.2, 0.3), 1)[0]
    assert (width, height) == pytest.approx([48 * 0.5] * 2)
    views = crop_and_flip(pictures, draws, (0.2, 0.3), 1)  # 0.5 is not below 0.5: no flip
    pil = Image.fromarray(pictures[2, 1].numpy(), mode="F")
    theirs = pil.resize((48, 48), Image.Resampling.BILINEAR, box=(x, y, x + width, y + height))
    # PIL stops at the box's edge, ours reads on beyond it: half a source pixel at the border
    difference = np.abs(views[2, 1].numpy() - np.asarray(theirs))[1:-1, 1:-1]
    assert difference.max() < 1e-4


def test_a_flip_mirrors_the_crop(pictures: Tensor) -> None:
    plain = crop_and_flip(pictures, Fixed(6, 0.5), (0.3, 0.3), 1)

    class Flipped(Fixed):
        def happens(self, probability: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
            return np.full(self.count, True)

    flipped = crop_and_flip(pictures, Flipped(6, 0.5), (0.3, 0.3), 1)
    torch.testing.assert_close(flipped, plain.flip(-1), rtol=0, atol=2e-5)


def test_half_the_images_are_flipped() -> None:
    # a ramp to the right shows its direction in any crop
    ramp = torch.linspace(0, 1, 32).expand(600, 3, 8, 32)
    views = crop_and_flip(ramp, Draws(0, range(600), 0), (0.3, 1.0), 1)
    share = (views[:, 0, 0, 0] > views[:, 0, 0, -1]).float().mean().item()
    assert share == pytest.approx(0.5, abs=0.07)


def test_boxes_lie_inside_with_the_drawn_area_and_ratio() -> None:
    torch.manual_seed(0)
    image = torch.empty(3, 224, 224)
    boxes = crop_boxes(Draws(0, range(3000), 0), 224, 224, (0.08, 1.0), 24)
    x, y, width, height = boxes.T
    assert min(x.min(), y.min()) >= 0
    assert max((x + width).max(), (y + height).max()) <= 224 + 1e-9
    share = width * height / 224**2
    assert share.min() >= 0.08
    assert share.min() < 0.09
    # whole pixels aside, sizes are distributed as torchvision's
    theirs = torch.tensor(
        [RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)]
    )
    their_share = theirs[:, 2] * theirs[:, 3] / 224**2
    assert np.quantile(share, PARTS) == pytest.approx(np.quantile(their_share, PARTS), abs=0.04)
    ratio = np.log(width / height) / math.log(4 / 3)
    assert np.abs(ratio).max() <= 1 + 1e-9
    assert ratio.mean() == pytest.approx(0, abs=0.04)


def test_small_images_keep_a_readable_crop() -> None:
    boxes = crop_boxes(Draws(0, range(500), 0), 64, 64, (0.08, 1.0), 24)
    areas = boxes[:, 2] * boxes[:, 3]
    assert areas.min() >= 24**2
    # and where even the whole image is smaller, the largest crop is taken
    tiny = crop_boxes(Draws(0, range(50), 0), 16, 16, (0.08, 0.5), 24)
    assert tiny[:, 2] * tiny[:, 3] == pytest.approx(np.full(50, 128.0))


@pytest.mark.parametrize(("height", "width", "box"), [(30, 90, (40, 30)), (90, 30, (30, 40))])
def test_a_long_image_falls_back_to_its_centre(
    height: int, width: int, box: tuple[float, float]
) -> None:
    boxes = crop_boxes(Draws(0, range(20), 0), height, width, WHOLE, 1)
    x, y, box_width, box_height = boxes.T
    assert np.allclose([box_width, box_height], np.array(box)[:, None])
    assert np.allclose(x, (width - box[0]) / 2)
    assert np.allclose(y, (height - box[1]) / 2)
