"""Killed without a word (SIGKILL), begun again, and bit for bit what it had been anyway."""

from __future__ import annotations

from pathlib import Path

import pytest

from killed_work import caching, downloading, small_dtd, training_on_tiny
from killing import after, survives, while_written
from same_runs import assert_same
from tiny_run import Cli

pytestmark = pytest.mark.timeout(600)

EPOCHS = ["--epochs", "12"]


def test_training(train: Cli, tiny: list[str], photos: Path, tmp_path: Path) -> None:
    """Killed while one of three files is written."""
    train(tmp_path / "whole", *EPOCHS)
    moments = {"config.yaml": 1, "checkpoint.safetensors": 4, "results.json": 1}
    for name, number in moments.items():
        run = tmp_path / name
        process = training_on_tiny(tiny, photos, tmp_path, run, *EPOCHS)
        assert while_written(run, name, number)(process), name
        assert not (run / "done").exists()
        answer = train(run, *EPOCHS, "--resume")
        assert answer.code == 0, answer.err
        assert_same(run, tmp_path / "whole")


def test_features(tmp_path: Path) -> None:
    work = caching(tmp_path / "whole", count=20)
    for number, part in enumerate((0.3, 0.7)):
        survives(work, tmp_path / str(number), after(part * work.seconds))


def test_downloads(tmp_path: Path) -> None:
    with small_dtd(tmp_path) as (pieces, counts):
        work = downloading(tmp_path / "whole", pieces, counts)
        for number in range(4):
            survives(work, tmp_path / str(number), after((number + 0.5) / 4 * work.seconds))
