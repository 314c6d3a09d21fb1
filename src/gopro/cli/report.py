"""``gopro report RUNS --out report.html``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse


def report(arguments: Sequence[str]) -> None:
    """Write one HTML page about many runs.

    Raises:
        GoproError: When there is no finished run, a run is damaged, or the page can't be written.
    """
    parser = Parser(
        prog="gopro report",
        description="Write one self-contained HTML page about finished runs: tables averaged over "
        "seeds, gains over a baseline, published figures, learning curves, and the classes with "
        "the largest gains and losses.",
    )
    parser.add_argument("run_dir", type=Path, nargs="+", help="run folders, or folders of them")
    parser.option("--out", Path, Path("report.html"), "file of the page")
    parser.option("--baseline", str, "zeroshot", "zeroshot, or a method among the runs")
    values = parse(parser, arguments)

    from gopro.results.pages.sweep_page import write
    from gopro.results.runfolder import finished

    print(f"written: {write(finished(values['run_dir']), values['out'], values['baseline'])}")
