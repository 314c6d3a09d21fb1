"""Generated splits."""

from __future__ import annotations

import pytest

from gopro.data.dataset import Item
from gopro.data.random_splits import complete, split

PARTS = ("train", "val", "test")


def group(label: int, count: int, domain: str = "") -> tuple[Item, ...]:
    return tuple(Item(f"{domain}{label}/{n}.jpg", label, domain) for n in range(count))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, (0, 0, 1)), (2, (1, 0, 1)), (3, (2, 0, 1)), (5, (2, 1, 2)), (10, (5, 2, 3))],
)
def test_splits_50_20_30(count: int, sizes: tuple[int, int, int]) -> None:
    parts, _ = complete({"all": group(0, count)})
    assert tuple(len(parts[part]) for part in PARTS) == sizes
    assert sorted(i.key for part in PARTS for i in parts[part]) == sorted(
        i.key for i in group(0, count)
    )


def test_depends_on_the_seed_only() -> None:
    parts, note = complete({"all": group(0, 10)})
    assert [i.key for i in parts["val"]] == ["0/0.jpg", "0/4.jpg"]
    assert note == "split generated 50/20/30 a class with seed 1"
    assert complete({"all": group(0, 10)}, 2)[0] != parts
    assert complete({"all": group(0, 10)[::-1]})[0] == parts


def test_splits_each_class_and_domain_separately() -> None:
    items = (*group(1, 10, "art"), *group(0, 10, "photo"), *group(0, 20, "art"))
    parts, _ = complete({"all": items})
    found = [sum(i.domain == "art" and i.label == 0 for i in parts[part]) for part in PARTS]
    assert found == [10, 4, 6]
    assert [(i.label, i.domain) for i in parts["test"]] == [(0, "art")] * 6 + [(0, "photo")] * 3 + [
        (1, "art")
    ] * 3
    # other classes change nothing
    alone, _ = complete({"all": group(1, 10, "art")})
    assert [i for i in parts["train"] if i.label == 1] == list(alone["train"])


def test_a_fifth_of_trainval_is_validation() -> None:
    parts, note = complete({"trainval": (*group(0, 10), *group(1, 14)), "test": group(2, 3)})
    assert [len(parts[part]) for part in PARTS] == [8 + 11, 2 + 3, 3]
    assert parts["test"] == group(2, 3)
    assert note == "validation split generated, 20 % of each class, with seed 1"


def test_keeps_existing_parts() -> None:
    given = {"train": group(0, 3), "test": group(1, 2)}
    assert complete(given) == ({**given, "val": ()}, "")


def test_the_rest_gets_at_least_one() -> None:
    parts = split(group(0, 3), {"a": 1.0, "b": 1.0}, "rest", 1)
    assert {part: len(items) for part, items in parts.items()} == {"a": 2, "b": 0, "rest": 1}
