"""``python -m benchmarks.calibration FOLDER...``: one temperature or more, on held-out pictures.

For each draw a classifier is fitted as by ``gopro fit`` on a few pictures of each class. Its logits
z are calibrated on the same cross-validation scores in three ways, and other pictures, as many of
each class, give the calibration error, the log loss and the accuracy:

- one temperature, z / T, as ``gopro fit`` does;
- a temperature for each class, z_c / T_c;
- vector scaling, w_c z_c + b_c (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from benchmarks.unknown import Draw, draw
from gopro import PromptClassifier
from gopro.classifier.confidence.calibration import best_temperature
from gopro.classifier.crossvalidation import cross_validate, folds_of, frozen_features
from gopro.classifier.fitinputs import inputs_of, recipe_of
from gopro.data.pixels import stack
from gopro.prediction.encode import encode
from gopro.results.confidence import Floats, calibration_error, reliability

Indices = npt.NDArray[np.int64]
Scaling = Callable[[Floats], Floats]
"""From logits [N, C] to calibrated logits."""


def one_temperature(logits: Floats, truth: Indices) -> Scaling:
    """``z / T``."""
    temperature = best_temperature(logits, truth)
    return lambda new: new / temperature


def per_class(logits: Floats, truth: Indices, *, bias: bool) -> Scaling:
    """``w_c z_c``, with ``bias`` also ``+ b_c``, with the smallest cross-entropy.

    It starts at one temperature, and right answers count as in ``best_temperature``.

    Args:
        logits: [M, C], of pictures that were not learned from.
        truth: [M], class indices.
        bias: Whether there is b.
    """
    pictures, count = logits.shape
    targets = np.full_like(logits, 1 / (pictures + 2) / count)
    targets[np.arange(pictures), truth] += 1 - 1 / (pictures + 2)

    def scaled(parameters: Floats, new: Floats) -> Floats:
        result: Floats = new * np.exp(parameters[:count]) + parameters[count:]
        return result

    def loss(parameters: Floats) -> float:
        shift = parameters if bias else np.append(parameters, np.zeros(count))
        return float(-(targets * log_softmax(scaled(shift, logits), axis=1)).sum())

    start = np.full(count, -math.log(best_temperature(logits, truth)))
    best = minimize(loss, np.append(start, np.zeros(count)) if bias else start).x
    return partial(scaled, best if bias else np.append(best, np.zeros(count)))


SCALINGS: dict[str, Callable[[Floats, Indices], Scaling]] = {
    "uncalibrated": lambda logits, truth: np.copy,
    "one temperature": one_temperature,
    "a temperature per class": partial(per_class, bias=False),
    "vector scaling": partial(per_class, bias=True),
}


def logits_of(chosen: Draw, classifier: PromptClassifier) -> tuple[Floats, Indices, Floats]:
    """Fit, and score.

    Args:
        chosen: The pictures.
        classifier: Not fitted yet, with ``folds=0``.

    Returns:
        Cross-validation logits [M, C] of the training pictures, their class indices [M], and the
        classifier's logits [N, C] of the test pictures.
    """
    paths, labels = map(list, zip(*chosen.train, strict=True))
    inputs = inputs_of(classifier, paths, labels)
    numbered = list(enumerate(inputs.pictures))
    pixels = inputs.training_set(numbered, inputs.new_method(), "none").pixels
    features = frozen_features(inputs, pixels)
    folds = folds_of(inputs.kind, None, inputs.truth)
    recipe_for = partial(recipe_of, classifier)
    measured = cross_validate(inputs, pixels, features, recipe_for, folds)
    classifier.fit(paths, labels)
    groups = classifier.groups([path for path, _ in chosen.test])
    new = encode(classifier.method_, torch.cat([stack(group) for group in groups]))
    return measured.logits.numpy(), measured.truth.numpy(), classifier._logits(new)


def figures(logits: Floats, truth: Indices) -> tuple[float, float, float]:
    """Calibration error, log loss and accuracy in % of calibrated logits [N, C]."""
    shares = softmax(logits, axis=1)
    right = shares.argmax(axis=1) == truth
    error = calibration_error(reliability(shares.max(axis=1), right))
    loss = -log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean()
    return error, float(loss), 100 * float(right.mean())


def measure(chosen: Draw, classifier: PromptClassifier) -> npt.NDArray[Any]:
    """``figures`` of each of ``SCALINGS``, [4, 3]; arguments as for ``logits_of``."""
    learned, truth, new = logits_of(chosen, classifier)
    places = {label: place for place, label in enumerate(classifier.classes_)}
    wanted = np.array([places[label] for _, label in chosen.test])
    return np.array([figures(how(learned, truth)(new), wanted) for how in SCALINGS.values()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each folder, means of the draws."""
    options = _parser().parse_args(arguments)
    for folder in options.folders:
        rows = []
        for seed in options.draws:
            chosen = draw(folder, seed, 0, options.shots, options.most)
            settings = json.loads(options.options)
            classifier = PromptClassifier(
                method=options.method, options=settings, device="cpu", seed=seed, folds=0
            )
            rows.append(measure(chosen, classifier))
        print(f"| {folder.name} | calibration error | log loss | accuracy in % |")
        print("|---|---:|---:|---:|")
        for name, (error, loss, accuracy) in zip(SCALINGS, np.mean(rows, axis=0), strict=True):
            print(f"| {name} | {error:.3f} | {loss:.3f} | {accuracy:.1f} |", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="each with a sub-folder per class")
    parser.add_argument("--draws", type=int, nargs="+", default=[1, 2, 3], help="seeds")
    parser.add_argument("--shots", type=int, default=16, help="per class, to learn from")
    parser.add_argument("--most", type=int, default=40, help="per class, to measure on")
    parser.add_argument("--method", default="gopro")
    parser.add_argument("--options", default="{}", help="the method's settings, as JSON")
    return parser


if __name__ == "__main__":
    main()
