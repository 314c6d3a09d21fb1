"""Whether two run folders hold the same, apart from times and places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gopro.results import schema

SAME = ("model.safetensors", "metrics.jsonl", "predictions.json", "sample.json")
"""Files of a run folder that have to be the same byte for byte."""

_FREE = ("out", "resume", "workers")


def assert_same(one: Path, other: Path) -> None:
    """Weights, metrics and predictions are the same bit for bit, and so is what was measured.

    Neither folder holds anything that the other one lacks.
    """
    for name in SAME:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert measured(one) == measured(other)
    assert names(one) == names(other)


def measured(folder: Path) -> dict[str, Any]:
    """What a run found, without how long it took, where, and whether by --resume.

    The code's revision is left out too: somebody may be at work on it.
    """
    found = schema.read(folder)
    given = {k: v for k, v in found["settings"].items() if k not in _FREE}
    place = {k: v for k, v in found["environment"].items() if k != "device"}
    return {**found, "train_seconds": 0, "revision": "", "settings": given, "environment": place}


def names(folder: Path) -> list[str]:
    """Everything in a folder, halves of files too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
