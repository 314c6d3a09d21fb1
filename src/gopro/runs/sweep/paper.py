"""The published comparison: its jobs, their cost, and our figures against the published ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from gopro.data.catalog import KNOWN
from gopro.methods import TABLE, find
from gopro.results import published
from gopro.results.statistics import quantile
from gopro.results.tables import ZERO_SHOT, Line, Table
from gopro.runs.sweep.grid import Job, grid
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe

SOURCE = "imagenet"

# Floating-point operations of ViT-B/16 for an image and for a text token
_IMAGE, _TOKEN = 35e9, 76e6
_PREFIX, _SUFFIX = 5, 5
"""Average number of text tokens shared by all classes, and of one class."""
_TEXTS_OF_AN_IMAGE = {"cocoop": 1, "stylip": 1, "gopro": 3}
"""Methods with prompts for each image: text passes per image of a training step."""
_IMAGES_OF_AN_IMAGE = {"slip": 2, "gopro": 3, "maple": 3}
"""Image passes per image of a training step, where they aren't 1: of each view, or with a gradient
(a backward pass costs as much as two forward ones)."""
_STEP_SECONDS = 0.05
"""Overhead of a step."""
_START_SECONDS = 60.0
_RUN_MEGABYTES = 10.0


def jobs(
    common: TrainSettings, out: Path, methods: Sequence[str], seeds: Sequence[int]
) -> list[Job]:
    """All runs of the three published tables; zero-shot CLIP uses no randomness and runs once.

    Args:
        common: Shared settings: backbone, weights, root, device.
        out: The sweep's folder.
        methods: Of ``methods_here()``.
        seeds: One run per seed.
    """
    runs: list[Job] = []
    targets = ",".join(name for name in published.datasets() if name != SOURCE)
    for tasks, sets, aims in (
        ("base2new", published.datasets(), None),
        ("cross-dataset", [SOURCE], targets),
        ("domain-generalization", [SOURCE], ",".join(KNOWN[SOURCE].variants)),
    ):
        for names, draws in (
            ([name for name in methods if name != "zeroshot"], seeds),
            ([name for name in methods if name == "zeroshot"], seeds[:1]),
        ):
            options: dict[str, Any] = {name: find(name).Settings() for name in names}
            runs += grid(
                replace(common, targets=aims),
                options,
                out=out,
                datasets=sets,
                task_names=[tasks],
                shots=[published.SHOTS],
                seeds=draws,
            )
    return runs


def methods_here() -> list[str]:
    """The methods of the published tables that this package has."""
    return [name for name in published.methods() if name in TABLE]


@dataclass(frozen=True)
class Cost:
    """Expected GPU hours and gigabytes of disk."""

    hours: float
    gigabytes: float


def cost(some: Sequence[Job], teraflops: float) -> Cost:
    """Expected cost, calculated from the arithmetic of ViT-B/16; nothing is timed.

    Args:
        some: Jobs.
        teraflops: Sustained 10^12 floating-point operations per second of the GPU.
    """
    seconds = sum(_seconds(job, teraflops * 1e12) for job in some)
    return Cost(seconds / 3600, len(some) * _RUN_MEGABYTES / 1000)


def data_gigabytes(some: Sequence[Job]) -> dict[str, float]:
    """Size of each data set of the jobs on disk, by name."""
    sets = (name for j in some for name in (j.settings.dataset, *j.settings.target_names))
    return {name: KNOWN[name].size.megabytes / 1000 for name in dict.fromkeys(sets)}


def _seconds(job: Job, speed: float) -> float:
    settings = job.settings
    half = settings.task == "base2new"
    classes = _classes(settings.dataset, half)
    per_image = _TEXTS_OF_AN_IMAGE.get(settings.method, 0)
    recipe = choose_recipe(find(settings.method), settings, options=job.options)
    images = settings.shots * classes
    passes = _IMAGES_OF_AN_IMAGE.get(settings.method, 1) * _IMAGE
    passes += 3 * per_image * _text(classes)
    each = passes + (0 if per_image else 3 * _text(classes) / recipe.batch)
    epochs = recipe.epochs if settings.method != "zeroshot" else 0
    steps = epochs * (images / recipe.batch)
    training = epochs * images * each / speed + steps * _STEP_SECONDS
    tests = settings.target_names or [settings.dataset]
    testing = sum(
        KNOWN[name].size.counts[-1] * (_IMAGE + min(1, per_image) * _text(_classes(name, half)))
        for name in tests
    )
    return training + testing / speed + _START_SECONDS


def _text(classes: int) -> float:
    return _TOKEN * (_PREFIX + classes * _SUFFIX)


def _classes(name: str, half: bool) -> int:
    return math.ceil(KNOWN[name].size.classes / 2) if half else KNOWN[name].size.classes


@dataclass(frozen=True)
class Verdict:
    """A published figure and ours.

    Attributes:
        task: The task.
        dataset: The training set.
        method: With its variant.
        test: The column.
        published: In percent.
        ours: Mean over seeds; None without a run.
        reach: Allowed difference.
    """

    task: str
    dataset: str
    method: str
    test: str
    published: float
    ours: float | None
    reach: float = 0.0

    @property
    def word(self) -> Literal["within", "above", "below", "missing"]:
        """Our figure relative to the published one and the allowed difference."""
        if self.ours is None:
            return "missing"
        difference = self.ours - self.published
        if abs(difference) <= self.reach:
            return "within"
        return "above" if difference > 0 else "below"


def verdicts(tables: Sequence[Table], methods: Sequence[str], least: float) -> list[Verdict]:
    """All published figures of the methods, with ours.

    The published figures have no spread, so ours is used for both: two means over n seeds differ
    by at most ``t(n - 1) s sqrt(2 / n)`` in 95 of 100 cases. The published average is of all data
    sets, so an average of some of them isn't compared with it.

    Args:
        tables: Of our runs.
        methods: Their names.
        least: Difference that is always allowed, in points: rounding, precision, resizing.
    """
    lines = {
        (table.task, table.dataset, line.method.partition(" (")[0]): line
        for table in tables
        if not table.datasets or set(table.datasets) == set(published.datasets())
        for line in table.lines
    }
    results = []
    for method in methods:
        name = ZERO_SHOT if method == "zeroshot" else method
        for task, dataset in (
            *(("base2new", name) for name in ("average", *published.datasets())),
            ("cross-dataset", SOURCE),
            ("domain-generalization", SOURCE),
        ):
            line = lines.get((task, dataset, name), Line(name, {}))
            for test, figure in published.figures(task, dataset, method).items():
                if test not in line.scores:
                    results.append(Verdict(task, dataset, line.method, test, figure, None))
                    continue
                mean, spread = line.scores[test]
                count = max(len(line.seeds), 1)
                between = quantile(count - 1) * math.sqrt(2 / count) if count > 1 else 0.0
                reach = max(least, between * (spread or 0.0))
                results.append(Verdict(task, dataset, line.method, test, figure, mean, reach))
    return results
