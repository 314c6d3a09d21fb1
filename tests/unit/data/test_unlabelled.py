"""Folders of pictures without labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data import Item
from gopro.data.unlabelled import draw_some, read_unlabelled


def test_pictures_at_any_depth(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.jpg", "a/deep/d.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            (tmp_path / name).write_text("no picture")
        else:
            Image.new("RGB", (8, 8)).save(tmp_path / name)
    found = read_unlabelled(tmp_path)
    assert sorted(item.key for item in found.train) == ["a/c.jpg", "a/deep/d.png", "b.png"]
    assert found.open(found.train[0]).size == (8, 8)
    assert found.class_names == found.val == found.test == ()


def test_too_few(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match="has 0 pictures; wanted a folder of at least 2 pictures"):
        read_unlabelled(tmp_path)
    with pytest.raises(GoproError, match="nowhere"):
        read_unlabelled(tmp_path / "nowhere")


def test_some_of_them() -> None:
    items = tuple(Item(f"{number}.png", 0) for number in range(20))
    assert draw_some(items, None, 1) == draw_some(items, 20, 1) == items
    some = draw_some(items, 5, 1)
    assert len(some) == 5 and list(some) == [item for item in items if item in some]
    assert some == draw_some(items, 5, 1) != draw_some(items, 5, 2)
