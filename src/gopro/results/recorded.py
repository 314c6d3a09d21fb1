"""What a run recorded beside its results: numbers of each epoch, and every answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.results.runfolder import PREDICTIONS
from gopro.training.trainer import METRICS


@dataclass(frozen=True)
class RunRecord:
    """What a finished run wrote: the contents of its files.

    Attributes:
        folder: The run folder.
        results: ``results.json``.
        predictions: ``predictions.json``.
        metrics: The rows of ``metrics.jsonl``.
    """

    folder: Path
    results: Mapping[str, Any]
    predictions: Mapping[str, Mapping[str, Any]]
    metrics: Sequence[Mapping[str, float]]


def metrics(folder: Path) -> list[dict[str, float]]:
    """The rows of ``metrics.jsonl``, one an epoch.

    Raises:
        GoproError: When the file is missing or damaged.
    """
    path = folder / METRICS
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if not all(map(_is_row, rows)):
            raise ValueError("rows of other things than numbers")
        return rows
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path) from error


def predictions(folder: Path) -> dict[str, dict[str, Any]]:
    """Test name -> ``class_names``, and for each picture ``keys``, ``labels``, ``predicted`` and
    ``zeroshot``.

    Raises:
        GoproError: When the file is missing or damaged.
    """
    path = folder / PREDICTIONS
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not found or not all(map(_is_part, found.values())):
            raise ValueError("other things than answers")
        return found
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path) from error


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and type(row.get("epoch")) is int
        and all(type(one) is float or _is_count(one) for one in row.values())
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**53


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("class_names"), list):
        return False
    names, keys = part["class_names"], part.get("keys")
    answers: list[Any] = [part.get(name) for name in ("labels", "predicted", "zeroshot")]
    return (
        isinstance(keys, list)
        and all(isinstance(text, str) and text.isprintable() for text in (*names, *keys))
        and all(isinstance(places, list) and len(places) == len(keys) for places in answers)
        and all(type(one) is int and 0 <= one < len(names) for row in answers for one in row)
    )


def _damaged(path: Path) -> GoproError:
    return GoproError(f"can't read {path}, or it is damaged; run it again into another folder")
