"""The training seconds of a run count the same work for all methods."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gopro.backbones import Backbone
from gopro.data import Dataset
from gopro.methods.coop import CoOp
from gopro.methods.tip_adapter import TipAdapter
from gopro.results import results_json
from tiny_run import Cli

OPEN, ENCODE, PREPARE, STEP = 1_000_000, 1_000, 100, 1


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only some work moves on."""
    now = [0.0]

    def lasting(seconds: int, work: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*values: Any, **named: Any) -> Any:
            now[0] += seconds
            return work(*values, **named)

        return slow

    for name in ("monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, lambda: now[0])
    for kind, name, seconds in (
        (Dataset, "open", OPEN),
        (Backbone, "encode_image", ENCODE),
        (TipAdapter, "prepare", PREPARE),
        (TipAdapter, "loss", STEP),
        (CoOp, "loss", STEP),
    ):
        monkeypatch.setattr(kind, name, lasting(seconds, getattr(kind, name)))


@pytest.mark.parametrize(
    ("options", "expected"),  # 8 steps; 8 images to validate
    [
        (("--method", "coop"), 8 * STEP),
        (("--method", "tip_adapter"), PREPARE + 8 * STEP),
        (("--method", "tip_adapter", "--epochs", 0), PREPARE),
        (("--method", "coop", "--augment", "crop-flip", "--view_cache", 2), 8 * STEP),
        (
            ("--method", "coop", "--augment", "crop-flip", "--view_cache", 0),
            8 * (ENCODE + STEP),
        ),
    ],
)
def test_counts_preparing_and_steps(
    train: Cli, tmp_path: Path, options: tuple[object, ...], expected: int
) -> None:
    """Not opening and encoding images before, nor making cached views."""
    answer = train(tmp_path / "run", *options)
    assert answer.code == 0, answer.err
    assert results_json.read(tmp_path / "run")["train_seconds"] == expected
