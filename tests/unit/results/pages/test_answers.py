"""What a page tells about one test, counted by hand."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from gopro.results.pages.answers import Answers

PART = Answers(
    "test",
    ["sea_horse", "bee", "cat"],
    truth=[0, 0, 0, 0, 1, 1, 2],
    ours=[0, 0, 1, 2, 1, 0, 2],
    zero_shot=[0, 1, 1, 0, 0, 0, 2],
    picture=lambda number, size: Image.new("RGB", (size, size)),
)


def test_accuracy() -> None:
    assert (PART.pictures, PART.accuracy) == (7, 100 * 4 / 7)
    assert PART.zero_shot_accuracy == 100 * 3 / 7


def test_gains_and_losses() -> None:
    assert [(r.name, r.pictures, r.ours, r.zero_shot) for r in PART.classes] == [
        *(("sea horse", 4, 50, 50), ("bee", 2, 50, 0), ("cat", 1, 100, 100))
    ]
    assert [row.name for row in PART.gains(5)] == ["bee"]
    assert PART.losses(5) == []


def test_confusions() -> None:
    first, second = PART.confusions(5, names=1)
    assert (first.row.name, first.taken_for, first.others) == ("sea horse", (("bee", 1, 25.0),), 25)
    assert (second.row.name, second.taken_for) == ("bee", (("sea horse", 1, 50.0),))
    assert len(PART.confusions(1)) == 1


def test_confusions_of_classes_with_the_same_name() -> None:
    part = replace(PART, class_names=["bee", "bee", "cat"])
    assert [(one.row, one.taken_for) for one in part.confusions(5)] == [
        (part.classes[0], (("bee", 1, 25.0), ("cat", 1, 25.0))),
        (part.classes[1], (("bee", 1, 50.0),)),
    ]


def test_groups_cover_every_picture_once() -> None:
    groups = PART.groups()
    assert groups == {"corrected": [1, 4], "spoiled": [3], "wrong": [2, 5], "right": [0, 6]}


def test_examples_are_the_same_every_time() -> None:
    numbers = list(range(7))
    assert PART.examples(numbers, 3) == PART.examples(numbers, 3)
    assert len(PART.examples([1], 3)) == 1
    (one,) = PART.examples([2], 1)
    assert (one.truth, one.ours, one.zero_shot) == ("sea horse", "bee", "bee")
