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
    found = read("imagenet", build("imagenet", tmp_path))
    assert found.class_names == NAMES
    assert (len(found.train), len(found.val), len(found.test)) == (12, 0, 3)
    assert found.train[4] == Item("train/n01443537/n01443537_0.JPEG", 1)
    assert found.test[1] == Item("val/n01443537/ILSVRC2012_val_00000001.JPEG", 1)
    assert found.open(found.test[2]).size == (8, 6)
    assert found.notes == ()


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_are_for_testing_alone(name: str, tmp_path: Path) -> None:
    found = read(name, build(name, tmp_path))
    assert found.class_names == NAMES  # of A and R: among their own classes, the dodo isn't one
    assert (len(found.train), len(found.val), len(found.test)) == (0, 0, 3)
    assert [item.label for item in found.test] == [0, 1, 2]
    assert found.open(found.test[0]).size == (8, 6)


def test_numbered_folders_are_rows_of_the_names(tmp_path: Path) -> None:
    home = build("imagenetv2", tmp_path)
    # 10 comes before 2 in the listing, and the rows needn't be sorted
    rows = ["n03 c", "n01 a", *(f"n1{n} x{n}" for n in range(8)), "n02 b"]
    miniatures.write(home / "classnames.txt", rows)
    images = home / "imagenetv2-matched-frequency-format-val"
    for old, new in (("1", "10"), ("2", "1")):
        (images / old).rename(images / new)
    found = read("imagenetv2", home)
    assert found.class_names == ("a", "b", "c")
    assert [item.key.partition("/")[0] for item in found.test] == ["1", "10", "0"]


def test_names_of_imagenet_beside_serve_its_variants(tmp_path: Path) -> None:
    build("imagenet", tmp_path)
    home = build("imagenet_sketch", tmp_path)
    (home / "classnames.txt").unlink()
    assert read("imagenet_sketch", home).class_names == NAMES
    (tmp_path / "imagenet" / "classnames.txt").unlink()
    with pytest.raises(GoproError, match=r"has no classnames\.txt: wanted the CoOp benchmark's"):
        read("imagenet_sketch", home)


def test_repeated_names_are_kept_and_noted(tmp_path: Path) -> None:
    home = build("imagenet", tmp_path)
    miniatures.class_names(home, ("missile", "tench", "Missile"))
    found = read("imagenet", home)
    assert found.class_names == ("missile", "tench", "Missile")
    assert found.notes == (
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


def test_names_that_are_no_text(tmp_path: Path) -> None:
    home = build("imagenet_sketch", tmp_path)
    (home / "classnames.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(GoproError, match=r"can't read .*classnames\.txt"):
        read("imagenet_sketch", home)


def test_half_unpacked(tmp_path: Path) -> None:
    home = build("imagenet", tmp_path)
    with pytest.raises(GoproError, match=r"train has 3 class folders and 1000 were wanted"):
        KNOWN["imagenet"].load("imagenet", tmp_path)
    for wnid in miniatures.WNIDS:  # as the official archive unpacks: pictures without folders
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


def test_a_stranger_among_the_numbers(tmp_path: Path) -> None:
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
