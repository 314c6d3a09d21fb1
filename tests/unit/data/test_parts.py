"""Parts of a data set recognised by the names of their folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.folder import read_folder
from gopro.data.parts import layout, part_of

MakeFolder = Callable[[Path, Mapping[str, int]], Path]


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("train", "train Train TRAIN training seg_train train_images TrainSet 1-train trainval"),
        ("val", "val valid Validation dev VAL val-set eval"),
        ("test", "test Testing seg_test testset TestData holdout"),
        ("unlabelled", "seg_pred unlabeled"),
        (None, "cat trainer latest contest my-train-model test写真 development 7 data"),
    ],
)
def test_names_of_parts(part: str | None, names: str) -> None:
    assert {name: part_of(name) for name in names.split()} == dict.fromkeys(names.split(), part)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train", "Test"),
        ("TRAINING", "testing"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train_images", "valid"),
        ("trainset", "dev"),
    ],
)
def test_parts_are_no_classes(
    tmp_path: Path, make_folder: MakeFolder, train: str, test: str
) -> None:
    counts = {f"{train}/cat": 3, f"{train}/dog": 3, f"{test}/cat": 1, f"{test}/dog": 1}
    read = read_folder(make_folder(tmp_path, counts))
    assert read.class_names == ("cat", "dog")
    assert [len(part) for part in (read.train, read.val, read.test)] == [6, 0, 2]
    assert read.test[0].key == f"{test}/cat/0.png"
    assert set(layout(tmp_path).parts) == {"train", "test"}


def test_unlabelled_parts_are_named_and_not_used(tmp_path: Path, make_folder: MakeFolder) -> None:
    counts = {"train/cat": 4, "train/dog": 4, "test": 3, "seg_pred/seg_pred": 3}
    read = read_folder(make_folder(tmp_path, counts))
    assert [len(part) for part in (read.train, read.val, read.test)] == [4, 2, 2]
    assert read.notes[:2] == (
        "the folder seg_pred is unlabelled: not used",
        "the folder test has no class folders: not used",
    )
    assert set(layout(tmp_path).parts) == {"train"}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (
            {"Train": 4, "Test": 4},
            "has only 'Test', 'Train', which are names of the parts of a data set; wanted class "
            "folders inside each of them",
        ),
        (
            {"test/cat": 2, "test/dog": 2, "val/cat": 2, "val/dog": 2},
            "has only 'test', 'val', .*wanted a train folder of class folders too",
        ),
        (
            {"cat": 3, "dog": 3, "Testing/cat": 1, "Testing/dog": 1},
            "has class folders \\('cat', 'dog'\\) and also 'Testing'",
        ),
        ({"cat": 3, "dog": 3, "test": 4}, "has class folders .* and also 'test'"),
        (
            {"train/cat": 3, "train/dog": 3, "Training/cat": 3, "Training/dog": 3},
            "has 'Training', 'train', which are both its train part",
        ),
        (
            {"train/cat": 3, "val/cat": 3, "dev/cat": 3},
            "has 'dev', 'val', which are both its val part",
        ),
    ],
)
def test_a_mixture_is_refused(
    tmp_path: Path, make_folder: MakeFolder, counts: dict[str, int], message: str
) -> None:
    with pytest.raises(GoproError, match=message):
        read_folder(make_folder(tmp_path, counts))


def test_a_class_with_sub_folders_may_be_called_dev(
    tmp_path: Path, make_folder: MakeFolder
) -> None:
    counts = {"dev/2023": 2, "dev/2024": 2, "ops/2023": 2, "ops/2024": 2}
    assert read_folder(make_folder(tmp_path, counts)).class_names == ("dev", "ops")
