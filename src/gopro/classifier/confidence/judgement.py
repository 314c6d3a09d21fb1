"""What a classifier says about one picture, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gopro.classifier.confidence.calibration import Calibration
from gopro.common.errors import GoproError
from gopro.results.confidence import Flags, Floats

NONE = "none of these"
"""What is said about a picture of no known class."""

UNSURE = "unsure"
"""What is said of an answer below the chosen confidence."""


@dataclass(frozen=True)
class Judgement:
    """The answer to one picture.

    Attributes:
        shares: Class probabilities [C].
        known: A score that is higher for pictures of known classes; None without calibration.
        unknown: Whether the picture is of no known class.
        inside: [C], whether each class is in the conformal set; None if no sets were asked for.
    """

    shares: Floats
    known: float | None = None
    unknown: bool = False
    inside: Flags | None = None

    def ranked(self, names: Sequence[str], top: int) -> list[tuple[str, float]]:
        """The most likely names and their shares, best first."""
        best = (-self.shares).argsort(kind="stable")[:top]
        return [(names[index], float(self.shares[index])) for index in best]

    def names_inside(self, names: Sequence[str]) -> list[str] | None:
        """The names in the conformal set, the most likely first; None without sets."""
        if self.inside is None:
            return None
        return [name for name, _ in self.ranked(names, int(self.inside.sum()))]

    def unsure(self, confidence: float | None) -> bool:
        """Whether the largest share is below a confidence; never if it is None."""
        return confidence is not None and bool(self.shares.max() < confidence)

    def mark(self, confidence: float | None = None) -> str:
        """``NONE``, ``UNSURE`` or nothing."""
        return NONE if self.unknown else UNSURE if self.unsure(confidence) else ""


def judge(
    calibration: Calibration | None, shares: Floats, known: Floats | None, limit: float | None
) -> Iterator[Judgement]:
    """The judgements of a batch.

    Args:
        calibration: The classifier's, if it has one.
        shares: [B, C].
        known: [B]; None without calibration.
        limit: Of the conformal sets, if they are wanted.
    """
    for index, row in enumerate(shares):
        inside = None if limit is None else members(row, limit)
        if calibration is None or known is None:
            yield Judgement(row)
        else:
            score = float(known[index])
            yield Judgement(row, score, score < calibration.threshold, inside)


def members(shares: Floats, limit: float) -> Flags:
    """Which classes are in the conformal set of shares [..., C].

    Those with ``1 - share <= limit``, and the most likely one.
    """
    inside: Flags = (1 - shares <= limit) | (shares == shares.max(axis=-1, keepdims=True))
    return inside


def as_dict(
    answer: Judgement, names: Sequence[str], top: int, confidence: float | None
) -> dict[str, Any]:
    """An answer as plain data.

    Args:
        answer: The judgement.
        names: C class names.
        top: How many of them to give.
        confidence: Below it an answer is unsure; None to leave that out.
    """
    ranked = answer.ranked(names, top)
    row: dict[str, Any] = {
        "answers": [{"name": name, "probability": round(share, 6)} for name, share in ranked]
    }
    if answer.known is not None:
        row["unknown"] = answer.unknown
    if confidence is not None:
        row["unsure"] = answer.unsure(confidence)
    if answer.inside is not None:
        row["set"] = answer.names_inside(names)
    return row


def shown(answer: Judgement, names: Sequence[str], top: int, confidence: float | None) -> str:
    """An answer in one line; arguments as for ``as_dict``."""
    ranked = answer.ranked(names, top)
    text = ", ".join(f"{name} {100 * share:.1f} %" for name, share in ranked)
    inside = answer.names_inside(names)
    text += "" if inside is None else f"; set: {', '.join(inside)}"
    mark = answer.mark(confidence)
    return f"{mark} ({text})" if mark else text


def check_confidence(confidence: float | None) -> None:
    """Check a chosen confidence.

    Raises:
        GoproError: When it isn't between 0 and 1.
    """
    if confidence is not None and not 0 <= confidence <= 1:
        raise GoproError(f"got confidence {confidence:g}; wanted a share from 0 to 1, such as 0.8")


def needed(calibration: Calibration | None, what: str) -> Calibration:
    """The calibration.

    Raises:
        GoproError: When the classifier has none; it says what needs it.
    """
    if calibration is None:
        raise GoproError(
            f"{what} need a calibrated classifier and its own class names; fit again with at "
            "least two pictures of each class, a method that learns from labels, and without "
            "--folds 0"
        )
    return calibration
