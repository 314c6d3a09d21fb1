"""``gopro report RUNS --out report.html``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse


def report(arguments: Sequence[str]) -> None:
    """Write one page about many runs.

    Raises:
        GoproError: When there is no finished run, one is damaged, or the page can't be written.
    """
    parser = Parser(
        prog="gopro report",
        description="Write one self-contained HTML page about finished runs: tables over seeds, "
        "gains over a baseline, published figures, learning curves, classes gained and lost.",
    )
    parser.add_argument("run_dir", type=Path, nargs="+", help="run folders, or folders of them")
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="the page's file")
    parser.add_argument(
        "--baseline", type=str, default="zeroshot", help="zeroshot, or a method among the runs"
    )
    values = parse(parser, arguments)

    from gopro.results.pages.sweep_page import write
    from gopro.results.runfolder import finished

    print(f"written: {write(finished(values['run_dir']), values['out'], values['baseline'])}")
