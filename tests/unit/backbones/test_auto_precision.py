"""What ``--precision auto`` decides, and that a run keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gopro.backbones import auto_precision
from gopro.results import runfolder
from tiny_run import Cli


@pytest.fixture(autouse=True)
def _decide_anew() -> Iterator[None]:
    auto_precision.fastest.cache_clear()
    yield
    auto_precision.fastest.cache_clear()


@pytest.mark.parametrize(("rounded", "wanted"), [(0.5, "bf16"), (0.9, "fp32"), (2.0, "fp32")])
def test_bf16_has_to_pay(monkeypatch: pytest.MonkeyPatch, rounded: float, wanted: str) -> None:
    worked: list[torch.dtype] = []
    monkeypatch.setattr(auto_precision, "_work", lambda backbone: worked.append(backbone.dtype))

    def timed(work: Callable[[], None], device: torch.device) -> tuple[None, float]:
        work()
        if len(worked) <= 2:
            return None, 100.0  # a warm-up says nothing
        return None, 1.0 if worked[-1] == torch.float32 else rounded

    monkeypatch.setattr(auto_precision, "timed", timed)
    assert auto_precision.fastest("mini", None, "cpu") == wanted
    assert worked == [torch.float32, torch.bfloat16] * 4


def test_really_tried_on_this_machine() -> None:
    assert auto_precision.fastest("mini", None, "cpu") in ("fp32", "bf16")


def test_a_run_records_the_choice_and_goes_on_with_it(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    monkeypatch.setattr("gopro.runs.resolve.fastest", lambda *about: "bf16")
    assert train(run, "--precision", "auto").code == 0
    assert runfolder.read_settings(run)[0].precision == "bf16"
    monkeypatch.setattr("gopro.runs.resolve.fastest", lambda *about: "fp32")
    (run / runfolder.DONE).unlink()
    assert train(run, "--precision", "auto", "--resume").code == 0
    assert runfolder.read_settings(run)[0].precision == "bf16"
