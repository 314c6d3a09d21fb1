"""Affine maps."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from view_helpers import picture

from gopro.training.views.geometry import resample


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
