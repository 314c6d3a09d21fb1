"""Measures of confidence against their definitions, computed another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gopro.results import confidence
from gopro.results.confidence import Answered, Confidence, Unknowns


def test_calibration_error_by_hand() -> None:
    shares = np.array([0.95, 0.95, 0.55, 0.5, 0.51])
    right = np.array([True, False, True, True, False])
    bins = confidence.reliability(shares, right, bins=10)
    assert [one.pictures for one in bins] == [3, 2]
    assert bins[0].accuracy == pytest.approx(2 / 3)
    expected = 3 / 5 * abs(2 / 3 - 1.56 / 3) + 2 / 5 * abs(0.5 - 0.95)
    assert confidence.calibration_error(bins) == pytest.approx(expected)


def test_a_calibrated_answerer_has_a_small_error() -> None:
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.2, 1, 20_000)
    right = rng.uniform(size=20_000) < shares
    good = confidence.calibration_error(confidence.reliability(shares, right))
    bold = confidence.calibration_error(confidence.reliability(np.sqrt(shares), right))
    assert good < 0.015
    assert bold > 0.1


def test_confidence_of_one_is_in_the_last_bin() -> None:
    (only,) = confidence.reliability(np.ones(3), np.ones(3, dtype=bool))
    assert (only.pictures, only.confidence, only.accuracy) == (3, 1.0, 1.0)


def test_auroc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    known, others = rng.integers(0, 20, 50) / 10, rng.integers(0, 15, 70) / 10  # many ties
    truth = [1] * 50 + [0] * 70
    expected = roc_auc_score(truth, np.concatenate([known, others]))
    assert confidence.auroc(known, others) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0.9, 0.95])
@pytest.mark.parametrize("count", [1, 7, 10, 19, 20, 21, 56, 100, 140, 920])
def test_the_largest_threshold_that_keeps_a_share(share: float, count: int) -> None:
    known = np.random.default_rng(count).normal(size=count)
    enough = [one for one in known if (known >= one).mean() >= share]
    assert confidence.keeping(known, share) == max(enough)


def test_unknowns_caught_where_the_known_are_kept() -> None:
    known, others = np.arange(100.0), np.arange(-30.0, 20.0)
    limit = confidence.keeping(known, 0.95)
    assert (known >= limit).mean() == 0.95
    result = Unknowns.of(known, others, threshold=10.0)
    assert result.caught == (others < limit).mean()
    assert (result.named, result.named_known) == ((others < 10).mean(), 0.1)
    assert "50 images of no known class" in str(result)


def test_answers_above_a_confidence() -> None:
    shares, right = np.array([0.9, 0.8, 0.3, 0.6]), np.array([True, False, False, True])
    result = Answered.of(shares, right, 0.6)
    assert (result.answered, result.right) == (0.75, pytest.approx(2 / 3))
    assert str(result) == "at confidence 0.6: answers 75.0 % of the images, 66.7 % right of those"
    assert Answered.of(shares, right, 0.95).right is None
    assert str(Answered.of(shares, right, 0.95)).endswith("answers 0.0 % of the images")


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_conformal_sets_cover_what_they_promise(level: float) -> None:
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(400):
        scores = rng.uniform(size=80) ** 2
        covered.append(rng.uniform() ** 2 <= confidence.set_limit(scores, level))
    assert np.mean(covered) >= level - 0.04
    assert np.mean(covered) <= level + 0.04


def test_too_few_pictures_for_a_level() -> None:
    assert confidence.set_limit(np.linspace(0, 1, 19), 0.95) == 1.0
    assert math.isinf(confidence.set_limit(np.linspace(0, 1, 18), 0.95))


def test_what_is_said_and_saved() -> None:
    bins = confidence.reliability(np.array([0.9, 0.7]), np.array([True, True]))
    alone = Confidence(bins)
    assert alone.lines() == ["calibration error 0.200 (not calibrated)"]
    assert alone.as_dict()["uncalibrated_error"] is None
    both = Confidence(bins, confidence.reliability(np.array([0.5, 0.5]), np.array([True, True])))
    assert both.lines() == ["calibration error 0.200 (0.500 uncalibrated)"]
    assert both.as_dict()["bins"][0]["pictures"] == 1
