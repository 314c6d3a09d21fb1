"""How long a training takes: a few steps are timed on a copy of the method."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.image import to_unit
from gopro.common.timed import timed
from gopro.methods.base import Batch, Method, Recipe, can_learn
from gopro.training.batches import LiveViews
from gopro.training.config import TrainSettings
from gopro.training.trainingset import TrainingSet

_MAX_SECONDS = 2.0  # after which a measurement isn't repeated
_REPETITIONS = 5  # after a first one that isn't counted


def copied(method: Method) -> Method:
    """A copy to try steps on; it shares the frozen models."""
    shared = (method.backbone, *method.teachers)
    return copy.deepcopy(method, {id(part): part for part in shared})


def training_seconds(
    method: Method,
    data: TrainingSet,
    recipe: Recipe,
    settings: TrainSettings,
    count: int,
) -> float:
    """Expected seconds of a training, from a few steps of a copy.

    Includes the method's ``prepare``, and encoding that is done once before training, unless the
    data has features.

    Args:
        method: Not trained yet; it is not changed.
        data: Some of the images.
        recipe: Of the training.
        settings: Seed and views.
        count: Number of training images.
    """
    with torch.random.fork_rng(devices=[]):
        trial, device = copied(method), method.backbone.device
        unit = to_unit(data.pixels, device)
        before = 0.0
        plain = recipe.augment == "none" and not trial.modifies_image_encoder
        if data.features is None and (trial.learns_from_features or plain):
            encoding = often(lambda: trial.encode_image(unit), device, gradient=False)
            before = encoding / len(unit) * count
        if trial.learns_from_features:
            features = data.features
            if features is None:
                with torch.no_grad():
                    features = trial.encode_image(unit)
            before += timed(lambda: prepare(trial, features, data.labels, count), device)[1]
        if not can_learn(trial, recipe):
            return before
        views, step = step_seconds(trial, data, recipe, settings, count)
    copies = recipe.view_cache * count
    return before + views * copies + step * recipe.epochs * recipe.steps(count)


def step_seconds(
    trial: Method, data: TrainingSet, recipe: Recipe, settings: TrainSettings, count: int
) -> tuple[float, float]:
    """Seconds that one copy of an image's views takes before training, and seconds of a step.

    Without cached views the first is 0, and a step makes and encodes its views.
    """
    live, device = live_batches(trial, data, recipe, settings, count), trial.backbone.device
    trial.train()
    if not recipe.view_cache:
        return 0.0, often(lambda: learn(trial, live()), device)
    batch = live()
    views = often(lambda: trial.encode(live()), device, gradient=False) / len(batch.labels)
    encoded = Batch(batch.labels.to(device), {}, trial.encode(batch))
    return views, often(lambda: learn(trial, encoded), device)


def prepare(trial: Method, features: ImageFeatures, labels: Tensor, count: int) -> None:
    """Give ``count`` images to a method that learns from features: these, repeated."""
    indices = torch.arange(count) % len(features)
    trial.prepare(features[indices], labels[indices].to(trial.backbone.device))


def live_batches(
    trial: Method,
    data: TrainingSet,
    recipe: Recipe,
    settings: TrainSettings,
    count: int,
) -> Callable[[], Batch]:
    """Returns what makes a training batch of ``count`` images: these, repeated to fill it."""
    chosen = torch.arange(min(recipe.batch, count)) % len(data.labels)
    source = LiveViews(trial, data, settings.views, recipe.augment, settings.seed, settings.workers)
    return lambda: next(source.batches([chosen], 0))


def learn(trial: Method, batch: Batch) -> None:
    """A training step without the optimizer's update."""
    trial.zero_grad()
    trial.backward(trial.loss(batch), Tensor.backward)


def often(work: Callable[[], object], device: torch.device, gradient: bool = True) -> float:
    """Median seconds of a few repetitions; the first counts only when it is the only one."""
    times: list[float] = []
    with torch.set_grad_enabled(gradient):
        while len(times) <= _REPETITIONS and sum(times) < _MAX_SECONDS:
            times.append(timed(work, device)[1])
    return statistics.median(times[1:] or times)
