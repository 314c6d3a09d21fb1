"""Few-shot samples: the same pictures for a seed on every machine, kept as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.common.files import write_json
from gopro.data.dataset import Dataset, Item

VALIDATION_SHOTS = 4
"""At most so many validation pictures a class, as in the CoOp benchmark."""


@dataclass(frozen=True)
class Sample:
    """A few-shot sample of a data set, with the data set's own labels.

    Attributes:
        dataset: The data set's name.
        split: ``Dataset.fingerprint()`` of the split it was drawn from.
        shots: Training pictures a class.
        seed: What the pictures were drawn with.
        train: ``shots`` items a class.
        val: Up to ``min(shots, 4)`` items a class that ``train`` doesn't hold.
    """

    dataset: str
    split: str
    shots: int
    seed: int
    train: tuple[Item, ...]
    val: tuple[Item, ...]


def draw(dataset: Dataset, shots: int, seed: int, labels: Collection[int]) -> Sample:
    """Draw training and validation pictures for some of a data set's classes.

    Validation pictures are training pictures that weren't drawn, and after them those of the
    validation split. In this order because the embedded backbone was trained on
    Caltech101's validation split, and pictures it has seen measure nothing. The test split is never
    touched.

    Args:
        dataset: Where to draw from.
        shots: Training pictures a class, at least 1.
        seed: Any integer; another seed gives another sample.
        labels: The classes to draw for, as labels of the data set.

    Raises:
        GoproError: When ``shots`` is below 1 or a class has fewer training pictures.
    """
    wanted = set(labels)
    items = [item for item in dataset.train if item.label in wanted]
    train = sample(items, shots, seed, class_names=dataset.class_names, labels=wanted)
    drawn = set(train)
    rest = _by_label(item for item in items if item not in drawn)
    spare = _by_label(item for item in dataset.val if item.label in wanted)
    val: list[Item] = []
    for label in sorted(wanted):
        pool = _ranked(rest.get(label, []), seed) + _ranked(spare.get(label, []), seed)
        val += pool[: min(shots, VALIDATION_SHOTS)]
    return Sample(dataset.name, dataset.fingerprint(), shots, seed, train, tuple(val))


def sample(
    items: Iterable[Item],
    shots: int,
    seed: int,
    *,
    class_names: Sequence[str] | None = None,
    labels: Collection[int] | None = None,
) -> tuple[Item, ...]:
    """Draw ``shots`` items of each class.

    Each item's place in the draw is the SHA-256 of the seed and its key. So a sample depends on
    nothing but the pictures' names: not on the machine, the version of Python, the order of the
    items, or on which other classes there are; and the sample of 4 shots holds that of 2.

    Args:
        items: What to draw from.
        shots: Items a class, at least 1.
        seed: Any integer; another seed gives another sample.
        class_names: Names for the message when a class is too small.
        labels: The classes that must be there; default: those that are.

    Returns:
        The drawn items, class after class.

    Raises:
        GoproError: When ``shots`` is below 1 or a class has fewer items.
    """
    if shots < 1:
        raise GoproError(f"got {shots} shots; wanted at least 1 picture a class (--shots 16)")
    classes = _by_label(items)
    drawn: list[Item] = []
    for label in sorted(classes.keys() if labels is None else labels):
        pool = classes.get(label, [])
        if len(pool) < shots:
            name = class_names[label] if class_names is not None else f"number {label}"
            remedy = f"use --shots {len(pool)} or less, or add pictures" if pool else "add pictures"
            raise GoproError(
                f"class {name} has {len(pool)} training pictures and {shots} shots were wanted; "
                f"{remedy}"
            )
        drawn += _ranked(pool, seed)[:shots]
    return tuple(drawn)


def save_sample(path: str | Path, drawn: Sample) -> None:
    """Write a sample as JSON: relative paths, and what it was drawn from.

    Raises:
        GoproError: When the file can't be written.
    """
    write_json(
        path,
        {
            "schema": 1,
            "dataset": drawn.dataset,
            "split_sha256": drawn.split,
            "shots": drawn.shots,
            "seed": drawn.seed,
            "train": [[item.key, item.label] for item in drawn.train],
            "val": [[item.key, item.label] for item in drawn.val],
        },
    )


def load_sample(path: str | Path, dataset: Dataset) -> Sample:
    """Read a sample and check that it is one of this data set's split.

    Raises:
        GoproError: When the file is missing, isn't a sample, belongs to another data set or
            split, or names pictures that the training data doesn't hold.
    """
    try:
        raw: Any = json.loads(Path(path).read_bytes())
        name, split = str(raw["dataset"]), str(raw["split_sha256"])
        shots, seed = int(raw["shots"]), int(raw["seed"])
        rows = {part: [(key, label) for key, label in raw[part]] for part in ("train", "val")}
    except OSError as error:
        raise GoproError(f"can't read sample {path} ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise GoproError(f"{path} isn't a few-shot sample; draw it again with the seed") from error
    if split != dataset.fingerprint():
        raise GoproError(
            f"sample {path} was drawn from another split (data set {name}) than the "
            f"{dataset.name} at hand; draw it again with the seed"
        )
    known = {(item.key, item.label): item for item in (*dataset.train, *dataset.val)}
    try:
        train, val = (tuple(known[row] for row in rows[part]) for part in ("train", "val"))
    except (KeyError, TypeError) as error:
        raise GoproError(
            f"sample {path} names pictures that aren't training data of {dataset.name}; "
            "draw it again with the seed"
        ) from error
    return Sample(name, split, shots, seed, train, val)


def rank(seed: int | str, key: str) -> bytes:
    """Where a picture stands in the draw of a seed: the lowest come first."""
    return hashlib.sha256(f"{seed}/{key}".encode()).digest()


def _ranked(items: Iterable[Item], seed: int) -> list[Item]:
    return sorted(items, key=lambda item: (rank(seed, item.key), item.key))


def _by_label(items: Iterable[Item]) -> dict[int, list[Item]]:
    classes: dict[int, list[Item]] = {}
    for item in items:
        classes.setdefault(item.label, []).append(item)
    return classes
