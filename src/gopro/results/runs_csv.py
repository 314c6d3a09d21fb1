"""Runs as a CSV file, one row a run, and back: enough to make all tables from."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gopro.common.errors import GoproError
from gopro.results.results_json import summary, summary_of

_ZERO = "zero-shot "
_ABOUT = ("task", "dataset", "method", "variant", "texts", "backbone", "shots", "seed")
_SUMMARIES = ("harmonic mean", "average")
_AFTER = ("training seconds", "learned", "version")


def write(runs: Sequence[Mapping[str, Any]], target: TextIO) -> None:
    """Write the runs, sorted by task, data set, method, shots and seed.

    After the columns that say which run it is (``texts`` only if a run has them) come the
    accuracies in percent, of the method and of zero-shot CLIP, a column for each test of any run;
    then a summary of each, the training seconds, the number of learned parameters and the version
    of gopro.

    Args:
        runs: Contents of ``results.json``.
        target: Where to.
    """
    tests = sorted({name for run in runs for name in run["test"]})
    summaries = [
        name
        for name in _SUMMARIES
        if any(len(run["test"]) > 1 and _summary(run)[0] == name for run in runs)
    ]
    scores = [*tests, *summaries]
    about = [name for name in _ABOUT if name != "texts" or any(run.get(name) for run in runs)]
    head = [*about, *scores, *(f"{_ZERO}{name}" for name in scores), *_AFTER]
    writer = csv.DictWriter(target, head, restval="", lineterminator="\n")
    writer.writeheader()
    for run in sorted(runs, key=_order):
        row = {name: run.get(name) for name in about}
        for prefix, measured in (("", run), (_ZERO, run["zeroshot"])):
            for name, score in measured["test"].items():
                row[f"{prefix}{name}"] = f"{score['accuracy']:.4f}"
            if len(measured["test"]) > 1:
                name, value = _summary(measured)
                row[f"{prefix}{name}"] = f"{value:.4f}"
        row["training seconds"] = run["train_seconds"]
        row["learned"] = run["trainable_parameters"]
        row["version"] = run.get("environment", {}).get("gopro", "")
        writer.writerow(row)


def read(file: Path) -> list[dict[str, Any]]:
    """The runs of a file that ``write`` wrote, with what it wrote of them.

    Raises:
        GoproError: When the file can't be read or isn't of this kind.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            return [_run(row) for row in csv.DictReader(lines, strict=True)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise GoproError(
            f"{file} is no table of runs ({type(error).__name__}: {error}); wanted a file that "
            "`gopro results RUN_DIR --format runs` printed"
        ) from error


def _run(row: Mapping[str, str]) -> dict[str, Any]:
    if None in row:
        raise ValueError("a row has more cells than the head")
    fixed = {*_ABOUT, *_SUMMARIES, *_AFTER}
    ours: dict[str, Any] = {}
    zero: dict[str, Any] = {}
    for name, value in row.items():
        where, test = (zero, name.removeprefix(_ZERO)) if name.startswith(_ZERO) else (ours, name)
        if value and test not in fixed:
            accuracy = float(value)
            if not 0 <= accuracy <= 100:
                raise ValueError(f"{name} is {value}")
            where[test] = {"accuracy": accuracy}
    if not ours or ours.keys() != zero.keys():
        raise ValueError(f"a row with the tests {[*ours]}, and {[*zero]} of zero-shot CLIP")
    return {
        **{name: row[name] for name in _ABOUT if name != "texts"},
        "variant": row["variant"] or None,
        "texts": row.get("texts") or None,
        "shots": int(row["shots"]),
        "seed": int(row["seed"]),
        "test": ours,
        **summary(ours),
        "zeroshot": {"test": zero, **summary(zero)},
        "train_seconds": float(row["training seconds"]),
        "trainable_parameters": int(row["learned"]),
        "environment": {"gopro": row["version"]},
    }


def _summary(measured: Mapping[str, Any]) -> tuple[str, float]:
    name, value = summary_of(measured)
    return name.replace("_", " "), value


def _order(run: Mapping[str, Any]) -> tuple[Any, ...]:
    tests = sorted(run["test"])
    return (run["task"], run["dataset"], run["method"], run["shots"], run["seed"], tests)
