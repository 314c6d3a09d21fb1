"""The embedded backbone, the built-in world, the default method: as ``gopro demo`` runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gopro import results, workspace
from gopro.data import Dataset, load
from tiny_run import Cli

CLASSES = ("apple", "car", "fish", "tree")


@pytest.fixture
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world with 4 of its classes and few pictures."""
    whole = load("world")
    labels = [whole.class_names.index(name) for name in CLASSES]

    def few(part: str, count: int) -> tuple[object, ...]:
        items = getattr(whole, part)
        return tuple(
            replace(item, label=place)
            for place, label in enumerate(labels)
            for item in [item for item in items if item.label == label][:count]
        )

    parts = {"train": few("train", 16), "val": few("val", 2), "test": few("test", 5)}
    small: Dataset = replace(whole, class_names=CLASSES, **parts)  # type: ignore[arg-type]
    monkeypatch.setattr(workspace, "load", lambda name, root, seed: small)


@pytest.mark.usefixtures("small_world")
def test_the_demo_ends_with_a_table_and_a_picture(cli: Cli, tmp_path: Path) -> None:
    answer = cli("demo", "--epochs", 1, "--out", tmp_path / "demo")
    assert answer.code == 0, answer.err
    assert answer.err == ""
    assert "zero-shot CLIP" in answer.out and "gopro (paper)" in answer.out
    assert "harmonic mean" in answer.out and str(tmp_path / "demo") in answer.out.replace("\n", "")
    found = results.read(tmp_path / "demo")
    assert (found["dataset"], found["backbone"], found["method"]) == ("world", "mini", "gopro")
    assert found["test"]["new"]["n"] == 10
    with Image.open(tmp_path / "demo" / "picture.png") as image:
        image.load()
        assert image.width > 1000
    again = cli("test", tmp_path / "demo")
    assert again.code == 0 and "differ" not in again.out
    assert "this very run, finished" in cli("demo", "--epochs", 1, "--out", tmp_path / "demo").line
