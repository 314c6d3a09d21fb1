"""``gopro rerun RUN_DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse
from gopro.cli.test import add_places, places
from gopro.cli.train import stopping
from gopro.common.errors import GoproError


def rerun(arguments: Sequence[str]) -> None:
    """Repeat a run and print whether the outcome is the same.

    Raises:
        GoproError: When the outcome differs.
    """
    parser = Parser(
        prog="gopro rerun",
        description="Repeat a finished run with its recorded settings in a new folder, and compare "
        "weights, metrics and all predictions bit for bit.",
    )
    parser.add_argument("run_dir", type=Path, help="a run folder made by gopro train")
    parser.option("--out", Path | None, None, "new run folder; by default RUN_DIR/rerun")
    add_places(parser)
    values = parse(parser, arguments)

    from gopro.runs.rerun import causes
    from gopro.runs.rerun import rerun as repeat

    folder = Path(values["run_dir"])
    out = values["out"] or folder / "rerun"
    with stopping("the same command continues"):
        differences = repeat(folder, out, places(values), print)
    if differences:
        why = causes(folder, out)
        cause = f" ({'; '.join(why)})" if why else ", with the same versions, code and data"
        raise GoproError(f"{out} differs from {folder}: {'; '.join(differences)}{cause}")
    print(
        f"the same: weights, metrics and predictions of {out} equal those of {folder} bit for bit"
    )
