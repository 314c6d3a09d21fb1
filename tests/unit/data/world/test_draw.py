"""Drawn images are reproducible and match the words of their scene."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys

import numpy as np
import pytest

from gopro.common.errors import GoproError
from gopro.data.world import CLASS_NAMES, STYLES, Scene, draw, scene

SOME = [(label, style) for label in (0, 7, 31) for style in STYLES]

DIGEST = """
import hashlib
from gopro.data.world import STYLES, draw, scene
total = hashlib.sha256()
for label in (0, 7, 31):
    for style in STYLES:
        total.update(draw(scene(label, style, seed=3, index=5)).tobytes())
print(total.hexdigest())
"""


def pixels(label: int, style: str, *, seed: int = 3, index: int = 5, size: int = 96) -> bytes:
    return draw(scene(label, style, seed=seed, index=index), size).tobytes()


def test_another_process_and_order_give_the_same_pixels() -> None:
    here = {key: pixels(*key) for key in reversed(SOME)}
    digest = hashlib.sha256(b"".join(here[key] for key in SOME)).hexdigest()
    other = subprocess.run(
        [sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "12345"},
    )  # fmt: skip
    assert other.stdout.strip() == digest


@pytest.mark.parametrize("style", STYLES)
def test_every_class_draws_in_every_style(style: str) -> None:
    seen = set()
    for label in range(len(CLASS_NAMES)):
        image = draw(scene(label, style, seed=0, index=0), 64)
        assert (image.mode, image.size) == ("RGB", (64, 64))
        assert np.asarray(image).std() > 1, f"{CLASS_NAMES[label]} is blank"
        seen.add(image.tobytes())
    assert len(seen) == len(CLASS_NAMES)


@pytest.mark.parametrize("style", STYLES)
def test_index_seed_label_and_style_change_the_picture(style: str) -> None:
    first = pixels(4, style)
    assert first == pixels(4, style)
    assert first != pixels(4, style, index=6)
    assert first != pixels(4, style, seed=4)
    assert first != pixels(5, style)
    assert first != pixels(4, STYLES[STYLES.index(style) - 1])


@pytest.mark.parametrize("size", [16, 33, 64, 224])
def test_size_is_kept(size: int) -> None:
    for style in STYLES:
        assert draw(scene(2, style, seed=0, index=1), size).size == (size, size)


@pytest.mark.parametrize("style", STYLES)
def test_other_sizes_show_the_same_picture(style: str) -> None:
    described = dataclasses.replace(scene(2, style, seed=0, index=1), light="normal")
    small = np.asarray(draw(described, 64).resize((8, 8)), dtype=float)
    large = np.asarray(draw(described, 192).resize((8, 8)), dtype=float)
    assert np.abs(small - large).mean() < 20


@pytest.mark.parametrize("size", [0, 15, 5000])
def test_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(GoproError, match="picture size"):
        draw(scene(0, "photo", seed=0, index=0), size)


def plain(**words: object) -> Scene:
    base = scene(CLASS_NAMES.index("apple"), "cartoon", seed=0, index=0)
    usual: dict[str, object] = {
        "colour": "red", "background": "sky", "position": "centre", "size": "small",
        "turn": "upright", "light": "normal", "blurry": False, "crowded": False, "covered": False,
    }  # fmt: skip
    return dataclasses.replace(base, **{**usual, **words})  # type: ignore[arg-type]


def redness(described: Scene) -> np.ndarray:
    """Mask of the clearly red pixels: the apple against a blue sky."""
    rgb = np.asarray(draw(described), dtype=float)
    return (
        (rgb[..., 0] > 120) & (rgb[..., 0] > rgb[..., 1] * 1.8) & (rgb[..., 0] > rgb[..., 2] * 1.8)
    )


@pytest.mark.parametrize(
    ("position", "axis", "sign"),
    [("left", 1, -1), ("right", 1, 1), ("top", 0, -1), ("bottom", 0, 1)],
)
def test_position_word_is_true(position: str, axis: int, sign: int) -> None:
    where = np.argwhere(redness(plain(position=position))).mean(axis=0)
    assert sign * (where[axis] - 48) > 8
    assert abs(where[1 - axis] - 48) < 12


def test_size_word_is_true() -> None:
    areas = [redness(plain(size=size)).sum() for size in ("small", "medium", "large")]
    assert areas[1] > 1.3 * areas[0]
    assert areas[2] > 1.3 * areas[1]


@pytest.mark.parametrize("style", ["photo", "painting", "cartoon"])
def test_light_word_is_true(style: str) -> None:
    dark, normal, bright = (
        np.asarray(draw(plain(style=style, light=light)), dtype=float).mean()
        for light in ("dark", "normal", "bright")
    )
    assert dark < 0.85 * normal < normal < bright


def test_blurry_photo_has_softer_edges() -> None:
    def sharpness(blurry: bool) -> float:
        grey = np.asarray(draw(plain(style="photo", blurry=blurry)).convert("L"), dtype=float)
        return float(np.abs(np.diff(grey[::2, ::2], axis=0)).max())

    assert sharpness(True) < sharpness(False)
