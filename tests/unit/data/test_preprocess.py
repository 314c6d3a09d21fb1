"""Pictures get the numbers of open_clip's own preprocessing."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from gopro.common.preprocessing import Preprocessing
from gopro.data.images import open_image, preprocess
from gopro.data.pictures import open_picture

SIDE = 64
SIZES = [(640, 427), (427, 640), (1601, 1067), (65, 97), (31, 31), (5, 3), (2000, 90)]
MODES = list(itertools.product(("bicubic", "bilinear"), ("shortest", "longest", "squash")))


def scene(width: int, height: int) -> Image.Image:
    """Smooth colours, edges and noise, as in a photograph."""
    rng = np.random.default_rng(width)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + 2 * y) / 23)], axis=-1)
    values = 128 + 80 * waves + 40 * ((x // 16 + y // 16) % 2)[..., None]
    return Image.fromarray(np.clip(values + rng.normal(0, 12, values.shape), 0, 255).astype("u1"))


def published(image: Image.Image, how: Preprocessing) -> npt.NDArray[np.int64]:
    """The picture as open_clip's ``preprocess_val`` makes it, in steps of 255."""
    transform = image_transform(
        how.size,
        is_train=False,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        resize_mode=how.resize_mode,
        interpolation=how.interpolation,
        fill_color=how.fill,
    )
    pixels: torch.Tensor = transform(image)
    return (pixels * 255).round().long().permute(1, 2, 0).numpy()


def difference(path: Path, how: Preprocessing) -> int:
    """The largest one, in steps of 255."""
    with Image.open(path) as image:
        wanted = published(image, how)
    return int(np.abs(preprocess(open_image(path, how.reduced_to), how) - wanted).max())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "grey.jpg", "grey.png"])
def test_files_of_any_kind_and_size(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    image = scene(*size)
    (image.convert("L") if name.startswith("grey") else image).save(tmp_path / name)
    how = Preprocessing(SIDE)
    assert difference(tmp_path / name, how) <= 1
    array = np.asarray(Image.open(tmp_path / name).convert("RGB"))
    by_array = preprocess(open_picture((0, array)), how)
    assert np.array_equal(by_array, preprocess(open_image(tmp_path / name), how))


@pytest.mark.parametrize(("name", "mode"), [("a.png", "P"), ("a.jpg", "CMYK")])
def test_palettes_and_cmyk_become_rgb_before_they_are_resized(
    tmp_path: Path, name: str, mode: str
) -> None:
    scene(640, 427).convert(mode).save(tmp_path / name)
    how = Preprocessing(SIDE)
    with Image.open(tmp_path / name) as image:
        wanted = published(image.convert("RGB"), how)
    assert np.abs(preprocess(open_image(tmp_path / name), how) - wanted).max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("interpolation", "resize_mode"), MODES)
def test_every_mode(
    tmp_path: Path, interpolation: str, resize_mode: str, size: tuple[int, int]
) -> None:
    scene(*size).save(tmp_path / "a.jpg")
    how = Preprocessing(SIDE, interpolation, resize_mode, fill=90)  # type: ignore[arg-type]
    assert difference(tmp_path / "a.jpg", how) <= 1


def test_16_bits_are_read_as_their_upper_8(tmp_path: Path) -> None:
    """open_clip would clip all values above 255 to white, so its picture of 8 bits is compared."""
    grey = np.asarray(scene(500, 333).convert("L"))
    rng = np.random.default_rng(0)
    sixteen = grey.astype(np.uint16) * 257 + rng.integers(-120, 120, grey.shape).astype(np.uint16)
    sixteen = np.where((grey == 0) | (grey == 255), grey.astype(np.uint16) * 257, sixteen)
    Image.fromarray(sixteen).save(tmp_path / "a.png")
    how = Preprocessing(SIDE)
    ours = preprocess(open_image(tmp_path / "a.png"), how)
    assert np.abs(ours - published(Image.fromarray(grey), how)).max() <= 1


def test_reduced_decoding_differs_and_exact_is_the_default(tmp_path: Path) -> None:
    scene(1601, 1067).save(tmp_path / "a.jpg")
    assert Preprocessing(SIDE).decode == "exact"
    assert 1 < difference(tmp_path / "a.jpg", Preprocessing(SIDE, decode="reduced")) < 60


def test_in_words() -> None:
    assert Preprocessing(224).in_words() == {
        "size": 224,
        "resize": "shorter side to size, bicubic with antialiasing",
        "crop": "centre",
    }
    assert Preprocessing(224, "bilinear", "squash").in_words()["crop"] == "no"
