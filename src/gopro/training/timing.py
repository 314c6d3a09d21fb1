"""A step of training tried out on a copy of the method, to know how long one takes."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.image import to_unit
from gopro.methods.base import Batch, Method, Recipe, can_learn
from gopro.training.batches import LiveViews
from gopro.training.config import TrainSettings

T = TypeVar("T")

_PATIENCE = 2.0  # seconds after which a thing isn't tried again
_TIMES = 5  # how often a thing is tried, the first time not counted


def training_seconds(
    method: Method,
    pixels: Tensor,
    labels: Tensor,
    recipe: Recipe,
    settings: TrainSettings,
    count: int,
) -> float:
    """How long training on live views is going to take, from a few steps of a copy.

    Encoding is counted where it is done once and before, and so is what a method makes of it.

    Args:
        method: Freshly made; nothing of it is changed.
        pixels: Some of the images: uint8 [n, 3, S, S].
        labels: [n], indexes of the method's classes.
        recipe: Of the training.
        settings: Seed and views.
        count: How many images there are to be in all.
    """
    with torch.random.fork_rng(devices=[]):
        trial = copy.deepcopy(method, {id(method.backbone): method.backbone})
        unit = to_unit(pixels, trial.backbone.device)
        before = 0.0
        if trial.learns_from_features or (
            recipe.augment == "none" and not trial.modifies_image_encoder
        ):
            before = often(lambda: trial.encode_image(unit), gradient=False) / len(unit) * count
        if trial.learns_from_features:
            with torch.no_grad():
                features = trial.encode_image(unit)
            before += timed(lambda: prepare(trial, features, labels, count))[1]
        if not can_learn(trial, recipe):
            return before
        live = live_batches(trial, pixels, labels, recipe, settings, count)
        trial.train()
        step = often(lambda: learn(trial, live()))
    return before + step * recipe.epochs * recipe.steps(count)


def prepare(trial: Method, features: ImageFeatures, labels: Tensor, count: int) -> None:
    """Let a method that learns from features see ``count`` images: these, again and again."""
    places = torch.arange(count) % len(features)
    trial.prepare(features[places], labels[places].to(trial.backbone.device))


def live_batches(
    trial: Method,
    pixels: Tensor,
    labels: Tensor,
    recipe: Recipe,
    settings: TrainSettings,
    count: int,
) -> Callable[[], Batch]:
    """Makes a batch as it will be of ``count`` images: these, taken again and again to fill it."""
    chosen = torch.arange(min(recipe.batch, count)) % len(pixels)
    source = LiveViews(trial, pixels, settings.views, recipe.augment, settings.seed)
    return lambda: source.batch(chosen, labels[chosen], 0)


def learn(trial: Method, batch: Batch) -> None:
    """A step, but for the optimizer's part."""
    trial.zero_grad()
    trial.backward(trial.loss(batch), Tensor.backward)


def often(work: Callable[[], object], gradient: bool = True) -> float:
    """The median of a few times, the first one left out where it isn't the only one."""
    times: list[float] = []
    with torch.set_grad_enabled(gradient):
        while len(times) <= _TIMES and sum(times) < _PATIENCE:
            times.append(timed(work)[1])
    return statistics.median(times[1:] or times)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work gives, and the seconds it takes."""
    started = time.perf_counter()
    found = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return found, time.perf_counter() - started
