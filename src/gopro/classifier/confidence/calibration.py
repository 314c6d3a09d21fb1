"""``Calibration``: what makes shares, sets and "none of these" of scores, and where it is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from torch import Tensor

from gopro.classifier import crossvalidation
from gopro.classifier.confidence.unknown import (
    KnownClasses,
    Part,
    frozen_inputs,
    out_of_sample,
    some,
)
from gopro.classifier.crossvalidation import OutOfSample, RecipeFor
from gopro.classifier.fitinputs import FitInputs
from gopro.common.errors import GoproError
from gopro.common.tensors import load_tensors, save_tensors
from gopro.common.text import counted
from gopro.results.confidence import KEPT, Floats, keeping, set_limit
from gopro.training.trainingset import TrainingSet

_LOG_RANGE = (math.log(0.02), math.log(50.0))
"""Logarithms of the smallest and largest temperature."""

_LEAST_KEPT = 0.9
"""Share of known pictures that a threshold set with others keeps: some can't be told apart."""

_ARRAYS = ("known", "missed")


@dataclass(frozen=True)
class Calibration:
    """What was learned from M pictures that had no part in the training.

    Attributes:
        temperature: The logits are divided by it.
        threshold: Below this score a picture is of no known class.
        classes: Gives that score.
        known: Sorted scores of training pictures by the others, see ``out_of_sample``.
        missed: [M], sorted, 1 minus the share of the right class.
        inputs: [N, F], what ``classes`` takes of training pictures, in its units, float16; None in
            a published model. Only ``with_others`` uses it.
        truth: [N], their class indices; None in a published model.
    """

    temperature: float
    threshold: float
    classes: KnownClasses
    known: Floats
    missed: Floats
    inputs: Tensor | None
    truth: Tensor | None

    @classmethod
    def of(
        cls, measured: OutOfSample, inputs: Tensor, truth: Tensor, layer_means: int
    ) -> Calibration:
        """Calibrate on the scores of pictures that were not learned from.

        The threshold keeps ``KEPT`` of these pictures.

        Args:
            measured: The class scores.
            inputs: [N, F], of all training pictures, see ``inputs_from``.
            truth: [N], their class indices.
            layer_means: How many of the F numbers are layer means.
        """
        logits, right = measured.logits.numpy(), measured.truth.numpy()
        temperature = best_temperature(logits, right)
        shares = softmax(logits / temperature, axis=1)
        missed = np.sort(1 - shares[np.arange(len(right)), right])
        classes = KnownClasses.of(inputs, truth, layer_means)
        unit, chosen = _enough(classes.unit(inputs), truth)
        known = out_of_sample(unit, chosen, layer_means).numpy()
        return cls(temperature, keeping(known, KEPT), classes, known, missed, unit.half(), chosen)

    def with_others(self, inputs: Tensor) -> Calibration:
        """The same for a score and a threshold that are set with pictures of no known class.

        Of the thresholds that keep ``_LEAST_KEPT`` of the known pictures, it is the one with the
        largest sum of the shares of known pictures above and of others below it (Youden, "Index for
        Rating Diagnostic Tests", 1950). Each of the others is scored without itself.

        Args:
            inputs: [K, F], see ``inputs_from``; K is at least 2.

        Raises:
            GoproError: In a published model.
        """
        if self.inputs is None or self.truth is None:
            raise GoproError(
                "a published classifier can't learn from pictures of no known class: it doesn't "
                "have the features of its training pictures; use the folder it was saved in, or "
                "fit again"
            )
        classes = self.classes.with_others(inputs)
        scores = classes.scores_of_others().sort().values.numpy()
        pictures, examples = self.inputs.float(), classes.unit(inputs)
        known = out_of_sample(pictures, self.truth, classes.layer_means, examples).numpy()
        both = np.sort(np.concatenate([known, scores]))
        limits = np.append((both[1:] + both[:-1]) / 2, both[0])
        kept = 1 - np.searchsorted(known, limits) / len(known)
        caught = np.searchsorted(scores, limits) / len(scores)
        threshold = float(limits[np.where(kept >= _LEAST_KEPT, kept + caught, 0).argmax()])
        return replace(self, threshold=threshold, classes=classes, known=known)

    def without_pictures(self) -> Calibration:
        """The same for all answers, without the features of single training pictures."""
        return replace(self, inputs=None, truth=None)

    def shares(self, logits: Floats) -> Floats:
        """Calibrated class probabilities [N, C] of logits [N, C]."""
        shares: Floats = softmax(logits / self.temperature, axis=1)
        return shares

    def set_limit(self, level: float) -> float:
        """The limit of ``1 - share`` for conformal sets; see ``results.confidence.set_limit``.

        Raises:
            GoproError: For a level that isn't between 0 and 1, or that needs more pictures.
        """
        if not 0 < level < 1:
            raise GoproError(f"got sets {level}; wanted a share between 0 and 1, such as 0.95")
        limit = set_limit(self.missed, level)
        if math.isinf(limit):
            pictures = len(self.missed)
            most = math.floor(1000 * pictures / (pictures + 1)) / 1000  # rounded up, it is refused
            raise GoproError(
                f"sets {level} need more pictures than the {pictures} that the classifier was "
                f"calibrated on; wanted at most {most}"
            )
        return limit

    def line(self) -> str:
        """What ``gopro fit`` prints of it."""
        kept = (self.known >= self.threshold).mean()
        others = self.classes.count
        learned = f", set with {counted(others, 'example')}," if others else ""
        scored, known = len(self.missed), len(self.known)
        of = "them" if known == scored else f"{known:,}"
        return (
            f"shares calibrated on {scored:,} images by cross-validation (temperature "
            f"{self.temperature:.2f}); `none of these`{learned} keeps {100 * kept:.0f} % of {of}"
        )

    def save(self, path: Path) -> None:
        """Write it to a file.

        Raises:
            GoproError: When it can't be written.
        """
        tensors = {
            f"classes{number or ''}.{name}": tensor
            for number, part in enumerate(self.classes.parts)
            for name, tensor in vars(part).items()
        }
        tensors |= {name: torch.from_numpy(getattr(self, name)) for name in _ARRAYS}
        pictures = {"inputs": self.inputs, "truth": self.truth}
        tensors |= {name: tensor for name, tensor in pictures.items() if tensor is not None}
        about = {"temperature": self.temperature, "threshold": self.threshold}
        save_tensors(path, tensors, about)

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what ``save`` wrote.

        Raises:
            GoproError: When the file is damaged.
        """
        tensors, about = load_tensors(path)
        parts: dict[str, dict[str, Tensor]] = {}  # one part in models of before
        for name, tensor in sorted(tensors.items()):
            part, _, attribute = name.partition(".")
            if attribute:
                parts.setdefault(part, {})[attribute] = tensor
        arrays: dict[str, Any] = {name: tensors[name].numpy() for name in _ARRAYS}
        return cls(
            temperature=about["temperature"],
            threshold=about["threshold"],
            classes=KnownClasses(tuple(Part(**part) for part in parts.values())),
            inputs=tensors.get("inputs"),
            truth=tensors.get("truth"),
            **arrays,
        )


def _enough(inputs: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """All pictures, or some of them if each class then still has two."""
    fewer = some(truth)
    if any(int((fewer == index).sum()) < 2 for index in truth.tolist()):
        return inputs, truth
    return some(inputs), fewer


def best_temperature(logits: Floats, truth: npt.NDArray[Any]) -> float:
    """The temperature with the smallest cross-entropy (Guo et al., ICML 2017).

    Right answers count as ``(M + 1) / (M + 2)`` right, as in Platt's "Probabilistic Outputs for
    Support Vector Machines" (1999): M right answers out of M don't prove certainty.

    Args:
        logits: [M, C].
        truth: [M], class indices.
    """
    pictures, count = logits.shape
    smoothing = 1 / (pictures + 2)
    targets = np.full((pictures, count), smoothing / count)
    targets[np.arange(pictures), truth] += 1 - smoothing

    def loss(logarithm: float) -> float:
        return float(-(targets * log_softmax(logits / math.exp(logarithm), axis=1)).sum())

    return math.exp(minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded").x)


def calibrate(
    inputs: FitInputs,
    pixels: Tensor,
    recipe_for: RecipeFor,
    folds: int | None,
    measured: OutOfSample | None = None,
) -> Calibration | None:
    """Calibrate a method by cross-validation on its training pictures.

    Args:
        inputs: Of the fit.
        pixels: The training pictures, uint8 [N, 3, S, S].
        recipe_for: See ``crossvalidation.RecipeFor``.
        folds: Number of parts; None for the default.
        measured: The method's scores in cross-validation, if it was made already.

    Returns:
        None if there are not at least two parts, or two pictures of each class.

    Raises:
        GoproError: As ``crossvalidation.cross_validate``.
        KeyboardInterrupt: After Ctrl-C.
    """
    parts = crossvalidation.folds_of(inputs.kind, folds, inputs.truth)
    if not parts:
        return None
    backbone = inputs.shared.backbone
    if measured is None:
        features = crossvalidation.frozen_features(inputs, pixels)
        measured = crossvalidation.cross_validate(inputs, pixels, features, recipe_for, parts)
    numbers = frozen_inputs(backbone, pixels, inputs.settings.eval_batch)
    layer_means = backbone.feature_widths["mean"]
    return Calibration.of(measured, numbers, torch.tensor(inputs.truth), layer_means)


def expected_seconds(
    inputs: FitInputs, data: TrainingSet, recipe_for: RecipeFor, folds: int | None
) -> float:
    """Expected seconds of ``calibrate``; arguments as for ``crossvalidation.seconds``."""
    parts = crossvalidation.folds_of(inputs.kind, folds, inputs.truth)
    return crossvalidation.seconds(inputs, data, recipe_for, parts) if parts else 0.0
