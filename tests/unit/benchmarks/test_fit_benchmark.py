"""The benchmark of ``gopro fit``: seeded choice of classes, copied photographs, figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import fit

from gopro.data import Dataset, Item
from gopro.data.folder import read_folder
from tiny_run import write_photos


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Eight classes of 6 pictures to train and 3 to test, one of them with 2 to train."""
    names = tuple("abcdefgh")
    folder = write_photos(tmp_path / "set", names, count=9)
    keys = [(f"{name}/{n:02}.png", place, n) for place, name in enumerate(names) for n in range(9)]
    train = tuple(Item(k, p) for k, p, n in keys if n < (2 if p == 3 else 6))
    test = tuple(Item(k, p) for k, p, n in keys if n >= 6)
    return Dataset("set", folder, names, train, (), test)


def test_sets_are_drawn_by_their_seed(dataset: Dataset) -> None:
    first = fit.class_sets(dataset, 2, 3, 4, draw=1)
    assert first == fit.class_sets(dataset, 2, 3, 4, draw=1)
    assert first != fit.class_sets(dataset, 2, 3, 4, draw=2)
    drawn = [label for labels in first for label in labels]
    assert len(set(drawn)) == 6
    assert 3 not in drawn


def test_photographs_as_a_folder(dataset: Dataset, tmp_path: Path) -> None:
    fit.photographs(dataset, [0, 5], shots=4, held_out=2, seed=1, to=tmp_path / "photographs")
    read = read_folder(tmp_path / "photographs")
    assert read.class_names == ("a", "f")
    assert (len(read.train), len(read.test)) == (8, 4)


def test_a_row_in_words() -> None:
    found = [fit.Fitted(90.0, 80.0, 5.0), fit.Fitted(86.0, 80.0, 9.0)]
    assert fit._summary(found) == "fitted  88.0  zero-shot  80.0  gain  +8.0 ± 2.8  at most   9 s"
