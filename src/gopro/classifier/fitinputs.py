"""The inputs of a fit, after all checks: pictures, classes, method and backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from gopro.backbones.shared import Shared
from gopro.common.progress import bar
from gopro.data.pictures import Picture, open_picture
from gopro.data.pixels import groups, stack
from gopro.methods.base import Method
from gopro.training.config import TrainSettings


@dataclass(frozen=True)
class FitInputs:
    """Everything that a fit needs.

    Attributes:
        settings: As for a training run.
        kind: The method's class.
        options: The method's own settings.
        pictures: N training pictures.
        truth: N class indices.
        classes: The labels, sorted.
        class_names: Their names in the prompts.
        shared: The backbone.
    """

    settings: TrainSettings
    kind: type[Method]
    options: Any
    pictures: list[Picture]
    truth: list[int]
    classes: npt.NDArray[Any]
    class_names: tuple[str, ...]
    shared: Shared

    def new_method(self) -> Method:
        """The method with initial weights, on the backbone's device."""
        backbone = self.shared.backbone
        return self.kind(backbone, self.class_names, self.options).to(backbone.device)


def read_pixels(
    numbered: Sequence[tuple[int, Picture]], size: int, batch: int, workers: int | None
) -> Tensor:
    """Decode pictures and resize them for the backbone: uint8 [N, 3, S, S].

    Args:
        numbered: Pictures, each after its position in the user's list, which messages name.
        size: S, the side in pixels.
        batch: Pictures per step.
        workers: Threads that decode; None for one per core.

    Raises:
        GoproError: When a picture can't be read.
    """
    parts = []
    with bar("reading pictures", len(numbered)) as advance:
        for group in groups(open_picture, numbered, size, batch, workers):
            parts.append(stack(group))
            advance("", len(group))
    return torch.cat(parts)
