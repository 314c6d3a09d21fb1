"""ImageNet has two pairs of classes with the same name, which no other data set may have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gopro.common.tensors import load_tensors
from gopro.data.catalog import KNOWN
from gopro.results import results_json
from gopro.results.pages import history
from gopro.results.pages.history import Run
from tiny_run import Cli, write_photos

NAMES = ["missile", "cat", "missile", "dog"]
WNIDS = ["n01", "n02", "n03", "n04"]


@pytest.fixture
def usual(tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Options for a small ImageNet and its sketches, which look like the training pictures."""
    rows = "".join(f"{wnid} {name}\n" for wnid, name in zip(WNIDS, NAMES, strict=True))
    for name in ("imagenet", "imagenet_sketch"):
        known = KNOWN[name]
        monkeypatch.setitem(KNOWN, name, replace(known, size=known.size._replace(classes=4)))
        (home := tmp_path / known.folders[0]).mkdir()
        (home / "classnames.txt").write_text(rows, encoding="utf-8")
    images = tmp_path / "imagenet" / "images"
    write_photos(images / "train", WNIDS, count=6)
    write_photos(images / "val", WNIDS, count=3, seed=1)
    write_photos(tmp_path / "imagenet-sketch" / "images", WNIDS, count=3, seed=2)
    steps = ["--shots", 4, "--epochs", 1, "--batch", 2, "--augment", "none", "--workers", 1]
    return [*tiny, *steps, "--root", tmp_path]


def answers(folder: Path, test: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "predictions.json").read_text())[test]
    assert found["class_names"] == NAMES
    return found


@pytest.mark.parametrize(
    ("method", "apart"),
    [
        ("zeroshot", False),
        ("coop", False),
        ("gopro", False),
        ("gopro_plus", True),
        ("linear_probe", True),
        ("tip_adapter", True),
    ],
)
def test_few_shot(cli: Cli, usual: list[object], tmp_path: Path, method: str, apart: bool) -> None:
    """What is learned for each class tells the two of a pair apart; equal prompts can't."""
    out = tmp_path / "run"
    answer = cli("train", "imagenet", "few-shot", *usual, "--method", method, "--out", out)
    assert answer.code == 0, answer.err
    assert "missile (n01, n03)" in " ".join(answer.out.split())
    found = answers(out, "all")
    right = {b for a, b in zip(found["labels"], found["predicted"], strict=True) if a == b}
    assert (right >= {0, 2}) == apart
    again = cli("test", out, "--root", tmp_path)
    assert again.code == 0 and "differ" not in again.out
    rows = [row for row in history.changes([Run(out, {})]) if row.name == "missile"]
    assert [row.pictures for row in rows] == [3, 3]


def test_the_other_tasks(cli: Cli, usual: list[object], tmp_path: Path) -> None:
    common = [*usual, "--method", "linear_probe", "--out", tmp_path / "run"]
    answer = cli(
        "train", "imagenet", "domain-generalization", *common, "--targets", "imagenet_sketch"
    )
    assert answer.code == 0, answer.err
    found = answers(tmp_path / "run", "imagenet_sketch")
    assert {0, 2} <= {a for a, b in zip(found["labels"], found["predicted"], strict=True) if a == b}
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    for out, method in (
        (teacher, ["coop"]),
        (student, ["promptkd", "--promptkd.teacher", teacher]),
    ):
        answer = cli("train", "imagenet", "base2new", *usual, "--out", out, "--method", *method)
        assert answer.code == 0, answer.err
        assert results_json.read(out)["test"].keys() == {"base", "new"}
    weights, _ = load_tensors(student / "model.safetensors")
    assert len(weights["taught_text"]) == len(NAMES)
