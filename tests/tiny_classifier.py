"""Classifiers that train in about a second, on the tiny CLIP of ``tests/tiny_run.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gopro import PromptClassifier
from tiny_run import CLASSES

Make = Callable[..., PromptClassifier]
Given = tuple[list[Path], list[str]]


@pytest.fixture(scope="session")
def make(tiny: list[str]) -> Make:
    """A classifier on the tiny backbone; by default CoOp, 2 epochs, batches of 8, uncalibrated."""
    where = {
        name.removeprefix("--"): value for name, value in zip(tiny[::2], tiny[1::2], strict=True)
    }

    def build(**settings: Any) -> PromptClassifier:
        usual: dict[str, Any] = {"method": "coop", "epochs": 2, "batch": 8, "lr": 0.1, "workers": 1}
        usual["folds"] = 0  # a calibrated fit takes four trainings more
        return PromptClassifier(**{**where, **usual, **settings})

    return build


@pytest.fixture(scope="session")
def given(photos: Path) -> Given:
    """The paths of 6 pictures of each of 4 classes, and their labels."""
    paths = [photos / name / f"{number:02}.png" for name in CLASSES for number in range(6)]
    return paths, [path.parent.name for path in paths]


@pytest.fixture(scope="session")
def model(make: Make, given: Given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fitted and saved classifier. Tests must not change it."""
    return make().fit(*given).save(tmp_path_factory.mktemp("saved") / "model")
