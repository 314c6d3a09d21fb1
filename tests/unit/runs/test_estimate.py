"""What a run is going to cost: nothing of the run changes, and the parts add up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gopro.cli.train import runs_from
from gopro.common.text import duration
from gopro.prediction.encode import features_for
from gopro.runs import estimate as module
from gopro.runs.estimate import Estimate, estimate
from gopro.runs.prepared import PreparedRun, prepare
from gopro.runs.resolve import resolve
from gopro.training import timing
from tiny_run import Cli


@pytest.fixture
def prepared(tiny: list[str], photos: Path, tmp_path: Path) -> Any:
    """Make a run of GOPro on tiny photographs from options."""

    def make(*arguments: str) -> PreparedRun:
        usual = ["--method", "gopro", "--shots", "4", "--epochs", "2", "--batch", "2"]
        where = ["--out", str(tmp_path / "run"), "--workers", "1"]
        given = [f"folder:{photos}", "base2new", *tiny, *usual, *where, *arguments]
        ((settings, options),) = runs_from(given)
        return prepare(resolve(settings, options))

    return make


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is tried takes a second."""
    for each in (module, timing):
        monkeypatch.setattr(each, "often", lambda work, device, gradient=True: (work(), 1.0)[1])


def test_the_parts_are_counted(prepared: Any) -> None:
    run = prepared()
    one, two = estimate(run), estimate(prepared("--epochs", "4"))
    # 2 base classes of 4 shots in steps of 2
    assert one.seconds["training"] == 2 * 4 and two.seconds["training"] == 4 * 4
    # x, which isn't augmented, validation images, and 4 test images of 4 classes
    assert one.seconds["encoding"] * 8 == pytest.approx(8 + len(run.plan.val) + 16)
    assert one.seconds["validation"] * 2 == two.seconds["validation"] > 0
    assert one.seconds["testing"] == two.seconds["testing"] > 0
    assert one.seconds["views"] == 0 and one.memory > 0 and one.disk > 0


def test_cached_views_cost_once(prepared: Any) -> None:
    found = estimate(prepared("--view_cache", "3"))
    assert found.seconds["views"] * 2 == 3 * 8
    assert found.seconds["training"] == 2 * 4


def test_what_the_cache_has_is_not_encoded_again(
    prepared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "cache"))
    run = prepared()
    before = estimate(run)
    for test in run.plan.tests.values():
        features_for(run.method, test.dataset, test.items, workers=1)
    after = estimate(run)
    assert (before.seconds["encoding"] - after.seconds["encoding"]) * 8 == pytest.approx(16)
    assert after.disk < before.disk


def test_a_run_without_training_only_tests(prepared: Any) -> None:
    found = estimate(prepared("--method", "zeroshot"))
    assert found.seconds["training"] == found.seconds["validation"] == 0
    assert found.seconds["testing"] > 0


@pytest.mark.parametrize("method", ["tip_adapter", "coop", "vpt", "clip_adapter"])
def test_every_kind_of_method_can_be_tried(prepared: Any, method: str) -> None:
    task = ["--task", "few-shot"] if method == "tip_adapter" else []
    assert estimate(prepared("--method", method, *task)).seconds["training"] > 0


@pytest.mark.parametrize(("method", "seconds"), [("tip_adapter", 1.0), ("coop", 0.0)])
def test_closed_forms_are_counted(
    prepared: Any, monkeypatch: pytest.MonkeyPatch, method: str, seconds: float
) -> None:
    monkeypatch.setattr(module, "timed", lambda work, device: (work(), 1.0))
    assert estimate(prepared("--method", method)).seconds["preparing"] == seconds


def test_trying_out_changes_nothing(prepared: Any, tmp_path: Path) -> None:
    run = prepared("--gopro.variant", "released")  # batch norm counts what it sees
    before = {name: value.clone() for name, value in run.method.state_dict().items()}
    torch.manual_seed(5)
    estimate(run)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    for name, value in run.method.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in run.method.parameters())
    assert not (tmp_path / "run").exists()


def test_in_a_line() -> None:
    found = Estimate({"training": 400.0, "testing": 20.0, "views": 0.1}, 2_000_000_000, 55_000_000)
    line = "about 7 min (training 7 min, testing 20 s), 2.0 GB of memory, 0.06 GB of disk"
    assert str(found) == line
    assert str(replace(found, seconds={"testing": 0.1})).startswith("about 0 s, 2.0 GB")
    assert [duration(s) for s in (99, 100, 5999, 7200)] == ["99 s", "2 min", "100 min", "2.0 h"]


def test_only_when_asked(train: Cli, tmp_path: Path) -> None:
    asked = train(tmp_path / "run", "--estimate")
    assert asked.code == 0 and "2 epochs of 8 images" in asked.out
    assert "expected: about" in asked.out and not (tmp_path / "run").exists()
    done = train(tmp_path / "run")
    assert done.code == 0 and "expected" not in done.out


def test_who_changes_the_tower_keeps_what_zero_shot_needs(
    prepared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared("--method", "maple")
    without = estimate(run).disk
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "cache"))
    layers = 2 * sum(run.backbone.vision_widths)
    whole = 4 * (run.backbone.embed_dim + layers + run.backbone.pooled_width)
    assert estimate(run).disk == without + whole * 16  # 4 test images of 4 classes
