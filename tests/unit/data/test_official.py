"""Official annotations: damaged files are refused; real ones match the benchmark's splits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import miniatures
import pytest
from scipy.io import savemat

from gopro.common.errors import GoproError
from gopro.data import official
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Item
from gopro.data.official import Lists
from gopro.data.random_splits import complete
from gopro.data.splits import Split, read_split


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("oxford_pets", "annotations/trainval.txt", "Abyssinian_1 1 1\n", "row .* is too short"),
        ("oxford_pets", "annotations/test.txt", "Abyssinian_1 one 1 1\n", "'one' is no class"),
        ("oxford_pets", "annotations/test.txt", "Abyssinian_1 0 1 1\n", "'0' is no class"),
        ("oxford_pets", "annotations/test.txt", "Abyssinian_1 9 1 1\n", "numbers have gaps"),
        ("sun397", "ClassName.txt", None, r"can't read annotations .*ClassName.txt \(No such"),
        ("sun397", "Training_01.txt", "/c/cafe/x.jpg\n", "names the class 'c/cafe'"),
        ("ucf101", "ucfTrainTestlist/classInd.txt", "1 YoYo\n", "names the class 'ApplyEye"),
        ("fgvc_aircraft", "images_variant_val.txt", "1000003 747\n", "names the class '747'"),
        ("fgvc_aircraft", "images_variant_val.txt", "1000003\n", "is too short"),
        ("oxford_flowers", "cat_to_name.json", "[1]", "can't read annotations .*cat_to_name"),
        ("oxford_flowers", "cat_to_name.json", '{"2": "rose"}', "numbers have gaps"),
        ("oxford_flowers", "imagelabels.mat", "no matrix", "can't read annotations .*imagelabels"),
        ("oxford_flowers", "imagelabels.mat", None, r"imagelabels.mat \(it isn't there\)"),
        ("stanford_cars", "devkit/cars_meta.mat", "", "can't read annotations .*cars_meta"),
    ],
)
def test_damaged(tmp_path: Path, name: str, file: str, text: str | None, message: str) -> None:
    getattr(miniatures, name)(tmp_path)
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(GoproError, match=message) as caught:
        getattr(official, name)(tmp_path)
    assert "unpack the complete set again" in str(caught.value)


def test_refuses_a_binary_text_file(tmp_path: Path) -> None:
    miniatures.sun397(tmp_path)
    (tmp_path / "ClassName.txt").write_bytes(b"\xff\xfe/a/abbey")
    with pytest.raises(GoproError, match="can't read annotations"):
        official.sun397(tmp_path)


def pets_lists(home: Path, split: Split) -> None:
    for part, items in (("trainval", (*split.train, *split.val)), ("test", split.test)):
        rows = [f"{i.key.removesuffix('.jpg')} {i.label + 1} 1 1" for i in items]
        miniatures.write(home / "annotations" / f"{part}.txt", rows)


def ucf_lists(home: Path, split: Split) -> None:
    lists = home / "ucfTrainTestlist"
    actions = [name.replace("_", "") for name in split.class_names]
    miniatures.write(lists / "classInd.txt", [f"{n} {a}" for n, a in enumerate(actions, 1)])
    for part, items in (("train", (*split.train, *split.val)), ("test", split.test)):
        rows = [
            f"{actions[i.label]}/{i.key.rpartition('/')[2].removesuffix('.jpg')}.avi" for i in items
        ]
        miniatures.write(lists / f"{part}list01.txt", rows)


REAL = {
    "oxford_pets": ("OxfordPets", pets_lists, official.oxford_pets),
    "ucf101": ("UCF101", ucf_lists, official.ucf101),
}


@pytest.mark.parametrize("name", REAL)
def test_names_and_keys_match_the_real_split(
    name: str, splits_folder: Path, tmp_path: Path
) -> None:
    suffix, write_lists, lists = REAL[name]
    real = read_split(splits_folder / f"split_zhou_{suffix}.json")
    write_lists(tmp_path, real)
    _same_pictures(lists, tmp_path, real, KNOWN[name].size.counts)


def test_flowers_names_and_keys_are_those_of_the_real_split(
    splits_folder: Path, tmp_path: Path
) -> None:
    real = read_split(splits_folder / "split_zhou_OxfordFlowers.json")
    every = {i.key: i.label for i in (*real.train, *real.val, *real.test)}
    labels = [every[f"image_{number:05}.jpg"] + 1 for number in range(1, len(every) + 1)]
    savemat(tmp_path / "imagelabels.mat", {"labels": [labels]})
    (tmp_path / "cat_to_name.json").write_bytes((splits_folder / "cat_to_name.json").read_bytes())
    _same_pictures(official.oxford_flowers, tmp_path, real, KNOWN["oxford_flowers"].size.counts)


def _same_pictures(
    lists: Callable[[Path], Lists], home: Path, real: Split, counts: tuple[int, ...]
) -> None:
    names, parts = lists(home)
    drawn, _ = complete(parts)
    assert names == real.class_names
    assert tuple(len(drawn[part]) for part in ("train", "val", "test")) == counts
    every = {item for items in drawn.values() for item in items}
    assert every == {*real.train, *real.val, *real.test}
    if "test" in parts:
        assert set(drawn["test"]) == set(real.test)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("caltech101", "Caltech101"),
        ("dtd", "DescribableTextures"),
        ("eurosat", "EuroSAT"),
        ("oxford_flowers", "OxfordFlowers"),
        ("oxford_pets", "OxfordPets"),
        ("stanford_cars", "StanfordCars"),
        ("ucf101", "UCF101"),
    ],
)
def test_published_counts(name: str, suffix: str, splits_folder: Path) -> None:
    real = read_split(splits_folder / f"split_zhou_{suffix}.json")
    known = KNOWN[name]
    assert (len(real.train), len(real.val), len(real.test)) == known.size.counts
    assert len(real.class_names) == known.size.classes


@pytest.mark.parametrize("suffix", ["Caltech101", "DescribableTextures", "EuroSAT"])
def test_folder_names_match_the_real_split(suffix: str, splits_folder: Path) -> None:
    real = read_split(splits_folder / f"split_zhou_{suffix}.json")
    names = {i.key.partition("/")[0]: real.class_names[i.label] for i in real.train}
    assert list(real.class_names) == [names[folder] for folder in sorted(names)]
    known = {"Caltech101": "caltech101", "DescribableTextures": "dtd", "EuroSAT": "eurosat"}
    lists = KNOWN[known[suffix]].read.keywords["lists"]  # type: ignore[attr-defined]
    renamed = lists.keywords.get("renamed", {})
    assert {folder: renamed.get(folder, folder) for folder in names} == names
    # the class sizes alone determine the published counts
    every = (*real.train, *real.val, *real.test)
    drawn, note = complete({"all": tuple(Item(i.key, i.label) for i in every)})
    counts = KNOWN[known[suffix]].size.counts
    assert tuple(len(drawn[part]) for part in ("train", "val", "test")) == counts
    assert note == "split generated 50/20/30 a class with seed 1"


def test_real_cat_to_name(splits_folder: Path) -> None:
    real = read_split(splits_folder / "split_zhou_OxfordFlowers.json")
    named = json.loads((splits_folder / "cat_to_name.json").read_bytes())
    assert [named[str(n)] for n in range(1, 103)] == list(real.class_names)
