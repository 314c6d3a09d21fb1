"""The same picture is recognised in another size or format; other pictures are not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gopro.data.fingerprint import SIDE, Fingerprints
from gopro.data.images import to_array

PICTURES = 40


def _pixels(images: list[Image.Image], side: int = SIDE) -> Tensor:
    arrays = [to_array(image, side).transpose(2, 0, 1) for image in images]
    return torch.from_numpy(np.stack(arrays).copy())


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    """Random smooth pictures of 200 x 150 pixels."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (PICTURES, 6, 8, 3)).astype(np.uint8)
    return [Image.fromarray(one).resize((200, 150), Image.Resampling.BICUBIC) for one in small]


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


COPIES: dict[str, Any] = {
    "JPEG 30": lambda image: _jpeg(image, 30),
    "half": lambda image: image.resize((100, 75)),
    "larger": lambda image: image.resize((301, 226)),
    "smaller and JPEG": lambda image: _jpeg(image.resize((134, 100)), 50),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_recognised_and_nothing_else(images: list[Image.Image], kind: str) -> None:
    originals = Fingerprints.of(_pixels(images))
    copies = Fingerprints.of(_pixels([COPIES[kind](image) for image in images]))
    assert copies.same_as(originals) == [(index, index) for index in range(PICTURES)]
    assert copies.known(originals) == [True] * PICTURES
    assert Fingerprints.of(_pixels(images[:1])).known(Fingerprints.of(_pixels(images[1:]))) == [
        False
    ]


def test_the_same_structure_in_other_colours_is_another_picture(
    images: list[Image.Image],
) -> None:
    grey = Fingerprints.of(_pixels([image.convert("L").convert("RGB") for image in images]))
    assert grey.same_as(Fingerprints.of(_pixels(images))) == []


def test_blank_pictures_have_no_fingerprint() -> None:
    blank = torch.full((2, 3, SIDE, SIDE), 200, dtype=torch.uint8)
    assert Fingerprints.of(blank).same_as(Fingerprints.of(blank)) == []


def test_groups_are_joined_and_compared_block_by_block(
    images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gopro.data.fingerprint._BLOCK", 7)
    whole = Fingerprints.of(_pixels(images))
    joined = Fingerprints.joined(
        [Fingerprints.of(_pixels(images[:11])), Fingerprints.of(_pixels(images[11:]))]
    )
    assert len(joined) == PICTURES
    assert joined.same_as(whole) == [(index, index) for index in range(PICTURES)]
