"""The result of a run: ``results.json`` and the table that ends it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gopro.errors import GoproError

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


GROUP = ("dataset", "task", "method", "variant", "backbone", "shots")
"""Runs that agree in these differ by seed alone, and are averaged."""


def over_seeds(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Average runs that differ by seed alone.

    Runs of one seed that were tested on different things, such as one run for each domain that
    was left out, count as one.

    Args:
        runs: Contents of ``results.json``, in any order.

    Returns:
        A row a group: the fields of ``GROUP``, ``seeds`` (sorted), ``train_seconds`` (mean),
        ``trainable_parameters``, and
        ``scores`` and ``zeroshot``: column -> (mean, sample standard deviation or None for one
        seed), ``by_seed`` and ``zeroshot_by_seed``: seed -> column -> percent. Columns are the
        test names and ``harmonic_mean`` or ``average``.

    Raises:
        GoproError: When two runs of a group and seed were tested on the same.
    """
    groups: dict[tuple[Any, ...], dict[int, list[Mapping[str, Any]]]] = {}
    for run in runs:
        seeds = groups.setdefault(tuple(run[key] for key in GROUP), {})
        seeds.setdefault(run["seed"], []).append(run)
    rows = []
    for key, seeds in groups.items():
        alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for _, members in sorted(seeds.items()):
            whole = _joined(members)
            alike.setdefault(tuple(sorted(whole["test"])), []).append(whole)
        for members in alike.values():
            ours = {run["seed"]: columns(run) for run in members}
            zero = {run["seed"]: columns(run["zeroshot"]) for run in members}
            rows.append(
                {
                    **dict(zip(GROUP, key, strict=True)),
                    "seeds": list(ours),
                    "scores": spread(list(ours.values())),
                    "zeroshot": spread(list(zero.values())),
                    "by_seed": ours,
                    "zeroshot_by_seed": zero,
                    "train_seconds": statistics.mean(run["train_seconds"] for run in members),
                    "trainable_parameters": members[0]["trainable_parameters"],
                }
            )
    return rows


def _joined(runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Runs of one group and seed as one."""
    if len(runs) == 1:
        return runs[0]
    ours: dict[str, Any] = {}
    zero: dict[str, Any] = {}
    for run in sorted(runs, key=lambda run: sorted(run["test"])):
        twice = ours.keys() & run["test"].keys()
        if twice:
            raise GoproError(
                f"two of the runs of {run['method']} on {run['dataset']} have the same seed "
                f"({run['seed']}) and test ({min(twice)}); name each run once"
            )
        ours.update(run["test"])
        zero.update(run["zeroshot"]["test"])
    return {
        "seed": runs[0]["seed"],
        "train_seconds": statistics.mean(run["train_seconds"] for run in runs),
        "trainable_parameters": runs[0]["trainable_parameters"],
        "test": ours,
        **summary(ours),
        "zeroshot": {"test": zero, **summary(zero)},
    }


def columns(measured: Mapping[str, Any]) -> dict[str, float]:
    """Accuracies by test, and with several tests their summary, last."""
    found = {name: row["accuracy"] for name, row in measured["test"].items()}
    for last in ("harmonic_mean", "average"):
        if last in measured and len(found) > 1:
            found[last] = measured[last]
    return found


def spread(rows: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float | None]]:
    """Column -> mean and sample standard deviation (None for one row), over rows alike."""
    return {
        name: (
            statistics.mean(row[name] for row in rows),
            statistics.stdev(row[name] for row in rows) if len(rows) > 1 else None,
        )
        for name in rows[0]
    }


def print_table(results: Mapping[str, Any]) -> None:
    """Print a run's result with zero-shot CLIP's above it."""
    names = list(results["test"])
    table = Table(title=escape(f"{results['dataset']}, {results['task']}: accuracy in %"))
    table.add_column("method")
    for name in names:
        table.add_column(escape(name), justify="right")
    label = "harmonic mean" if "harmonic_mean" in results else "average"
    if len(names) > 1:
        table.add_column(label, justify="right", style="bold")
    rows = {"zero-shot CLIP": results["zeroshot"]}
    told = results["zeroshot"].get("templates", {})
    if results["method"] != "zeroshot" or results.get("templates", told) != told:
        variant = f" ({results['variant']})" if results["variant"] else ""
        rows[results["method"] + variant] = results
    for title, row in rows.items():
        cells = [f"{row['test'][name]['accuracy']:.2f}" for name in names]
        if len(names) > 1:
            cells.append(f"{row.get('harmonic_mean', row.get('average')):.2f}")
        table.add_row(title, *cells)
    console = Console(width=None)
    console.print(table)
    for title, row in rows.items():
        if row.get("templates", {}) != told or row is results["zeroshot"]:
            for line in _sentences(title, row.get("templates", {}), names):
                console.print(line, markup=False, highlight=False)
    for note in results.get("notes", ()):
        console.print(f"note: {note}", markup=False)


def _sentences(who: str, templates: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """What class names were put into: a line, or one for each test where they differ."""
    if len(set(templates.values())) == 1:
        return [f"{who} asks: {next(iter(templates.values()))}"]
    return [f"{who} asks on {name}: {templates[name]}" for name in names if name in templates]
