"""A resolved run with its backbone and method, checked against each other before any work."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.common.preprocessing import Preprocessing
from gopro.data.templates import own_template
from gopro.methods import find
from gopro.methods.base import Method, can_learn
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.runs.resolve import ResolvedRun
from gopro.runs.workspace import Workspace


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
    backbone = workspace.backbone(settings, run.device)
    torch.manual_seed(settings.seed)
    kind = find(settings.method)
    options = replace(run.options, **run.sentences(plan.source))
    method = kind(backbone, plan.train_classes, options).to(backbone.device)
    for name, test in plan.tests.items():  # find names that don't fit before a long training
        try:
            ZeroShot(backbone, test.class_names, ZeroShotSettings(own_template(test.dataset.name)))
            method.for_classes(test.class_names, **run.sentences(test.dataset))
        except GoproError as error:
            raise GoproError(f"{test.dataset.name}, {name} classes: {error}") from error
    return PreparedRun(**vars(run), backbone=backbone, method=method, workspace=workspace)
