"""Every method trains and tests on the built-in world, on a tiny CLIP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gopro.data import Dataset
from gopro.methods import TABLE, find
from gopro.results import results_json
from small_world import small_world
from tiny_run import Cli

USUAL = ["--shots", 2, "--batch", 4, "--workers", 1]


@pytest.fixture(scope="module")
def small() -> Dataset:
    return small_world(train=2, val=1, test=2)


@pytest.fixture(autouse=True)
def _small_world(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gopro.runs.workspace.load", lambda name, root, seed: small)


def taught(cli: Cli, tiny: list[str], folder: Path, method: str, task: str) -> list[object]:
    """The options of a method; one that learns from a teacher gets zero-shot CLIP."""
    if not find(method).learns_from_teacher:
        return ["--method", method]
    out = folder / "teacher"
    answer = cli("train", "world", task, *tiny, "--method", "zeroshot", *USUAL, "--out", out)
    assert answer.code == 0, answer.err
    return ["--method", method, f"--{method}.teacher", out]


@pytest.mark.parametrize("method", TABLE)
def test_every_method(cli: Cli, tiny: list[str], tmp_path: Path, method: str) -> None:
    out = tmp_path / "run"
    asked = [*taught(cli, tiny, tmp_path, method, "few-shot"), "--epochs", 1]
    answer = cli("train", "world", "few-shot", *tiny, *asked, *USUAL, "--out", out)
    assert answer.code == 0, answer.err
    found = results_json.read(out)
    assert (found["dataset"], found["method"]) == ("world", method)
    assert found["test"]["all"]["n"] == 8
    again = cli("test", out)
    assert again.code == 0, again.err
    assert "differ" not in again.out


@pytest.mark.parametrize("method", [name for name in TABLE if find(name).modifies_image_encoder])
def test_validation_and_zero_shot_beside_another_image_tower(
    cli: Cli, tiny: list[str], tmp_path: Path, method: str
) -> None:
    out = tmp_path / "run"
    for name in (method, "zeroshot"):
        best = ["--select", "best", "--epochs", 2, "--lr", 0.1] if name == method else []
        asked = taught(cli, tiny, tmp_path, name, "base2new")
        arguments = [*asked, *best, *USUAL, "--out", out / name]
        answer = cli("train", "world", "base2new", *tiny, *arguments)
        assert answer.code == 0, answer.err
    lines = (out / method / "metrics.jsonl").read_text().splitlines()
    assert all(0 <= json.loads(line)["val_accuracy"] <= 100 for line in lines)
    assert len(lines) == 2
    mine, plain = results_json.read(out / method), results_json.read(out / "zeroshot")
    assert mine["zeroshot"]["test"] == plain["test"]  # the frozen tower's, not the method's
