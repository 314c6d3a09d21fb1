"""``gopro results RUN_DIR...``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gopro.cli.options import Parser, parse


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
    parser.add_argument(
        "--average",
        type=Literal["image", "class"],
        default="image",
        help="whether each test image counts the same, or each class, as CLIP's paper has it for "
        "unbalanced sets",
    )
    parser.add_argument("--markdown", action="store_true", help="short for --format markdown")
    values = parse(parser, arguments)

    from gopro.results.pages.printed import show
    from gopro.results.runfolder import finished

    form = "markdown" if values["markdown"] else values["format"]
    show(finished(values["run_dir"]), form, values["baseline"], values["average"])
