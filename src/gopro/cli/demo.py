"""``gopro demo``: GOPro learns on the built-in world, offline."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, parse
from gopro.training.config import TrainSettings


def demo(arguments: Sequence[str]) -> None:
    """Train zero-shot CLIP's rival on half of the world's classes, test on both halves."""
    parser = Parser(
        prog="gopro demo",
        description="Train GOPro on half of the built-in world's classes and test on both halves: "
        "offline, on the embedded backbone, in a few minutes.",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="a new run folder")
    parser.add_argument("--epochs", type=int, default=6, help="passes over the training images")
    parser.add_argument("--show", action="store_true", help="open the page when it is done")
    values = parse(parser, arguments)

    from gopro.cli.train import show

    print("GOPro on the built-in world: 56 drawn things in 4 styles, half of them to learn from.")
    settings = TrainSettings(
        dataset="world", task="base2new", out=values["out"], epochs=values["epochs"]
    )
    folder = show(settings, None)
    if values["show"]:
        webbrowser.open((folder / "page.html").absolute().as_uri())
