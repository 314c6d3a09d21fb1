"""Accuracy of a classifier and of zero-shot CLIP, overall and per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from gopro.common.errors import GoproError
from gopro.common.text import counted
from gopro.results.confidence import Confidence


@dataclass(frozen=True)
class ClassResult:
    """The accuracy on the pictures of one class, in percent."""

    name: str
    pictures: int
    accuracy: float
    zero_shot: float


@dataclass(frozen=True)
class Answers:
    """Class index of each picture: the true one and the two predicted ones."""

    truth: tuple[int, ...]
    ours: tuple[int, ...]
    zero_shot: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """The answers of a classifier and of zero-shot CLIP to the same pictures.

    Attributes:
        pictures: Number of pictures.
        accuracy: In percent.
        zero_shot: Zero-shot CLIP's accuracy, in percent.
        classes: The same for each class that has pictures.
        answers: The true class and the two answers for each picture.
        indices: The positions of these pictures in the list that was given.
        left_out: Pictures that were given, but not measured on: the classifier was fitted on
            them, or on copies of them.
        fitted_on: Pictures that were measured on although the classifier was fitted on them;
            None if it doesn't know its training pictures.
        confidence: How far the answers can be trusted, if that was measured.
        unreadable: Why pictures that were given couldn't be read.
    """

    pictures: int
    accuracy: float
    zero_shot: float
    classes: tuple[ClassResult, ...]
    answers: Answers
    indices: tuple[int, ...]
    left_out: int = 0
    fitted_on: int | None = 0
    confidence: Confidence | None = None
    unreadable: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, names: Sequence[str], labels: Sequence[int], ours: Tensor, zero_shot: Tensor
    ) -> Comparison:
        """Compute the accuracies on all pictures.

        Args:
            names: C class names.
            labels: N class indices, the truth.
            ours: [N], class indices, the classifier's answers.
            zero_shot: [N], zero-shot CLIP's answers.

        Raises:
            GoproError: When there are no pictures.
        """
        if not labels:
            raise GoproError("there are no pictures to measure on; add some")
        truth = torch.as_tensor(labels)
        right = torch.stack([ours == truth, zero_shot == truth]).double()

        def percent(chosen: Tensor) -> tuple[float, float]:
            ours, zero_shot = right[:, chosen].mean(dim=1).tolist()
            return 100 * ours, 100 * zero_shot

        rows = []
        for index, name in enumerate(names):
            chosen = truth == index
            if chosen.any():
                rows.append(ClassResult(name, int(chosen.sum()), *percent(chosen)))
        answers = Answers(tuple(labels), tuple(ours.tolist()), tuple(zero_shot.tolist()))
        overall = percent(torch.ones_like(truth, dtype=torch.bool))
        return cls(len(labels), *overall, tuple(rows), answers, tuple(range(len(labels))))

    def headline(self, title: str) -> str:
        """The title with the number of pictures, and whether the classifier was fitted on them."""
        text = f"{title}: {counted(self.pictures, 'image')}"
        if self.left_out:
            text += f"; {self.left_out:,} more left out, the classifier was fitted on them"
        if self.unreadable:
            text += f"; {counted(len(self.unreadable), 'unreadable one')} left out"
        if self.fitted_on:
            text += f", {self.fitted_on:,} OF THEM FITTED ON: no held-out figure"
        if self.fitted_on is None:
            text += "; the classifier has no record of what it was fitted on"
        return text

    def as_dict(self) -> dict[str, Any]:
        """The accuracies as plain data."""
        return {
            "pictures": self.pictures,
            "accuracy": self.accuracy,
            "zero_shot": self.zero_shot,
            "left_out": self.left_out,
            "fitted_on": self.fitted_on,
            "unreadable": len(self.unreadable),
            "classes": [vars(row) for row in self.classes],
            "confidence": None if self.confidence is None else self.confidence.as_dict(),
        }

    def table(self, title: str) -> Table:
        """One row per class and one for all pictures, below the headline."""
        table = Table("class", title=escape(self.headline(title)))
        for head in ("pictures", "accuracy in %", "zero-shot CLIP in %"):
            table.add_column(head, justify="right")
        for row in self.classes:
            cells = (str(row.pictures), f"{row.accuracy:.1f}", f"{row.zero_shot:.1f}")
            table.add_row(escape(row.name), *cells)
        table.add_section()
        cells = (str(self.pictures), f"{self.accuracy:.1f}", f"{self.zero_shot:.1f}")
        table.add_row("all", *cells, style="bold")
        return table

    def confidence_lines(self) -> list[str]:
        """What was measured of the confidence, a line for each."""
        return [] if self.confidence is None else self.confidence.lines()

    def reliability_table(self) -> Table:
        """How often answers of each confidence are right."""
        table = Table(title="How often answers of a confidence are right")
        for head in ("confidence in %", "pictures", "right in %"):
            table.add_column(head, justify="right")
        for one in self.confidence.bins if self.confidence else ():
            shares = (f"{100 * one.confidence:.1f}", f"{100 * one.accuracy:.1f}")
            table.add_row(shares[0], f"{one.pictures:,}", shares[1])
        return table
