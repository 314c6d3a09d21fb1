"""``python -m benchmarks.estimate DATASET TASK ...``: what runs were said to cost, and did cost.

Takes the arguments of ``gopro train``. Every method and seed is a run in a process of its own, with
an empty cache of features, in a folder that is removed afterwards.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gopro.backbones import cache
from gopro.cli.train import runs_from
from gopro.training.config import TrainSettings


@dataclass(frozen=True)
class Cost:
    """Seconds, bytes of memory at the peak, and bytes on disk."""

    seconds: float
    memory: int
    disk: int


def compare(settings: TrainSettings, options: Any) -> tuple[str, Cost, Cost]:
    """A run's name, what was expected of it, and what it took."""
    import resource

    from gopro.runs import run
    from gopro.runs.estimate import estimate
    from gopro.runs.prepared import prepare
    from gopro.runs.resolve import resolve

    with tempfile.TemporaryDirectory() as place:
        os.environ[cache.FOLDER] = str(Path(place) / "cache")
        settings = replace(settings, out=Path(place) / "run")
        said = estimate(prepare(resolve(settings, options)))
        started = time.perf_counter()
        run.train(settings, options)
        seconds = time.perf_counter() - started
        memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        disk = sum(path.stat().st_size for path in Path(place).rglob("*") if path.is_file())
    name = f"{settings.method}, seed {settings.seed}"
    return (
        name,
        Cost(sum(said.seconds.values()), said.memory, said.disk),
        Cost(seconds, memory, disk),
    )


def main() -> None:
    """Compare every run that the command line names."""
    print(f"{'':24}{'seconds':>16}{'ratio':>7}{'GB of memory':>15}{'MB of disk':>15}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for settings, options in runs_from(sys.argv[1:]):
            name, said, took = pool.apply(compare, (settings, options))
            print(
                f"{name:24}{said.seconds:8.1f}{took.seconds:8.1f}{said.seconds / took.seconds:7.2f}"
                f"{said.memory / 1e9:8.2f}{took.memory / 1e9:7.2f}"
                f"{said.disk / 1e6:8.1f}{took.disk / 1e6:7.1f}",
                flush=True,
            )
    print("of each pair the first is what was expected")


if __name__ == "__main__":
    main()
