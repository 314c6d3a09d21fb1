"""``gopro results RUN_DIR...``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gopro.commands.options import Parser, parse


def results(arguments: Sequence[str]) -> None:
    """Print finished runs, seeds averaged, with zero-shot CLIP above the methods."""
    parser = Parser(
        prog="gopro results",
        description="Average finished runs over seeds: mean and sample standard deviation, and "
        "the difference to a baseline with its confidence interval.",
    )
    parser.add_argument("run_dir", type=Path, nargs="+", help="run folders, or folders of them")
    parser.add_argument(
        "--baseline", type=str, default="zeroshot", help="zeroshot, or a method among the runs"
    )
    parser.add_argument(
        "--format",
        type=Literal["terminal", "markdown", "latex", "csv"],
        default="terminal",
        help="how the tables are printed",
    )
    parser.add_argument("--markdown", action="store_true", help="short for --format markdown")
    values = parse(parser, arguments)

    from gopro.runfolder import finished

    form = "markdown" if values["markdown"] else values["format"]
    show(finished(values["run_dir"]), form, values["baseline"])


def show(folders: Sequence[Path], form: str = "terminal", baseline: str = "zeroshot") -> None:
    """Print the tables of finished run folders.

    Raises:
        GoproError: When a run is damaged, named twice, or none is the baseline's.
    """
    from rich.console import Console

    from gopro.report import formats
    from gopro.report.tables import build
    from gopro.results import read

    tables = build([read(folder) for folder in folders], baseline)
    if form == "terminal":
        console = Console()
        for table in tables:
            console.print(formats.drawn(table))
    else:
        write = {"markdown": formats.markdown, "latex": formats.latex, "csv": formats.to_csv}
        print(write[form](tables), end="")
