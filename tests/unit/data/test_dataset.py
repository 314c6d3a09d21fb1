"""Items, data sets and checks of class names."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names

SET = Dataset(
    name="tiny",
    root=None,
    class_names=("ant", "bee"),
    train=(Item("a/1.png", 0), Item("b/1.png", 1)),
    val=(),
    test=(Item("a/2.png", 0), Item("b/2.png", 1)),
)


def test_accepts_distinct_names() -> None:
    check_class_names(["ant", "ants", "猫", "Été"], "here")


def test_refuses_a_name_that_is_given_twice() -> None:
    for again in ("cat", "_CAT"):
        with pytest.raises(GoproError, match=f"here: two classes are named 'cat' and '{again}'"):
            check_class_names(["cat", "dog", again], "here")
    with pytest.raises(GoproError, match="two classes are named"):
        check_class_names(["K\u00e4se", "Ka\u0308se"], "here")


def test_open_reads_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.new("L", (8, 8), 9).save(tmp_path / "a" / "1.png")
    image = replace(SET, root=tmp_path).open(SET.train[0])
    assert image.getpixel((0, 0)) == (9, 9, 9)


def test_open_draws_without_a_folder() -> None:
    drawn = replace(SET, draw=lambda key: Image.new("RGB", (len(key), 1)))
    assert drawn.open(SET.train[0]).width == len("a/1.png")


def test_open_without_folder_and_draw() -> None:
    with pytest.raises(GoproError, match="neither a folder nor a function"):
        SET.open(SET.train[0])


def test_identity_is_that_of_the_files(tmp_path: Path) -> None:
    paths = [tmp_path / item.key for item in SET.train]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(b"1234")
    here = replace(SET, root=tmp_path)
    known = here.identity(here.train)
    assert known is not None
    assert replace(here, name="x", train=()).identity(here.train) == known
    assert here.identity(here.train[::-1]) != known != here.identity(here.train[:1])
    added = [*here.train, Item(paths[0].as_posix(), 0)]  # as corrections add one
    assert here.identity(added) not in (None, known)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert here.identity(here.train) is None  # there are no files
    assert replace(SET, root=moved).identity(here.train) not in (None, known)
    moved.rename(tmp_path)
    assert here.identity(here.train) == known
    time = paths[0].stat().st_mtime_ns
    os.utime(paths[0], ns=(time, time + 1))
    assert here.identity(here.train) not in (None, known)
    os.utime(paths[0], ns=(time, time))
    paths[0].write_bytes(b"12345")
    os.utime(paths[0], ns=(time, time))
    assert here.identity(here.train) not in (None, known)


def test_identity_of_drawn_images_is_that_of_what_draws_them() -> None:
    drawn = replace(SET, draw=lambda key: Image.new("RGB", (len(key), 1)))
    assert drawn.identity(SET.train) is None
    first, second = (replace(drawn, drawn_by=name) for name in ("first", "second"))
    assert first.identity(SET.train) not in (None, second.identity(SET.train))
    assert first.identity(SET.train) != first.identity(SET.test)


def test_fingerprint_depends_on_the_splits_only() -> None:
    shuffled = replace(SET, name="x", root=Path("elsewhere"), train=SET.train[::-1], notes=("n",))
    assert shuffled.fingerprint() == SET.fingerprint()
    assert SET.fingerprint() == "cf82f255189e1dfa6cd41de33a84f451ffcde09fe9cb9554621bb0907da90621"


@pytest.mark.parametrize(
    "other",
    [
        replace(SET, class_names=("ant", "wasp")),
        replace(SET, train=SET.train[:1]),
        replace(SET, val=SET.test, test=SET.val),
        replace(SET, train=(Item("a/1.png", 1), SET.train[1])),
        replace(SET, train=(Item("a/1.png", 0, "sketch"), SET.train[1])),
    ],
)
def test_fingerprint_changes_with_every_part(other: Dataset) -> None:
    assert other.fingerprint() != SET.fingerprint()
