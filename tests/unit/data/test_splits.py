"""Split files: accepted content; everything else is a one-line error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.data.dataset import Item
from gopro.data.splits import Split, check_key, read_split
from split_files import write_split

GOOD: dict[str, Any] = {
    "train": [["a/1.jpg", 0, "ant"], ["b/1.jpg", 1, "sea_horse"]],
    "val": [["b/2.jpg", 1, "sea_horse"]],
    "test": [["a/3.jpg", 0, "ant"], ["b/3.jpg", 1, "sea_horse"]],
}


def write(folder: Path, content: object) -> Path:
    path = folder / "split.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_reads_names_and_items(tmp_path: Path) -> None:
    split = read_split(write(tmp_path, GOOD))
    assert split.class_names == ("ant", "sea_horse")
    assert split.train == (Item("a/1.jpg", 0), Item("b/1.jpg", 1))
    assert split.val == (Item("b/2.jpg", 1),)
    assert split.test == (Item("a/3.jpg", 0), Item("b/3.jpg", 1))


def test_val_may_be_absent_and_other_entries_are_ignored(tmp_path: Path) -> None:
    content = {"train": GOOD["train"], "test": GOOD["test"], "source": "somewhere"}
    assert read_split(write(tmp_path, content)).val == ()


def test_reads_what_it_writes(tmp_path: Path) -> None:
    split = Split(("été", "猫"), (Item("é/1.jpg", 0),), (), (Item("猫/2.jpg", 1),))
    write_split(tmp_path / "out.json", split)
    assert read_split(tmp_path / "out.json") == split


@pytest.mark.parametrize(
    ("part", "row", "message"),
    [
        ("train", ["c/1.jpg", 3, "cat"], "none with label 2"),
        ("train", ["c/1.jpg", 0, "cat"], "label 0 is named 'cat' here and 'ant' before"),
        ("train", ["c/1.jpg", 2, "ant"], "two classes are named 'ant' and 'ant'"),
        ("train", ["c/1.jpg", 2, "Sea horse"], "'sea_horse' and 'Sea horse', which read the same"),
        ("train", ["c/1.jpg", 2, " _ "], "has no letters"),
        ("train", ["c/1.jpg", 2, "a\nb"], "can't be printed"),
        ("train", ["c/1.jpg", True, "sea_horse"], "train row 2: wanted a label"),
        ("train", ["c/1.jpg", -1, "cat"], "wanted a label"),
        ("train", ["c/1.jpg", 1.0, "sea_horse"], "wanted a label"),
        ("train", ["c/1.jpg", 2, None], "wanted a class name, got None"),
        ("train", ["c/1.jpg", 2], r"wanted \[path, label, class name\]"),
        ("train", "c/1.jpg", r"wanted \[path, label, class name\]"),
        ("train", [7, 0, "ant"], "is no path"),
        ("train", ["", 0, "ant"], "is no path"),
        ("train", ["a/1\0.jpg", 0, "ant"], "is no path"),
        ("test", ["../secret.jpg", 0, "ant"], "doesn't stay inside"),
        ("test", ["a/../../x.jpg", 0, "ant"], "doesn't stay inside"),
        ("test", ["/etc/passwd", 0, "ant"], "doesn't stay inside"),
        ("test", ["C:/x.jpg", 0, "ant"], "doesn't stay inside"),
        ("test", ["a\\1.jpg", 0, "ant"], "doesn't stay inside"),
        ("test", ["C:", 0, "ant"], "doesn't stay inside"),
        ("test", ["a//x.jpg", 0, "ant"], "doesn't stay inside"),
        ("test", ["./x.jpg", 0, "ant"], "doesn't stay inside"),
        ("test", ["x" * 60, "y" * 58, "ant"], f"wanted a label .*, got '{'y' * 58}'$"),
        ("test", ["x", "y" * 59, "ant"], f"wanted a label .*, got '{'y' * 56}\\.\\.\\.$"),
        ("train", ["a/1.jpg", 0, "ant"], "a/1.jpg is listed twice in 'train'"),
        ("test", ["a/1.jpg", 0, "ant"], "a/1.jpg is in 'train' and in 'test'"),
    ],
)
def test_refusals(tmp_path: Path, part: str, row: object, message: str) -> None:
    content = {**GOOD, part: [*GOOD[part], row]}
    with pytest.raises(GoproError, match=message) as caught:
        read_split(write(tmp_path, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [[], {}, {"train": []}, {"train": [], "test": []}, {**GOOD, "val": None}, {**GOOD, "test": {}}],
)
def test_not_a_split(tmp_path: Path, content: object) -> None:
    with pytest.raises(GoproError, match=r"wanted an object|is no list"):
        read_split(write(tmp_path, content))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe\x00", b"nonsense", b'{"train": NaN', b"[" * 200_000, b"9" * 10_000],
)
def test_not_json(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "split.json").write_bytes(text)
    with pytest.raises(GoproError, match=r"split\.json is"):
        read_split(tmp_path / "split.json")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"can't read split .*No such file"):
        read_split(tmp_path / "split.json")


def test_counts_missing_pictures(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    for key in ("a/1.jpg", "b/1.jpg", "b/2.jpg"):
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).touch()
    with pytest.raises(GoproError, match=r"^2 of the 5 pictures .* the first is a/3\.jpg"):
        read_split(path, tmp_path)
    for key in ("a/3.jpg", "b/3.jpg"):
        (tmp_path / key).touch()
    assert len(read_split(path, tmp_path).test) == 2


def test_check_key_returns_the_key() -> None:
    for key in ("mes photos/été..1.jpg", "x", "a1/b:c", ".a/b"):
        assert check_key(key, "x") == key


@pytest.mark.parametrize(
    ("name", "counts", "classes"),
    [
        ("Caltech101", (4128, 1649, 2465), 100),
        ("EuroSAT", (13500, 5400, 8100), 10),
        ("OxfordFlowers", (4093, 1633, 2463), 102),
        ("OxfordPets", (2944, 736, 3669), 37),
        ("StanfordCars", (6509, 1635, 8041), 196),
        ("UCF101", (7639, 1898, 3783), 101),
        ("DescribableTextures", (2820, 1128, 1692), 47),
    ],
)
def test_published_counts(
    splits_folder: Path, name: str, counts: tuple[int, int, int], classes: int
) -> None:
    split = read_split(splits_folder / f"split_zhou_{name}.json")
    assert (len(split.train), len(split.val), len(split.test)) == counts
    assert len(split.class_names) == classes
