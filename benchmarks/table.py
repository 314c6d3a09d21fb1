"""The figures as tables in the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

_TITLES = {"step": "A training step", "predict": "Prediction of a batch"}


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    console, machine = Console(), figures["machine"]
    console.print(
        f"{figures['backbone']} ({figures['weights']} weights), {figures['batch']} images, "
        f"{figures['classes']} classes; {machine['chip']}, {machine['cpu']}, {machine['threads']} "
        f"threads, torch {machine['torch']}, load {machine['load'][0]}"
    )
    for precision, differences in figures["agreement"].items():
        words = ", ".join(f"{name} {value:.1e}" for name, value in differences.items())
        console.print(f"agreement in {precision} (largest differences): {words}")
    for task, title in _TITLES.items():
        if task in figures:
            console.print(_table(title, figures[task]["ways"]))
            for name, row in figures[task]["ways"].items():
                if "asked" in row:
                    console.print(f"{name}: {row['asked']}")
            if figures[task]["published_image_by_image"]:
                console.print("published: image by image, because memory is too small")


def _table(title: str, rows: dict[str, Any]) -> Table:
    table = Table(title=title)
    for heading in (
        "way",
        "seconds",
        "fastest",
        "slowest",
        "n",
        "times faster",
        "of minimum",
        "GB",
    ):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name, row in rows.items():
        table.add_row(
            name,
            f"{row['median']:.3f}",
            f"{row['low']:.3f}",
            f"{row['high']:.3f}",
            str(row["count"]),
            _number(row.get("times_faster"), ".1f"),
            _number(row.get("share_of_floor"), ".0%"),
            _number(row.get("peak_gb"), ".2f"),
        )
    return table


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
