"""A run resolved once: every default, alias and choice decided before any process starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from gopro.backbones.auto_precision import fastest
from gopro.backbones.build import choose_device
from gopro.backbones.names import canonical
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data import Dataset
from gopro.data.plan import Plan
from gopro.data.tasks import find_targets, plan
from gopro.data.templates import own_template
from gopro.data.texts import check_texts
from gopro.methods import find
from gopro.methods.base import Recipe
from gopro.results import runfolder
from gopro.runs.workspace import Workspace
from gopro.training.config import Precision, TrainSettings
from gopro.training.recipe import choose_recipe, with_texts


@dataclass(frozen=True)
class ResolvedRun:
    """All decisions of a run. Whatever comes later takes its values from here.

    Attributes:
        settings: With every default filled in: task without alias, targets, recipe, precision.
        options: The method's settings.
        recipe: The training part of the settings.
        folder: The run folder.
        device: Where this process computes. ``settings.device`` stays as the user wrote it.
        plan: What to train and test on.
    """

    settings: TrainSettings
    options: Any
    recipe: Recipe
    folder: Path
    device: torch.device
    plan: Plan

    def sentences(self, dataset: Dataset) -> dict[str, str | None]:
        """The method's settings that hold a sentence, for the class names of a data set.

        Without those that the method doesn't have, and those that the user has set.
        """
        texts = {
            "template": own_template(dataset.name),
            **find(self.settings.method).sentences.get(dataset.name, {}),
        }
        missing = "none of its settings"
        return {
            name: text
            for name, text in texts.items()
            if getattr(self.options, name, missing) is None
        }


def resolve(
    settings: TrainSettings,
    options: Any = None,
    dataset: Dataset | None = None,
    workspace: Workspace | None = None,
) -> ResolvedRun:
    """Read the data sets' splits and decide everything that the settings leave open.

    Resolving the settings of a resolved run again changes nothing.

    Args:
        settings: Of the run.
        options: The method's settings; its defaults when None.
        dataset: The data set; read by its name in the settings when None.
        workspace: May hold the data sets already.

    Raises:
        GoproError: For settings that don't fit each other or the data, or a missing device.
    """
    method = find(settings.method)
    options = method.Settings() if options is None else options
    settings = replace(settings, backbone=canonical(settings.backbone))
    if settings.root is not None:
        settings = replace(settings, root=expanded(settings.root).absolute())
    if settings.unlabelled is not None:
        if not method.learns_from_teacher:
            raise GoproError(
                f"got --unlabelled {settings.unlabelled}, and {settings.method} learns from "
                "labelled pictures only; choose --method promptkd"
            )
        settings = replace(settings, unlabelled=expanded(settings.unlabelled).absolute())
    if settings.texts is not None:
        settings = replace(settings, texts=expanded(settings.texts).absolute())
    options = with_texts(settings, options)
    if getattr(options, "teacher", None) is not None:
        options = replace(options, teacher=str(expanded(options.teacher).absolute()))
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
    run_plan = plan(
        dataset,
        settings.task,
        shots=settings.shots,
        seed=settings.seed,
        rule=settings.sample,
        targets=list(targets.values()),
    )
    if getattr(options, "texts", None) is not None:
        tested = [name for test in run_plan.tests.values() for name in test.class_names]
        check_texts(options.texts, [*run_plan.train_classes, *tested])
    recipe = choose_recipe(method, settings, len(run_plan.train_classes), options)
    settings = replace(settings, **{f.name: getattr(recipe, f.name) for f in fields(recipe)})
    settings = replace(settings, task=run_plan.task)
    if settings.select == "best" and not run_plan.val:
        raise GoproError(
            f"{settings.dataset} has no training images left for validation; use --select last"
        )
    variant = getattr(options, "variant", None)
    folder = settings.out or runfolder.default_folder(settings, variant)
    settings = replace(settings, targets=",".join(targets) or None)
    if settings.precision == "auto":
        settings = replace(settings, precision=_precision(settings, folder))
    device = choose_device(settings.device)
    return ResolvedRun(settings, options, recipe, folder, device, run_plan)


def moved(
    settings: TrainSettings, options: Any, changes: Mapping[str, Any]
) -> tuple[TrainSettings, Any]:
    """A run's settings and its method's, where what it needs is in other places now.

    Args:
        settings: Of the run.
        options: The method's.
        changes: Settings that replace the run's, such as ``root`` or ``device``; ``teacher`` is
            the folder of the run that it learns from.

    Raises:
        GoproError: For the teacher of a method that learns from none.
    """
    others = {name: value for name, value in changes.items() if name != "teacher"}
    if "teacher" in changes:
        if not find(settings.method).learns_from_teacher:
            raise GoproError(
                f"got --teacher {changes['teacher']}, and {settings.method} learns from no other "
                "model; leave it out"
            )
        options = replace(options, teacher=str(changes["teacher"]))
    return replace(settings, **others), options


def _precision(settings: TrainSettings, folder: Path) -> Precision:
    """``auto``: the run's precision when its folder has one, else the faster one here."""
    if (folder / runfolder.CONFIG).exists():
        return runfolder.read_settings(folder)[0].precision
    return fastest(settings.backbone, settings.pretrained, settings.device)
