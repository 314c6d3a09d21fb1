"""A run is resolved once; the other processes get the first one's decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gopro.common.errors import GoproError
from gopro.runs import launch, resolve
from gopro.runs.resolve import ResolvedRun
from gopro.training.config import TrainSettings
from tiny_run import Cli


@pytest.fixture
def settings(photos: Path) -> TrainSettings:
    return TrainSettings(dataset=f"folder:{photos}", task="basenew", method="coop", shots=4)


def test_everything_is_decided(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "fastest", lambda *names: "bf16")
    found = resolve.resolve(replace(settings, precision="auto", epochs=3))
    assert found.settings.task == found.plan.task == "base2new"
    assert found.folder == Path("runs/animals-base2new-coop-lite-4shot-seed1")
    assert found.settings.precision == "bf16"
    assert (found.recipe.epochs, found.settings.epochs) == (3, 3)
    assert found.settings.lr == found.recipe.lr and found.settings.batch == found.recipe.batch
    assert isinstance(found.device, torch.device)
    assert found.settings.device == "auto"  # a repetition elsewhere chooses again
    assert found.options.n_ctx > 0


def test_resolving_again_decides_nothing(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "fastest", lambda *names: "bf16")
    first = resolve.resolve(replace(settings, precision="auto"))
    monkeypatch.setattr(resolve, "fastest", _fail)
    assert resolve.resolve(first.settings, first.options) == first


def test_a_missing_device(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(GoproError, match="the device 'cuda' is not on this machine"):
        resolve.resolve(replace(settings, device="cuda"))


def test_cached_views_of_an_encoder_that_changes(train: Cli, tmp_path: Path) -> None:
    """Refused before a folder is made, so the same command without them can use it."""
    vpt = (tmp_path / "run", "--method", "vpt", "--epochs", 1)
    assert "VPT changes the image encoder" in train(*vpt, "--view_cache", 2).line
    assert not (tmp_path / "run").exists()
    answer = train(*vpt)
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("environment", "resolves"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "2", "LOCAL_RANK": "0"}, False),
    ],
)
def test_only_the_first_process_resolves(
    settings: TrainSettings,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    resolves: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = launch.resolve_in_first_process(replace(settings, processes=2), None)
    assert isinstance(found, ResolvedRun) == resolves


class _Fabric:
    """Stands in for the second process of two."""

    local_rank = global_rank = 1

    def __init__(self, **options: object) -> None:
        pass

    def launch(self) -> None:
        pass

    def broadcast(self, nothing: None) -> tuple[TrainSettings, object, Path]:
        assert nothing is None
        return self.decisions

    decisions: tuple[TrainSettings, object, Path]


def test_the_first_process_alone_logs_elsewhere(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, processes=2, logger="wandb", device="cpu")
    _Fabric.decisions = resolve.resolve(settings).settings, None, tmp_path / "run"
    monkeypatch.setattr("lightning_fabric.Fabric", _Fabric)
    with launch.launch(settings, None) as run:
        assert run.settings.logger is None
        assert run.settings == replace(_Fabric.decisions[0], logger=None, out=run.folder)


def _fail(*names: object) -> None:
    raise AssertionError("decided again")
