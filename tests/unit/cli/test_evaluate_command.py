"""``gopro evaluate``: accuracy, class by class, beside zero-shot CLIP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gopro import PromptClassifier
from tiny_run import CLASSES, Answer, Cli, write_photos


@pytest.fixture
def evaluate(cli: Cli, model: Path) -> Any:
    """Run ``gopro evaluate`` on the saved model."""

    def run(*arguments: object) -> Answer:
        return cli("evaluate", model, *arguments, "--device", "cpu", "--workers", 1)

    return run


def test_the_table(evaluate: Any, photos: Path) -> None:
    answer = evaluate(photos)
    assert answer.code == 0, answer.err
    assert "model on animals" in answer.out
    for name in (*CLASSES, "all", "zero-shot CLIP"):
        assert name in answer.out


def test_the_numbers(evaluate: Any, photos: Path, model: Path) -> None:
    found = json.loads(evaluate(photos, "--json").out)
    classifier = PromptClassifier.load(model, device="cpu")
    assert found["accuracy"] == pytest.approx(100 * classifier.score(photos))
    assert found["zero_shot"] == pytest.approx(100 * classifier.zero_shot().score(photos))
    assert [row["name"] for row in found["classes"]] == sorted(CLASSES)
    assert found["pictures"] == sum(row["pictures"] for row in found["classes"]) == 48


def test_the_test_part_counts(evaluate: Any, tmp_path: Path) -> None:
    for part, count in (("train", 1), ("test", 2)):
        write_photos(tmp_path / part, count=count)
    assert json.loads(evaluate(tmp_path, "--json").out)["pictures"] == 8


def test_classes_never_trained_on(evaluate: Any, tmp_path: Path) -> None:
    write_photos(tmp_path / "other", ["Ant", "yak", "zebra"], count=2)
    line = evaluate(tmp_path / "other").line
    assert "doesn't know the class 'yak' and 1 more" in line
    assert "--classes" in line
    own = json.loads(evaluate(tmp_path / "other", "--own_classes", "--json").out)
    named = json.loads(evaluate(tmp_path / "other", "--classes", "Ant,yak,zebra", "--json").out)
    assert own == named
    assert "give one of them" in evaluate(tmp_path, "--own_classes", "--classes", "a,b").line


def test_folders_that_do_not_fit(evaluate: Any, tmp_path: Path) -> None:
    assert "no sub-folders" in evaluate(tmp_path).line
    assert "no folder" in evaluate(tmp_path / "absent").line
    write_photos(tmp_path / "set", count=2)
    (tmp_path / "set" / "ant" / "00.png").write_bytes(b"GIF89a")
    assert "00.png" in evaluate(tmp_path / "set").line
