"""``python -m benchmarks.crops FOLDER``: random crops of the originals beside crops of the input.

Processor time for a view of a picture, on one core: cut from the original that is kept in memory
(as training does); cut after the file is opened again (as training does when memory is full); and
cut from the picture that was already shrunk to the input, bilinearly, a batch at a time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from gopro.common.preprocessing import Preprocessing
from gopro.data.images import open_image, preprocess
from gopro.data.listing import is_picture, tree
from gopro.data.originals import Originals
from gopro.training.views.crops import crop_and_flip, crop_boxes
from gopro.training.views.draws import Draws
from gopro.training.views.geometry import resample

_SCALE = (0.08, 1.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print milliseconds for a view, and kilobytes for an original."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crops", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=224, help="of the encoder's input")
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    size, how = options.size, Preprocessing(options.size)
    paths = [path for path in tree(options.folder) if is_picture(path.name)][: options.count]
    kept, opened = Originals(open_image, paths, how), Originals(open_image, paths, how, limit=0)
    squares = [preprocess(kept.open(index, None), how) for index in range(len(paths))]
    batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 255

    def cut(originals: Originals[Path]) -> Callable[[], None]:
        def work() -> None:
            for index in range(len(paths)):
                crop_and_flip(originals[index], Draws(0, [index], 0), _SCALE, size)

        return work

    def shrunk() -> None:
        for start in range(0, len(batch), 4):
            part = batch[start : start + 4]
            boxes = crop_boxes(Draws(0, range(start, start + len(part)), 0), size, size, _SCALE)
            matrices = np.zeros((len(part), 2, 3))
            matrices[:, [0, 1], [0, 1]] = boxes[:, 2:] / size
            matrices[:, :, 2] = boxes[:, :2]
            resample(part, matrices, padding="border")

    ways = {
        "of the original in memory": cut(kept),
        "of the original, opened again": cut(opened),
        "of the shrunk picture": shrunk,
    }
    for name, work in ways.items():
        started = time.process_time()
        work()
        print(f"{name}: {1000 * (time.process_time() - started) / len(paths):.2f} ms for a view")
    print(f"{kept.nbytes / len(paths) / 1000:.0f} kB for an original, {len(paths)} pictures")


if __name__ == "__main__":
    main()
