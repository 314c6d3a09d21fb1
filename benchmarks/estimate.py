"""``python -m benchmarks.estimate DATASET TASK ...``: the estimated and the real cost of runs.

Takes the arguments of ``gopro train``. Every method and seed is one run in a new process, with an
empty feature cache, in a folder that is deleted afterwards.
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

from gopro.backbones import feature_cache
from gopro.cli.train import runs_from
from gopro.training.config import TrainSettings


@dataclass(frozen=True)
class Cost:
    """Seconds, peak memory in bytes, and bytes on disk."""

    seconds: float
    memory: int
    disk: int


def compare(settings: TrainSettings, options: Any) -> tuple[str, Cost, Cost]:
    """The name of a run, its estimated cost and its real cost."""
    import resource

    from gopro.runs import run
    from gopro.runs.estimate import estimate
    from gopro.runs.prepared import prepare
    from gopro.runs.resolve import resolve

    with tempfile.TemporaryDirectory() as folder:
        os.environ[feature_cache.FOLDER] = str(Path(folder) / "cache")
        settings = replace(settings, out=Path(folder) / "run")
        estimated = estimate(prepare(resolve(settings, options)))
        started = time.perf_counter()
        run.train(settings, options)
        seconds = time.perf_counter() - started
        memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    name = f"{settings.method}, seed {settings.seed}"
    return (
        name,
        Cost(sum(estimated.seconds.values()), estimated.memory, estimated.disk),
        Cost(seconds, memory, disk),
    )


def main() -> None:
    """Compare the estimated and the real cost of every run on the command line."""
    print(f"{'':24}{'seconds':>16}{'ratio':>7}{'GB of memory':>15}{'MB of disk':>15}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for settings, options in runs_from(sys.argv[1:]):
            name, estimated, real = pool.apply(compare, (settings, options))
            print(
                f"{name:24}{estimated.seconds:8.1f}{real.seconds:8.1f}"
                f"{estimated.seconds / real.seconds:7.2f}"
                f"{estimated.memory / 1e9:8.2f}{real.memory / 1e9:7.2f}"
                f"{estimated.disk / 1e6:8.1f}{real.disk / 1e6:7.1f}",
                flush=True,
            )
    print("each pair: estimated, then real")


if __name__ == "__main__":
    main()
