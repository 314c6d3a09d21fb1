"""The comparison of one temperature with more: what is learned, and the figures of a fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import calibration
from benchmarks.unknown import draw
from scipy.special import softmax

from tiny_classifier import Make


def drawn(scale: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits [3000, 3], and labels drawn from the shares of ``scale * logits + bias``."""
    dice = np.random.default_rng(0)
    logits = 2 * dice.normal(size=(3000, 3))
    shares = softmax(scale * logits + bias, axis=1).cumsum(axis=1)
    return logits, (dice.random((3000, 1)) > shares).sum(axis=1)


def test_each_scaling_is_found() -> None:
    scale, bias = np.array([0.4, 1.0, 2.0]), np.array([1.0, 0.0, -1.0])
    logits, truth = drawn(scale, bias)
    found = calibration.per_class(logits, truth, bias=True)(logits)
    wanted = softmax(scale * logits + bias, axis=1)
    assert np.abs(softmax(found, axis=1) - wanted).mean() < 0.02
    logits, truth = drawn(scale, 0 * bias)
    found = calibration.per_class(logits, truth, bias=False)(logits)
    assert np.abs(found / logits - scale).max() < 0.2
    losses = {
        name: calibration.figures(how(logits, truth)(logits), truth)[1]
        for name, how in calibration.SCALINGS.items()
    }
    assert losses["a temperature per class"] < losses["one temperature"] - 0.01
    assert losses["one temperature"] <= losses["uncalibrated"]


def test_figures() -> None:
    logits = np.log([[0.8, 0.2], [0.8, 0.2], [0.3, 0.7], [0.3, 0.7]])
    error, loss, accuracy = calibration.figures(logits, np.array([0, 1, 1, 1]))
    assert error == pytest.approx(0.3)
    assert loss == pytest.approx(-np.log([0.8, 0.2, 0.7, 0.7]).mean())
    assert accuracy == 75.0


def test_a_fit(make: Make, photos: Path) -> None:
    chosen = draw(photos, seed=1, unknown=0, shots=6, most=4)
    classifier = make(folds=0, device="cpu")
    rows = calibration.measure(chosen, classifier)
    paths, labels = map(list, zip(*chosen.test, strict=True))
    measured = classifier.compare(paths, labels)
    assert rows[0, 2] == rows[1, 2] == pytest.approx(measured.accuracy)
    assert measured.confidence is not None
    assert rows[0, 0] == pytest.approx(measured.confidence.error)
    assert rows.shape == (4, 3)
