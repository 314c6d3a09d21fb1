"""Tables of finished runs, printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gopro.report import formats
from gopro.report.tables import build
from gopro.results import read


def show(folders: Sequence[Path], form: str = "terminal", baseline: str = "zeroshot") -> None:
    """Print the tables of finished run folders.

    Args:
        folders: Run folders.
        form: terminal, markdown, latex or csv.
        baseline: See ``build``.

    Raises:
        GoproError: When a run is damaged, named twice, or none is the baseline's.
    """
    tables = build([read(folder) for folder in folders], baseline)
    if form == "terminal":
        console = Console()
        for table in tables:
            console.print(formats.drawn(table))
    else:
        write = {"markdown": formats.markdown, "latex": formats.latex, "csv": formats.to_csv}
        print(write[form](tables), end="")
