"""``python -m benchmarks.many MODEL``: time and memory of ``gopro predict`` on 100,000 pictures.

The pictures are links to a few drawn ones of 8 pixels, in folders of 1,000. The command writes a
table, sorts links into class folders and makes a page for review. It is killed after a tenth of the
pictures, and the same command answers the rest. Its peak memory is compared with that of the
process after the same work on the first folder.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.memory import peak
from gopro.classifier.answers.log import log_of
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


def command(model: Path, pictures: Path, out: Path) -> list[str]:
    """The words of the command after ``gopro``."""
    outputs = ("--csv", out / "a.csv", "--sort-into", out / "sorted", "--link", "--review", 20)
    words = ("predict", model, pictures, *outputs, "--page", out / "review.html")
    return list(map(str, words))


def predict(words: Sequence[str]) -> None:
    """Run the command in this process."""
    with contextlib.redirect_stdout(io.StringIO()):
        assert gopro(words) == 0


def killed(words: Sequence[str], log: Path, answers: int) -> int:
    """Run the command in another process, kill it, and return the number of answers it kept."""
    with subprocess.Popen([sys.executable, "-m", "gopro", *words]) as process:
        while _lines(log) <= answers:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(1)
        process.kill()
    return _lines(log) - 1  # the first line says whose answers they are


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("model", type=Path, help="folder made by gopro fit")
    parser.add_argument("--count", type=int, default=100_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gopro-many-") as name:
        folder = Path(name)
        write_pictures(folder, options.count)
        predict(command(options.model, folder / "pictures" / "0000", folder / "first"))
        words = command(options.model, folder / "pictures", folder / "all")
        result = folder / "all" / "a.csv"
        before = killed(words, log_of(result), options.count // 10)
        started, used = time.monotonic(), time.process_time()
        grown = peak(lambda: predict(words))
        seconds, used = time.monotonic() - started, time.process_time() - used
        with result.open(encoding="utf-8", newline="") as file:
            rows = [row["picture"] for row in csv.DictReader(file)]
    assert len(rows) == len(set(rows)) == options.count
    memory = "unknown" if grown is None else f"{1000 * grown:.0f} MB"
    rest = options.count - before
    print(
        f"killed after {before:,} pictures; the same command answered the other {rest:,} in "
        f"{seconds:.0f} s ({rest / seconds:.1f} a second, {1000 * used / rest:.1f} ms of processor "
        f"time each); the table has all {options.count:,}; memory grew by {memory}"
    )


def _lines(path: Path) -> int:
    """Complete lines of a file."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    main()
