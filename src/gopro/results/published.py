"""The published figures, to stand beside ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

_NAMES = {"zeroshot": "clip"}
"""Methods that the published tables call otherwise."""

_TABLES = {
    "cross-dataset": "cross_dataset",
    "domain-generalization": "domain_generalization",
}

BACKBONE = "ViT-B-16"
SHOTS = 16
"""What the published figures were measured with."""


def source() -> str:
    """Where the figures come from."""
    return str(_tables()["source"])


def short_source() -> str:
    """Where the figures come from and what they were measured with, in a few words."""
    return f"{source().partition(', result')[0]}, {BACKBONE}, {SHOTS} shots"


def methods() -> list[str]:
    """The methods that have published figures, by our names."""
    ours = {theirs: name for name, theirs in _NAMES.items()}
    return [ours.get(name, name) for name in _tables()["base_to_new"]["average"]]


def datasets() -> list[str]:
    """The data sets of the base-to-new comparison."""
    return [name for name in _tables()["base_to_new"] if name != "average"]


def figures(task: str, dataset: str, method: str) -> Mapping[str, float]:
    """Published accuracies in percent, by our columns; empty where there are none.

    Args:
        task: A task's proper name.
        dataset: The source's name, or ``average`` of the eleven sets in ``base2new``.
        method: A method's name without its variant.
    """
    name = _NAMES.get(method, method)
    if task == "base2new":
        row: Mapping[str, float] = _tables()["base_to_new"].get(dataset, {}).get(name, {})
        columns = {"base": "base", "new": "new", "hm": "harmonic_mean"}
        return {columns[key]: value for key, value in row.items()}
    table: Mapping[str, Any] = _tables().get(_TABLES.get(task, ""), {})
    if table.get("source") != dataset or name not in table["rows"]:
        return {}
    found = dict(zip(table["columns"], table["rows"][name], strict=True))
    found.pop(dataset)  # the source's own accuracy is no column of ours
    found.setdefault("average", round(sum(found.values()) / len(found), 2))
    return found


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    text = (files("gopro.results") / "published_results.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
