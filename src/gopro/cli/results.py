"""``gopro results RUN_DIR...``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def results(arguments: Sequence[str]) -> None:
    """Print tables of finished runs, averaged over seeds, with zero-shot CLIP first."""
    parser = Parser(
        prog="gopro results",
        description="Print tables of finished runs, averaged over seeds: mean, sample standard "
        "deviation, and the difference to a baseline with its confidence interval.",
    )
    parser.add_argument(
        "run_dir",
        type=Path,
        nargs="+",
        help="run folders, folders of them, or CSV files of --format runs",
    )
    parser.option("--baseline", str, "zeroshot", "zeroshot, or a method among the runs")
    parser.option(
        "--format",
        Literal["terminal", "markdown", "latex", "csv", "runs"],
        "terminal",
        "format of the tables; runs: no tables, but a CSV row for each run",
    )
    parser.option(
        "--average",
        Literal["image", "class"],
        "image",
        "whether each test image or each class has the same weight; CLIP's paper uses "
        "class for unbalanced data sets",
    )
    parser.flag("--markdown", "short for --format markdown")
    values = parse(parser, arguments)

    from gopro.results.pages.printed import print_runs

    if values["markdown"] and values["format"] not in ("terminal", "markdown"):
        raise GoproError(f"got --markdown and --format {values['format']}; give one of them")
    form = "markdown" if values["markdown"] else values["format"]
    print_runs(values["run_dir"], form, values["baseline"], values["average"])
