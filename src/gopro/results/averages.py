"""Averages of runs over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from gopro.common.errors import GoproError
from gopro.common.files import last_part
from gopro.common.localdir import without_folders
from gopro.results.results_json import method_name, summary, summary_of
from gopro.results.runfolder import FREE, flat

GROUP = ("dataset", "task", "method", "variant", "texts", "backbone", "shots")
"""Runs with the same values of these differ only by seed, and are averaged."""

_MAY_DIFFER = {
    *FREE,
    *("seed", "targets"),  # averages are over seeds, and left-out domains are joined
    *("dataset", "texts", "backbone"),  # places; what they hold is in ``GROUP``
    "teacher",  # can be a run with the same seed
    *("processes", "chunk_tokens", "validate"),  # the same training and tests, in other parts
    "precision",  # ``auto`` chooses it on each machine
}
"""Settings that may differ between runs of a group."""

_PLACES = ("pretrained", "unlabelled")
"""Settings that can be a place on a machine; its last part counts."""

Score = tuple[float, float | None]
"""Mean, and sample standard deviation over seeds (None for one seed)."""


def over_seeds(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Average runs that differ only by seed.

    Runs of one seed with different tests, such as one run per left-out domain, are joined.

    Args:
        runs: Contents of ``results.json``, in any order.

    Returns:
        One row per group: the fields of ``GROUP``, ``seeds`` (sorted), ``train_seconds`` (median),
        ``trainable_parameters``;
        ``scores`` and ``zeroshot``: column -> (mean, sample standard deviation or None for one
        seed); ``by_seed`` and ``zeroshot_by_seed``: seed -> column -> percent. Columns are the
        test names and ``harmonic_mean`` or ``average``.

    Raises:
        GoproError: When two runs of a group and seed have the same test, or see ``check_settings``.
    """
    check_settings(runs)
    groups: dict[tuple[Any, ...], dict[int, list[Mapping[str, Any]]]] = {}
    for run in runs:
        seeds = groups.setdefault(_group(run), {})
        seeds.setdefault(run["seed"], []).append(run)
    rows = []
    for key, seeds in groups.items():
        by_tests: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for _, members in sorted(seeds.items()):
            joined = _joined(members)
            by_tests.setdefault(tuple(sorted(joined["test"])), []).append(joined)
        for members in by_tests.values():
            ours = {run["seed"]: columns(run) for run in members}
            zero = {run["seed"]: columns(run["zeroshot"]) for run in members}
            rows.append(
                {
                    **dict(zip(GROUP, key, strict=True)),
                    "seeds": list(ours),
                    "scores": spread(list(ours.values())),
                    "zeroshot": spread(list(zero.values())),
                    "by_seed": ours,
                    "zeroshot_by_seed": zero,
                    "train_seconds": statistics.median(run["train_seconds"] for run in members),
                    "trainable_parameters": members[0]["trainable_parameters"],
                }
            )
    return rows


def check_settings(runs: Sequence[Mapping[str, Any]]) -> None:
    """Check that runs which differ only by seed in ``GROUP`` don't differ in other settings.

    Settings that a run lacks, such as all those of a run from a CSV file, aren't compared.

    Args:
        runs: Contents of ``results.json``, in any order.

    Raises:
        GoproError: When they do.
    """
    groups: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    for run in runs:
        found = groups.setdefault(_group(run), {})
        for name, value in flat(run.get("settings", {})).items():
            if _MAY_DIFFER.isdisjoint(name.split(".")):
                value = last_part(str(value)) if name in _PLACES else value
                values = found.setdefault(name, [])
                if value not in values:
                    values.append(value)
        different = [name for name, values in found.items() if len(values) > 1]
        if different:
            name, more = different[0], len(different) - 1
            raise GoproError(
                f"runs of {method_name(run)} on {run['dataset']}, {run['task']} differ in {name} "
                f"({', '.join(map(str, found[name]))})"
                f"{f' and {more} more' if more else ''}; name only runs with the same settings"
            )


def _group(run: Mapping[str, Any]) -> tuple[Any, ...]:
    # a folder's model is the same in another place
    place = without_folders(str(run.get("backbone")))
    return tuple(place if key == "backbone" else run.get(key) for key in GROUP)


def _joined(runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The runs of one group and seed, joined to one."""
    if len(runs) == 1:
        return runs[0]
    ours: dict[str, Any] = {}
    zero: dict[str, Any] = {}
    for run in sorted(runs, key=lambda run: sorted(run["test"])):
        common = ours.keys() & run["test"].keys()
        if common:
            raise GoproError(
                f"two runs of {run['method']} on {run['dataset']} have the same seed "
                f"({run['seed']}) and test ({min(common)}); name each run once"
            )
        ours.update(run["test"])
        zero.update(run["zeroshot"]["test"])
    return {
        "seed": runs[0]["seed"],
        "train_seconds": statistics.median(run["train_seconds"] for run in runs),
        "trainable_parameters": runs[0]["trainable_parameters"],
        "test": ours,
        **summary(ours),
        "zeroshot": {"test": zero, **summary(zero)},
    }


def columns(measured: Mapping[str, Any]) -> dict[str, float]:
    """Test name -> accuracy; with several tests, their summary is the last entry."""
    accuracies = {name: row["accuracy"] for name, row in measured["test"].items()}
    if len(accuracies) > 1:
        name, value = summary_of(measured)
        accuracies[name] = value
    return accuracies


def spread(rows: Sequence[Mapping[str, float]]) -> dict[str, Score]:
    """Column -> mean and sample standard deviation over the rows."""
    return {
        name: (
            statistics.mean(row[name] for row in rows),
            statistics.stdev(row[name] for row in rows) if len(rows) > 1 else None,
        )
        for name in rows[0]
    }
