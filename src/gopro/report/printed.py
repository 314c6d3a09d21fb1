"""Tables of finished runs, printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gopro.report import by_class, formats
from gopro.report.recorded import predictions
from gopro.report.tables import build
from gopro.results import read


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
