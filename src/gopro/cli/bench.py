"""``gopro bench``: a grid of runs that can be stopped, continued and distributed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopro.cli.options import Parser, at_least_one, build, names, numbers, parse_methods
from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.training.config import TrainSettings

if TYPE_CHECKING:
    from gopro.runs.sweep.grid import Job

_LISTED = ("dataset", "task", "method", "shots", "seed", "out", "resume")
"""Settings of a run that a sweep takes as lists, or sets itself."""

_COMMON = (
    *("suite", "methods", "datasets", "tasks", "shots", "seeds", "out", "parallel", "threads"),
    *("cluster", "gpus_per_job", "cpus_per_job", "backbone", "pretrained", "root", "epochs", "lr"),
    "device",
)
"""The options that ``--help`` shows."""


def parser(methods: Iterable[str] = TABLE) -> Parser:
    """The lists to combine, and all other settings of a run, which are the same for all runs."""
    parser = Parser(
        prog="gopro bench",
        description="Run all combinations of methods, data sets, tasks, shots and seeds, or a "
        "suite of data sets through all tasks. The same command, started again, runs only what is "
        "missing.",
        common=_COMMON,
    )
    parser.add_argument("--config", action="config", help="read settings from a YAML file")
    parser.option(
        "--suite",
        str | None,
        None,
        "run a named list of data sets through all tasks: offline, which is caltech101, pacs, "
        "rsscn7, dtd10, world, and the sets of the published comparison that are under --root",
    )
    parser.option(
        "--methods", str | None, None, "methods: a,b,c; with --suite all that any backbone can run"
    )
    parser.option("--datasets", str | None, None, "data sets: a,b,c; not with --suite")
    parser.option("--tasks", str | None, None, "tasks: a,b,c; base2new, or all of a suite")
    parser.option("--shots", str, "16", "training images per class: 1,2,4")
    parser.option("--seeds", str, "1,2,3", "seeds: 1,2,3")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run folders")
    parser.option("--parallel", int, 1, "runs at the same time on this machine")
    parser.option("--threads", int, 1, "CPU threads per run; results depend on it in the last bits")
    parser.option("--cluster", str | None, None, "run on this Ray cluster: host:port")
    parser.option("--gpus_per_job", float, 0.0, "GPUs per run on a cluster, such as 0.5")
    parser.option("--cpus_per_job", float, 1.0, "CPU cores per run on a cluster")
    parser.add_class_arguments(TrainSettings, skip=set(_LISTED))
    parser.methods(methods)
    return parser


def bench(arguments: Sequence[str]) -> None:
    """Run what is missing of the grid or suite, then print tables of all finished runs.

    Raises:
        GoproError: For invalid settings, or when runs failed.
        KeyboardInterrupt: After Ctrl-C, when the current runs are saved.
    """
    values = parse_methods(parser, arguments)
    at_least_one(values, "parallel", "threads")
    for name in ("gpus_per_job", "cpus_per_job"):
        if not 0 <= values[name] < float("inf"):
            raise GoproError(f"got --{name} {values[name]}; it must be a number of 0 or more")
    jobs = _suite(values) if values["suite"] is not None else _grid(values)

    from gopro.runs.sweep.run import sweep

    sweep(
        jobs,
        parallel=values["parallel"],
        threads=values["threads"],
        cluster=values["cluster"],
        gpus=values["gpus_per_job"],
        cpus=values["cpus_per_job"],
    )


def _grid(values: Any) -> list[Job]:
    """A job for each combination of the lists."""
    for name in ("methods", "datasets"):
        if values[name] is None:
            raise GoproError(f"got no --{name}; wanted a list such as --{name} a,b,c, or --suite")
    methods, datasets = names(values, "methods"), names(values, "datasets")

    from gopro.runs.sweep.grid import grid

    return grid(
        common(values, methods[0], datasets[0]),
        {name: build(find(name).Settings, values[name]) for name in methods},
        out=values["out"],
        datasets=datasets,
        task_names=names(values, "tasks") if values["tasks"] is not None else ["base2new"],
        shots=numbers(values, "shots"),
        seeds=numbers(values, "seeds"),
    )


def _suite(values: Any) -> list[Job]:
    """The jobs of a suite; says which of its data sets are missing."""
    from gopro.runs.sweep import suite

    name = values["suite"]
    if name not in suite.SUITES:
        raise GoproError(f"there is no suite {name!r}; choose {', '.join(suite.SUITES)}")
    for taken in ("datasets", "targets"):
        if values[taken] is not None:
            raise GoproError(f"--suite {name} names its own data sets; leave --{taken} out")
    shots = numbers(values, "shots")
    if len(shots) > 1:
        raise GoproError(
            f"got --shots {values['shots']}; a suite takes one number, and its few-shot curves "
            "have their own"
        )
    chosen = suite.SUITES[name]
    methods = suite.default_methods() if values["methods"] is None else names(values, "methods")
    settings = common(values, methods[0], chosen.source)
    here, missing = chosen.present(settings.root)
    print(f"suite {name}: {', '.join(here)}")
    if missing:
        print(f"left out, because they are not under --root: {', '.join(missing)}")
    return suite.jobs(
        chosen,
        settings,
        {name: build(find(name).Settings, values[name]) for name in methods},
        out=values["out"],
        task_names=names(values, "tasks") if values["tasks"] is not None else suite.TASKS,
        shots=shots[0],
        seeds=numbers(values, "seeds"),
    )


def common(values: Any, method: str, dataset: str) -> TrainSettings:
    """The settings that all runs share."""
    shared = {name: values[name] for name in TrainSettings.__dataclass_fields__ if name in values}
    shared.setdefault("targets", None)
    shared |= {"dataset": dataset, "task": "base2new", "method": method, "out": None}
    shared |= {"shots": 16, "seed": 1, "resume": False}
    settings: TrainSettings = build(TrainSettings, shared)
    return settings
