"""``gopro bench``: a grid of runs that can be stopped, started again and spread out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.cli.options import Parser, build, names, numbers, parse
from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.training.config import TrainSettings

_LISTED = ("dataset", "task", "method", "shots", "seed", "out", "resume")
"""Settings of a run that a sweep has lists of, or sets itself."""


def parser() -> Parser:
    """Lists of what to combine, and every other setting of a run, for all jobs."""
    made = Parser(
        prog="gopro bench",
        description="Run every combination of methods, data sets, tasks, shots and seeds. Started "
        "again, it runs what is missing.",
    )
    made.add_argument("--config", action="config", help="read settings from a YAML file")
    made.add_argument("--methods", type=str, required=True, help="a,b,c")
    made.add_argument("--datasets", type=str, required=True, help="a,b,c")
    made.add_argument("--tasks", type=str, default="base2new", help="a,b,c")
    made.add_argument("--shots", type=str, default="16", help="training images per class: 1,2,4")
    made.add_argument("--seeds", type=str, default="1,2,3", help="1,2,3")
    made.add_argument("--out", type=Path, required=True, help="folder of the run folders")
    made.add_argument("--parallel", type=int, default=1, help="jobs at once on this machine")
    made.add_argument(
        "--threads", type=int, default=1, help="of a job on a cpu; another number rounds otherwise"
    )
    made.add_argument(
        "--cluster", type=str | None, default=None, help="run on this Ray cluster: host:port"
    )
    made.add_argument(
        "--gpus_per_job", type=float, default=0.0, help="of a cluster's GPUs, such as 0.5"
    )
    made.add_argument("--cpus_per_job", type=float, default=1.0, help="of a cluster's cores")
    made.add_class_arguments(TrainSettings, skip=set(_LISTED))
    for name in TABLE:
        made.add_class_arguments(find(name).Settings, name)
    return made


def bench(arguments: Sequence[str]) -> None:
    """Run what is missing of the grid, then print the table of all that is finished.

    Raises:
        GoproError: For settings that don't fit, or when jobs failed.
        KeyboardInterrupt: After Ctrl-C, once the jobs at work are saved.
    """
    values = parse(parser(), arguments)
    for name in ("parallel", "threads"):
        if values[name] < 1:
            raise GoproError(f"got --{name} {values[name]}; it must be 1 or more")
    for name in ("gpus_per_job", "cpus_per_job"):
        if not 0 <= values[name] < float("inf"):
            raise GoproError(f"got --{name} {values[name]}; it must be a number of 0 or more")
    methods = names(values, "methods")
    datasets = names(values, "datasets")

    from gopro.runs.sweep.grid import grid
    from gopro.runs.sweep.run import sweep

    jobs = grid(
        common(values, methods[0], datasets[0]),
        {name: build(find(name).Settings, values[name]) for name in methods},
        out=values["out"].expanduser(),
        datasets=datasets,
        task_names=names(values, "tasks"),
        shots=numbers(values, "shots"),
        seeds=numbers(values, "seeds"),
    )
    sweep(
        jobs,
        parallel=values["parallel"],
        threads=values["threads"],
        cluster=values["cluster"],
        gpus=values["gpus_per_job"],
        cpus=values["cpus_per_job"],
    )


def common(values: Any, method: str, dataset: str) -> TrainSettings:
    """The settings that all jobs share."""
    given = {name: values[name] for name in TrainSettings.__dataclass_fields__ if name in values}
    given.setdefault("targets", None)
    given |= {"dataset": dataset, "task": "base2new", "method": method, "out": None}
    given |= {"shots": 16, "seed": 1, "resume": False}
    settings: TrainSettings = build(TrainSettings, given)
    return settings
