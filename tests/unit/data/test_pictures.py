"""Images in memory are converted like files; other objects are one-line errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.pictures import list_pictures, open_picture

RED = (255, 0, 0)


def red(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (6, 4), RED).convert(mode)


def test_path_pillow_image_and_array_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "été 猫.png"
    red().save(path)
    given: list[Any] = [str(path), path, red(), np.asarray(red()), np.asarray(red("RGBA"))]
    given.append(np.asarray(red()).astype(object))
    given.append(np.asarray(red()).astype(np.int64))
    with Image.open(path) as undecoded:
        opened = [open_picture(one) for one in enumerate([*given, undecoded])]
    for image in opened:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), np.asarray(red()))


def test_a_table_of_one_column_is_that_column() -> None:
    table = pandas.DataFrame({"path": ["a.png", "b.png"], "label": ["x", "y"]})
    column = np.array([["a.png"], ["b.png"]], dtype=object)
    for given in (table["path"], table[["path"]], column, column.astype(str)):
        assert list_pictures(given) == ["a.png", "b.png"]
    with pytest.raises(
        GoproError, match="table with 2 columns \\('path', 'label'\\); wanted the one"
    ):
        list_pictures(table)


def test_pillow_images_of_any_mode() -> None:
    deep = Image.fromarray(np.full((2, 2), 65535, dtype=np.uint16))
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    given = [red("CMYK"), red("P"), red("L"), deep, clear, Image.fromarray(np.eye(3) > 0)]
    opened = [open_picture(one) for one in enumerate(given)]
    assert {image.mode for image in opened} == {"RGB"}
    assert opened[0].getpixel((0, 0)) == RED
    assert opened[3].getpixel((0, 0)) == (255, 255, 255)
    assert opened[4].getpixel((0, 0)) == (255, 255, 255)


def test_applies_exif_rotation_in_memory(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    red().save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as image:
        assert open_picture((0, image)).size == (4, 6)


def test_does_not_change_the_input() -> None:
    image = red()
    changed = open_picture((0, image))
    changed.putpixel((0, 0), (1, 2, 3))
    assert image.getpixel((0, 0)) == RED


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((3, 8, 8), dtype=np.uint8),
        np.full((4, 4, 3), 256),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.array([[1, 2], [3]], dtype=object),
        7,
        None,
    ],
)
def test_other_objects_are_named_by_index(wrong: Any) -> None:
    with pytest.raises(GoproError, match=r"number 3 .*wanted"):
        open_picture((3, wrong))


def test_refuses_a_bomb_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gopro.data.images.MAX_PIXELS", 10)
    with pytest.raises(GoproError, match="too large"):
        open_picture((0, red()))


def test_lists() -> None:
    stack = np.zeros((3, 4, 4, 3), dtype=np.uint8)
    assert len(list_pictures(stack)) == 3
    assert list_pictures(np.array(["a.png", "b.png"])) == ["a.png", "b.png"]
    assert list_pictures(path for path in ("a", "b")) == ["a", "b"]
    mixed = np.empty(2, dtype=object)
    mixed[0], mixed[1] = "a.png", stack[0]
    assert len(list_pictures(mixed)) == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("a.png", "put a single one"),
        (Path("a.png"), "put a single one"),
        (red(), "put a single one"),
        (np.zeros((4, 4, 3), dtype=np.uint8), "put a single one"),
        ([], "no pictures"),
        (7, "got int"),
    ],
)
def test_refuses_other_than_lists(wrong: Any, words: str) -> None:
    with pytest.raises(GoproError, match=words):
        list_pictures(wrong)
