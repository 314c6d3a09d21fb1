"""The jobs of a sweep, each with a folder named by the hash of its settings."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from gopro import data
from gopro.common.errors import GoproError
from gopro.common.files import expanded, file_sha256
from gopro.data import tasks
from gopro.methods import find
from gopro.results import runfolder
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe, epochs_by_classes

_KEY = 12
"""Hexadecimal digits of a job's name; a million jobs collide with probability 1/500."""


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes:
        settings: Of the run. ``out`` is its folder; ``resume`` is set, so that the job continues
            where an earlier sweep was stopped.
        options: The method's settings.
    """

    settings: TrainSettings
    options: Any

    @property
    def folder(self) -> Path:
        """The run folder, named by the hash of the settings."""
        return self.settings.out or Path()

    @property
    def key(self) -> str:
        """The folder's name, the same on every machine for the same settings."""
        return self.folder.name

    @property
    def done(self) -> bool:
        """Whether the run is finished."""
        return (self.folder / runfolder.DONE).exists()

    @property
    def title(self) -> str:
        """The job in words, for tables and errors."""
        settings = self.settings
        variant = getattr(self.options, "variant", None)
        method = f"{settings.method} ({variant})" if variant else settings.method
        task = f"{settings.task} to {settings.targets}" if settings.targets else settings.task
        return f"{method}, {settings.dataset}, {task}, {settings.shots} shots, seed {settings.seed}"


def grid(
    common: TrainSettings,
    options: Mapping[str, Any],
    *,
    out: Path,
    datasets: Sequence[str],
    task_names: Sequence[str],
    shots: Sequence[int],
    seeds: Sequence[int],
) -> list[Job]:
    """A job for each combination, seed after seed, so that a stopped sweep has complete tables.

    In ``domain-generalization``, a set of several domains gives one job for each domain left out,
    unless ``common.targets`` names the domains.

    Args:
        common: Shared settings; data set, task, method, shots and seed are replaced.
        options: Method -> its settings.
        out: The sweep's folder.
        datasets: Names as ``data.load`` takes them.
        task_names: Names of tasks or their aliases.
        shots: Training images per class.
        seeds: One run per seed.

    Raises:
        GoproError: For an unknown name.
    """
    task_names = [tasks.resolve(name) for name in task_names]
    for name in datasets:
        data.check_name(name)
    cells = [
        (dataset, task, targets)
        for dataset, task in itertools.product(datasets, task_names)
        for targets in _targets(common, dataset, task)
    ]
    jobs: dict[str, Job] = {}
    for seed, (dataset, task, targets), few, method in itertools.product(
        seeds, cells, shots, options
    ):
        settings = replace(
            common,
            dataset=dataset,
            task=task,
            targets=targets,
            method=method,
            shots=few,
            seed=seed,
            resume=True,
        )
        key = key_of(settings, options[method])
        jobs[key] = Job(replace(settings, out=out / key), options[method])
    return list(jobs.values())


def key_of(settings: TrainSettings, options: Any) -> str:
    """The hash of all settings that affect a run's numbers, with the recipe filled in.

    Where the number of classes decides the epochs, they are not known yet: the hash has those for
    an unknown number, and something else where ``settings`` gives just that number.
    """
    kind = find(settings.method)
    recipe = choose_recipe(kind, settings, options=options)
    full = replace(settings, **{f.name: getattr(recipe, f.name) for f in fields(recipe)})
    rows = runfolder.identity(full, options)
    usual = choose_recipe(kind, replace(settings, epochs=None), options=options).epochs
    if settings.epochs == usual and epochs_by_classes(kind, settings.backbone, options):
        rows["epochs"] = f"{usual} for any number of classes"
    texts = settings.texts or getattr(options, "texts", None)
    if texts is not None:
        with contextlib.suppress(OSError):  # the job itself will report it
            rows["texts sha256"] = file_sha256(expanded(texts))
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:_KEY]


def _targets(common: TrainSettings, dataset: str, task: str) -> Sequence[str | None]:
    """The targets of each job for a data set and a task: one job for each domain left out."""
    if task != "domain-generalization" or common.targets:
        return [common.targets]
    try:
        names = tasks.domains(data.load(dataset, common.root, seed=common.seed))
    except GoproError:  # the job itself will report it
        return [None]
    return names or [None]
