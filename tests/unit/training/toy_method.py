"""A method of one matrix, whose training can be written down in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import ImageFeatures
from gopro.methods.base import Batch, Method, Recipe
from gopro.training.config import ViewSettings
from gopro.training.trainer import Trainer
from gopro.training.trainingset import TrainingSet

CLASSES, SIDE, COUNT = 3, 4, 11
RECIPE = Recipe(
    epochs=4, batch=3, lr=0.5, momentum=0.9, weight_decay=0.01, warmup_lr=0.05, augment="none"
)


class Toy(Method):
    """Softmax regression on pixels with a second loss term."""

    modifies_image_encoder = True

    def __init__(self, seed: int = 0, blow_up: float = 0.0) -> None:
        backbone: Any = SimpleNamespace(device=torch.device("cpu"))
        super().__init__(backbone, [f"class {i}" for i in range(CLASSES)], None)
        start = torch.randn(CLASSES, 3 * SIDE * SIDE, generator=_generator(seed))
        self.weight = nn.Parameter(0.1 * start)
        self.blow_up = blow_up

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "size": 0.25}

    def set_class_names(self, names: Sequence[str]) -> None: ...

    def logits(self, features: ImageFeatures) -> Tensor:
        return features.embedding @ self.weight.T

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        scores = batch.images["x"].flatten(1) @ self.weight.T
        size = self.weight.square().mean()
        return {"ce": F.cross_entropy(scores, batch.labels), "size": size + self.blow_up}


def data() -> TrainingSet:
    """COUNT random pictures."""
    shape = (COUNT, 3, SIDE, SIDE)
    pixels = torch.randint(0, 256, shape, generator=_generator(1), dtype=torch.uint8)
    return TrainingSet(pixels, torch.arange(COUNT) % CLASSES)


def trainer(folder: Path, method: Toy | None = None, **options: Any) -> Trainer:
    """A trainer of the toy; ``recipe`` and others as options."""
    recipe = options.pop("recipe", RECIPE)
    given = {"seed": 7, "views": ViewSettings(), **options}
    return Trainer(method or Toy(), data(), recipe, folder=folder, **given)


def by_hand(recipe: Recipe, seed: int, rate: Callable[[int], float]) -> Tensor:
    """The toy's weights after SGD, every formula written out, in double precision."""
    pixels, labels = data().pixels.double().flatten(1) / 255, data().labels
    weight = Toy().weight.detach().double()
    velocity: Tensor | None = None
    for epoch in range(recipe.epochs):
        order = torch.randperm(COUNT, generator=_generator(seed * 1_000_003 + epoch))
        for step in range(COUNT // recipe.batch):
            chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
            x, y = pixels[chosen], F.one_hot(labels[chosen], CLASSES).double()
            gradient = ((x @ weight.T).softmax(dim=1) - y).T @ x / len(chosen)
            gradient += 0.25 * 2 * weight / weight.numel()
            gradient += recipe.weight_decay * weight
            velocity = gradient if velocity is None else recipe.momentum * velocity + gradient
            weight = weight - rate(epoch) * velocity
    return weight


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
