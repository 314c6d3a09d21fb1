"""``python -m benchmarks.fit --root DATA``: accuracy of ``gopro fit`` on 5 classes x 8 photographs.

A seed draws sets of classes of Caltech101. For each set and each seed of the photographs,
``gopro fit`` runs as on the command line on photographs of the training split, and is tested on
photographs of the test split, beside zero-shot CLIP. Options after ``--`` are passed to
``gopro fit``; its defaults were chosen with another ``--draw``.
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

from gopro.common.text import readable
from gopro.data import Dataset, Item, load
from gopro.data.fewshot import rank


@dataclass(frozen=True)
class Fitted:
    """One run of ``gopro fit``: accuracies in percent, and seconds of the whole command."""

    accuracy: float
    zero_shot: float
    seconds: float


def class_sets(dataset: Dataset, sets: int, classes: int, shots: int, draw: int) -> list[list[int]]:
    """The labels of each set. No class is in two sets, and each has enough training photographs.

    Args:
        dataset: The data set.
        sets: Number of sets.
        classes: Classes per set.
        shots: Photographs per class.
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
    """Copy photographs into the folders ``train`` and ``test``, one sub-folder per class.

    Args:
        dataset: Source of the photographs.
        labels: The classes.
        shots: Training photographs per class.
        held_out: Test photographs per class, at most.
        seed: Of the choice of photographs.
        to: The folder.
    """
    for part, items, most in (("train", dataset.train, shots), ("test", dataset.test, held_out)):
        for label in labels:
            of_class = [item for item in items if item.label == label]
            of_class.sort(key=lambda item: rank(f"photographs{seed}", item.key))
            _copy(dataset, of_class[:most], to / part / readable(dataset.class_names[label]))


def _copy(dataset: Dataset, items: Sequence[Item], folder: Path) -> None:
    folder.mkdir(parents=True)
    for item in items:
        shutil.copy(Path(str(dataset.root)) / item.key, folder)


def fit(folder: Path, seed: int, options: Sequence[str]) -> Fitted:
    """Run the command and read its results."""
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
    """Measure every set and print one row for each."""
    options = _parser().parse_args(arguments)
    dataset = load("caltech101", options.root)
    sets = class_sets(dataset, options.sets, options.classes, options.shots, options.draw)
    print(f"{options.classes} classes x {options.shots} photographs, accuracy in %")
    rows = []
    for labels in sets:
        results = []
        for seed in options.seeds:
            with tempfile.TemporaryDirectory(prefix="gopro-fit-") as name:
                folder = Path(name)
                photographs(
                    dataset, labels, options.shots, options.held_out, seed, folder / "photographs"
                )
                results.append(fit(folder, seed, options.options))
        rows.append(results)
        names = ", ".join(readable(dataset.class_names[label]) for label in labels)
        print(f"{_summary(results)}  {names}", flush=True)
    print(f"{_summary([one for row in rows for one in row])}  all")


def _summary(results: Sequence[Fitted]) -> str:
    ours, zero = ([getattr(one, name) for one in results] for name in ("accuracy", "zero_shot"))
    gains = [one.accuracy - one.zero_shot for one in results]
    spread = f" ± {statistics.stdev(gains):.1f}" if len(gains) > 1 else ""
    seconds = max(one.seconds for one in results)
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
    parser.add_argument("--held-out", type=int, default=30, help="per class, at most")
    parser.add_argument("options", nargs="*", help="options of gopro fit, after --")
    return parser


if __name__ == "__main__":
    main()
