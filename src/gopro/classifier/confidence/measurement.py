"""What is measured of the confidence of answers, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from gopro.backbones import ImageFeatures
from gopro.classifier.confidence.calibration import Calibration
from gopro.classifier.confidence.judgement import members
from gopro.classifier.confidence.unknown import inputs_from
from gopro.results.confidence import (
    Answered,
    Confidence,
    Flags,
    Floats,
    Sets,
    Unknowns,
    reliability,
)


class Measurement:
    """Collects a few numbers of each picture: all shares of 50,000 pictures would take 400 MB.

    Args:
        calibration: The classifier's, if it has one.
        limit: Of the conformal sets, if they are measured.
    """

    def __init__(self, calibration: Calibration | None, limit: float | None) -> None:
        self.calibration, self.limit = calibration, limit
        self._columns: dict[str, list[npt.NDArray[Any]]] = {}

    def add(self, features: ImageFeatures, logits: Floats, truth: Sequence[int]) -> None:
        """Add a batch.

        Args:
            features: Of B pictures, by the frozen image encoder.
            logits: [B, C].
            truth: B class indices.
        """
        calibration = self.calibration
        plain = softmax(logits, axis=1)
        shares = plain if calibration is None else calibration.shares(logits)
        answers = logits.argmax(axis=1)
        columns = {
            "answers": answers,
            "right": answers == np.asarray(truth),
            "plain": plain.max(axis=1),
            "confidence": shares.max(axis=1),
        }
        if calibration is not None:
            columns["known"] = calibration.classes.scores(inputs_from(features)).numpy()
        if self.limit is not None:
            inside = members(shares, self.limit)
            columns["covered"] = inside[np.arange(len(truth)), truth]
            columns["size"] = inside.sum(axis=1)
        for name, column in columns.items():
            self._columns.setdefault(name, []).append(column)

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """[N], the class index of each answer."""
        return self._column("answers")

    def result(
        self,
        keep: Sequence[int],
        confidence: float | None,
        level: float | None,
        others: Floats | None,
        others_left_out: int = 0,
    ) -> Confidence:
        """The measures.

        Args:
            keep: The pictures to measure on.
            confidence: Below it an answer counts as unsure; None for no such measure.
            level: Of the conformal sets.
            others: Scores of pictures of no known class, if there are any.
            others_left_out: Pictures of no known class that the classifier was fitted on.
        """
        right: Flags = self._column("right")[keep]
        shares: Floats = self._column("confidence")[keep]
        sets = unknowns = plain = None
        if self.calibration is not None:
            plain = reliability(self._column("plain")[keep], right)
            if others is not None:
                known = self._column("known")[keep]
                unknowns = Unknowns.of(known, others, self.calibration.threshold, others_left_out)
        if level is not None:
            covered, size = (self._column(name)[keep].mean() for name in ("covered", "size"))
            sets = Sets(level, float(covered), float(size))
        answered = None if confidence is None else Answered.of(shares, right, confidence)
        return Confidence(reliability(shares, right), plain, answered, sets, unknowns)

    def _column(self, name: str) -> npt.NDArray[Any]:
        return np.concatenate(self._columns[name])
