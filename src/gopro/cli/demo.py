"""``gopro demo``: GOPro learns on the built-in world, offline."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse
from gopro.training.config import TrainSettings


def demo(arguments: Sequence[str]) -> None:
    """Train GOPro on half of the classes of world, and test on both halves."""
    parser = Parser(
        prog="gopro demo",
        description="Train GOPro on half of the classes of the built-in data set world, and test "
        "on both halves. It runs offline, with the embedded backbone, in a few minutes.",
    )
    parser.option("--out", Path, Path("runs/demo"), "a new run folder")
    parser.option("--epochs", int, 4, "passes over the training images")
    parser.flag("--show", "open the page of the run at the end")
    values = parse(parser, arguments)

    from gopro.cli.train import show
    from gopro.runs.run_picture import draw_picture

    print("GOPro on the built-in data set world: 56 classes in 4 styles, half of them for training")
    settings = TrainSettings(
        dataset="world", task="base2new", out=values["out"], epochs=values["epochs"]
    )
    folder = show(settings, None)
    print(f"the picture of the run is {draw_picture(folder)}")
    if values["show"]:
        webbrowser.open((folder / "page.html").absolute().as_uri())
