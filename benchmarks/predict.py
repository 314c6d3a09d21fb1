"""``python -m benchmarks.predict MODEL``: ``gopro predict`` beside the image encoder alone.

Both read the same picture files, in one process and in turns: the complete command (options,
decoding, image encoder, prompts, output), and a loop that decodes with the same threads and code
and runs only the image encoder. Loading the classifier is not timed, because its time does not
depend on the number of pictures.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import torch

from benchmarks.load import drawn
from benchmarks.timing import in_turns
from gopro.backbones.image import to_unit
from gopro.classifier.classifier import PromptClassifier
from gopro.cli import saved
from gopro.cli.main import main as gopro
from gopro.data.pictures import open_picture
from gopro.data.pixels import groups, stack


def encoder(classifier: PromptClassifier, paths: Sequence[str]) -> Callable[[], None]:
    """Only decode and encode: the minimum work for naming these pictures."""
    backbone = classifier.method_.backbone
    visual = backbone.image_encoder.visual

    @torch.no_grad()
    def run() -> None:
        numbered = enumerate(paths)
        how, batch = classifier.preprocessing, classifier.eval_batch
        for group in groups(open_picture, numbered, how, batch, classifier.workers):
            pixels = to_unit(stack(group), backbone.device)
            visual(backbone.image_encoder.normalised(pixels))

    return run


def command(classifier: PromptClassifier, words: Sequence[str]) -> Callable[[], None]:
    """``gopro predict`` with a classifier that is already loaded."""

    def run() -> None:
        with (
            mock.patch.object(saved, "load", lambda folder, values: classifier),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            assert gopro(["predict", *words]) == 0

    return run


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print both ways and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.predict", description=__doc__)
    parser.add_argument("model", type=Path, help="folder made by gopro fit")
    parser.add_argument(
        "--pictures", type=Path, help="folder of pictures; generated ones by default"
    )
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--exact", action="store_true", help="as gopro predict")
    options = parser.parse_args(arguments)
    classifier = PromptClassifier.load(options.model)
    fast = classifier.fast_is_ready and not options.exact
    classifier.set_params(workers=options.workers, fast=fast)
    with tempfile.TemporaryDirectory(prefix="gopro-predict-") as name:
        paths = _paths(options.pictures, options.count, Path(name))
        ways = {
            "image encoder": encoder(classifier, paths),
            "gopro predict": command(classifier, [str(options.model), *paths]),
        }
        times = in_turns(ways, options.rounds, float("inf"))
    print(
        f"{len(paths)} pictures, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    )
    for way, time in times.items():
        rate = len(paths) / time.median
        print(
            f"{way:<14}{time.median:8.2f} s ({time.low:.2f} to {time.high:.2f}){rate:9.1f} a second"
        )
    ratio = times["image encoder"].median / times["gopro predict"].median
    print(f"gopro predict reaches {ratio:.3f} of the images per second of the image encoder alone")


def _paths(folder: Path | None, count: int, temporary: Path) -> list[str]:
    if folder is not None:
        return [str(path) for path in sorted(folder.rglob("*.jpg"))[:count]]
    pictures = drawn(50, side=300)
    paths = [temporary / f"{number:05}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(pictures[number % len(pictures)])
    return [str(path) for path in paths]


if __name__ == "__main__":
    main()
