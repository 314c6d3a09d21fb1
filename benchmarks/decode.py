"""``python -m benchmarks.decode FOLDER``: processor time and pixels of both ways to decode JPEGs.

Photographs of the folder are resized to ``--side`` and saved as JPEGs, as a camera would make them.
Both ways decode and resize the same files, in turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gopro.common.preprocessing import Preprocessing
from gopro.data.images import open_image, preprocess
from gopro.data.listing import is_picture, tree


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the processor time for a picture, and how far the pixels are apart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=1200, help="shorter side of the JPEGs")
    parser.add_argument("--size", type=int, default=224, help="of the encoder's input")
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args(arguments)
    exact = Preprocessing(options.size)
    ways = {"exact": exact, "reduced": exact.with_decode("reduced")}
    seconds = dict.fromkeys(ways, 0.0)
    means, largest = [], []
    with tempfile.TemporaryDirectory(prefix="gopro-decode-") as folder:
        for path in _jpegs(options.folder, Path(folder), options.side, options.count):
            arrays = {}
            for name, how in ways.items():
                started = time.process_time()
                arrays[name] = preprocess(open_image(path, how.reduced_to), how).astype(int)
                seconds[name] += time.process_time() - started
            apart = np.abs(arrays["exact"] - arrays["reduced"])
            means.append(apart.mean())
            largest.append(apart.max())
    for name, total in seconds.items():
        print(f"{name}: {1000 * total / len(means):.1f} ms of processor time for a picture")
    print(
        f"{len(means)} pictures; apart by {np.mean(means):.2f} of 255 on average, at most "
        f"{np.median(largest):.0f} in half of the pictures and {np.max(largest)} in all"
    )


def _jpegs(source: Path, to: Path, side: int, count: int) -> list[Path]:
    files = [path for path in tree(source) if is_picture(path.name)][:count]
    written = []
    for number, file in enumerate(files):
        image = open_image(file)
        ratio = side / min(image.size)
        size = (round(image.width * ratio), round(image.height * ratio))
        written.append(to / f"{number}.jpg")
        image.resize(size, Image.Resampling.BICUBIC).save(written[-1], quality=92)
    return written


if __name__ == "__main__":
    main()
