"""Damaged test images: found before the training; one that breaks later costs no training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro.data import Dataset, load
from gopro.runs import run
from gopro.runs.pictures import CHECKED
from tiny_run import Cli


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """A copy of the pictures that may be changed."""
    return Path(shutil.copytree(photos, tmp_path / "animals"))


@pytest.fixture
def tested(folder: Path) -> Path:
    """One of its test images."""
    return folder / load(f"folder:{folder}").test[-1].key


@pytest.mark.parametrize("kind", ["other", "truncated", "empty"])
def test_a_damaged_test_image_is_named_before_the_training(
    train: Cli, tmp_path: Path, folder: Path, tested: Path, kind: str
) -> None:
    whole = tested.read_bytes()
    tested.write_bytes({"other": b"a text", "truncated": whole[: len(whole) // 2]}.get(kind, b""))
    assert str(tested) in train(tmp_path / "run", dataset=f"folder:{folder}").line
    assert not (tmp_path / "run").exists()


def test_a_truncated_jpeg_is_found_at_an_eighth_of_its_size(
    train: Cli, tmp_path: Path, folder: Path, tested: Path
) -> None:
    picture = Image.open(tested).resize((512, 512))
    picture.save(tested, format="JPEG")  # the suffix doesn't count
    whole = tested.read_bytes()
    tested.write_bytes(whole[: len(whole) * 9 // 10])
    assert str(tested) in train(tmp_path / "run", dataset=f"folder:{folder}").line


def test_an_image_that_breaks_during_the_training_costs_no_training(
    train: Cli, tmp_path: Path, folder: Path, tested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, learn = tested.read_bytes(), run.learn

    def learn_and_break(*arguments: Any) -> Any:
        progress = learn(*arguments)
        tested.write_bytes(b"")
        return progress

    with monkeypatch.context() as patch:
        patch.setattr(run, "learn", learn_and_break)
        line = train(tmp_path / "run", dataset=f"folder:{folder}").line
    assert str(tested) in line and f"the training is kept in {tmp_path / 'run'}" in line
    weights = (tmp_path / "run" / "model.safetensors").read_bytes()
    tested.write_bytes(whole)
    answer = train(tmp_path / "run", "--resume", dataset=f"folder:{folder}")
    assert answer.code == 0, answer.err
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == weights
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["test"]["new"]["n"] == 8


def test_images_whose_features_are_cached_are_not_opened_for_it(
    train: Cli, tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are any where there is nothing to train."""
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "cache"))
    checked: list[str] = []
    open_one = Dataset.open

    def noted(self: Dataset, item: Any, reduced_to: int | None = None) -> Any:
        if reduced_to == CHECKED.reduced_to:
            checked.append(item.key)
        return open_one(self, item, reduced_to)

    monkeypatch.setattr(Dataset, "open", noted)
    assert train(tmp_path / "zeroshot", "--method", "zeroshot", "--shots", 2).code == 0
    assert not checked
    assert train(tmp_path / "first", "--root", tmp_path).code == 0
    assert not checked
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "other"))
    assert train(tmp_path / "second").code == 0
    assert len(checked) == 16 == len(set(checked))
