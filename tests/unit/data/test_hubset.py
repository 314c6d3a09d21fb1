"""``hf:NAME``: data sets of the Hugging Face library, from local folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro import data
from gopro.common.errors import GoproError

datasets = pytest.importorskip("datasets", reason="the extra `hub` isn't installed")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def _parquet(folder: Path, split: str, labels: list[int], extra: bool = False) -> None:
    features: dict[str, Any] = {
        "img": datasets.Image(),
        "label": datasets.ClassLabel(names=["ant", "bee"]),
    }
    rows: dict[str, Any] = {
        "img": [Image.new("L", (8, 6), 10 * n) for n in range(len(labels))],
        "label": labels,
    }
    if extra:
        features = {"coarse": datasets.ClassLabel(names=["all"]), **features}
        rows["coarse"] = [0] * len(labels)
    folder.mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    table.to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))


def test_splits_labels_and_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for split, labels in (("train", [1, 0, 1]), ("validation", [0, 1]), ("test", [1, 0])):
        _parquet(folder / "data", split, labels, extra=True)
    dataset = data.load(f"hf:{folder}")
    assert dataset.name == "hf:mine" and dataset.class_names == ("ant", "bee")
    assert [(i.key, i.label) for i in dataset.train] == [
        ("train/1", 0),
        ("train/0", 1),
        ("train/2", 1),
    ]
    assert (len(dataset.val), len(dataset.test)) == (2, 2)
    picture = dataset.open(dataset.train[2])
    assert (picture.mode, picture.size, picture.getpixel((0, 0))) == ("RGB", (8, 6), (20, 20, 20))
    assert dataset.notes == ("labels from the column 'label'",)


def test_without_a_test_split(tmp_path: Path) -> None:
    _parquet(tmp_path / "a" / "data", "train", [0, 1])
    _parquet(tmp_path / "a" / "data", "validation", [0, 1])
    dataset = data.load(f"hf:{tmp_path / 'a'}")
    assert (len(dataset.val), len(dataset.test)) == (0, 2)
    assert dataset.notes == ("no test split: tested on validation",)
    _parquet(tmp_path / "b" / "data", "train", [0, 1] * 10)
    dataset = data.load(f"hf:{tmp_path / 'b'}", seed=3)
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (10, 4, 6)
    assert "split generated 50/20/30 a class with seed 3" in dataset.notes[0]


def test_ignores_a_test_split_without_labels(tmp_path: Path) -> None:
    _parquet(tmp_path / "a" / "data", "train", [0, 1])
    _parquet(tmp_path / "a" / "data", "validation", [0, 1])
    _parquet(tmp_path / "a" / "data", "test", [-1, -1])
    dataset = data.load(f"hf:{tmp_path / 'a'}")
    assert {item.key.partition("/")[0] for item in dataset.test} == {"validation"}


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("ant", "bee"):
            (tmp_path / "a" / split / name).mkdir(parents=True)
            for number in range(2):
                place = tmp_path / "a" / split / name / f"{number}.png"
                Image.new("RGB", (8, 8), (number, 0, 0)).save(place)
    dataset = data.load(f"hf:{tmp_path / 'a'}")
    assert dataset.class_names == ("ant", "bee") and len(dataset.train) == len(dataset.test) == 4


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "train.csv").write_text("text,label\nx,0\ny,1\n")
    with pytest.raises(GoproError, match=r"no column of pictures \(it has text, label\)"):
        data.load(f"hf:{tmp_path / 'a'}")


def test_refuses_what_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"no folder \./?nowhere|no folder nowhere"):
        data.load("hf:./nowhere")
    with pytest.raises(GoproError, match="can't read the Hugging Face data set nobody/nothing"):
        data.load("hf:nobody/nothing")
