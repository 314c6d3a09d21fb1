"""Results with each accuracy averaged over classes instead of images.

CLIP's paper measures some data sets like this. One is Caltech101, where a few classes have most of
the test images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

from gopro.results.results_json import summary
from gopro.results.tables import Table


def accuracy_by_class(truth: Sequence[int], answers: Sequence[int]) -> dict[int, float]:
    """Class -> accuracy on its images in percent, for the classes that have images."""
    correct = Counter(t for t, a in zip(truth, answers, strict=True) if t == a)
    return {label: 100 * correct[label] / count for label, count in Counter(truth).items()}


def averaged(results: Mapping[str, Any], predictions: Mapping[str, Any]) -> dict[str, Any]:
    """A run's results with accuracies averaged over classes.

    Args:
        results: Contents of its ``results.json``.
        predictions: Contents of its ``predictions.json``.
    """
    zeroshot = _rescored(results["zeroshot"], predictions, "zeroshot")
    return {**_rescored(results, predictions, "predicted"), "zeroshot": zeroshot}


def titled(table: Table) -> Table:
    """The table with this measure in its title, without published figures: they are by image."""
    lines = tuple(replace(line, published={}) for line in table.lines)
    return replace(table, lines=lines, measure="accuracy averaged over classes")


def _rescored(
    scores: Mapping[str, Any], predictions: Mapping[str, Any], answers: str
) -> dict[str, Any]:
    test = {}
    for name, score in scores["test"].items():
        accuracies = accuracy_by_class(predictions[name]["labels"], predictions[name][answers])
        test[name] = {**score, "accuracy": mean(accuracies.values())}
    return {**scores, "test": test, **summary(test)}
