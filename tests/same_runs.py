"""Whether two run folders have the same contents, except times and paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gopro.results import results_json

SAME = ("model.safetensors", "metrics.jsonl", "predictions.json", "sample.json")
"""Files of a run folder that have to be the same byte for byte."""

_FREE = ("out", "resume", "workers")


def assert_same(one: Path, other: Path) -> None:
    """Assert that weights, metrics, predictions and results are equal bit for bit.

    Both folders must have the same files.
    """
    for name in SAME:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert measured(one) == measured(other)
    assert names(one) == names(other)


def measured(folder: Path) -> dict[str, Any]:
    """The results of a run without times, paths and ``--resume``.

    The revision of the code is left out too, because it may change during the tests.
    """
    found = results_json.read(folder)
    given = {k: v for k, v in found["settings"].items() if k not in _FREE}
    place = {k: v for k, v in found["environment"].items() if k != "device"}
    return {**found, "train_seconds": 0, "revision": "", "settings": given, "environment": place}


def names(folder: Path) -> list[str]:
    """The names of all files in a folder, including partial ones."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
