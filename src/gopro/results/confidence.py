"""Measures of confidence: calibration error, answered pictures, unknown pictures, conformal sets.

The confidence of an answer is the largest of its shares, which are the class probabilities.
Shapes: N pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

BINS = 15
"""Bins of the calibration error, as in Guo et al."""

KEPT = 0.95
"""Share of pictures of known classes that are kept where unknown ones are counted."""


@dataclass(frozen=True)
class Bin:
    """The pictures whose confidence is in one interval.

    Attributes:
        pictures: Their number.
        confidence: Their mean confidence.
        accuracy: The share of right answers.
    """

    pictures: int
    confidence: float
    accuracy: float


def reliability(confidence: Floats, right: Flags, bins: int = BINS) -> tuple[Bin, ...]:
    """Accuracy by confidence, for the intervals that hold pictures, all of equal width.

    Args:
        confidence: [N].
        right: [N], whether each answer is right.
        bins: Number of intervals from 0 to 1.
    """
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    return tuple(
        Bin(int(inside.sum()), float(confidence[inside].mean()), float(right[inside].mean()))
        for inside in (places == place for place in np.unique(places))
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean over pictures of ``|accuracy - confidence|`` of bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    total = sum(one.pictures for one in bins)
    return sum(one.pictures * abs(one.accuracy - one.confidence) for one in bins) / total


@dataclass(frozen=True)
class Answered:
    """What is answered when answers below a confidence count as unsure.

    Attributes:
        confidence: The limit.
        answered: Share of the pictures with a confidence of at least the limit.
        right: Share of right answers among them; None if there are none.
    """

    confidence: float
    answered: float
    right: float | None

    @classmethod
    def of(cls, confidence: Floats, right: Flags, limit: float) -> Answered:
        """Count the answers; arguments as for ``reliability``."""
        sure = confidence >= limit
        return cls(limit, float(sure.mean()), float(right[sure].mean()) if sure.any() else None)

    def __str__(self) -> str:
        text = (
            f"at confidence {self.confidence:g}: answers {100 * self.answered:.1f} % of the images"
        )
        return text if self.right is None else f"{text}, {100 * self.right:.1f} % right of those"


@dataclass(frozen=True)
class Sets:
    """Conformal sets of class names for pictures whose class is known.

    Attributes:
        level: Share of the sets that should hold the right name.
        coverage: The share that does.
        size: Mean number of names in a set.
    """

    level: float
    coverage: float
    size: float

    def __str__(self) -> str:
        return (
            f"sets at {100 * self.level:g} %: {100 * self.coverage:.1f} % hold the right name, "
            f"{self.size:.1f} names on average"
        )


@dataclass(frozen=True)
class Unknowns:
    """How well pictures of no known class are told from the others.

    Attributes:
        pictures: Number of pictures of no known class.
        auroc: Probability that one of them has a lower score than a picture of a known class.
        caught: Share of them below the score that ``KEPT`` of the known pictures reach.
        named: Share of them that the classifier answers with "none of these".
        named_known: The same share of the pictures of known classes.
        left_out: Pictures of no known class that were given, but not measured on: the classifier
            was fitted on them.
    """

    pictures: int
    auroc: float
    caught: float
    named: float
    named_known: float
    left_out: int = 0

    @classmethod
    def of(cls, known: Floats, others: Floats, threshold: float, left_out: int = 0) -> Unknowns:
        """Compare scores of pictures of known classes [N] with those of others [M].

        Args:
            known: A higher score means more likely of a known class.
            others: The scores of pictures of no known class.
            threshold: The classifier's: below it a picture is of no known class.
            left_out: See the attribute.
        """
        limit = keeping(known, KEPT)
        return cls(
            len(others),
            auroc(known, others),
            float((others < limit).mean()),
            float((others < threshold).mean()),
            float((known < threshold).mean()),
            left_out,
        )

    def __str__(self) -> str:
        caught, named, kept = (
            f"{100 * share:.1f} %" for share in (self.caught, self.named, 1 - self.named_known)
        )
        left_out = (
            f" ({self.left_out:,} more left out, the classifier was fitted on them)"
            if self.left_out
            else ""
        )
        return (
            f"{self.pictures:,} images of no known class{left_out}: {caught} caught where "
            f"{100 * KEPT:.0f} % of the known are kept (AUROC {self.auroc:.3f}); with the "
            f"threshold as it is, {named} caught and {kept} kept"
        )


def keeping(known: Floats, share: float) -> float:
    """The largest threshold that at least this share of the scores reaches."""
    return -float(np.quantile(-known, share, method="inverted_cdf"))


def auroc(known: Floats, others: Floats) -> float:
    """Probability that a known score is above another one; a tie counts half."""
    order = np.sort(others)
    below = np.searchsorted(order, known, side="left")
    not_above = np.searchsorted(order, known, side="right")
    return float((below + not_above).mean() / (2 * len(others)))


def set_limit(scores: Floats, level: float) -> float:
    """The limit of ``1 - share`` with which sets hold the right name with probability ``level``.

    The ``ceil((n + 1) * level)``-th smallest of n scores, infinite if n is smaller than that
    (Sadinle et al., "Least Ambiguous Set-Valued Classifiers", JASA 2019).

    Args:
        scores: ``1 - share`` of the right class of n pictures that were not learned from.
        level: Between 0 and 1.
    """
    rank = math.ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


@dataclass(frozen=True)
class Confidence:
    """Everything that was measured about the confidence of answers.

    Attributes:
        bins: Accuracy by confidence.
        uncalibrated: The same without calibration; None if the classifier isn't calibrated.
        answered: At the chosen confidence, if one was chosen.
        sets: At the chosen level, if one was chosen.
        unknowns: On pictures of no known class, if there were any.
    """

    bins: tuple[Bin, ...]
    uncalibrated: tuple[Bin, ...] | None = None
    answered: Answered | None = None
    sets: Sets | None = None
    unknowns: Unknowns | None = None

    @property
    def error(self) -> float:
        """The expected calibration error."""
        return calibration_error(self.bins)

    @property
    def uncalibrated_error(self) -> float | None:
        """The expected calibration error without calibration."""
        return None if self.uncalibrated is None else calibration_error(self.uncalibrated)

    def lines(self) -> list[str]:
        """What was measured, a line for each."""
        before = self.uncalibrated_error
        beside = "not calibrated" if before is None else f"{before:.3f} uncalibrated"
        parts = (self.answered, self.sets, self.unknowns)
        return [
            f"calibration error {self.error:.3f} ({beside})",
            *(str(part) for part in parts if part is not None),
        ]

    def as_dict(self) -> dict[str, Any]:
        """The measurements as plain data."""
        return {
            "calibration_error": self.error,
            "uncalibrated_error": self.uncalibrated_error,
            **asdict(self),
        }
