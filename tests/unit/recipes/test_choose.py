"""Candidates for training settings get only training images of base classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipes import choose

from gopro.data import Dataset, Item, load
from gopro.training.config import TrainSettings

NAMES = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen")


def _items(part: str, count: int) -> tuple[Item, ...]:
    return tuple(
        Item(f"{part}/{name}/{number}.png", label)
        for label, name in enumerate(NAMES)
        for number in range(count)
    )


def test_inner_set_holds_training_images_of_base_classes_alone() -> None:
    whole = Dataset("eight", None, NAMES, _items("train", 6), _items("val", 3), _items("test", 4))
    found = choose.inner(whole, shots=4, seed=7)
    assert found.class_names == NAMES[:4]
    assert (len(found.train), len(found.val), len(found.test)) == (16, 0, 8)
    assert set(found.train) | set(found.test) == {i for i in whole.train if i.label < 4}
    assert not set(found.train) & set(found.test)


def test_quarters_are_swapped() -> None:
    whole = Dataset("eight", None, NAMES, _items("train", 6), (), _items("test", 4))
    found = choose.inner(whole, shots=4, seed=7, swap=True)
    assert found.class_names == ("cat", "dog", "ant", "bee")
    assert all(item.key.split("/")[1] == found.class_names[item.label] for item in found.test)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lr=0.03", {"lr": 0.03}),
        ("lr=1e-2 epochs=5 gopro.moco=false", {"lr": 0.01, "epochs": 5, "gopro.moco": False}),
        ("augment=crop-flip", {"augment": "crop-flip"}),
    ],
)
def test_candidate(text: str, wanted: dict[str, object]) -> None:
    assert choose.candidate(text) == wanted


def test_measured_on_real_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in NAMES:
        for number in range(12):
            path = tmp_path / "set" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    source = f"folder:{tmp_path / 'set'}"
    dataset = choose.inner(load(source), shots=3, seed=choose.SEED)
    base = TrainSettings(dataset=source, method="coop", shots=3, seed=choose.SEED)
    found = choose.measure(dataset, base, {"epochs": 1, "coop.n_ctx": 2}, tmp_path / "run")
    assert found["test"]["base"]["classes"] == found["test"]["new"]["classes"] == 2
    assert found["test"]["base"]["n"] == sum(item.label < 2 for item in dataset.test)
    again = choose.measure(dataset, base, {"epochs": 1, "coop.n_ctx": 2}, tmp_path / "run")
    assert again == found
