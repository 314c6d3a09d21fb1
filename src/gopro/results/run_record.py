"""The other records of a run: ``metrics.jsonl`` and ``predictions.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from gopro.common.errors import GoproError
from gopro.common.typed import check
from gopro.results.results_json import FileName, Text
from gopro.training.trainer import METRICS

PREDICTIONS = "predictions.json"

_Epoch = Annotated[int, Field(gt=-(2**53), lt=2**53)]
_Index = Annotated[int, Field(ge=0)]


class Predictions(TypedDict):
    """The answers on one test: the classes, and for each image its key, label and two answers.

    Labels and answers are indices of ``class_names``.
    """

    class_names: list[Text]
    keys: list[FileName]
    labels: list[_Index]
    predicted: list[_Index]
    zeroshot: list[_Index]


@dataclass(frozen=True)
class RunRecord:
    """The contents of the files of a finished run.

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
    """The rows of ``metrics.jsonl``, one per epoch.

    Raises:
        GoproError: When the file is missing or damaged.
    """
    path = folder / METRICS
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        check(rows, list[dict[str, float]])
        check([row["epoch"] for row in rows], list[_Epoch])
        return rows
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path) from error


def predictions(folder: Path) -> dict[str, Predictions]:
    """``predictions.json``: test name -> the answers on it.

    Raises:
        GoproError: When the file is missing or damaged.
    """
    path = folder / PREDICTIONS
    try:
        contents: Any = json.loads(path.read_text(encoding="utf-8"))
        check(contents, Annotated[dict[str, Predictions], Field(min_length=1)])
        for part in contents.values():
            images, classes = len(part["keys"]), len(part["class_names"])
            for indices in (part["labels"], part["predicted"], part["zeroshot"]):
                if len(indices) != images or max(indices, default=-1) >= classes:
                    raise ValueError("answers that don't fit the images or the classes")
        answers: dict[str, Predictions] = contents
        return answers
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> GoproError:
    return GoproError(f"can't read {path}, or it is damaged; run it again into another folder")
