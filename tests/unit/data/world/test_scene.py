"""The words that describe a picture."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from gopro.common.errors import GoproError
from gopro.data.world import CLASS_NAMES, STYLES, Scene, scene
from gopro.data.world.scene import BACKGROUNDS, LIGHTS, PAPERS, POSITIONS, SIZES, THINGS, TURNS


def test_class_names_are_sorted_unique_plain_words() -> None:
    assert len(CLASS_NAMES) >= 40
    assert STYLES == ("photo", "painting", "cartoon", "sketch")
    assert list(CLASS_NAMES) == sorted(set(CLASS_NAMES))
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)?", name) for name in CLASS_NAMES)


def test_scene_is_fixed_by_its_four_values() -> None:
    first = scene(3, "photo", seed=1, index=2)
    assert first == scene(3, "photo", seed=1, index=2)
    assert (first.label, first.style, first.seed, first.index) == (3, "photo", 1, 2)
    assert first.name == CLASS_NAMES[3]


def many(style: str) -> list[Scene]:
    return [scene(label, style, seed=0, index=i) for label in range(20) for i in range(20)]


@pytest.mark.parametrize("style", ["photo", "painting", "cartoon"])
def test_every_word_occurs(style: str) -> None:
    scenes = many(style)
    assert {s.background for s in scenes} == set(BACKGROUNDS)
    assert {s.position for s in scenes} == set(POSITIONS)
    assert {s.size for s in scenes} == set(SIZES)
    assert {s.turn for s in scenes} == set(TURNS)
    assert {s.light for s in scenes} == set(LIGHTS)
    assert all(s.colour in THINGS[s.name].colours for s in scenes)
    assert any(s.blurry for s in scenes) == (style == "photo")
    assert Counter(s.crowded for s in scenes)[True] > 100
    assert Counter(s.covered for s in scenes)[True] > 50


def test_sketches_are_on_paper_or_a_blackboard() -> None:
    scenes = many("sketch")
    assert {s.background for s in scenes} == set(PAPERS)
    assert all((s.colour == "white") == (s.background == "blackboard") for s in scenes)


def test_large_objects_are_in_the_centre() -> None:
    assert {s.position for s in many("photo") if s.size == "large"} == {"centre"}


@pytest.mark.parametrize("label", [-1, len(CLASS_NAMES)])
def test_unknown_label_is_refused(label: int) -> None:
    with pytest.raises(GoproError, match=f"label {label}"):
        scene(label, "photo", seed=0, index=0)


def test_unknown_style_is_refused() -> None:
    with pytest.raises(GoproError, match="photo, painting, cartoon, sketch"):
        scene(0, "fresco", seed=0, index=0)


def test_negative_index_is_refused() -> None:
    with pytest.raises(GoproError, match="picture number -1"):
        scene(0, "photo", seed=0, index=-1)
