"""Choose a method's training settings without using test images or new classes.

    python -m recipes.choose caltech101 --root DATA --method gopro \
        --try "lr=0.01" --try "lr=0.03 epochs=20" --out runs/choose

Only the training split of the first half of the classes is used, in two quarters. Each candidate
trains on 16 images per class of one quarter. It is tested on the remaining training images of this
quarter ("base") and of the other one ("new"). Then the quarters change places; the printed
accuracies are means of both. Reported results have other seeds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from gopro.data import Dataset, load
from gopro.data.fewshot import sample
from gopro.methods import find
from gopro.results import results_json
from gopro.results.runfolder import DONE
from gopro.runs import run
from gopro.training.config import DEFAULT_BACKBONE, TrainSettings

SEED = 101


def inner(dataset: Dataset, shots: int, seed: int, swap: bool = False) -> Dataset:
    """The data set of the candidates: training images of the base classes, split anew.

    Args:
        dataset: The full data set.
        shots: Images per class for training; the others are the test images.
        seed: Seed of this choice.
        swap: Whether the second quarter of the classes comes first.
    """
    half = (len(dataset.class_names) + 1) // 2
    first = (half + 1) // 2
    order = [*range(first, half), *range(first)] if swap else list(range(half))
    names = tuple(dataset.class_names[old] for old in order)
    label = {old: new for new, old in enumerate(order)}
    items = [replace(x, label=label[x.label]) for x in dataset.train if x.label in label]
    chosen = set(sample(items, shots, seed, class_names=names))
    return replace(
        dataset,
        class_names=names,
        train=tuple(item for item in items if item in chosen),
        val=(),
        test=tuple(item for item in items if item not in chosen),
    )


def candidate(text: str) -> dict[str, Any]:
    """Parse a candidate such as "lr=0.03 gopro.w_sem=2"."""
    pairs = [pair.partition("=") for pair in text.split()]
    return {name: _value(value) for name, _, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def measure(
    dataset: Dataset, base: TrainSettings, changes: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Train and test one candidate on one half of the classes; finished runs are reused."""
    prefix = f"{base.method}."
    options = {k.removeprefix(prefix): v for k, v in changes.items() if k.startswith(prefix)}
    general = {k: v for k, v in changes.items() if not k.startswith(prefix)}
    settings = replace(base, out=folder, validate=False, resume=True, **general)
    if not (folder / DONE).exists():
        run.train(settings, find(base.method).Settings(**options), dataset)
    return results_json.read(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every candidate and print them by harmonic mean, the best first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dataset")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--method", default="gopro")
    parser.add_argument("--backbone", default=DEFAULT_BACKBONE)
    parser.add_argument("--shots", type=int, default=16)
    parser.add_argument("--try", action="append", dest="candidates", required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/choose"))
    values = parser.parse_args(arguments)
    dataset = load(values.dataset, values.root)
    halves = [inner(dataset, values.shots, SEED, swap) for swap in (False, True)]
    base = TrainSettings(
        dataset=values.dataset,
        root=values.root,
        method=values.method,
        backbone=values.backbone,
        shots=values.shots,
        seed=SEED,
    )
    rows = []
    for text in values.candidates:
        folder = values.out / f"{values.method} {text}".replace("/", "-").replace(" ", "_")
        results = [
            measure(half, base, candidate(text), folder / f"half{number}")
            for number, half in enumerate(halves, 1)
        ]
        seconds = fmean(each["train_seconds"] for each in results)
        rows.append((*_means(results), seconds, text))
        print(_line(*rows[-1]), flush=True)
    print("\nbest first:")
    for row in sorted(rows, key=lambda row: -row[2]):
        print(_line(*row))
    print(_line(*_means([each["zeroshot"] for each in results]), 0.0, "(zero-shot)"))


def _means(results: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Base and new accuracy and harmonic mean, averaged over the two halves."""
    base, new = (fmean(x["test"][name]["accuracy"] for x in results) for name in ("base", "new"))
    return base, new, fmean(each["harmonic_mean"] for each in results)


def _line(base: float, new: float, mean: float, seconds: float, text: str) -> str:
    return f"base {base:6.2f}  new {new:6.2f}  hm {mean:6.2f}  {seconds:5.0f} s  {text}"


if __name__ == "__main__":
    main()
