"""States of data sets, and unreadable images."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import miniatures
import pytest

from gopro import data
from gopro.data.catalog import KNOWN
from gopro.data.catalog_entry import Size
from gopro.data.dataset import Dataset, Item
from gopro.data.verify import State, broken, counts, differs_from_published, state


def pets(root: Path) -> Dataset:
    miniatures.oxford_pets(root / "oxford_pets")
    return KNOWN["oxford_pets"].read("oxford_pets", root / "oxford_pets", 3)


def test_states(tmp_path: Path, caltech_like: Path) -> None:
    assert state("world", tmp_path) == State("built in", 5376)
    assert state("dtd", tmp_path) == State("missing", 5640)
    (tmp_path / "dtd").mkdir()
    assert state("dtd", tmp_path).state == "partial"
    assert "has no images" in state("dtd", tmp_path).problem
    result = state("caltech101", caltech_like)
    assert result == State("partial", 18, "18 of 8,242 published pictures")


def test_a_complete_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pets(tmp_path)
    monkeypatch.setitem(
        KNOWN, "oxford_pets", replace(KNOWN["oxford_pets"], size=Size(3, (12, 3, 15)))
    )
    assert state("oxford_pets", tmp_path) == State("here", 30)
    read = data.load("oxford_pets", tmp_path)
    assert differs_from_published(read) == ""
    moved = replace(read, val=read.val[1:], test=(*read.test, read.val[0]))
    assert differs_from_published(moved) == (
        "oxford_pets has 12 / 2 / 16 pictures, 12 / 3 / 15 were published"
    )


def test_a_set_without_a_published_split_may_have_more() -> None:
    items = tuple(Item(f"{n}.jpg", 0) for n in range(9992))
    pacs = Dataset("pacs", None, ("dog",), items, (), ())
    assert differs_from_published(pacs) == ""
    assert differs_from_published(replace(pacs, train=items[:9])) == (
        "pacs has 9 pictures, 9,991 were published"
    )
    assert differs_from_published(replace(pacs, name="folder:mine", train=())) == ""


def test_world_has_the_published_counts() -> None:
    world = data.load("world")
    assert counts(world) == KNOWN["world"].size.counts
    assert len(world.class_names) == KNOWN["world"].size.classes


def test_lists_all_broken_pictures(tmp_path: Path) -> None:
    read = pets(tmp_path)
    images = tmp_path / "oxford_pets" / "images"
    gone, short = read.train[3].key, read.test[2].key
    (images / gone).unlink()
    (images / short).write_bytes((images / short).read_bytes()[:200])
    shown: list[str] = []
    problems = broken(read, shown.append, workers=2)
    assert len(problems) == 2
    assert gone in problems[0]
    assert short in problems[1]
    assert len(shown) == 30
    assert (shown[0], shown[-1]) == ("", "2 broken")


def test_nothing_broken(tmp_path: Path) -> None:
    read = pets(tmp_path)
    assert broken(read) == []
    shutil.rmtree(tmp_path / "oxford_pets" / "images")
    assert len(broken(read)) == 30
