"""The checkpoint folder of ``fit``: of one fit at a time, and of nothing but its own files."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gopro import GoproError
from gopro.classifier import crossvalidation
from gopro.training.trainer import Trainer
from tiny_classifier import Given, Make


@pytest.fixture
def stopped(make: Make, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a fit that Ctrl-C stopped in its second epoch."""
    step = Trainer._step

    def stopping(trainer: Trainer, *rest: Any) -> dict[str, float]:
        if trainer.progress.epoch == 1:
            signal.raise_signal(signal.SIGINT)
        return step(trainer, *rest)

    folder = tmp_path / "kept"
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_step", stopping)
        with pytest.raises(KeyboardInterrupt, match="the same fit continues it"):
            make().fit(*given, checkpoint=folder)
    return folder


def test_a_stopped_fit_is_continued_by_the_same_and_refused_to_others(
    make: Make, given: Given, stopped: Path
) -> None:
    with pytest.raises(GoproError, match="holds a fit that was stopped, with other settings"):
        make(lr=0.05).fit(*given, checkpoint=stopped)
    expected = make().fit(*given).predict_proba(given[0])
    continued = make().fit(*given, checkpoint=stopped)
    assert np.array_equal(continued.predict_proba(given[0]), expected)


def test_a_fit_that_has_returned_makes_room_for_another(
    make: Make, given: Given, stopped: Path
) -> None:
    make().fit(*given, checkpoint=stopped)
    (stopped / "thesis.txt").touch()
    other = make(lr=0.05).fit(*given, checkpoint=stopped)
    expected = make(lr=0.05).fit(*given)
    assert np.array_equal(other.predict_proba(given[0]), expected.predict_proba(given[0]))
    assert (stopped / "thesis.txt").exists()


def test_a_training_that_stops_being_numbers_leaves_only_what_is_not_its_own(
    make: Make, given: Given, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(GoproError, match="nothing was kept"):
        make(lr=1e38, precision="bf16").fit(*given, checkpoint=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("method", "words"),
    [("coop", "the same fit continues it"), ("zeroshot", "nothing was kept")],
)
def test_what_a_stop_in_the_calibration_keeps(
    make: Make,
    given: Given,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    words: str,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(crossvalidation, "cross_validate", stop)
    with pytest.raises(KeyboardInterrupt, match=words):
        make(method=method, folds=2).fit(*given, checkpoint=tmp_path)
