"""Published accuracies, to compare with ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

_NAMES = {"zeroshot": "clip"}
"""Methods with another name in the published tables."""

_TABLES = {"cross-dataset": "cross_dataset", "domain-generalization": "domain_generalization"}

BACKBONE = "ViT-B-16"
SHOTS = 16
"""Backbone and shots of the published figures."""


def source() -> str:
    """The source of the figures."""
    return str(_tables()["source"])


def short_source() -> str:
    """Source, backbone and shots of the figures, in a few words."""
    return f"{source().partition(', result')[0]}, {BACKBONE}, {SHOTS} shots"


def methods() -> list[str]:
    """Our names of the methods that have published figures."""
    ours = {theirs: name for name, theirs in _NAMES.items()}
    return [ours.get(name, name) for name in _tables()["base_to_new"]["average"]]


def datasets() -> list[str]:
    """The data sets of the base-to-new comparison."""
    return [name for name in _tables()["base_to_new"] if name != "average"]


def figures(task: str, dataset: str, method: str) -> Mapping[str, float]:
    """Published accuracies in percent by our column names; empty where there are none.

    Args:
        task: The task's full name.
        dataset: The data set trained on, or ``average`` of the eleven sets in ``base2new``.
        method: The method's name without its variant.
    """
    name = _NAMES.get(method, method)
    if task == "base2new":
        base_to_new: Mapping[str, float] = _tables()["base_to_new"].get(dataset, {}).get(name, {})
        columns = {"base": "base", "new": "new", "hm": "harmonic_mean"}
        return {columns[key]: value for key, value in base_to_new.items()}
    table: Mapping[str, Any] = _tables().get(_TABLES.get(task, ""), {})
    if table.get("source") != dataset or name not in table["rows"]:
        return {}
    row = dict(zip(table["columns"], table["rows"][name], strict=True))
    row.pop(dataset)  # our tables have no column for the data set trained on
    row.setdefault("average", round(sum(row.values()) / len(row), 2))
    return row


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    text = (files("gopro.results") / "published_results.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables
