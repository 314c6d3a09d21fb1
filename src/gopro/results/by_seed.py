"""A method's accuracies by seed, and their means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gopro.results.averages import Score, spread
from gopro.results.results_json import method_name

BySeed = Mapping[int, Mapping[str, float]]
"""Seed -> column -> percent; a seed can lack some columns."""


@dataclass(frozen=True)
class Series:
    """A method in the tables of one data set.

    Attributes:
        method: Its name.
        name: The method with its variant.
        ours: Its accuracies.
        zero: Those of zero-shot CLIP beside them.
        seconds: Median training time of a run; the largest one of several numbers of shots.
        learned: Number of learned parameters; the largest one of several numbers of shots.
    """

    method: str
    name: str
    ours: BySeed
    zero: BySeed
    seconds: float
    learned: int


def series_of(row: Mapping[str, Any]) -> Series:
    """The series of a row of ``over_seeds``; in few-shot its column is the number of shots."""
    ours, zero = row["by_seed"], row["zeroshot_by_seed"]
    if row["task"] == "few-shot":
        shots = str(row["shots"])
        ours = {seed: {shots: columns["all"]} for seed, columns in ours.items()}
        zero = {seed: {shots: columns["all"]} for seed, columns in zero.items()}
    learned = row["trainable_parameters"]
    return Series(row["method"], method_name(row), ours, zero, row["train_seconds"], learned)


def by_shots(series: Sequence[Series]) -> list[Series]:
    """One series per method, with a column per number of shots, from series of one column."""

    def shots(one: Series) -> int:
        return max(int(column) for columns in one.ours.values() for column in columns)

    members: dict[str, list[Series]] = {}
    for one in sorted(series, key=shots):
        members.setdefault(one.name, []).append(one)
    return [
        Series(
            parts[0].method,
            name,
            merged(one.ours for one in parts),
            merged(one.zero for one in parts),
            max(one.seconds for one in parts),
            max(one.learned for one in parts),
        )
        for name, parts in members.items()
    ]


def merged(parts: Iterable[BySeed]) -> dict[int, dict[str, float]]:
    """Seed -> the columns of all parts, sorted by seed."""
    columns: dict[int, dict[str, float]] = {}
    for part in parts:
        for seed, row in part.items():
            columns.setdefault(seed, {}).update(row)
    return dict(sorted(columns.items()))


def means(numbers: BySeed) -> dict[str, Score]:
    """Mean and standard deviation by column, over the seeds that have it."""
    columns = dict.fromkeys(column for row in numbers.values() for column in row)
    return {
        column: spread([{column: row[column]} for row in numbers.values() if column in row])[column]
        for column in columns
    }


def steady(scores: Mapping[str, Score]) -> dict[str, Score]:
    """The scores, with None in place of a standard deviation of 0: nothing is random."""
    return {name: (mean, deviation or None) for name, (mean, deviation) in scores.items()}
