"""``Answer``: what a classifier says about one picture, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gopro.common.errors import GoproError

if TYPE_CHECKING:
    from gopro.classifier.judging import Judging

_KEPT_NAMES = 5
"""Least number of class names that are kept of an answer: the page for review shows them."""


@dataclass(frozen=True)
class Asked:
    """What an answer shall have.

    Attributes:
        top: Class names that are shown.
        confidence: Answers with a smaller share are unsure; None for no such mark.
        sets: Probability with which the set of names holds the right one; None for no sets.
    """

    top: int
    confidence: float | None = None
    sets: float | None = None

    @property
    def kept(self) -> int:
        """Class names that are kept."""
        return max(self.top, _KEPT_NAMES)


@dataclass(frozen=True)
class Answer:
    """What a classifier says about one picture.

    Attributes:
        picture: Its path, as it was given.
        ranked: Class names and probabilities, best first; empty if the picture can't be read.
        mark: Why the best name is not to be acted on, see ``Judgement.mark``; empty if it is.
        unknown: Whether it is of none of the classes; None without calibration.
        unsure: Whether the best name has too small a share; None if no confidence was chosen.
        inside: The names in the conformal set; None without sets.
        error: Why the picture can't be read.
        sorted_to: The file that it was copied or linked to.
        elsewhere: Whether it is also in the folder of another answer, from an earlier command.
    """

    picture: str
    ranked: tuple[tuple[str, float], ...] = ()
    mark: str = ""
    unknown: bool | None = None
    unsure: bool | None = None
    inside: tuple[str, ...] | None = None
    error: str = ""
    sorted_to: str = ""
    elsewhere: bool = False

    @property
    def margin(self) -> float:
        """The probability of the best name minus that of the second."""
        shares = [share for _, share in self.ranked[:2]]
        return shares[0] - sum(shares[1:])


def answer_each(classifier: Judging, paths: Sequence[str], asked: Asked) -> Iterator[Answer]:
    """Answer pictures one by one, in order.

    Raises:
        GoproError: Before ``fit``, or for sets that can't be made.
    """
    names, confidence = classifier.class_names_, asked.confidence
    for path, one in zip(paths, classifier.judge_each(paths, asked.sets), strict=True):
        if isinstance(one, GoproError):
            yield Answer(path, error=str(one))
            continue
        inside = one.names_inside(names)
        yield Answer(
            path,
            tuple(one.ranked(names, asked.kept)),
            one.mark(confidence),
            None if one.known is None else one.unknown,
            None if confidence is None else one.unsure(confidence),
            None if inside is None else tuple(inside),
        )
