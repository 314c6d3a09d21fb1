"""How a classifier does beside zero-shot CLIP, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from gopro.common.errors import GoproError


@dataclass(frozen=True)
class ClassResult:
    """What came out for the pictures of one class.

    Attributes:
        name: Of the class.
        pictures: How many there are.
        accuracy: In percent.
        zero_shot: Zero-shot CLIP's accuracy, in percent.
    """

    name: str
    pictures: int
    accuracy: float
    zero_shot: float


@dataclass(frozen=True)
class Answers:
    """Picture by picture, each as an index of the class names: the truth and the two answers."""

    truth: tuple[int, ...]
    ours: tuple[int, ...]
    zero_shot: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """A classifier's answers beside zero-shot CLIP's, on the same pictures.

    Attributes:
        pictures: How many there are.
        accuracy: In percent.
        zero_shot: Zero-shot CLIP's accuracy, in percent.
        classes: The same for each class that has pictures.
        answers: Picture by picture.
    """

    pictures: int
    accuracy: float
    zero_shot: float
    classes: tuple[ClassResult, ...]
    answers: Answers

    @classmethod
    def of(
        cls, names: Sequence[str], labels: Sequence[int], ours: Tensor, zero_shot: Tensor
    ) -> Comparison:
        """Count right answers.

        Args:
            names: Of the classes.
            labels: N indexes of ``names``.
            ours: [N], the classifier's answers, indexes too.
            zero_shot: [N], zero-shot CLIP's.

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
        for place, name in enumerate(names):
            chosen = truth == place
            if chosen.any():
                rows.append(ClassResult(name, int(chosen.sum()), *percent(chosen)))
        everything = torch.ones_like(truth, dtype=torch.bool)
        accuracy, plain = percent(everything)
        answers = Answers(tuple(labels), tuple(ours.tolist()), tuple(zero_shot.tolist()))
        return cls(len(labels), accuracy, plain, tuple(rows), answers)

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "pictures": self.pictures,
            "accuracy": self.accuracy,
            "zero_shot": self.zero_shot,
            "classes": [vars(row) for row in self.classes],
        }

    def table(self, title: str) -> Table:
        """A row a class and one for all."""
        table = Table("class", title=title)
        for head in ("pictures", "accuracy in %", "zero-shot CLIP in %"):
            table.add_column(head, justify="right")
        for row in self.classes:
            cells = (str(row.pictures), f"{row.accuracy:.1f}", f"{row.zero_shot:.1f}")
            table.add_row(escape(row.name), *cells)
        table.add_section()
        cells = (str(self.pictures), f"{self.accuracy:.1f}", f"{self.zero_shot:.1f}")
        table.add_row("all", *cells, style="bold")
        return table
