"""Results with each accuracy averaged over classes instead of images.

CLIP's paper measures some data sets so, Caltech101 among them, where a few classes have most of the
test images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import mean
from typing import Any

from gopro.results.pages.story import by_class
from gopro.results.schema import summary
from gopro.results.tables import Table


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


def _measured(found: Mapping[str, Any], predictions: Mapping[str, Any], who: str) -> dict[str, Any]:
    test = {
        name: {**row, "accuracy": mean(by_class(part["labels"], part[who]).values())}
        for name, row in found["test"].items()
        for part in (predictions[name],)
    }
    return {**found, "test": test, **summary(test)}
