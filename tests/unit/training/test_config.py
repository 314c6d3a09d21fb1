"""Settings of a run: defaults, and combinations that are refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gopro.common.errors import GoproError
from gopro.training.batches import draw_seed
from gopro.training.config import LARGEST_SEED, TrainSettings


def test_defaults_are_the_published_protocol() -> None:
    settings = TrainSettings(dataset="world")
    assert (settings.task, settings.method, settings.shots) == ("base2new", "gopro", 16)
    assert (settings.backbone, settings.select, settings.precision) == ("lite", "last", "fp32")
    assert settings.epochs is None and settings.lr is None  # the method's recipe decides


@pytest.mark.parametrize(
    "name", ["shots", "batch", "checkpoint_every", "chunk_tokens", "eval_batch", "workers"]
)
@pytest.mark.parametrize("value", [0, -3])
def test_counts_start_at_one(name: str, value: int) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(GoproError, match=f"got --{name} {value}; it must be 1 or more"):
        TrainSettings(dataset="world", **changes)


@pytest.mark.parametrize(
    "name", ["epochs", "lr", "momentum", "weight_decay", "warmup_epochs", "warmup_lr"]
)
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_rates_are_finite_and_not_negative(name: str, value: float) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(GoproError, match=f"got --{name} {value}; it must be a number of 0 or more"):
        TrainSettings(dataset="world", **changes)
    TrainSettings(dataset="world", **{name: 0})


def test_a_negative_seed() -> None:
    with pytest.raises(GoproError, match="got --seed -1"):
        TrainSettings(dataset="world", seed=-1)


def test_the_largest_seed() -> None:
    torch.Generator().manual_seed(draw_seed(TrainSettings("world", seed=LARGEST_SEED).seed, 10**6))
    with pytest.raises(GoproError, match=f"got --seed 20240101123456; .* at most {LARGEST_SEED}"):
        TrainSettings("world", seed=20240101123456)


def test_a_data_set_must_be_named() -> None:
    with pytest.raises(GoproError, match="no data set was named"):
        TrainSettings()


def test_the_best_epoch_needs_validation() -> None:
    with pytest.raises(GoproError, match="--select best needs validation"):
        TrainSettings(dataset="world", select="best", validate=False)
    TrainSettings(dataset="world", select="best")


def test_targets_one_by_one() -> None:
    assert TrainSettings(dataset="world", targets="pacs, dtd,").target_names == ("pacs", "dtd")
    with pytest.raises(GoproError, match="empty --targets"):
        TrainSettings(dataset="world", targets=" ,")
