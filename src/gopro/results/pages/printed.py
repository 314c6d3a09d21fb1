"""Tables of finished runs, printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gopro.results import by_class
from gopro.results.pages import formats
from gopro.results.recorded import predictions
from gopro.results.schema import read
from gopro.results.tables import build


def show(
    folders: Sequence[Path],
    form: str = "terminal",
    baseline: str = "zeroshot",
    average: str = "image",
) -> None:
    """Print the tables of finished run folders.

    Args:
        folders: Run folders.
        form: terminal, markdown, latex or csv.
        baseline: See ``build``.
        average: Whether each "image" or each "class" counts the same.

    Raises:
        GoproError: When a run is damaged, named twice, or none is the baseline's.
    """
    runs = [read(folder) for folder in folders]
    if average == "class":
        runs = [
            by_class.averaged(run, predictions(folder))
            for run, folder in zip(runs, folders, strict=True)
        ]
    tables = build(runs, baseline)
    if average == "class":
        tables = [by_class.titled(table) for table in tables]
    if form == "terminal":
        console = Console()
        for table in tables:
            console.print(formats.drawn(table))
    else:
        write = {"markdown": formats.markdown, "latex": formats.latex, "csv": formats.to_csv}
        print(write[form](tables), end="")


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
