"""The user's own folders: accepted and refused layouts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.folder import read_folder

MakeFolder = Callable[[Path, Mapping[str, int]], Path]


def test_splits_class_folders_as_the_benchmark_does(
    tmp_path: Path, make_folder: MakeFolder
) -> None:
    folder = make_folder(tmp_path / "pets", {"tabby cat": 20, "dog": 10})
    read = read_folder(folder)
    assert read.name == "folder:pets"
    assert read.class_names == ("dog", "tabby cat")
    assert [sum(i.label == 0 for i in p) for p in (read.train, read.val, read.test)] == [5, 2, 3]
    assert [sum(i.label == 1 for i in p) for p in (read.train, read.val, read.test)] == [10, 4, 6]
    every = [item.key for item in (*read.train, *read.val, *read.test)]
    assert len(set(every)) == 30
    assert read.notes == ("split generated 50/20/30 a class with seed 1",)
    assert read.open(read.test[0]).size == (8, 6)


def test_links_between_classes_and_parts_are_left_out(
    tmp_path: Path, make_folder: MakeFolder
) -> None:
    folder = make_folder(tmp_path / "set" / "train", {"cat": 2, "dog": 3}).parent
    make_folder(folder / "test", {"cat": 4, "dog": 4})
    elsewhere = make_folder(tmp_path / "elsewhere", {"cats": 5})
    (folder / "train" / "cat" / "dogs").symlink_to(folder / "train" / "dog")
    (folder / "train" / "cat" / "test").symlink_to(folder / "test" / "cat")
    (folder / "train" / "cat" / "more").symlink_to(elsewhere / "cats")
    read = read_folder(folder)
    keys = sorted(item.key for item in read.train if item.label == 0)
    assert keys == ["train/cat/0.png", "train/cat/1.png"] + [
        f"train/cat/more/{number}.png" for number in range(5)
    ]


def test_generated_split_is_pinned_and_seeded(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(tmp_path, {"cat": 6, "dog": 6})
    assert [item.key for item in read_folder(folder).train] == [
        "cat/0.png",
        "cat/3.png",
        "cat/4.png",
        "dog/0.png",
        "dog/4.png",
        "dog/5.png",
    ]
    assert read_folder(folder, 2).train != read_folder(folder).train
    assert read_folder(folder, 2).notes == ("split generated 50/20/30 a class with seed 2",)


@pytest.mark.parametrize(
    ("count", "parts"),
    [(2, (1, 0, 1)), (3, (2, 0, 1)), (4, (2, 1, 1)), (5, (2, 1, 2)), (8, (4, 2, 2))],
)
def test_small_classes_train_and_test(
    tmp_path: Path, make_folder: MakeFolder, count: int, parts: tuple[int, int, int]
) -> None:
    read = read_folder(make_folder(tmp_path, {"cat": count, "dog": 10}))
    sizes = [sum(i.label == 0 for i in part) for part in (read.train, read.val, read.test)]
    assert tuple(sizes) == parts


def test_other_and_hidden_files_are_ignored(tmp_path: Path, make_folder: MakeFolder) -> None:
    systems = {"__MACOSX": 0, "@eaDir": 2, "$RECYCLE.BIN": 1, "dog/@eaDir/0.png": 1}
    folder = make_folder(tmp_path, {"cat": 4, "dog": 4, ".thumbnails": 3, **systems})
    (folder / "readme.txt").touch()
    (folder / "cat" / "notes.txt").touch()
    (folder / "cat" / "._0.png").touch()
    (folder / "cat" / ".cache").mkdir()
    (folder / "cat" / ".cache" / "1.png").touch()
    read = read_folder(folder)
    assert read.class_names == ("cat", "dog")
    assert len(read.train) + len(read.val) + len(read.test) == 8


def test_sub_folders_and_capital_suffixes(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(tmp_path, {"cat/2023": 2, "cat/2024 été": 2, "dog": 2})
    (folder / "dog" / "0.png").rename(folder / "dog" / "0.PNG")
    read = read_folder(folder)
    keys = {item.key for item in (*read.train, *read.val, *read.test)}
    assert "cat/2024 été/1.png" in keys
    assert "dog/0.PNG" in keys


def test_train_val_test_folders(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(
        tmp_path,
        {"train/cat": 3, "train/dog": 4, "valid/dog": 2, "test/cat": 1, "test/dog": 1},
    )
    read = read_folder(folder)
    assert [len(part) for part in (read.train, read.val, read.test)] == [7, 2, 2]
    assert read.train[0].key == "train/cat/0.png"
    assert read.val[0].label == 1
    assert read.notes == ()


def test_without_test_val_is_the_test_split(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(tmp_path, {"train/cat": 3, "train/dog": 3, "val/cat": 1, "val/dog": 1})
    read = read_folder(folder)
    assert [len(part) for part in (read.train, read.val, read.test)] == [6, 0, 2]
    assert read.notes == ("no test folder: tested on val",)


def test_splits_a_train_folder_without_val_and_test(
    tmp_path: Path, make_folder: MakeFolder
) -> None:
    read = read_folder(make_folder(tmp_path, {"train/cat": 10, "train/dog": 10}))
    assert [len(part) for part in (read.train, read.val, read.test)] == [10, 4, 6]


def test_a_class_may_be_called_train(tmp_path: Path, make_folder: MakeFolder) -> None:
    assert read_folder(make_folder(tmp_path, {"train": 4, "bus": 4})).class_names == (
        "bus",
        "train",
    )


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "has no sub-folders: wanted a sub-folder of pictures for each of at least two"),
        ({"cat": 5}, "has only the class 'cat'"),
        ({"pets/cat": 5, "pets/dog": 5}, "only the class 'pets'.*; did you mean .*/pets\\?"),
        (
            {"cat": 5, "dog": 0, "emu": 0},
            "class folders without pictures: 'dog', 'emu'; add some or remove them",
        ),
        (
            {"cat": 5, "dog": 1, "emu": 1},
            "classes with 1 picture: 'dog', 'emu'; wanted at least 2 .*`gopro fit --all`",
        ),
        ({"sea horse": 5, "sea_horse": 5}, "two classes are named 'sea horse' and 'sea_horse'"),
        ({"train/cat": 3, "train/dog": 3, "masks": 2}, "'train' and also 'masks'"),
        (
            {"train/cat": 3, "train/dog": 3, "test/cat": 1},
            "class 'dog' has pictures in train, but none in test",
        ),
        (
            {"train/cat": 3, "train/dog": 3, "train/emu": 3, "test/cat": 1},
            "class 'dog', 'emu' has pictures in train, but none in test",
        ),
        (
            {"train/cat": 3, "train/dog": 3, "test/cat": 1, "test/dog": 1, "test/cow": 1},
            "class 'cow' has pictures in test, but none in train",
        ),
    ],
)
def test_refusals(
    tmp_path: Path, make_folder: MakeFolder, counts: dict[str, int], message: str
) -> None:
    with pytest.raises(GoproError, match=message) as caught:
        read_folder(make_folder(tmp_path, counts))
    assert "\n" not in str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "gone", tmp_path / "file"):
        with pytest.raises(GoproError, match=f"no folder {path}"):
            read_folder(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the user may read everything")
def test_folder_without_permission(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(tmp_path, {"cat": 5, "dog": 5})
    (folder / "dog").chmod(0)
    try:
        with pytest.raises(GoproError, match="can't read folder"):
            read_folder(folder)
    finally:
        (folder / "dog").chmod(0o700)


def test_hold_out_false_trains_on_all(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(tmp_path, {"cat": 1, "dog": 4})
    read = read_folder(folder, hold_out=False)
    assert (len(read.train), read.val, read.test, read.notes) == (5, (), (), ())
