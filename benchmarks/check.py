"""``python -m benchmarks.check FOLDER...``: what ``gopro check`` finds of planted faults.

In each folder of class folders, labels of a part of the pictures are swapped for another class,
drawn anew for each seed, and copies of pictures are planted: one half re-encoded as JPEG of quality
50, the other half at half the size. The table has the share of the swapped pictures among the most
suspicious 5 %, and in the list that ``gopro check`` prints with the length of that list; how many
copies were found, and how many other pairs are named that the folder without copies doesn't have.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image

from gopro.backbones.shared import backbone_key, shared_backbone
from gopro.classifier.check.findings import Finding, find
from gopro.classifier.check.look import Looks, look_at
from gopro.classifier.check.mislabelled import ranked, suspicions
from gopro.data import Dataset, Item
from gopro.data.folder import read_folder

_TOP = 0.05
_COPIES = ("several classes", "held out", "copies")


@dataclass(frozen=True)
class Swapped:
    """Shares of the swapped pictures: in the first 5 %, in the list; and the list's length."""

    first: float
    listed: float
    length: int


def swapped(looks: Looks, labels: Sequence[int], share: float, seed: int) -> Swapped:
    """Swap labels and look for them.

    Args:
        looks: With features.
        labels: The true ones of the pictures in ``looks.quality``.
        share: Of the labels to swap.
        seed: Of the draw.
    """
    assert looks.features is not None
    dice, given = random.Random(seed), list(labels)
    chosen = dice.sample(range(len(given)), round(share * len(given)))
    for index in chosen:
        given[index] = dice.choice([label for label in set(labels) if label != labels[index]])
    order = ranked(looks.features, given)
    first = set(order[: round(_TOP * len(given))])
    listed = {one.index for one in suspicions(looks.features, given)}
    parts = (sum(index in group for index in chosen) / len(chosen) for group in (first, listed))
    return Swapped(*parts, len(listed))


def planted(dataset: Dataset, number: int, folder: Path) -> dict[str, str]:
    """Write copies of pictures into a folder: path of each copy -> key of its original."""
    assert dataset.root is not None
    copies = {}
    chosen = random.Random(0).sample([item.key for item in dataset.train], number)
    for place, key in enumerate(chosen):
        with Image.open(dataset.root / key) as opened:
            image = opened.convert("RGB")
        if place % 2:
            image = image.resize((image.width // 2, image.height // 2))
        path = folder / f"{place}.jpg"
        image.save(path, quality=50 if place % 2 == 0 else 90)
        copies[path.as_posix()] = key
    return copies


def pairs(found: Sequence[Finding]) -> set[frozenset[str]]:
    """All pairs of pictures that are said to be the same."""
    return {
        frozenset((one, other))
        for finding in found
        if finding.kind in _COPIES
        for one in finding.keys
        for other in finding.keys
        if one < other
    }


def measure(folder: Path, share: float, seeds: Sequence[int], copies: int) -> str:
    """A folder's row of the table."""
    dataset = read_folder(folder, hold_out=False)
    assert dataset.root is not None
    label_of = {item.key: item.label for item in dataset.train}
    backbone = shared_backbone(backbone_key("lite", None, "auto", "fp32"), hashed=False).backbone
    started = time.process_time()
    looks = look_at(dataset.root, sorted(label_of), backbone=backbone)
    looking = time.process_time() - started
    started = time.process_time()
    labels = [label_of[key] for key in looks.quality]
    results = [swapped(looks, labels, share, seed) for seed in seeds]
    learning = (time.process_time() - started) / (2 * len(seeds))
    with tempfile.TemporaryDirectory() as temporary:
        originals = planted(dataset, copies, Path(temporary))
        more = look_at(dataset.root, sorted(originals))
    items = [Item(key, label_of[original]) for key, original in originals.items()]
    both = Looks(
        (*looks.keys, *more.keys),
        {**looks.errors, **more.errors},
        {**looks.quality, **more.quality},
        type(looks.fingerprints).joined([looks.fingerprints, more.fingerprints]),
    )
    before = pairs(find(dataset, replace(looks, features=None)))
    after = pairs(find(replace(dataset, train=(*dataset.train, *items)), both))
    wanted = {frozenset(pair) for pair in originals.items()}
    wrong = after - before - wanted
    firsts = " ".join(f"{100 * one.first:.0f}" for one in results)
    listed = " ".join(f"{100 * one.listed:.0f} of {one.length}" for one in results)
    return (
        f"| {folder.name} | {len(labels):,} | {firsts} | {listed} | "
        f"{len(wanted & after)} of {copies} | {len(wrong)} | {looking:.0f} | {learning:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of class folders")
    parser.add_argument("--share", type=float, default=0.02, help="of the labels to swap")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| folder | pictures | swapped in the first 5 %, % | in the list, % | copies | wrong | "
          "s looking | s learning |\n|---|---:|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    for folder in options.folders:
        print(measure(folder, options.share, range(options.seeds), options.copies), flush=True)


if __name__ == "__main__":
    main()
