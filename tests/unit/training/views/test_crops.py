"""Random crops: boxes, flips, and one resize of the original picture."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from view_helpers import Fixed, picture

from gopro.training.views.crops import Pixels, crop_and_flip, crop_boxes
from gopro.training.views.draws import Draws

PARTS = [0.1, 0.25, 0.5, 0.75, 0.9]


def photograph(height: int = 300, width: int = 451) -> Pixels:
    return (picture(height, width=width) * 255).byte().permute(1, 2, 0).numpy()


class Flipped(Fixed):
    def happens(self, probability: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.full(self.count, True)


@pytest.mark.parametrize("scale", [(0.08, 0.08), (0.3, 0.3), (1.0, 1.0)])
def test_a_crop_is_the_published_one(scale: tuple[float, float]) -> None:
    """Torchvision's RandomResizedCrop on the Pillow picture, with the same box."""
    image = photograph()
    left, top, width, height = crop_boxes(Fixed(1, 0.5), 300, 451, scale)[0].tolist()
    ours = crop_and_flip(image, Fixed(1, 0.5), scale, 96)  # 0.5 is not below 0.5: no flip
    published = RandomResizedCrop(96, scale, interpolation=InterpolationMode.BICUBIC)
    with mock.patch.object(published, "get_params", lambda *_: (top, left, height, width)):
        theirs = published(Image.fromarray(image))
    assert ours.dtype == torch.uint8 and ours.shape == (3, 96, 96)
    assert np.array_equal(ours.permute(1, 2, 0).numpy(), np.asarray(theirs))


def test_a_small_crop_has_the_detail_of_the_original() -> None:
    """Not that of a picture that was shrunk to the input's size before."""
    stripes = np.tile((np.arange(640) // 2 % 2 * 255).astype(np.uint8)[:, None], (480, 1, 3))
    stripes = np.ascontiguousarray(stripes.reshape(480, 640, 3))
    shrunk = np.asarray(Image.fromarray(stripes).resize((299, 224), Image.Resampling.BICUBIC))
    ours, before = (
        crop_and_flip(one, Fixed(1, 0.5), (0.08, 0.08), 224).float().std()
        for one in (stripes, shrunk)
    )
    assert ours > 2 * before


def test_a_flip_mirrors_the_crop() -> None:
    image = photograph()
    plain = crop_and_flip(image, Fixed(1, 0.5), (0.3, 0.3), 64)
    assert torch.equal(crop_and_flip(image, Flipped(1, 0.5), (0.3, 0.3), 64), plain.flip(-1))


def test_half_the_images_are_flipped() -> None:
    # a ramp to the right shows its direction in any crop
    ramp = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], (8, 32, 3))
    views = [crop_and_flip(ramp, Draws(0, [key], 0), (0.3, 1.0), 16) for key in range(600)]
    share = np.mean([(view[0, 0, 0] > view[0, 0, -1]).item() for view in views])
    assert share == pytest.approx(0.5, abs=0.07)


def test_boxes_are_distributed_as_torchvision_s() -> None:
    torch.manual_seed(0)
    image = torch.empty(3, 224, 224)
    boxes = crop_boxes(Draws(0, range(3000), 0), 224, 224, (0.08, 1.0))
    left, top, width, height = boxes.T
    assert min(left.min(), top.min()) == 0
    assert (left + width).max() == (top + height).max() == 224
    share = width * height / 224**2
    assert 0.078 < share.min() < 0.09
    theirs = np.array(
        [RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)]
    )
    their_share = theirs[:, 2] * theirs[:, 3] / 224**2
    assert np.quantile(share, PARTS) == pytest.approx(np.quantile(their_share, PARTS), abs=0.04)
    for ours, other in ((top, theirs[:, 0]), (left, theirs[:, 1])):
        assert np.quantile(ours, PARTS) == pytest.approx(np.quantile(other, PARTS), abs=8)
    ratio = np.log(width / height) / math.log(4 / 3)
    assert np.abs(ratio).max() <= 1.05  # whole pixels
    assert ratio.mean() == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize(("height", "width"), [(30, 90), (90, 30), (17, 100)])
def test_a_long_image_falls_back_to_its_centre(height: int, width: int) -> None:
    boxes = crop_boxes(Draws(0, range(20), 0), height, width, (1.0, 1.0))
    top, left, box_height, box_width = RandomResizedCrop.get_params(
        torch.empty(3, height, width), [1.0, 1.0], [3 / 4, 4 / 3]
    )
    assert (boxes == (left, top, box_width, box_height)).all()


@pytest.mark.parametrize("side", [1, 2, 5])
def test_tiny_images(side: int) -> None:
    image = np.full((side, side, 3), 90, dtype=np.uint8)
    for key in range(20):
        assert (crop_and_flip(image, Draws(0, [key], 0), (0.08, 1.0), 16) == 90).all()
