"""Averages of one method over data sets, for each task as its published table has them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from gopro.results.by_seed import BySeed
from gopro.results.results_json import harmonic_mean

TASKS = ("base2new", "base2all", "domain-generalization", "few-shot")
"""Tasks that have a table of averages; ``cross-dataset`` has its average in its own table."""


def averaged(task: str, sets: Mapping[str, BySeed]) -> dict[int, dict[str, float]]:
    """Accuracies averaged over data sets, by seed; the summary is the last column.

    base2new and base2all: the harmonic mean is that of the averages, as published.
    domain-generalization: a column for the average of each set. few-shot: a column for each number
    of shots that all sets have with this seed. Seeds that a set lacks are left out, and so are
    seeds without a column.

    Args:
        task: One of ``TASKS``.
        sets: Data set -> the accuracies of one method.
    """
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in sets.values())))
    rows = {
        seed: _averaged(task, {name: by_seed[seed] for name, by_seed in sets.items()})
        for seed in seeds
    }
    return {seed: row for seed, row in rows.items() if row}


def _averaged(task: str, rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The columns of one seed."""
    if task in ("base2new", "base2all"):
        base, new = (
            statistics.mean(row[part] for row in rows.values()) for part in ("base", "new")
        )
        return {"base": base, "new": new, "harmonic_mean": harmonic_mean(base, new)}
    if task == "domain-generalization":
        each = {name: row[list(row)[-1]] for name, row in rows.items()}
        return {**each, "average": statistics.mean(each.values())}
    common = set.intersection(*(set(row) for row in rows.values()))
    return {
        shots: statistics.mean(row[shots] for row in rows.values())
        for shots in sorted(common, key=int)
    }


def differences(
    task: str, ours: Mapping[str, BySeed], theirs: Mapping[str, BySeed], column: str
) -> list[float]:
    """Ours minus theirs in a table's last column: one number for each data set.

    Each is the mean over the seeds that have the column in all data sets, ours and theirs; none
    if there are no such seeds.

    Args:
        task: One of ``TASKS``.
        ours: Data set -> the accuracies of a method.
        theirs: The same of the baseline.
        column: The last column of the table of averages.
    """
    here, there = averaged(task, ours), averaged(task, theirs)
    seeds = [seed for seed in here if column in here[seed] and column in there.get(seed, {})]
    if not seeds:
        return []

    def mean(by_seed: BySeed) -> float:
        rows = [by_seed[seed] for seed in seeds]
        # the summary of a data set's own table is its last column
        return statistics.mean(row[column if task == "few-shot" else list(row)[-1]] for row in rows)

    return [mean(ours[name]) - mean(theirs[name]) for name in ours]
