"""A resolved run with its backbone and method, checked against each other before any work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.preprocessing import Preprocessing
from gopro.common.tensors import load_learned
from gopro.data import Dataset, Item
from gopro.data.templates import own_template, templates_for
from gopro.data.unlabelled import draw_some, read_unlabelled
from gopro.methods import find
from gopro.methods.base import Method, can_learn
from gopro.results import results_json, runfolder
from gopro.runs.resolve import ResolvedRun, moved, resolve
from gopro.runs.workspace import Workspace
from gopro.training.config import TrainSettings


@dataclass(frozen=True)
class PreparedRun(ResolvedRun):
    """A resolved run with its backbone and method.

    Attributes:
        backbone: The frozen CLIP.
        method: Not trained yet, with the training classes' names.
        workspace: Keeps what other runs of the same command can use.
    """

    backbone: Backbone
    method: Method
    workspace: Workspace

    @property
    def preprocessing(self) -> Preprocessing:
        """From a picture of any of its data sets to the backbone's input."""
        return self.backbone.preprocessing.with_decode(self.settings.decode)

    @property
    def trains(self) -> bool:
        """Whether the method has training steps to do."""
        return can_learn(self.method, self.recipe)


def prepare(run: ResolvedRun, workspace: Workspace | None = None) -> PreparedRun:
    """Load the backbone and make the method.

    Args:
        run: The run.
        workspace: May hold the backbone already.

    Raises:
        GoproError: When there is no such backbone, or the method or a class name doesn't fit it.
    """
    settings, plan = run.settings, run.plan
    workspace = workspace or Workspace()
    kind = find(settings.method)
    teacher = _teacher(run) if kind.learns_from_teacher else None
    backbone = workspace.backbone(settings, run.device)
    torch.manual_seed(settings.seed)
    options = replace(run.options, **run.sentences(plan.source))
    method = kind(backbone, plan.train_classes, options).to(backbone.device)
    if teacher is not None:
        method.set_teacher(teacher, plan.source.class_names)
    for name, test in plan.tests.items():  # find names that don't fit before a long training
        try:
            for template in templates_for(own_template(test.dataset.name)):
                backbone.class_tokens(test.class_names, 0, template)
            method.for_classes(test.class_names, **run.sentences(test.dataset))
        except GoproError as error:
            raise GoproError(f"{test.dataset.name}, {name} classes: {error}") from error
    return PreparedRun(**vars(run), backbone=backbone, method=method, workspace=workspace)


def images_to_train_on(prepared: PreparedRun) -> tuple[Dataset, tuple[Item, ...]]:
    """The images to train on, and the data set that opens them.

    Raises:
        GoproError: When there are no images without labels for a method that learns from them.
    """
    settings, plan = prepared.settings, prepared.plan
    if not prepared.method.learns_from_teacher:
        return plan.source, plan.train
    source = plan.source if settings.unlabelled is None else read_unlabelled(settings.unlabelled)
    return source, draw_some(source.train, prepared.options.pictures, settings.seed)


def load_trained(folder: Path, changes: Mapping[str, Any]) -> PreparedRun:
    """A finished run with its learned weights.

    Args:
        folder: The run folder.
        changes: See ``moved``.

    Raises:
        GoproError: When the folder holds no finished run, or its data or backbone is missing.
    """
    results_json.read(folder)
    recorded, options = runfolder.read_settings(folder)
    settings, options = moved(recorded, options, changes)
    prepared = prepare(resolve(replace(settings, out=folder), options))
    load_learned(folder / runfolder.WEIGHTS, prepared.method, about(recorded))
    return prepared


def about(settings: TrainSettings) -> dict[str, str]:
    """Metadata of the learned weights' file."""
    return {"method": settings.method, "backbone": settings.backbone}


def _teacher(run: ResolvedRun) -> Method:
    """The trained method of the run that this one learns from."""
    if run.options.teacher is None:
        raise GoproError(
            f"{run.settings.method} learns from another model and got none; give "
            "--promptkd.teacher RUN, the folder of a finished run, such as one of a larger backbone"
        )
    changes: dict[str, Any] = {"device": run.settings.device, "workers": run.settings.workers}
    if run.settings.root is not None:
        changes["root"] = run.settings.root
    return load_trained(expanded(run.options.teacher), changes).method
