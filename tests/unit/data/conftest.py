"""Small data sets on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

MakeFolder = Callable[[Path, Mapping[str, int]], Path]


@pytest.fixture
def make_folder() -> MakeFolder:
    """Make ``folder/class/0.png, 1.png, ...`` for each class and count."""

    def make(folder: Path, counts: Mapping[str, int]) -> Path:
        for name, count in counts.items():
            (folder / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (8, 6), (number, 0, 0)).save(folder / name / f"{number}.png")
        return folder

    return make


@pytest.fixture
def caltech_like(tmp_path: Path, make_folder: MakeFolder) -> Path:
    """A root folder with a miniature of Caltech101: 3 classes of 6 pictures."""
    home = tmp_path / "caltech-101"
    make_folder(home / "101_ObjectCategories", {"Faces": 6, "Leopards": 6, "anchor": 6})
    parts: dict[str, list[list[object]]] = {"train": [], "val": [], "test": []}
    for label, (folder, name) in enumerate(
        [("Faces", "face"), ("Leopards", "leopard"), ("anchor", "anchor")]
    ):
        for number, part in enumerate(["train", "train", "train", "val", "test", "test"]):
            parts[part].append([f"{folder}/{number}.png", label, name])
    (home / "split_zhou_Caltech101.json").write_text(json.dumps(parts), encoding="utf-8")
    return tmp_path
