"""From decoded images to learned weights: what a run and a classifier share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gopro.checkpoint import Progress
from gopro.config import TrainSettings
from gopro.engine import Trainer, TrainingSet
from gopro.methods.base import Method, Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def choose_recipe(kind: type[Method], settings: TrainSettings) -> Recipe:
    """The method's recipe for this backbone, with what the user set on top."""
    recipe = kind.recipes.get(settings.backbone, kind.recipes["published"])
    chosen = {f.name: getattr(settings, f.name) for f in fields(Recipe)}
    return replace(recipe, **{k: v for k, v in chosen.items() if v is not None})


def learn(
    method: Method,
    data: TrainingSet,
    recipe: Recipe,
    settings: TrainSettings,
    folder: Path,
    validate: Callable[[Method], float] | None = None,
) -> Progress:
    """Train a method in place, on the device its backbone is on.

    Args:
        method: What to train.
        data: Its images.
        recipe: How; see ``choose_recipe``.
        settings: Seed, views, precision, which epoch counts, and whether to resume.
        folder: Where checkpoint and metrics go.
        validate: Gives the accuracy in percent on validation images.

    Raises:
        GoproError: When the loss is not finite, or the folder can't be written.
        Interrupted: After Ctrl-C, once all is saved.
    """
    trainer = Trainer(
        method,
        data,
        recipe,
        fabric=_one_device(method.backbone.device),
        folder=folder,
        seed=settings.seed,
        views=settings.views,
        precision=settings.precision,
        validate=validate,
        select_best=settings.select == "best",
        checkpoint_every=settings.checkpoint_every,
    )
    if settings.resume:
        trainer.resume()
    return trainer.run()


def _one_device(device: torch.device) -> Fabric:
    from lightning_fabric import Fabric  # slow to load, and only training needs it

    return Fabric(
        accelerator=device.type,
        devices=[device.index or 0] if device.type == "cuda" else 1,
        precision="32-true",
    )
