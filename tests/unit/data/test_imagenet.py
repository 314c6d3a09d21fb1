"""ImageNet and its variants in their real layouts, three classes each."""

from __future__ import annotations

import shutil
from pathlib import Path

import miniatures
import pytest

from gopro.common.errors import GoproError
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Dataset, Item

NAMES = ("tench", "goldfish", "great white shark")
VARIANTS = ("imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r")


def build(name: str, root: Path) -> Path:
    home = root / KNOWN[name].folders[0]
    getattr(miniatures, name)(home)
    return home


def read(name: str, home: Path) -> Dataset:
    return KNOWN[name].read(name, home, miniatures.CLASSES)


def test_imagenet_is_tested_on_its_validation_pictures(tmp_path: Path) -> None:
    dataset = read("imagenet", build("imagenet", tmp_path))
    assert dataset.class_names == NAMES
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (12, 0, 3)
    assert dataset.train[4] == Item("train/n01443537/n01443537_0.JPEG", 1)
    assert dataset.test[1] == Item("val/n01443537/ILSVRC2012_val_00000001.JPEG", 1)
    assert dataset.open(dataset.test[2]).size == (8, 6)
    assert dataset.notes == ()


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_have_a_test_split_only(name: str, tmp_path: Path) -> None:
    dataset = read(name, build(name, tmp_path))
    assert dataset.class_names == NAMES  # A and R: only their own classes, without the dodo
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (0, 0, 3)
    assert [item.label for item in dataset.test] == [0, 1, 2]
    assert dataset.open(dataset.test[0]).size == (8, 6)


def test_numbered_folders_are_rows_of_classnames(tmp_path: Path) -> None:
    home = build("imagenetv2", tmp_path)
    # the listing has 10 before 2, and the rows are unsorted
    rows = ["n03 c", "n01 a", *(f"n1{n} x{n}" for n in range(8)), "n02 b"]
    miniatures.write(home / "classnames.txt", rows)
    images = home / "imagenetv2-matched-frequency-format-val"
    for old, new in (("1", "10"), ("2", "1")):
        (images / old).rename(images / new)
    dataset = read("imagenetv2", home)
    assert dataset.class_names == ("a", "b", "c")
    assert [item.key.partition("/")[0] for item in dataset.test] == ["1", "10", "0"]


def test_variants_use_the_class_names_of_imagenet(tmp_path: Path) -> None:
    build("imagenet", tmp_path)
    home = build("imagenet_sketch", tmp_path)
    (home / "classnames.txt").unlink()
    assert read("imagenet_sketch", home).class_names == NAMES
    (tmp_path / "imagenet" / "classnames.txt").unlink()
    with pytest.raises(GoproError, match=r"has no classnames\.txt: wanted the CoOp benchmark's"):
        read("imagenet_sketch", home)


def test_notes_repeated_names(tmp_path: Path) -> None:
    home = build("imagenet", tmp_path)
    miniatures.class_names(home, ("missile", "tench", "Missile"))
    dataset = read("imagenet", home)
    assert dataset.class_names == ("missile", "tench", "Missile")
    assert dataset.notes == (
        "classes with the same name, as in the benchmark: missile (n01440764, n01484850)",
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["n01440764"], "wanted rows such as 'n01440764 tench', each number once, got 'n01440764'"),
        (["n01440764 tench", "n01440764 fish"], "each number once, got 'n01440764 fish'"),
        (["n01440764 tench"], "has the folder 'n01443537', which .* doesn't name"),
        (["n01440764 _", "n01443537 b", "n01484850 c"], "has no letters"),
    ],
)
def test_damaged_names(rows: list[str], message: str, tmp_path: Path) -> None:
    home = build("imagenet_sketch", tmp_path)
    miniatures.write(home / "classnames.txt", rows)
    with pytest.raises(GoproError, match=message):
        read("imagenet_sketch", home)


def test_names_that_are_not_text(tmp_path: Path) -> None:
    home = build("imagenet_sketch", tmp_path)
    (home / "classnames.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(GoproError, match=r"can't read .*classnames\.txt"):
        read("imagenet_sketch", home)


def test_refuses_an_incomplete_set(tmp_path: Path) -> None:
    home = build("imagenet", tmp_path)
    with pytest.raises(GoproError, match=r"train has 3 class folders and 1000 were wanted"):
        KNOWN["imagenet"].load("imagenet", tmp_path)
    for wnid in miniatures.WNIDS:  # the official archive has no class folders
        folder = home / "images" / "val" / wnid
        for file in folder.iterdir():
            file.rename(folder.parent / file.name)
        folder.rmdir()
    with pytest.raises(GoproError, match=r"val has 0 class folders .* each picture in its class"):
        read("imagenet", home)
    shutil.rmtree(home / "images" / "val")
    with pytest.raises(GoproError, match=r"can't read folder .*val"):
        read("imagenet", home)


def test_train_and_test_of_different_classes(tmp_path: Path) -> None:
    home = build("imagenet", tmp_path)
    miniatures.class_names(home, NAMES, before=("n01000000 dodo",))
    (home / "images" / "train" / "n01440764").rename(home / "images" / "train" / "n01000000")
    with pytest.raises(GoproError, match="train and test have different classes"):
        read("imagenet", home)


def test_an_empty_class(tmp_path: Path) -> None:
    home = build("imagenet_a", tmp_path)
    next((home / "imagenet-a" / "n01443537").iterdir()).unlink()
    with pytest.raises(GoproError, match=r"class folder .*n01443537 has no pictures"):
        read("imagenet_a", home)


def test_refuses_an_unexpected_numbered_folder(tmp_path: Path) -> None:
    home = build("imagenetv2", tmp_path)
    for name in ("3", "other"):
        folder = home / "imagenetv2-matched-frequency-format-val" / name
        folder.mkdir()
        with pytest.raises(GoproError, match=rf"wanted class folders 0 to 2, got '{name}'"):
            read("imagenetv2", home)
        folder.rmdir()


def test_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "imagenet-rendition").mkdir()
    with pytest.raises(GoproError, match="has no imagenet-r; unpack the complete imagenet_r there"):
        KNOWN["imagenet_r"].load("imagenet_r", tmp_path)
