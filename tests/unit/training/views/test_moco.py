"""The MoCo v3 view, part by part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from torch import Tensor
from view_helpers import Fixed, picture

from gopro.training.config import ViewSettings
from gopro.training.views.draws import Draws
from gopro.training.views.moco import _JITTER, make_moco

DEFAULT = ViewSettings()
BARE = ViewSettings(
    moco_jitter_probability=0,
    moco_grey_probability=0,
    moco_blur_probability=0,
)
"""No colour change and no blur."""


def moco_view(images: Tensor, settings: ViewSettings = DEFAULT) -> Tensor:
    return make_moco(images, Draws(0, range(len(images)), 1), settings)


def test_a_grey_image_stays_even() -> None:
    views = moco_view(torch.full((40, 3, 32, 32), 0.4))
    # brightness moves the level of an image, nothing makes a pattern or a colour
    assert (views.amax((1, 2, 3)) - views.amin((1, 2, 3))).max() < 1e-5
    unchanged = moco_view(torch.full((40, 3, 32, 32), 0.4), BARE)
    torch.testing.assert_close(unchanged, torch.full_like(unchanged, 0.4))


@pytest.mark.parametrize(
    ("kind", "enhancer"),
    [(0, ImageEnhance.Brightness), (1, ImageEnhance.Contrast), (2, ImageEnhance.Color)],
)
@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_jitter_agrees_with_pil(kind: int, enhancer: type, factor: float) -> None:
    image = picture()
    pil = Image.fromarray((image * 255).byte().permute(1, 2, 0).numpy())
    theirs = torch.from_numpy(np.array(enhancer(pil).enhance(factor))).permute(2, 0, 1) / 255
    ours = _JITTER[kind](image[None], torch.tensor([factor]))[0]
    # PIL rounds the result, the mean and the grey version to 8 bits
    assert (ours - theirs).abs().max() < 2.1 / 255


def test_hue_turns_the_colour_circle() -> None:
    red, green, blue = torch.eye(3)[:, :, None, None]
    images = torch.stack([red, red, red])
    turned = _JITTER[3](images, torch.tensor([0.0, 1 / 3, -1 / 3]))
    torch.testing.assert_close(turned, torch.stack([red, green, blue]), rtol=0, atol=1e-5)


def test_parts_happen_with_their_probabilities() -> None:
    image = torch.tensor([0.8, 0.5, 0.2])[:, None, None].expand(1500, 3, 4, 4)
    views = moco_view(image, replace(DEFAULT, moco_blur_probability=0.0))
    grey = (views.amax(1) - views.amin(1)).amax((1, 2)) < 1e-6
    assert grey.float().mean().item() == pytest.approx(0.2, abs=0.035)
    jittered = (views[~grey] - image[0]).abs().amax((1, 2, 3)) > 1e-4
    assert jittered.float().mean().item() == pytest.approx(0.8, abs=0.035)


def test_jitter_keeps_its_range_and_order_differs() -> None:
    image = torch.full((800, 3, 2, 2), 0.5)
    only_brightness = replace(BARE, moco_jitter_probability=1.0, moco_jitter=(0.4, 0.0, 0.0, 0.0))
    levels = moco_view(image, only_brightness)[:, 0, 0, 0]
    assert 0.3 <= levels.min() < 0.32
    assert 0.68 < levels.max() <= 0.7
    assert levels.mean().item() == pytest.approx(0.5, abs=0.015)


@pytest.mark.parametrize("side", [64, 224])
def test_blur_is_as_strong_for_any_size(side: int) -> None:
    # a step edge: its slope tells the blur's width as a share of the image
    image = torch.zeros(1, 3, side, side)
    image[..., side // 2 :] = 1
    sigma = (2.0, 2.0)
    settings = replace(BARE, moco_blur_probability=1.0, moco_blur_sigma=sigma)
    view = make_moco(image, Fixed(1, 0.5), settings)
    profile = view[0, 0, side // 2]
    position = (torch.arange(side) + 0.5) / side
    derivative = profile.diff()
    centres = (position[1:] + position[:-1]) / 2
    mean = (derivative * centres).sum()
    width = ((derivative * (centres - mean) ** 2).sum()).sqrt().item()
    assert width == pytest.approx(2 / 224, rel=0.06)


def test_blurred_share() -> None:
    checks = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).float()
    images = checks.expand(600, 3, 16, 16)
    settings = replace(BARE, moco_blur_probability=0.5, moco_blur_sigma=(40.0, 60.0))
    contrast = moco_view(images, settings).std(dim=(1, 2, 3))
    plain = moco_view(images, BARE).std(dim=(1, 2, 3))
    assert ((contrast < 0.5 * plain).float().mean().item()) == pytest.approx(0.5, abs=0.07)


def test_grey_has_the_usual_weights(pictures: Tensor) -> None:
    settings = replace(BARE, moco_grey_probability=1.0)
    colour = make_moco(pictures, Draws(0, range(6), 1), BARE)
    grey = make_moco(pictures, Draws(0, range(6), 1), settings)
    weights = torch.tensor([0.299, 0.587, 0.114])
    wanted = torch.einsum("bchw,c->bhw", colour, weights)
    torch.testing.assert_close(grey, wanted[:, None].expand_as(grey), rtol=0, atol=1e-4)
