"""The result of a run: ``results.json`` and the table that ends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError

SCHEMA = 1

_KEYS = (
    *("schema", "dataset", "task", "method", "variant", "backbone", "shots", "seed"),
    *("test", "zeroshot", "train_seconds", "trainable_parameters"),
)

_TESTS = {"base2new": {"base", "new"}, "few-shot": {"all"}}
"""What tasks test on whose tests have fixed names."""

Measured = Mapping[str, Mapping[str, float]]
"""Test name -> {"accuracy": percent, "n": images, "classes": count}."""


def harmonic_mean(base: float, new: float) -> float:
    """``2 base new / (base + new)``, in percent like its arguments; 0 when both are 0."""
    return 2 * base * new / (base + new) if base + new > 0 else 0.0


def summary(test: Measured) -> dict[str, float]:
    """The one number of a run: the harmonic mean of base and new, else the average accuracy."""
    accuracies = {name: row["accuracy"] for name, row in test.items()}
    if set(accuracies) == {"base", "new"}:
        return {"harmonic_mean": harmonic_mean(accuracies["base"], accuracies["new"])}
    return {"average": sum(accuracies.values()) / len(accuracies)}


def read(folder: Path) -> dict[str, Any]:
    """The ``results.json`` of a finished run.

    Raises:
        GoproError: When the folder holds none, or one of another version.
    """
    path = folder / "results.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schema = found["schema"]
        fault = _fault(found) if schema == SCHEMA else None
    except FileNotFoundError as error:
        raise GoproError(
            f"{folder} holds no finished run (results.json is missing); train there first"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise GoproError(f"{path} is damaged; train again into another --out") from error
    if schema != SCHEMA:
        raise GoproError(f"{path} has schema {schema}; this gopro reads {SCHEMA}")
    if fault:
        raise GoproError(f"{path} is damaged ({fault}); train again into another --out")
    return found


def _fault(found: Mapping[str, Any]) -> str | None:
    """What is wrong with the entries that tables and pages are made of."""
    missing = sorted(set(_KEYS) - set(found))
    if missing:
        return f"{', '.join(missing)} missing"
    test, zero, notes = found["test"], found["zeroshot"], found.get("notes", [])
    right = {
        **{name: _is_text(found[name]) for name in ("dataset", "task", "method", "backbone")},
        "variant": found["variant"] is None or _is_text(found["variant"]),
        **{name: _is_count(found[name]) for name in ("shots", "seed", "trainable_parameters")},
        "train_seconds": _is_number(found["train_seconds"], 1e12),
        "test": _is_measured(test, found["task"]),
        "zeroshot": isinstance(zero, dict) and _is_measured(zero.get("test"), found["task"]),
        "notes": isinstance(notes, list) and all(map(_is_text, notes)),
        "environment": isinstance(found.get("environment", {}), dict),
        "revision": found.get("revision") is None or _is_text(found["revision"]),
    }
    wrong = [name for name, fine in right.items() if not fine]
    if wrong:
        return f"{wrong[0]!r} is of another kind than wanted"
    for who, rows in (("test", found), ("zeroshot", zero)):
        told = rows.get("templates", {})
        if not isinstance(told, dict) or not all(map(_is_text, told.values())):
            return f"the templates of {who!r} are no texts"
        if rows["test"].keys() != test.keys():
            return "'zeroshot' was measured on other tests"
        if not all(_is_number(rows.get(name), 100) for name in summary(test)):
            return f"the summary of {who!r} is missing"
    return None


def _is_measured(rows: Any, task: str) -> bool:
    """Whether each of a task's tests has its figures."""
    wanted = _TESTS.get(task)
    return (
        isinstance(rows, dict)
        and (set(rows) == wanted if wanted else len(rows) > 0)
        and all(map(_is_text, rows))
        and all(
            isinstance(row, dict)
            and _is_number(row.get("accuracy"), 100)
            and _is_count(row.get("n"))
            and _is_count(row.get("classes"))
            for row in rows.values()
        )
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_number(value: Any, most: float) -> bool:
    return type(value) in (int, float) and 0 <= value <= most
