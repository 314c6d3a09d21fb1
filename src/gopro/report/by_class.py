"""Results with each accuracy averaged over classes instead of images.

CLIP's paper measures some data sets so, Caltech101 among them, where a few classes have most of the
test images.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gopro.report.tables import Table
from gopro.results import summary


def averaged(found: Mapping[str, Any], predictions: Mapping[str, Any]) -> dict[str, Any]:
    """A run's result measured by class.

    Args:
        found: Contents of its ``results.json``.
        predictions: Contents of its ``predictions.json``.
    """
    ours = _measured(found, predictions, "predicted")
    zero = _measured(found["zeroshot"], predictions, "zeroshot")
    return {**ours, "zeroshot": zero}


def titled(table: Table) -> Table:
    """A table of such results: it says so, and has no published figures, which are by image."""
    lines = tuple(replace(line, published={}) for line in table.lines)
    return replace(table, lines=lines, measure="accuracy averaged over classes")


def accuracy(labels: Sequence[int], predicted: Sequence[int]) -> float:
    """The mean over classes of the share of their images that were answered rightly, in percent.

    A class without an image doesn't count.
    """
    right: dict[int, list[bool]] = {}
    for label, answer in zip(labels, predicted, strict=True):
        right.setdefault(label, []).append(label == answer)
    return 100 * statistics.mean(statistics.mean(answers) for answers in right.values())


def _measured(found: Mapping[str, Any], predictions: Mapping[str, Any], who: str) -> dict[str, Any]:
    test = {
        name: {**row, "accuracy": accuracy(predictions[name]["labels"], predictions[name][who])}
        for name, row in found["test"].items()
    }
    return {**found, "test": test, **summary(test)}
