"""``gopro rerun RUN_DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse
from gopro.cli.test import add_places, places
from gopro.cli.train import stopping
from gopro.common.errors import GoproError


def rerun(arguments: Sequence[str]) -> None:
    """Repeat a run and say in a line whether the same came out.

    Raises:
        GoproError: When something else came out.
    """
    parser = Parser(
        prog="gopro rerun",
        description="Repeat a finished run from its recorded settings, into a folder of its own, "
        "and compare weights, metrics and every prediction, bit for bit.",
    )
    parser.add_argument("run_dir", type=Path, help="a run folder made by gopro train")
    parser.add_argument(
        "--out", type=Path | None, default=None, help="run folder; by default RUN_DIR-rerun"
    )
    add_places(parser)
    values = parse(parser, arguments)

    from gopro.runs.rerun import causes
    from gopro.runs.rerun import rerun as repeat

    folder = Path(values["run_dir"])
    out = values["out"] or folder.with_name(f"{folder.absolute().name}-rerun")
    with stopping("the same command continues"):
        found = repeat(folder, out, places(values), print)
    if found:
        why = causes(folder, out)
        cause = f" ({'; '.join(why)})" if why else ", with the same versions, code and data"
        raise GoproError(f"{out} is not what {folder} was: {'; '.join(found)}{cause}")
    print(f"the same: weights, metrics and predictions of {out} are those of {folder}, bit for bit")
