"""Scores of training pictures by methods that did not learn from them.

The training pictures are divided into parts. For each part a method learns from the others, on
features of the frozen image encoder where it has one: no picture is encoded twice and no augmented
view is made, so the trainings cost less than the fit itself. The scores calibrate a classifier, and
``auto`` compares methods by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.classifier.confidence.parts import ENOUGH, divided
from gopro.classifier.fitinputs import FitInputs
from gopro.common.text import listed
from gopro.methods.base import Method, Recipe
from gopro.prediction.encode import encode
from gopro.prediction.predict import scores
from gopro.training.fit import learn_classifier, seeded
from gopro.training.timing import training_seconds
from gopro.training.trainingset import TrainingSet

RecipeFor: TypeAlias = Callable[[int, int], Recipe]
"""The recipe for a number of pictures and of classes."""

_FOLDS, _FOLDS_WITH_ENCODER = 4, 2
"""Parts by default, and for methods that change the image encoder, whose trainings take long."""


@dataclass(frozen=True)
class OutOfSample:
    """What methods say about M pictures that they did not learn from.

    Attributes:
        logits: Class scores [M, C], float64.
        truth: [M], class indices.
    """

    logits: Tensor
    truth: Tensor


def folds_of(kind: type[Method], asked: int | None, truth: Sequence[int]) -> int:
    """Number of parts; 0 if there is nothing to divide.

    Args:
        kind: The method.
        asked: The number that the user wants; None for the default.
        truth: Class index of each training picture; a class can't be in more parts than it has
            pictures.
    """
    if kind.learns_from_teacher:  # without labels, which these folds need
        return 0
    default = _FOLDS_WITH_ENCODER if kind.modifies_image_encoder else _FOLDS
    smallest = min(truth.count(index) for index in set(truth))
    folds = min(default if asked is None else asked, smallest)
    return folds if folds > 1 else 0


def why_none(
    kind: type[Method], asked: int | None, truth: Sequence[int], names: Sequence[str]
) -> str:
    """Why ``folds_of`` is 0, in a few words; empty if it isn't.

    Args:
        kind: See ``folds_of``.
        asked: See ``folds_of``.
        truth: See ``folds_of``.
        names: Name of each class.
    """
    if folds_of(kind, asked, truth):
        return ""
    if kind.learns_from_teacher:
        return "the method learns without labels"
    if asked is not None and asked < 2:
        return f"--folds {asked}"
    single = [names[index] for index, count in sorted(Counter(truth).items()) if count == 1]
    return f"only one training picture of class {listed(single)}"


def frozen_features(inputs: FitInputs, pixels: Tensor) -> ImageFeatures | None:
    """What the methods of ``cross_validate`` learn from; None if they change the image encoder.

    Args:
        inputs: Of the fit.
        pixels: uint8 [N, 3, S, S], the training pictures.
    """
    if inputs.kind.modifies_image_encoder:
        return None
    with seeded(inputs.settings.seed, inputs.shared.backbone.device):
        return encode(inputs.new_method(), pixels, inputs.settings.eval_batch)


def cross_validate(
    inputs: FitInputs,
    pixels: Tensor,
    features: ImageFeatures | None,
    recipe_for: RecipeFor,
    folds: int,
) -> OutOfSample:
    """Score training pictures by methods that learned from the others.

    Args:
        inputs: Of the fit.
        pixels: uint8 [N, 3, S, S], the training pictures.
        features: See ``frozen_features``.
        recipe_for: See ``RecipeFor``.
        folds: Number of parts, at least 2.

    Raises:
        GoproError: As ``learn_classifier``.
        KeyboardInterrupt: After Ctrl-C.
    """
    inputs, batch = _on_features(inputs), inputs.settings.eval_batch
    truth = torch.tensor(inputs.truth)
    logits: list[Tensor] = []
    chosen: list[Tensor] = []
    for held, rest in divided(truth, folds, inputs.settings.seed):
        method = _learned(inputs, pixels, features, rest, recipe_for)
        here = encode(method, pixels[held], batch) if features is None else features[held]
        logits.append(scores(method, here, batch).cpu().double())
        chosen.append(held)
        if sum(map(len, chosen)) >= ENOUGH:
            break
    return OutOfSample(torch.cat(logits), truth[torch.cat(chosen)])


def seconds(inputs: FitInputs, data: TrainingSet, recipe_for: RecipeFor, folds: int) -> float:
    """Expected seconds of ``cross_validate``, with encoding if ``data`` has no features.

    Args:
        inputs: Of the fit.
        data: Some of the pictures.
        recipe_for: See ``RecipeFor``.
        folds: Number of parts, at least 2.
    """
    inputs, total = _on_features(inputs), len(inputs.truth)
    rest = total - total // folds
    recipe = _recipe(inputs, recipe_for, rest)
    plain = replace(data, originals=None)
    with seeded(inputs.settings.seed, inputs.shared.backbone.device):
        one = training_seconds(inputs.new_method(), plain, recipe, inputs.settings, rest)
    return one * min(folds, -(-ENOUGH * folds // total))


def _on_features(inputs: FitInputs) -> FitInputs:
    """The same with a method that needs no augmented views."""
    options = replace(inputs.options, **inputs.kind.without_views)
    return replace(inputs, options=options, settings=replace(inputs.settings, select="last"))


def _recipe(inputs: FitInputs, recipe_for: RecipeFor, pictures: int) -> Recipe:
    recipe = recipe_for(pictures, len(inputs.class_names))
    return recipe if inputs.kind.modifies_image_encoder else replace(recipe, augment="none")


def _learned(
    inputs: FitInputs,
    pixels: Tensor,
    features: ImageFeatures | None,
    rest: Tensor,
    recipe_for: RecipeFor,
) -> Method:
    """A method that learned from the pictures ``rest``."""
    with seeded(inputs.settings.seed, inputs.shared.backbone.device):
        method = inputs.new_method()
        data = TrainingSet(
            pixels[rest],
            torch.tensor(inputs.truth)[rest],
            features=None if features is None else features[rest],
        )
        learn_classifier(method, data, _recipe(inputs, recipe_for, len(rest)), inputs.settings)
    return method.eval()
