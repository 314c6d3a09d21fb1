"""``gopro report RUNS --out report.html``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def report(arguments: Sequence[str]) -> None:
    """Write one HTML page about many runs.

    Raises:
        GoproError: When there is no finished run, a run is damaged, its data is missing for a
            picture, or something can't be written.
    """
    parser = Parser(
        prog="gopro report",
        description="Write one self-contained HTML page about finished runs: tables averaged over "
        "seeds, gains over a baseline, published figures, learning curves, and the classes with "
        "the largest gains and losses.",
    )
    parser.add_argument("run_dir", type=Path, nargs="+", help="run folders, or folders of them")
    parser.option("--out", Path, Path("report.html"), "file of the page")
    parser.flag("--pictures", "also draw picture.png into each run folder")
    parser.option("--root", Path | None, None, "folder of the data sets, for --pictures")
    parser.option("--baseline", str, "zeroshot", "zeroshot, or a method among the runs")
    values = parse(parser, arguments)
    if values["root"] is not None and not values["pictures"]:
        raise GoproError("--root is for --pictures; add it, or leave --root out")

    from gopro.results.pages.sweep_page import write
    from gopro.results.runfolder import finished

    folders = finished(values["run_dir"])
    print(f"written: {write(folders, values['out'], values['baseline'])}")
    if values["pictures"]:
        from gopro.runs.run_picture import draw_picture  # loads matplotlib and torch
        from gopro.runs.workspace import Workspace

        workspace = Workspace()  # a data set is read once for each seed
        changes = {} if values["root"] is None else {"root": values["root"]}
        for folder in folders:
            print(f"written: {draw_picture(folder, changes, workspace)}")
