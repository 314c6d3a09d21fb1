"""The benchmark's data sets with a fixed split, as miniatures in their real layouts."""

from __future__ import annotations

import json
from pathlib import Path

import miniatures
import pytest

from gopro.common.errors import GoproError
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Dataset, Item

# Set -> class names, the first training picture's folder and ending, pictures in each part
LAYOUTS = {
    "caltech101": (("face", "airplane", "anchor"), "Faces/Faces_", (15, 6, 9)),
    "food101": (("apple_pie", "baby_back_ribs", "baklava"), "apple_pie/apple_pie_", (15, 6, 9)),
    "dtd": (("banded", "blotchy", "braided"), "banded/banded_", (15, 6, 9)),
    "eurosat": (
        ("Annual Crop Land", "Forest", "Sea or Lake"),
        "AnnualCrop/AnnualCrop_",
        (15, 6, 9),
    ),
    "oxford_pets": (
        ("abyssinian", "american_bulldog", "egyptian_mau"),
        "Abyssinian_",
        (12, 3, 15),
    ),
    "sun397": (("abbey", "outdoor apartment_building", "bar"), "a/abbey/sun_", (12, 3, 15)),
    "ucf101": (
        ("Apply_Eye_Makeup", "Handstand_Pushups", "Yo_Yo"),
        "Apply_Eye_Makeup/v_ApplyEyeMakeup_g",
        (12, 3, 15),
    ),
    "fgvc_aircraft": (("707-320", "Boeing 717", "F/A-18"), "1000000", (10, 10, 10)),
    "oxford_flowers": (
        ("pink primrose", "hard-leaved pocket orchid", "canterbury bells"),
        "image_000",
        (15, 6, 9),
    ),
    "stanford_cars": (
        ("2000 AM General Hummer SUV", "2012 Acura RL Sedan", "2012 Audi TTS Coupe"),
        "cars_train/000",
        (12, 3, 15),
    ),
}
DRAWN = [name for name in LAYOUTS if name != "fgvc_aircraft"]


def build(name: str, root: Path) -> Path:
    """Build a set's miniature under its real folder name."""
    home = root / KNOWN[name].folders[0]
    getattr(miniatures, name)(home)
    return home


def read(name: str, home: Path) -> Dataset:
    return KNOWN[name].read(name, home, miniatures.CLASSES)


def split_name(name: str) -> str:
    return str(KNOWN[name].read.keywords["split"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", LAYOUTS)
def test_official_annotations(name: str, tmp_path: Path) -> None:
    names, start, counts = LAYOUTS[name]
    dataset = read(name, build(name, tmp_path))
    assert dataset.class_names == names
    assert tuple(len(part) for part in (dataset.train, dataset.val, dataset.test)) == counts
    assert dataset.train[0].key.startswith(start)
    every = [*dataset.train, *dataset.val, *dataset.test]
    assert len({item.key for item in every}) == len(every)
    for part in (dataset.train, dataset.test):
        assert {item.label for item in part} == {0, 1, 2}
    for item in every:
        assert dataset.open(item).size == (8, 6)


@pytest.mark.parametrize("name", DRAWN)
def test_a_generated_split_is_noted_and_reproducible(name: str, tmp_path: Path) -> None:
    home = build(name, tmp_path)
    dataset = read(name, home)
    assert len(dataset.notes) == 1
    assert dataset.notes[0].startswith(f"no {split_name(name)}: ")
    assert "generated" in dataset.notes[0]
    assert read(name, home).fingerprint() == dataset.fingerprint()


@pytest.mark.parametrize("name", DRAWN)
def test_prefers_the_split_file(name: str, tmp_path: Path) -> None:
    home = build(name, tmp_path)
    drawn = read(name, home)
    rows = [[i.key, i.label, f"class {i.label}"] for i in (*drawn.train, *drawn.val, *drawn.test)]
    parts = {"train": rows[:20], "val": [], "test": rows[20:]}
    (home / split_name(name)).write_text(json.dumps(parts), encoding="utf-8")
    dataset = read(name, home)
    assert dataset.class_names == ("class 0", "class 1", "class 2")
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (20, 0, 10)
    assert dataset.notes == ()
    assert dataset.open(dataset.test[0]).size == (8, 6)


def test_aircraft_uses_its_own_split(tmp_path: Path) -> None:
    dataset = read("fgvc_aircraft", build("fgvc_aircraft", tmp_path))
    assert dataset.notes == ()
    assert dataset.val[0] == Item("1000010.jpg", 1)


@pytest.mark.parametrize(
    "name",
    ["oxford_pets", "sun397", "ucf101", "fgvc_aircraft", "oxford_flowers", "stanford_cars"],
)
def test_refuses_an_incomplete_set(name: str, tmp_path: Path) -> None:
    home = build(name, tmp_path)
    dataset = read(name, home)
    assert dataset.root is not None
    (dataset.root / dataset.test[-1].key).unlink()
    with pytest.raises(GoproError, match=r"1 of the 30 pictures of the annotations in .* first is"):
        read(name, home)


@pytest.mark.parametrize("name", DRAWN)
def test_refuses_a_set_without_split_and_annotations(name: str, tmp_path: Path) -> None:
    home = build(name, tmp_path)
    for path in [*home.rglob("*.txt"), *home.rglob("*.mat"), *home.glob("*.json")]:
        path.unlink()
    with pytest.raises(GoproError) as caught:
        KNOWN[name].read(name, home, 4)  # the folders have another number of classes
    message = str(caught.value)
    assert f"has no {split_name(name)} (the CoOp benchmark's page" in message
    assert "and no split can be drawn: " in message
    assert "\n" not in message


def test_refuses_a_set_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "dtd").mkdir()
    with pytest.raises(GoproError, match="has no images; unpack the complete dtd there"):
        KNOWN["dtd"].load("dtd", tmp_path)
    with pytest.raises(GoproError, match=r"no folder .*sun397: wanted sun397 there \(from https"):
        KNOWN["sun397"].load("sun397", tmp_path)


def test_refuses_keys_outside_the_folder(tmp_path: Path) -> None:
    home = build("sun397", tmp_path)
    path = home / "Testing_01.txt"
    path.write_text("/a/abbey/../abbey/x.jpg\n", encoding="utf-8")
    with pytest.raises(GoproError, match="names the class"):
        read("sun397", home)
    path.write_text("/a/abbey/..\n", encoding="utf-8")
    with pytest.raises(GoproError, match="doesn't stay inside the folder"):
        read("sun397", home)
