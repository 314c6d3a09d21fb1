"""``method="auto"``: the method that does best in cross-validation on the training pictures.

All methods are scored on the same parts of the pictures, see ``crossvalidation``. Each method's
scores are calibrated, and a method is better the lower its log loss is: the mean of -log of the
calibrated share of the right class. It tells methods apart on fewer pictures than the number of
right answers does.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax
from torch import Tensor

from gopro.classifier import crossvalidation, unfinished
from gopro.classifier.choice import CANDIDATES, ZERO_SHOT, Choice, Compared
from gopro.classifier.confidence.calibration import best_temperature
from gopro.classifier.crossvalidation import OutOfSample
from gopro.classifier.fitinputs import FitInputs, recipe_of
from gopro.classifier.predictor import Predictor
from gopro.common.errors import GoproError
from gopro.common.text import duration
from gopro.results.confidence import Floats
from gopro.training.trainingset import TrainingSet

_CHANCE = 2.0
"""A method beats zero-shot CLIP by more than this many standard errors of the difference."""

_TIMED_PICTURES = 16
"""How many pictures a training is timed with."""


@dataclass(frozen=True)
class _Scored:
    """A method's scores, what they cost for each of M pictures, and the seconds they took."""

    measured: OutOfSample
    losses: Floats
    seconds: float

    def compared(self, method: str, chosen: _Scored) -> Compared:
        """The row of the comparison."""
        right = self.measured.logits.argmax(dim=1) == self.measured.truth
        behind, error = difference(self.losses, chosen.losses)
        return Compared(
            method,
            int(right.sum()),
            round(float(self.losses.mean()), 4),
            round(behind, 4),
            round(error, 4),
            round(self.seconds, 2),
        )


def with_method(classifier: Predictor, name: str) -> Predictor:
    """A classifier with the same settings and another method, with its default options."""
    return copy.copy(classifier).set_params(method=name, options=None)


def settle(
    classifier: Predictor, inputs: FitInputs, pixels: Tensor, folder: Path | None
) -> tuple[Choice, OutOfSample | None]:
    """``choose``, or without scores the choice that a stopped fit has kept in ``folder``."""
    kept = None if folder is None else unfinished.choice(folder)
    if kept is not None:
        return kept, None
    choice, measured = choose(classifier, inputs, pixels)
    if folder is not None:
        unfinished.keep(folder, choice)
    return choice, measured


def choose(
    classifier: Predictor, inputs: FitInputs, pixels: Tensor
) -> tuple[Choice, OutOfSample | None]:
    """Compare the candidates, and choose.

    A candidate that is expected to need more than what is left of the budget is left out.

    Args:
        classifier: Its settings, among them the minutes of the comparison.
        inputs: Of the fit.
        pixels: uint8 [N, 3, S, S], the training pictures.

    Returns:
        The choice, and the scores of the chosen method, or None if nothing was compared.

    Raises:
        GoproError: If no candidate can be compared in this time.
        KeyboardInterrupt: After Ctrl-C.
    """
    params = classifier.get_params()
    asked = params["folds"] if (params["folds"] or 0) > 1 else None
    folds = crossvalidation.folds_of(inputs.kind, asked, inputs.truth)
    if not folds:
        why = crossvalidation.why_none(inputs.kind, asked, inputs.truth, inputs.class_names)
        few = f"{why}, which leaves none to compare on"
        return Choice(ZERO_SHOT, 0, (), dict.fromkeys(CANDIDATES, few)), None
    scored, left_out = _compare(classifier, inputs, pixels, folds)
    chosen = best({name: one.losses for name, one in scored.items()})
    rows = tuple(one.compared(name, scored[chosen]) for name, one in scored.items())
    measured = scored[chosen].measured
    return Choice(chosen, len(measured.truth), rows, left_out), measured


def _compare(
    classifier: Predictor, inputs: FitInputs, pixels: Tensor, folds: int
) -> tuple[dict[str, _Scored], dict[str, str]]:
    """The methods that were compared, and why others were left out; see ``choose``."""
    end = time.monotonic() + 60 * classifier.get_params()["budget"]
    features = crossvalidation.frozen_features(inputs, pixels)
    assert features is not None  # zero-shot CLIP's
    shown = torch.arange(0, len(pixels), math.ceil(len(pixels) / _TIMED_PICTURES))
    some = TrainingSet(pixels[shown], torch.tensor(inputs.truth)[shown], features=features[shown])
    scored: dict[str, _Scored] = {}
    left_out: dict[str, str] = {}
    needs: dict[str, float] = {}
    for name in (ZERO_SHOT, *CANDIDATES):
        theirs = inputs.with_method(name)
        recipe_for = partial(recipe_of, with_method(classifier, name))
        try:
            needed = crossvalidation.seconds(theirs, some, recipe_for, folds)
            started = time.monotonic()
            if name != ZERO_SHOT and started + needed > end:
                needs[name] = needed
                left = duration(max(0.0, end - started))
                left_out[name] = (
                    f"it needs about {duration(needed)}, and the budget has {left} left"
                )
                continue
            measured = crossvalidation.cross_validate(theirs, pixels, features, recipe_for, folds)
        except GoproError as error:  # such as a method that doesn't fit the backbone
            left_out[name] = str(error)
            continue
        scored[name] = _Scored(measured, log_losses(measured), time.monotonic() - started)
    if needs and len(scored) == 1:
        quickest = min(needs, key=lambda name: needs[name])
        raise GoproError(
            f"got --budget {classifier.get_params()['budget']:g} (minutes), too short to compare "
            f"one method with zero-shot CLIP: {quickest} needs about "
            f"{duration(math.ceil(needs[quickest]))}; give more, or name a --method"
        )
    return scored, left_out


def log_losses(measured: OutOfSample) -> Floats:
    """-log of the calibrated share of the right class of each picture, [M]."""
    logits, truth = measured.logits.numpy(), measured.truth.numpy()
    shares = log_softmax(logits / best_temperature(logits, truth), axis=1)
    losses: Floats = -shares[np.arange(len(truth)), truth]
    return losses


def best(losses: dict[str, Floats]) -> str:
    """The method with the lowest mean log loss among those that beat zero-shot CLIP.

    Zero-shot CLIP itself if none does.

    Args:
        losses: The log losses [M] of each method, zero-shot CLIP's among them.
    """

    def beats(name: str) -> bool:
        gain, error = difference(losses[ZERO_SHOT], losses[name])
        return gain > _CHANCE * error

    beating = [name for name in losses if name != ZERO_SHOT and beats(name)]
    return min(beating, key=lambda name: losses[name].mean(), default=ZERO_SHOT)


def difference(losses: Floats, others: Floats) -> tuple[float, float]:
    """Mean of the differences of losses [M], and its standard error."""
    gaps = losses - others
    return float(gaps.mean()), float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
