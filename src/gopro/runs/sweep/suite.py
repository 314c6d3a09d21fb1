"""Suites: named lists of data sets, run through the same tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gopro import data
from gopro.common.errors import GoproError
from gopro.data import tasks
from gopro.data.catalog import KNOWN
from gopro.methods import TABLE, find
from gopro.results import published
from gopro.runs.sweep.grid import Job, grid
from gopro.training.config import TrainSettings

TASKS = ("base2new", "domain-generalization", "cross-dataset", "few-shot")
"""What a suite runs if no tasks are named."""


@dataclass(frozen=True)
class Suite:
    """Data sets that are compared together.

    Attributes:
        datasets: Their names.
        left_out: Those of several domains, for ``domain-generalization``.
        source: The set that ``cross-dataset`` trains on.
        few: Training images per class in ``few-shot``.
        benchmark: Whether the sets of the published comparison join, where they are present.
    """

    datasets: tuple[str, ...]
    left_out: tuple[str, ...]
    source: str
    few: tuple[int, ...] = (1, 2, 4, 8, 16)
    benchmark: bool = True

    def present(self, root: Path | None) -> tuple[list[str], list[str]]:
        """The suite's data sets under ``root``, and those that are missing."""
        folder = data.default_root() if root is None else root
        here = data.present(folder)
        own = [name for name in self.datasets if name in here or not KNOWN[name].folders]
        missing = [name for name in self.datasets if name not in own]
        more = [name for name in published.datasets() if name in here and self.benchmark]
        return list(dict.fromkeys([*own, *more])), missing


SUITES = {
    "offline": Suite(
        ("caltech101", "pacs", "rsscn7", "dtd10", "world"), ("pacs", "world"), "caltech101"
    )
}
"""Name -> suite."""


def default_methods() -> list[str]:
    """The methods that any backbone can run and that can name new classes."""
    return [
        name for name in TABLE if name != "linear_probe" and not find(name).modifies_image_encoder
    ]


def jobs(
    suite: Suite,
    common: TrainSettings,
    options: Mapping[str, Any],
    *,
    out: Path,
    task_names: Sequence[str],
    shots: int,
    seeds: Sequence[int],
) -> list[Job]:
    """All runs of a suite; zero-shot CLIP, which isn't random, runs with the first seed only.

    Args:
        suite: The suite.
        common: Shared settings; data set, task, targets, method, shots and seed are replaced.
        options: Method -> its settings.
        out: The sweep's folder.
        task_names: Names or aliases of tasks.
        shots: Training images per class, but for ``few-shot``.
        seeds: One run per seed.

    Raises:
        GoproError: For an unknown task, or when none of the suite's sets is present.
    """
    names = [tasks.resolve(name) for name in task_names]
    here, _ = suite.present(common.root)
    if not here:
        raise GoproError(f"none of {', '.join(suite.datasets)} is under --root {common.root}")
    runs: list[Job] = []
    for task in names:
        sets, aims, few = here, None, [shots]
        if task == "domain-generalization":
            sets = [name for name in suite.left_out if name in here]
        elif task == "cross-dataset":
            sets = [name for name in here if name == suite.source]
            aims = ",".join(name for name in here if name != suite.source)
        elif task == "few-shot":
            few = list(suite.few)
        settings = replace(common, targets=aims)
        for draws, chosen in (
            (seeds[:1], {name: options[name] for name in options if name == "zeroshot"}),
            (seeds, {name: options[name] for name in options if name != "zeroshot"}),
        ):
            runs += grid(
                settings, chosen, out=out, datasets=sets, task_names=[task], shots=few, seeds=draws
            )
    return runs
