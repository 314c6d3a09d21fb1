"""Labelled images: lists, folders, and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from gopro.common.errors import GoproError
from gopro.data import labelled

MakeFolder = Callable[[Path, Mapping[str, int]], Path]


def test_lists_and_folders(tmp_path: Path, make_folder: MakeFolder) -> None:
    given = labelled.read(["a.png", "b.png"], ("x", "y"))
    assert (given.pictures, given.labels.tolist()) == (["a.png", "b.png"], ["x", "y"])
    folder = make_folder(tmp_path / "one", {"cat": 2, "dog": 1})
    for part in ("train", "test"):
        read = labelled.read(folder, None, part)
        assert read.labels.tolist() == ["cat", "cat", "dog"]
        assert [path.parent.name for path in read.pictures if isinstance(path, Path)] == list(
            read.labels
        )


def test_the_parts_of_a_folder(tmp_path: Path, make_folder: MakeFolder) -> None:
    for part, count in (("train", 3), ("val", 2), ("test", 1)):
        make_folder(tmp_path / part, {"cat": count, "dog": count})
    assert len(labelled.read(tmp_path, None).pictures) == 6
    assert len(labelled.read(str(tmp_path), None, "test").pictures) == 2
    validation = labelled.read_validation(tmp_path, None, None)
    assert validation is not None
    assert len(validation.pictures) == 4


def test_validation(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder(tmp_path / "one", {"cat": 2, "dog": 2})
    assert labelled.read_validation(folder, None, None) is None
    assert labelled.read_validation(["a"], ["x"], None) is None
    found = labelled.read_validation(["a"], ["x"], folder)
    assert found is not None
    assert len(found.pictures) == 4
    pair = labelled.read_validation(["a"], ["x"], (["b"], ["y"]))
    assert pair is not None
    assert pair.labels.tolist() == ["y"]
    for wrong in (3, (["b"],), {"a": 1}):
        with pytest.raises(GoproError, match="validation must be a pair"):
            labelled.read_validation(["a"], ["x"], wrong)  # type: ignore[arg-type]


def test_classes_are_sorted() -> None:
    classes, places = labelled.classes_of(labelled.read(list("abcd"), ["y", "x", "z", "x"]))
    assert classes.tolist() == ["x", "y", "z"]
    assert places == [1, 0, 2, 0]


def test_places_among_recognises_a_name_in_other_spellings() -> None:
    classes = np.array(["sea horse", "K\u00e4se"])
    assert labelled.places_among(np.array(["ka\u0308se", "Sea_Horse"]), classes) == [1, 0]
    assert labelled.places_among(np.array([5, 3]), np.array([3, 5])) == [1, 0]
    with pytest.raises(GoproError, match="'cat' and 1 more"):
        labelled.places_among(np.array(["yak", "cat", "K\u00e4se"]), classes)


def test_draw_keeps_the_order_and_depends_on_the_seed() -> None:
    given = labelled.read([f"{number}.png" for number in range(20)], ["x", "y"] * 10)
    _, places = labelled.classes_of(given)
    drawn, labels = labelled.draw(given, places, 3, 1, ["x", "y"])
    assert sorted(labels) == [0, 0, 0, 1, 1, 1]
    assert drawn.labels.tolist() == [["x", "y"][label] for label in labels]
    numbers = [int(str(path).partition(".")[0]) for path in drawn.pictures]
    assert numbers == sorted(numbers)
    assert drawn.pictures != labelled.draw(given, places, 3, 2, ["x", "y"])[0].pictures


def test_labels_in_a_column_of_a_table() -> None:
    table = pandas.DataFrame({"path": ["a.png", "b.png"], "label": ["x", "y"]})
    for labels in (table["label"], table[["label"]], table[["label"]].to_numpy()):
        found = labelled.read(table[["path"]], labels)
        assert found.pictures == ["a.png", "b.png"]
        assert found.labels.tolist() == ["x", "y"]
    with pytest.raises(GoproError, match="wanted one label for each"):
        labelled.read(table["path"], table)


@pytest.mark.parametrize(
    "labels",
    [
        [0.0, None, float("nan"), 1.0],
        ["cat", None, float("nan"), "dog"],
        ["cat", 7, None, float("nan")],
        np.array([0, np.nan, np.nan, 1], dtype=np.float32),
        pandas.Series(["cat", None, pandas.NA, "dog"]),
        pandas.Series([0, None, pandas.NA, 1], dtype="Int64"),
        pandas.Series([0, None, None, 1]),
    ],
)
def test_missing_labels_are_counted(labels: Any) -> None:
    with pytest.raises(GoproError) as error:
        labelled.read(list("abcd"), labels)
    assert str(error.value) == (
        "2 of 4 labels are missing (NaN or None); give the pictures labels, or leave these "
        "pictures out"
    )


@pytest.mark.parametrize(
    "labels", [["cat", 1], [1.5, "cat"], ["cat", b"dog"], [date(2026, 1, 1), 1]]
)
def test_labels_of_several_kinds(labels: list[Any]) -> None:
    with pytest.raises(GoproError, match="several kinds; wanted all text or all numbers"):
        labelled.classes_of(labelled.read(list("ab"), labels))


def test_numbers_of_two_kinds_and_words_like_nan_are_labels() -> None:
    assert labelled.read(list("ab"), [1, 2.5]).labels.tolist() == [1, 2.5]
    assert labelled.read(list("ab"), ["nan", "None"]).labels.tolist() == ["nan", "None"]
