"""What ``method="auto"`` compared and chose; see ``auto``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from gopro.common.errors import GoproError
from gopro.common.text import counted

AUTO = "auto"
"""The name that stands for the choice."""

ZERO_SHOT = "zeroshot"
"""What the candidates are compared with."""

CANDIDATES = ("linear_adapter", "prolip", "tip_adapter", "coop", "gopro")
"""Compared with zero-shot CLIP, in this order, the quick ones first."""


@dataclass(frozen=True)
class Compared:
    """One method in cross-validation.

    Attributes:
        method: Its name.
        right: Number of pictures it was right on.
        log_loss: Mean of -log of the calibrated share of the right class.
        behind: By how much this is above the chosen method's.
        error: Standard error of that difference, from its spread over the pictures.
        seconds: What the comparison took.
    """

    method: str
    right: int
    log_loss: float
    behind: float
    error: float
    seconds: float

    def distance(self) -> str:
        """How far it is behind, as text."""
        return f"{self.behind:.3f} ± {self.error:.3f}"


@dataclass(frozen=True)
class Choice:
    """What was compared, and what was chosen.

    Attributes:
        method: The chosen method.
        pictures: Number of training pictures that were scored, each once by each method.
        compared: Zero-shot CLIP, and the candidates in their order.
        left_out: Candidates that were not compared, and why.
    """

    method: str
    pictures: int
    compared: tuple[Compared, ...]
    left_out: Mapping[str, str]

    def table(self) -> Table:
        """One row for each method."""
        table = Table(title=f"cross-validation on {counted(self.pictures, 'training image')}")
        table.add_column("method")
        for head in ("right", "accuracy in %", "log loss", "behind", "seconds"):
            table.add_column(head, justify="right")
        for one in self.compared:
            chosen = one.method == self.method
            table.add_row(
                *(one.method, str(one.right), f"{100 * one.right / max(1, self.pictures):.1f}"),
                *(f"{one.log_loss:.3f}", "" if chosen else one.distance(), f"{one.seconds:.1f}"),
                style="bold" if chosen else None,
            )
        return table

    def lines(self) -> list[str]:
        """What was left out, what was chosen, and how close it was."""
        lines = [f"{name} was not compared: {reason}" for name, reason in self.left_out.items()]
        others = sorted(
            (one for one in self.compared if one.method != self.method), key=lambda one: one.behind
        )
        if self.method != ZERO_SHOT:
            text = f"{self.method} is chosen"
        elif others:
            text = "no method beats zero-shot CLIP beyond chance, so it is kept, without training"
        else:
            text = "nothing was compared, so zero-shot CLIP is kept, without training"
        if others:
            text += f"; next is {others[0].method}, behind by {others[0].distance()} in log loss"
        if self.method == ZERO_SHOT:
            text += "; --method NAME trains one all the same"
        return [*lines, text]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "method": self.method,
            "pictures": self.pictures,
            "compared": [asdict(one) for one in self.compared],
            "left_out": dict(self.left_out),
        }

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> Choice:
        """What ``as_dict`` gave."""
        compared = tuple(Compared(**one) for one in values["compared"])
        return cls(values["method"], values["pictures"], compared, values["left_out"])


def refuse_settings(params: Mapping[str, Any], methods: Sequence[str] = ()) -> None:
    """Check the settings of a classifier whose method is ``auto``.

    Args:
        params: The classifier's.
        methods: Those whose own settings were given too.

    Raises:
        GoproError: For those that belong to one method, and a budget that is no time.
    """
    settings = ("options", "texts", "epochs", "batch", "lr", "fast")
    given = [f"settings of {name}" for name in methods]
    given += [name for name in settings if params[name]]
    if given:
        raise GoproError(
            f"got {given[0]} with --method {AUTO}, which compares several methods with their own "
            "settings; leave it out, or name one method"
        )
    if not 0 < params["budget"] < math.inf:
        raise GoproError(f"got --budget {params['budget']}; wanted minutes, more than 0")
