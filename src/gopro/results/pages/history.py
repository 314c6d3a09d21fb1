"""The runs behind a table: accuracy and losses over epochs, gains by class."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopro.common.text import numbered, readable
from gopro.results import run_record
from gopro.results.pages.answers import ClassRow
from gopro.results.results_json import method_name

_NOT_TERMS = ("epoch", "lr", "val_accuracy")


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and its ``results.json``."""

    folder: Path
    results: Mapping[str, Any]


Point = tuple[float, float, float | None]


def over_epochs(runs: Sequence[Run], name: str) -> tuple[Point, ...]:
    """A metric of ``metrics.jsonl`` over epochs: (epoch, mean over runs, standard deviation).

    Raises:
        GoproError: When a run's file is missing or damaged.
    """
    values: dict[int, list[float]] = {}
    for run in runs:
        for row in run_record.metrics(run.folder):
            if name in row and math.isfinite(row[name]):
                values.setdefault(int(row["epoch"]), []).append(float(row[name]))
    return tuple(
        (float(epoch), statistics.mean(row), statistics.stdev(row) if row[1:] else None)
        for epoch, row in sorted(values.items())
    )


def terms(runs: Sequence[Run]) -> list[str]:
    """Names of the loss and its terms in any of the runs.

    Raises:
        GoproError: When a run's file is missing or damaged.
    """
    rows = (row for run in runs for row in run_record.metrics(run.folder)[:1])
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if name not in _NOT_TERMS]


def changes(runs: Sequence[Run]) -> list[ClassRow]:
    """Every class of every test, over all runs, from the largest gain to the largest loss.

    Raises:
        GoproError: When a run's predictions are missing or damaged.
    """
    counts: dict[tuple[str, str, int], list[int]] = {}
    for run in runs:
        for test, part in run_record.predictions(run.folder).items():
            names = [readable(name) for name in part["class_names"]]
            earlier = [count for _, count in numbered(names)]  # two of ImageNet's may be equal
            answers = zip(part["labels"], part["zeroshot"], part["predicted"], strict=True)
            for label, zero, ours in answers:
                row = counts.setdefault((test, names[label], earlier[label]), [0, 0, 0])
                for column, count in enumerate((1, zero == label, ours == label)):
                    row[column] += count
    rows = [
        ClassRow(name, total, 100 * ours / total, 100 * zero / total, test)
        for (test, name, _), (total, zero, ours) in counts.items()
    ]
    return sorted(rows, key=lambda row: -row.change)


def best_and_worst(rows: Sequence[ClassRow], most: int) -> tuple[list[ClassRow], list[ClassRow]]:
    """The largest gains and the largest losses of sorted rows."""
    best, worst = rows[:most], reversed(rows[-most:])
    return [row for row in best if row.change > 0], [row for row in worst if row.change < 0]


def by_method(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs of each method."""
    methods: dict[str, list[Run]] = {}
    for run in runs:
        methods.setdefault(method_name(run.results), []).append(run)
    return methods
