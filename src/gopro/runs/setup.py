"""From a run's settings to all that it works with, refusing what doesn't fit before any work."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from gopro.results import runfolder
from gopro.backbones import Backbone
from gopro.backbones.precision import fastest
from gopro.training.config import Precision, TrainSettings
from gopro.data import Dataset
from gopro.data.templates import own_template
from gopro.common.errors import GoproError
from gopro.training.recipe import choose_recipe
from gopro.methods import find
from gopro.methods.base import Method, Recipe
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.data.plan import Plan
from gopro.data.tasks import find_targets, plan
from gopro.methods.base import can_learn
from gopro.runs.workspace import Workspace


@dataclass(frozen=True)
class Job:
    """What a run is going to do, before anything heavy is loaded.

    Attributes:
        settings: With every default filled in.
        options: The method's settings.
        recipe: The training part of the settings.
        folder: The run folder.
        plan: What to train and test on.
    """

    settings: TrainSettings
    options: Any
    recipe: Recipe
    folder: Path
    plan: Plan

    def template(self, dataset: Dataset) -> dict[str, str | None]:
        """The method's setting ``template`` for the class names of a data set.

        Empty for a method without that setting, and where the user has set it.
        """
        if getattr(self.options, "template", "none of its settings") is None:
            return {"template": own_template(dataset.name)}
        return {}


@dataclass(frozen=True)
class Prepared(Job):
    """All that a run works with.

    Attributes:
        backbone: The frozen CLIP.
        method: Freshly made, with the training classes' names.
        workspace: Keeps what other runs of the same command can use.
    """

    backbone: Backbone
    method: Method
    workspace: Workspace

    @property
    def trains(self) -> bool:
        """Whether there is anything for the engine to do."""
        return can_learn(self.method, self.recipe)


def complete(
    settings: TrainSettings,
    options: Any = None,
    dataset: Dataset | None = None,
    workspace: Workspace | None = None,
) -> Job:
    """Fill in every default and read the data sets' splits.

    Args:
        settings: Of the run.
        options: The method's settings; its defaults when None.
        dataset: The data set; read by its name in the settings when None.
        workspace: Has read the data set before, perhaps.

    Raises:
        GoproError: For settings that don't fit each other or the data.
    """
    kind = find(settings.method)
    options = kind.Settings() if options is None else options
    if settings.root is not None:
        settings = replace(settings, root=settings.root.expanduser().absolute())
    workspace = workspace or Workspace()
    dataset = dataset or workspace.dataset(settings.dataset, settings.root, settings.seed)
    targets = find_targets(
        dataset,
        settings.task,
        settings.target_names,
        settings.root,
        settings.seed,
        workspace.dataset,
    )
    what = plan(
        dataset,
        settings.task,
        shots=settings.shots,
        seed=settings.seed,
        targets=list(targets.values()),
    )
    recipe = choose_recipe(kind, settings, len(what.train_classes))
    settings = replace(settings, **{f.name: getattr(recipe, f.name) for f in fields(recipe)})
    settings = replace(settings, task=what.task)
    if settings.select == "best" and not what.val:
        raise GoproError(
            f"{settings.dataset} has no training images left for validation; use --select last"
        )
    variant = getattr(options, "variant", None)
    folder = settings.out or runfolder.default_folder(settings, variant)
    settings = replace(settings, targets=",".join(targets) or None)
    if settings.precision == "auto":
        settings = replace(settings, precision=_precision(settings, folder))
    return Job(settings, options, recipe, folder, what)


def _precision(settings: TrainSettings, folder: Path) -> Precision:
    """What ``auto`` stands for: what a run that goes on has, else what is faster here."""
    if (folder / runfolder.CONFIG).exists():
        return runfolder.read_settings(folder)[0].precision
    return fastest(settings.backbone, settings.pretrained, settings.device)


def equip(job: Job, workspace: Workspace | None = None) -> Prepared:
    """Load the backbone and make the method.

    Args:
        job: What for.
        workspace: Has loaded the backbone before, perhaps.

    Raises:
        GoproError: When there is no such backbone, or the method or a class name doesn't fit it.
    """
    settings, what = job.settings, job.plan
    workspace = workspace or Workspace()
    backbone = workspace.backbone(settings)
    torch.manual_seed(settings.seed)
    kind = find(settings.method)
    options = replace(job.options, **job.template(what.source))
    method = kind(backbone, what.train_classes, options).to(backbone.device)
    for name, test in what.tests.items():  # a name that doesn't fit shall not end a long training
        try:
            ZeroShot(backbone, test.class_names, ZeroShotSettings(own_template(test.dataset.name)))
            method.for_classes(test.class_names, **job.template(test.dataset))
        except GoproError as error:
            raise GoproError(f"{test.dataset.name}, {name} classes: {error}") from error
    return Prepared(**vars(job), backbone=backbone, method=method, workspace=workspace)
