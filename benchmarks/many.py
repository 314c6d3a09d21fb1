"""``python -m benchmarks.many MODEL``: time and memory of ``gopro predict`` on 100,000 pictures.

The pictures are links to a few drawn ones of 8 pixels, in folders of 1,000. The command writes a
table, sorts links into class folders and makes a page for review. Its peak memory is compared with
that of the process after the same work on the first folder.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.memory import peak
from gopro.cli.main import main as gopro

_DRAWN = 50
_EACH = 1000


def write_pictures(folder: Path, count: int) -> None:
    """Draw a few pictures, and link to them ``count`` times."""
    dice = np.random.default_rng(0)
    drawn = folder / "drawn"
    drawn.mkdir(parents=True)
    for number in range(_DRAWN):
        pixels = dice.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(drawn / f"{number}.png")
    for number in range(count):
        inside = folder / "pictures" / f"{number // _EACH:04}"
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{number % _EACH:04}.png").symlink_to(drawn / f"{number % _DRAWN}.png")


def predict(model: Path, pictures: Path, out: Path) -> None:
    """Run the command."""
    outputs = ("--csv", out / "a.csv", "--sort-into", out / "sorted", "--link", "--review", 20)
    words = ("predict", model, pictures, *outputs, "--page", out / "review.html")
    with contextlib.redirect_stdout(io.StringIO()):
        assert gopro(list(map(str, words))) == 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("model", type=Path, help="folder made by gopro fit")
    parser.add_argument("--count", type=int, default=100_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gopro-many-") as name:
        folder = Path(name)
        write_pictures(folder, options.count)
        predict(options.model, folder / "pictures" / "0000", folder / "first")
        started = time.monotonic()
        grown = peak(lambda: predict(options.model, folder / "pictures", folder / "all"))
        seconds = time.monotonic() - started
    memory = "unknown" if grown is None else f"{1000 * grown:.0f} MB"
    print(f"{options.count:,} pictures in {seconds:.0f} s; memory grew by {memory}")


if __name__ == "__main__":
    main()
