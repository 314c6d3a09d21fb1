"""Calibration: temperature, threshold, sets, and its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from gopro import GoproError
from gopro.classifier.confidence.calibration import Calibration, best_temperature
from gopro.classifier.crossvalidation import OutOfSample
from gopro.common.tensors import load_tensors
from gopro.results.confidence import Floats, auroc


def drawn(pictures: int, temperature: float, seed: int = 0) -> tuple[Floats, np.ndarray]:
    """Logits, and class indices drawn with the shares of the logits at a temperature."""
    rng = np.random.default_rng(seed)
    logits = 6 * rng.normal(size=(pictures, 5))
    shares = softmax(logits / temperature, axis=1)
    truth = np.array([rng.choice(5, p=row) for row in shares])
    return logits, truth


@pytest.fixture
def calibration() -> Calibration:
    logits, truth = drawn(200, 2.0)
    rng = np.random.default_rng(1)
    inputs = torch.from_numpy(rng.normal(size=(200, 8))).float()
    measured = OutOfSample(torch.from_numpy(logits), torch.from_numpy(truth))
    return Calibration.of(measured, inputs, torch.from_numpy(truth), 5)


def other_inputs(pictures: int) -> torch.Tensor:
    """Inputs [K, 8] of pictures of no known class."""
    return 3 + torch.randn(pictures, 8, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_found_again(temperature: float) -> None:
    found = best_temperature(*drawn(4000, temperature))
    assert found == pytest.approx(temperature, rel=0.1)


def test_a_few_right_answers_do_not_prove_certainty() -> None:
    logits = 100 * np.eye(4)
    shares = softmax(logits / best_temperature(logits, np.arange(4)), axis=1)
    assert 0.6 < shares.max() < 0.95


def test_shares_keep_the_order_of_the_classes(calibration: Calibration) -> None:
    logits, _ = drawn(50, 1.0, seed=3)
    shares = calibration.shares(logits)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_the_threshold_keeps_most_known_pictures(calibration: Calibration) -> None:
    assert 0.95 <= (calibration.known >= calibration.threshold).mean() < 0.97


def test_set_with_others(calibration: Calibration) -> None:
    better = calibration.with_others(other_inputs(60))
    assert better.classes.count == 60
    assert calibration.classes.count == 0
    new = better.classes.scores(other_inputs(200)[60:]).numpy()
    assert (new < better.threshold).mean() > 0.9
    assert (better.known >= better.threshold).mean() > 0.9
    old = calibration.classes.scores(other_inputs(200)[60:]).numpy()
    assert auroc(better.known, new) > max(0.95, auroc(calibration.known, old))
    assert "set with 60 examples" in better.line()


def test_the_line_counts_what_each_number_was_set_on(calibration: Calibration) -> None:
    assert "calibrated on 200 images" in calibration.line()
    assert calibration.line().endswith("% of them")
    fewer = replace(calibration, missed=calibration.missed[:120])  # the cross-validation stopped
    assert "calibrated on 120 images" in fewer.line()
    assert fewer.line().endswith("% of 200")


def test_an_example_does_not_vouch_for_itself(calibration: Calibration) -> None:
    # examples that are drawn like the known pictures can't be told from them
    same = torch.randn(60, 8, generator=torch.Generator().manual_seed(7))
    classes = calibration.with_others(same).classes
    for part in classes.parts:
        distances = part.to_others(part.others)
        assert torch.allclose(distances.diagonal(), torch.zeros(60, dtype=torch.float64), atol=1e-6)
    assert (classes.scores_of_others() > classes.scores(same)).all()
    useless = calibration.with_others(same)
    assert (useless.known >= useless.threshold).mean() >= 0.9
    fresh = torch.randn(300, 8, generator=torch.Generator().manual_seed(8))
    caught = (useless.classes.scores(fresh).numpy() < useless.threshold).mean()
    assert caught < 0.35


def test_sets(calibration: Calibration) -> None:
    limits = [calibration.set_limit(level) for level in (0.5, 0.8, 0.95)]
    assert limits == sorted(limits)
    for level in (0.0, 1.0, 95.0):
        with pytest.raises(GoproError, match="between 0 and 1"):
            calibration.set_limit(level)
    with pytest.raises(GoproError, match="more pictures than the 200"):
        calibration.set_limit(0.999)


@pytest.mark.parametrize("pictures", [1, 9, 11, 18, 56, 200])
def test_the_largest_set_that_is_named_can_be_made(calibration: Calibration, pictures: int) -> None:
    few = replace(calibration, missed=calibration.missed[:pictures])
    with pytest.raises(GoproError, match="wanted at most") as refused:
        few.set_limit(0.9999)
    assert few.set_limit(float(str(refused.value).split()[-1])) <= 1


def test_the_file(calibration: Calibration, tmp_path: Path) -> None:
    calibration = calibration.with_others(other_inputs(3))
    calibration.save(tmp_path / "calibration.safetensors")
    loaded = Calibration.load(tmp_path / "calibration.safetensors")
    assert loaded.temperature == calibration.temperature
    assert loaded.threshold == calibration.threshold
    assert np.array_equal(loaded.known, calibration.known)
    inputs = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded.classes.scores(inputs), calibration.classes.scores(inputs))


def test_a_file_from_before_the_embedding_counted(tmp_path: Path) -> None:
    """It has the layer means alone, and its pictures the same scores as then."""
    logits, truth = drawn(200, 2.0)
    measured = OutOfSample(torch.from_numpy(logits), torch.from_numpy(truth))
    inputs = torch.randn(200, 8, generator=torch.Generator().manual_seed(2))
    old = Calibration.of(measured, inputs, measured.truth, 8).with_others(other_inputs(5))
    old.save(tmp_path / "old.safetensors")
    tensors, _ = load_tensors(tmp_path / "old.safetensors")
    names = {name for name in tensors if name.startswith("classes")}
    assert names == {f"classes.{name}" for name in vars(old.classes.parts[0])}
    loaded = Calibration.load(tmp_path / "old.safetensors")
    with_embedding = torch.cat([inputs, torch.randn(200, 3)], dim=1)
    assert torch.equal(loaded.classes.scores(with_embedding), old.classes.scores(inputs))
    wider = torch.cat([other_inputs(9), torch.ones(9, 3)], dim=1)
    assert loaded.with_others(wider).threshold == old.with_others(other_inputs(9)).threshold


def test_known_pictures_are_kept_that_were_not_learned_from() -> None:
    # as many numbers as pictures: scores of pictures that were learned from would promise too much
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(4).repeat(20)
    means = 2 * torch.randn(4, 100, generator=generator)
    inputs, new, examples = (
        means[truth] + torch.randn(80, 100, generator=generator),
        means[truth] + torch.randn(80, 100, generator=generator),
        2 * torch.randn(40, 100, generator=generator),
    )
    measured = OutOfSample(torch.randn(80, 4, generator=generator).double(), truth)
    calibration = Calibration.of(measured, inputs, truth, inputs.shape[1])
    for one in (calibration, calibration.with_others(examples)):
        kept = (one.classes.scores(new).numpy() >= one.threshold).mean()
        assert kept >= 0.85
        unlike = 2 * torch.randn(100, 100, generator=generator)
        assert (one.classes.scores(unlike).numpy() < one.threshold).mean() > 0.8


def test_many_pictures_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gopro.classifier.confidence.unknown.PICTURES", 10)
    truth = torch.arange(2).repeat(20)
    inputs = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
    measured = OutOfSample(torch.zeros(40, 2).double(), truth)
    # every fourth is of class 0
    assert len(Calibration.of(measured, inputs, truth, 6).inputs) == 40
    order = truth.argsort(stable=True)
    assert len(Calibration.of(measured, inputs, truth[order], 6).inputs) == 10
