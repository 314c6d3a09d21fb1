"""``python -m benchmarks.fit --root DATA``: what ``gopro fit`` makes of 5 classes x 8 photographs.

Sets of classes of Caltech101 are drawn by a seed, before anything is known of them. For each set
and each seed of the photographs, ``gopro fit`` runs as on the command line on a folder with
photographs of the training split, and is measured on photographs of the test split, beside
zero-shot CLIP. Options behind ``--`` are those of ``gopro fit``, whose defaults were chosen with
other ``--draw``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gopro.data import Dataset, Item, load
from gopro.data.dataset import readable
from gopro.data.fewshot import rank


@dataclass(frozen=True)
class Fitted:
    """One run of ``gopro fit``: accuracies in percent, seconds of the whole command."""

    accuracy: float
    zero_shot: float
    seconds: float


def class_sets(dataset: Dataset, sets: int, classes: int, shots: int, draw: int) -> list[list[int]]:
    """Labels of each set: none in two of them, all with enough photographs to learn from.

    Args:
        dataset: The whole.
        sets: How many.
        classes: In each.
        shots: Photographs of a class.
        draw: The seed.
    """
    counts = [0] * len(dataset.class_names)
    for item in dataset.train:
        counts[item.label] += 1
    enough = [label for label, count in enumerate(counts) if count >= shots]
    enough.sort(key=lambda label: rank(f"sets{draw}", dataset.class_names[label]))
    return [enough[start : start + classes] for start in range(0, sets * classes, classes)]


def photographs(
    dataset: Dataset, labels: Sequence[int], shots: int, held_out: int, seed: int, to: Path
) -> None:
    """Lay out a folder as its owner would: ``train`` and ``test``, a folder for each class.

    Args:
        dataset: Where the pictures come from.
        labels: The classes.
        shots: Photographs of each to learn from.
        held_out: At most so many of each to test on.
        seed: Draws both.
        to: The folder.
    """
    for part, items, most in (("train", dataset.train, shots), ("test", dataset.test, held_out)):
        for label in labels:
            mine = [item for item in items if item.label == label]
            mine.sort(key=lambda item: rank(f"photographs{seed}", item.key))
            _copy(dataset, mine[:most], to / part / readable(dataset.class_names[label]))


def _copy(dataset: Dataset, items: Sequence[Item], folder: Path) -> None:
    folder.mkdir(parents=True)
    for item in items:
        shutil.copy(Path(str(dataset.root)) / item.key, folder)


def fit(folder: Path, seed: int, options: Sequence[str]) -> Fitted:
    """Run the command and read what it measured."""
    model = folder / "model"
    words = ["fit", str(folder / "photographs"), "--out", str(model), "--seed", str(seed)]
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "gopro", *words, *options],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - started
    measured = json.loads((model / "classifier.json").read_text(encoding="utf-8"))["measured"]
    return Fitted(measured["accuracy"], measured["zero_shot"], seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure set by set, and print a row for each."""
    options = _parser().parse_args(arguments)
    dataset = load("caltech101", options.root)
    sets = class_sets(dataset, options.sets, options.classes, options.shots, options.draw)
    print(f"{options.classes} classes x {options.shots} photographs, accuracy in %")
    rows = []
    for labels in sets:
        found = []
        for seed in options.seeds:
            with tempfile.TemporaryDirectory(prefix="gopro-fit-") as name:
                place = Path(name)
                photographs(
                    dataset, labels, options.shots, options.held_out, seed, place / "photographs"
                )
                found.append(fit(place, seed, options.options))
        rows.append(found)
        names = ", ".join(readable(dataset.class_names[label]) for label in labels)
        print(f"{_told(found)}  {names}", flush=True)
    print(f"{_told([one for row in rows for one in row])}  all")


def _told(found: Sequence[Fitted]) -> str:
    ours, zero = ([getattr(one, name) for one in found] for name in ("accuracy", "zero_shot"))
    gains = [one.accuracy - one.zero_shot for one in found]
    spread = f" ± {statistics.stdev(gains):.1f}" if len(gains) > 1 else ""
    seconds = max(one.seconds for one in found)
    return (
        f"fitted {statistics.fmean(ours):5.1f}  zero-shot {statistics.fmean(zero):5.1f}  "
        f"gain {statistics.fmean(gains):+5.1f}{spread}  at most {seconds:3.0f} s"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=__doc__)
    parser.add_argument("--root", type=Path, help="folder of the data sets")
    parser.add_argument("--sets", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--draw", type=int, default=1, help="seed of the sets of classes")
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--held-out", type=int, default=30, help="of a class, at most")
    parser.add_argument("options", nargs="*", help="of gopro fit, behind --")
    return parser


if __name__ == "__main__":
    main()
