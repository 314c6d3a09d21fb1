"""``gopro results RUN_DIR...``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.commands.options import Parser, parse


def results(arguments: Sequence[str]) -> None:
    """Print finished runs, seeds averaged, with zero-shot CLIP above the methods."""
    parser = Parser(
        prog="gopro results",
        description="Average finished runs over seeds: mean and sample standard deviation.",
    )
    parser.add_argument("run_dir", type=Path, nargs="+", help="run folders, or folders of them")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    values = parse(parser, arguments)

    from gopro.runfolder import finished

    show(finished(values["run_dir"]), values["markdown"])


def show(folders: Sequence[Path], markdown: bool = False) -> None:
    """Print the tables of finished run folders."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gopro.results import over_seeds, read

    rows = over_seeds([read(folder) for folder in folders])
    for (dataset, task, backbone, shots, *_), table in _tables(rows).items():
        title = f"{dataset}, {task}, {shots} shots, {backbone}: accuracy in %"
        if markdown:
            print(f"{title}\n")
            print("\n".join("| " + " | ".join(cells) + " |" for cells in _ruled(table)), end="\n\n")
            continue
        drawn = Table(*map(escape, table[0]), title=escape(title))
        for cells in table[1:]:
            drawn.add_row(*cells)
        Console().print(drawn)


def _tables(rows: Sequence[dict[str, Any]]) -> dict[tuple[Any, ...], list[list[str]]]:
    """A table of strings for each data set, task and set of tests, its head first."""
    tables: dict[tuple[Any, ...], list[list[str]]] = {}
    for row in rows:
        key = (row["dataset"], row["task"], row["backbone"], row["shots"], *row["scores"])
        table = tables.setdefault(key, [])
        if not table:
            columns = [name.replace("_", " ") for name in row["scores"]]
            table.append(["method", *columns, "seeds", "training s"])
            table.append(["zero-shot CLIP", *_cells(row["zeroshot"]), "", ""])
        if row["method"] == "zeroshot":
            continue
        variant = f" ({row['variant']})" if row["variant"] else ""
        seeds = ", ".join(str(seed) for seed in row["seeds"])
        seconds = f"{row['train_seconds']:.0f}"
        table.append([row["method"] + variant, *_cells(row["scores"]), seeds, seconds])
    return tables


def _cells(scores: dict[str, tuple[float, float | None]]) -> list[str]:
    # without a spread where there is none: one seed, or nothing that depends on it
    return [
        f"{mean:.2f} ± {spread:.2f}" if spread else f"{mean:.2f}"
        for mean, spread in scores.values()
    ]


def _ruled(table: list[list[str]]) -> list[list[str]]:
    return [table[0], ["---", *["---:"] * (len(table[0]) - 1)], *table[1:]]
