"""Few-shot samples are the same on every machine."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item
from gopro.data.fewshot import draw, load_sample, sample, save_sample

TRAIN = tuple(Item(f"{name}/{i:02d}.jpg", k) for k, name in enumerate("abc") for i in range(10))
VAL = tuple(Item(f"{name}/{i:02d}.jpg", k) for k, name in enumerate("ab") for i in range(10, 16))
TEST = tuple(Item(f"{name}/{i:02d}.jpg", k) for k, name in enumerate("abc") for i in range(20, 22))
SET = Dataset("tiny", None, ("ant", "bee", "cat"), TRAIN, VAL, TEST)


def keys(items: tuple[Item, ...]) -> list[str]:
    return [item.key for item in items]


def test_pinned() -> None:
    assert keys(sample(TRAIN, 3, 1)) == [
        "a/06.jpg",
        "a/09.jpg",
        "a/04.jpg",
        "b/05.jpg",
        "b/03.jpg",
        "b/08.jpg",
        "c/01.jpg",
        "c/05.jpg",
        "c/04.jpg",
    ]
    assert keys(sample(TRAIN, 2, 2)) == [
        "a/03.jpg",
        "a/06.jpg",
        "b/06.jpg",
        "b/07.jpg",
        "c/01.jpg",
        "c/02.jpg",
    ]


def test_order_other_classes_and_labels_do_not_matter() -> None:
    expected = sample(TRAIN, 4, 7)
    mixed = list(TRAIN)
    random.Random(0).shuffle(mixed)
    assert sample(mixed, 4, 7) == expected
    assert sample(TRAIN[10:20], 4, 7) == expected[4:8]
    moved = [replace(item, label=5) for item in TRAIN[10:20]]
    assert keys(sample(moved, 4, 7)) == keys(expected[4:8])


def test_more_shots_contain_fewer_shots() -> None:
    for label in range(3):
        few = [item for item in sample(TRAIN, 2, 3) if item.label == label]
        many = [item for item in sample(TRAIN, 8, 3) if item.label == label]
        assert many[:2] == few


def test_every_picture_is_drawn_about_as_often() -> None:
    drawn = [key for seed in range(300) for key in keys(sample(TRAIN[:10], 3, seed))]
    counts = [drawn.count(item.key) for item in TRAIN[:10]]
    assert min(counts) > 60
    assert max(counts) < 120


@pytest.mark.parametrize("shots", [0, -1])
def test_no_shots(shots: int) -> None:
    with pytest.raises(GoproError, match=f"got {shots} shots"):
        sample(TRAIN, shots, 1)


def test_too_few_pictures() -> None:
    message = "class bee has 2 training pictures and 3 shots were wanted; use --shots 2 or less"
    with pytest.raises(GoproError, match=message):
        sample((*TRAIN[:10], *TRAIN[10:12]), 3, 1, class_names=SET.class_names)
    with pytest.raises(GoproError, match="class number 1 has 2"):
        sample(TRAIN[:12], 3, 1)


def test_class_without_any_picture() -> None:
    with pytest.raises(GoproError, match=r"class cat has 0 training pictures .*; add pictures"):
        draw(replace(SET, train=TRAIN[:20]), 1, 1, range(3))


def test_validation_comes_from_train_then_val() -> None:
    drawn = draw(SET, 8, 1, range(3))
    assert len(drawn.train) == 24
    by_class = [[i.key for i in drawn.val if i.label == label] for label in range(3)]
    assert [len(items) for items in by_class] == [4, 4, 2]
    left = {i.key for i in TRAIN} - set(keys(drawn.train))
    for label in (0, 1):  # 2 from the rest of train, 2 from val
        assert set(by_class[label][:2]) <= left
        assert set(by_class[label][2:]) <= {item.key for item in VAL}
    # class c isn't in val: only the 2 from the rest of train
    assert set(by_class[2]) == {i.key for i in TRAIN if i.label == 2} - set(keys(drawn.train))
    assert not {*keys(drawn.train), *keys(drawn.val)} & set(keys(TEST))
    assert len(draw(SET, 2, 1, range(2)).val) == 4


def test_ignores_other_classes() -> None:
    drawn = draw(SET, 2, 1, [0, 2])
    assert {item.label for item in drawn.train} == {0, 2}
    assert {item.label for item in drawn.val} == {0, 2}


def test_save_and_load(tmp_path: Path) -> None:
    drawn = draw(SET, 2, 1, range(3))
    save_sample(tmp_path / "sample.json", drawn)
    raw = json.loads((tmp_path / "sample.json").read_text())
    assert raw["train"][0] == [drawn.train[0].key, 0]
    assert (raw["dataset"], raw["shots"], raw["seed"]) == ("tiny", 2, 1)
    assert raw["split_sha256"] == SET.fingerprint()
    moved = replace(SET, root=Path("on/another/machine"))
    assert load_sample(tmp_path / "sample.json", moved) == drawn


def test_sample_of_another_split(tmp_path: Path) -> None:
    save_sample(tmp_path / "sample.json", draw(SET, 2, 1, range(3)))
    with pytest.raises(GoproError, match="was drawn from another split"):
        load_sample(tmp_path / "sample.json", replace(SET, test=TEST[1:]))


def test_refuses_a_sample_with_test_pictures(tmp_path: Path) -> None:
    drawn = draw(SET, 2, 1, range(3))
    save_sample(tmp_path / "sample.json", replace(drawn, train=TEST))
    with pytest.raises(GoproError, match="aren't training data"):
        load_sample(tmp_path / "sample.json", SET)


def test_refuses_other_files(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match="can't read sample"):
        load_sample(tmp_path / "sample.json", SET)
