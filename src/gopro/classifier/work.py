"""What a classifier is about to learn from, checked and put in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from gopro.backbones.shared import Shared
from gopro.data.labelled import Labelled
from gopro.methods.base import Method
from gopro.training.config import TrainSettings


@dataclass(frozen=True)
class Work:
    """Pictures of known classes, and the method that is to learn them.

    Attributes:
        settings: As a run has them.
        kind: The method's class.
        options: Its own settings.
        given: The pictures, and a label of each.
        truth: The place of each picture's label among ``classes``.
        classes: The labels, sorted.
        names: Of the classes, as they stand in prompts.
        shared: The backbone.
    """

    settings: TrainSettings
    kind: type[Method]
    options: Any
    given: Labelled
    truth: list[int]
    classes: npt.NDArray[Any]
    names: tuple[str, ...]
    shared: Shared

    def method(self) -> Method:
        """The method with fresh weights, on the backbone's device."""
        backbone = self.shared.backbone
        return self.kind(backbone, self.names, self.options).to(backbone.device)
