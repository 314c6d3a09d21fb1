"""Averages of one method over data sets, for each task as its published table has them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from gopro.results.results_json import harmonic_mean

BySeed = Mapping[int, Mapping[str, float]]
"""Seed -> column -> percent."""

TASKS = ("base2new", "domain-generalization", "few-shot")
"""Tasks that have a table of averages; ``cross-dataset`` has its average in its own table."""


def averaged(task: str, sets: Mapping[str, BySeed], seed: int) -> dict[str, float]:
    """The columns of one seed, averaged over data sets; the summary is the last one.

    base2new: the harmonic mean is that of the averages, as published. domain-generalization: a
    column for the average of each set. few-shot: a column for each number of shots.

    Args:
        task: One of ``TASKS``.
        sets: Data set -> the accuracies of one method.
        seed: Of which runs.
    """
    rows = {name: by_seed[seed] for name, by_seed in sets.items()}
    if task == "base2new":
        base, new = (
            statistics.mean(row[part] for row in rows.values()) for part in ("base", "new")
        )
        return {"base": base, "new": new, "harmonic_mean": harmonic_mean(base, new)}
    if task == "domain-generalization":
        each = {name: row[list(row)[-1]] for name, row in rows.items()}
        return {**each, "average": statistics.mean(each.values())}
    return {
        shots: statistics.mean(row[shots] for row in rows.values())
        for shots in _common(list(rows.values()))
    }


def summaries(task: str, sets: Mapping[str, BySeed], seeds: Sequence[int]) -> list[float]:
    """The number that gains are computed from: one for each data set, averaged over seeds."""
    values = []
    for by_seed in sets.values():
        rows = [by_seed[seed] for seed in seeds]
        if task == "few-shot":
            shots = _common([row for one in sets.values() for row in one.values()])
            values.append(statistics.mean(row[shots[-1]] for row in rows))
        else:
            values.append(statistics.mean(row[list(row)[-1]] for row in rows))
    return values


def comparable(task: str, sets: Sequence[BySeed], seeds: Sequence[int]) -> bool:
    """Whether the data sets have a column in common on these seeds."""
    rows = [by_seed[seed] for by_seed in sets for seed in seeds]
    return bool(seeds) and (task != "few-shot" or bool(_common(rows)))


def _common(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """Numbers of shots that all rows have, in order."""
    return sorted(set.intersection(*(set(row) for row in rows)), key=int)
