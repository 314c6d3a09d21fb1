"""``world``, the built-in data set."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gopro import data
from gopro.common.errors import GoproError
from gopro.data import worldset


def test_splits() -> None:
    world = data.load("world")
    classes = len(world.class_names)
    assert classes >= 40
    assert world.root is None
    for part, count in ((world.train, 10), (world.val, 4), (world.test, 10)):
        per_class = Counter((item.label, item.domain) for item in part)
        assert len(per_class) == classes * 4
        assert set(per_class.values()) == {count}
    keys = [item.key for item in (*world.train, *world.val, *world.test)]
    assert len(set(keys)) == len(keys)
    data.check_class_names(world.class_names, "world")


def test_pictures_are_known_by_the_code_that_draws_them() -> None:
    world = data.load("world")
    assert world.identity(world.test[:3]) == data.load("world").identity(world.test[:3])
    assert world.identity(world.test[:3]) not in (None, world.identity(world.test[1:4]))
    assert replace(world, drawn_by="").identity(world.test[:3]) is None


def test_keys_name_style_and_class() -> None:
    world = data.load("world")
    item = world.train[3]
    assert item.key == f"seed1/{item.domain}/000/0003"
    assert all(item.key.startswith("seed2/") for item in world.test)


def test_pictures_are_reproducible() -> None:
    world = data.load("world")
    for item in (world.train[0], world.val[50], world.test[-1]):
        image = world.open(item)
        assert image.mode == "RGB"
        assert image.size == (worldset.SIZE, worldset.SIZE)
        assert np.array_equal(np.asarray(image), np.asarray(world.open(item)))
    assert not np.array_equal(world.open(world.train[0]), world.open(world.test[0]))


@pytest.mark.parametrize(
    "key", ["", "seed1/photo/012", "seed1/nostyle/012/0003", "seed1/photo/999/0003", "../x", "é"]
)
def test_refuses_other_keys(key: str) -> None:
    with pytest.raises(GoproError, match="is no picture of world"):
        worldset.draw_key(key)
