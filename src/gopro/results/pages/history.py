"""What the runs of a table went through: accuracy and losses over epochs, gains class by class."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopro.data import readable
from gopro.results import recorded

_NOT_TERMS = ("epoch", "lr", "val_accuracy")


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and its ``results.json``."""

    folder: Path
    found: Mapping[str, Any]

    @property
    def method(self) -> str:
        """As the tables call it."""
        variant = self.found["variant"]
        return f"{self.found['method']} ({variant})" if variant else str(self.found["method"])


@dataclass(frozen=True)
class Change:
    """A class's accuracy before and after learning, in percent, averaged over runs."""

    name: str
    test: str
    zero_shot: float
    ours: float

    @property
    def gain(self) -> float:
        """Percentage points gained."""
        return self.ours - self.zero_shot


Point = tuple[float, float, float | None]


def over_epochs(runs: Sequence[Run], name: str) -> tuple[Point, ...]:
    """A number of ``metrics.jsonl`` over epochs: (epoch, mean over runs, spread).

    Raises:
        GoproError: When a run's file is missing or damaged.
    """
    values: dict[int, list[float]] = {}
    for run in runs:
        for row in recorded.metrics(run.folder):
            if name in row and math.isfinite(row[name]):
                values.setdefault(int(row["epoch"]), []).append(float(row[name]))
    return tuple(
        (float(epoch), statistics.mean(found), statistics.stdev(found) if found[1:] else None)
        for epoch, found in sorted(values.items())
    )


def terms(runs: Sequence[Run]) -> list[str]:
    """The loss and its terms, as far as any of the runs has them.

    Raises:
        GoproError: When a run's file is missing or damaged.
    """
    rows = (row for run in runs for row in recorded.metrics(run.folder)[:1])
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if name not in _NOT_TERMS]


def changes(runs: Sequence[Run]) -> list[Change]:
    """Every class of every test, the greatest gain first.

    Raises:
        GoproError: When a run's predictions are missing or damaged.
    """
    counts: dict[tuple[str, str], list[int]] = {}
    for run in runs:
        for test, part in recorded.predictions(run.folder).items():
            names = part["class_names"]
            answers = zip(part["labels"], part["zeroshot"], part["predicted"], strict=True)
            for label, zero, ours in answers:
                row = counts.setdefault((test, readable(names[label])), [0, 0, 0])
                for place, hit in enumerate((1, zero == label, ours == label)):
                    row[place] += hit
    found = [
        Change(name, test, 100 * zero / total, 100 * ours / total)
        for (test, name), (total, zero, ours) in counts.items()
    ]
    return sorted(found, key=lambda change: -change.gain)


def best_and_worst(found: Sequence[Change], most: int) -> tuple[list[Change], list[Change]]:
    """Those that gained most, and those that lost most."""
    return (
        [change for change in found[:most] if change.gain > 0],
        [change for change in reversed(found[-most:]) if change.gain < 0],
    )


def by_method(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs of each method that learned something over epochs."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.method, []).append(run)
    return found
