"""The work of ``PromptClassifier.fit``, from checked inputs to what was learned."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from gopro.classifier import auto, unfinished
from gopro.classifier.choice import AUTO, Choice
from gopro.classifier.confidence.calibration import Calibration, calibrate, expected_seconds
from gopro.classifier.fitinputs import FitInputs, recipe_of
from gopro.classifier.predictor import Folder, Predictor
from gopro.classifier.teaching import labelled_pixels, new_method, training_inputs
from gopro.common.errors import NotFiniteError
from gopro.data.labelled import Labelled
from gopro.data.pictures import Picture
from gopro.methods.base import Method, Recipe
from gopro.training.fit import learn_classifier, seeded
from gopro.training.timing import training_seconds

_TIMED_PICTURES = 16
"""About how many pictures are decoded to estimate the duration of a fit."""


@dataclass(frozen=True)
class Fit:
    """What a fit leaves.

    Attributes:
        method: The trained method.
        recipe: Of the training.
        history: One row per epoch.
        pixels: The labelled training pictures, uint8 [N, 3, S, S].
        calibration: What calibrates its shares, if it was made.
        choice: What ``auto`` compared and chose.
    """

    method: Method
    recipe: Recipe
    history: list[dict[str, Any]]
    pixels: Tensor
    calibration: Calibration | None
    choice: Choice | None


def fit(
    classifier: Predictor,
    inputs: FitInputs,
    held_out: Labelled | None,
    unlabelled: Iterable[Picture] | Folder | None,
    folder: Path | None,
) -> Fit:
    """Choose a method if that is wanted, train it and calibrate it.

    Args:
        classifier: Its settings.
        inputs: Of the fit.
        held_out: Validation pictures.
        unlabelled: See ``PromptClassifier.fit``.
        folder: For the checkpoint, see ``PromptClassifier.fit``.

    Raises:
        GoproError: See ``PromptClassifier.fit``.
        KeyboardInterrupt: After Ctrl-C.
    """
    trained = training_inputs(inputs, unlabelled)
    numbered = list(enumerate(trained.pictures))
    data = choice = measured = None
    if inputs.settings.method == AUTO:
        # whichever method is chosen, it may need random views
        data = inputs.training_set(numbered, inputs.new_method(), "crop-flip")
        if folder is not None:
            unfinished.check(folder, inputs, None, data.pixels)
        choice, measured = auto.settle(classifier, inputs, data.pixels, folder)
        inputs = trained = inputs.with_method(choice.method)
        classifier = auto.with_method(classifier, choice.method)
    with seeded(inputs.settings.seed, inputs.shared.backbone.device):
        method = new_method(classifier, inputs)
        recipe = recipe_of(classifier, len(numbered), len(inputs.class_names))
        if data is None:
            data = trained.training_set(numbered, method, recipe.augment)
            if folder is not None:
                unfinished.check(folder, inputs, recipe, data.pixels)
        validate = inputs.validator(held_out, method)
        try:
            progress = learn_classifier(method, data, recipe, inputs.settings, validate, folder)
        except NotFiniteError:  # the same would happen again
            if folder is not None:
                unfinished.remove(folder)
            raise
        pixels = data.pixels if trained is inputs else labelled_pixels(inputs, method)
    try:
        folds = classifier.get_params()["folds"]
        calibration = calibrate(inputs, pixels, partial(recipe_of, classifier), folds, measured)
    except KeyboardInterrupt as stop:
        kept = "nothing was kept"
        if folder is not None and unfinished.has_learned(folder):
            kept = f"and saved in {folder}; the same fit continues it"
        raise KeyboardInterrupt(f"stopped, {kept}") from stop
    return Fit(method.eval(), recipe, progress.rows, pixels, calibration, choice)


def seconds(
    classifier: Predictor, inputs: FitInputs, unlabelled: Iterable[Picture] | Folder | None
) -> float:
    """Expected seconds of ``fit``, from a few training steps on some of the pictures.

    For ``auto`` it is the time to read the pictures and its budget.

    Raises:
        GoproError: As ``fit``, for the pictures that are tried.
    """
    trained = training_inputs(inputs, unlabelled)
    params, total = classifier.get_params(), len(trained.pictures)
    indices = range(0, total, math.ceil(total / _TIMED_PICTURES))
    numbered = [(index, trained.pictures[index]) for index in indices]
    chosen = params["method"] != AUTO
    with seeded(inputs.settings.seed, inputs.shared.backbone.device):
        method = new_method(classifier, inputs)
    recipe = recipe_of(classifier, total, len(inputs.class_names)) if chosen else Recipe()
    started = time.monotonic()
    data = trained.training_set(numbered, method, recipe.augment)
    reading = (time.monotonic() - started) / len(numbered) * total
    if not chosen:
        return reading + 60 * float(params["budget"])
    training = training_seconds(method, data, recipe, inputs.settings, total)
    recipe_for = partial(recipe_of, classifier)
    calibrating = expected_seconds(inputs, data, recipe_for, params["folds"])
    return reading + training + calibrating
