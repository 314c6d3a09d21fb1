"""Few-shot samples: a seed gives the same images on every machine; saved as JSON.

``Rule`` names the two ways to draw: ``hash``, ours, and ``coop``, that of the CoOp code.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gopro.common.errors import GoproError
from gopro.common.files import write_json
from gopro.data.dataset import Dataset, Item

VALIDATION_SHOTS = 4
"""Most validation images per class, as in the CoOp benchmark."""

Rule = Literal["hash", "coop"]
"""How a sample is drawn: see ``draw``."""


@dataclass(frozen=True)
class Sample:
    """A few-shot sample of a data set, with the data set's labels.

    Attributes:
        dataset: The data set's name.
        split: ``Dataset.fingerprint()`` of the split it was drawn from.
        shots: Training images per class.
        seed: The seed it was drawn with.
        train: ``shots`` items per class; all of a class that has fewer, if ``rule`` is coop.
        val: Up to ``min(shots, 4)`` items per class that aren't in ``train``.
        rule: How it was drawn.
    """

    dataset: str
    split: str
    shots: int
    seed: int
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    rule: Rule = "hash"


def draw(
    dataset: Dataset, shots: int, seed: int, labels: Collection[int], rule: Rule = "hash"
) -> Sample:
    """Draw training and validation images for some classes of a data set.

    With ``hash`` (see ``sample``), validation images are training images that weren't drawn; when
    these run out, images of the validation split. Training images come first because the embedded
    backbone was trained on Caltech101's validation split. With ``coop`` (see ``coop_samples``),
    they are drawn from the validation split. The test split is never used.

    Args:
        dataset: The data set to draw from.
        shots: Training images per class, at least 1.
        seed: Any integer; another seed gives another sample.
        labels: The classes to draw for, as labels of the data set.
        rule: How to draw.

    Raises:
        GoproError: When ``shots`` is below 1 or a class has too few training images.
    """
    wanted = set(labels)
    if rule == "coop":
        samples = coop_samples(dataset.train, dataset.val, shots, seed)
        train, val = (tuple(i for i in part if i.label in wanted) for part in samples)
        for label in sorted(wanted - {item.label for item in train}):
            raise _too_few(0, shots, dataset.class_names[label])
    else:
        train, val = _hash_samples(dataset, shots, seed, wanted)
    return Sample(dataset.name, dataset.fingerprint(), shots, seed, train, val, rule)


def _hash_samples(
    dataset: Dataset, shots: int, seed: int, labels: Collection[int]
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    items = [item for item in dataset.train if item.label in labels]
    train = sample(items, shots, seed, class_names=dataset.class_names, labels=labels)
    drawn = set(train)
    rest = _by_label(item for item in items if item not in drawn)
    from_val = _by_label(item for item in dataset.val if item.label in labels)
    val: list[Item] = []
    for label in sorted(labels):
        pool = _ranked(rest.get(label, []), seed) + _ranked(from_val.get(label, []), seed)
        val += pool[: min(shots, VALIDATION_SHOTS)]
    return train, tuple(val)


def sample(
    items: Iterable[Item],
    shots: int,
    seed: int,
    *,
    class_names: Sequence[str] | None = None,
    labels: Collection[int] | None = None,
) -> tuple[Item, ...]:
    """Draw ``shots`` items of each class.

    The items with the smallest SHA-256 of seed and key are drawn. So a sample depends on the seed
    and the keys only, not on the machine, the Python version, the order of the items or the other
    classes; and a sample of 4 shots contains the sample of 2.

    Args:
        items: The items to draw from.
        shots: Items per class, at least 1.
        seed: Any integer; another seed gives another sample.
        class_names: Class names for error messages.
        labels: The classes to draw for; default: all labels in ``items``.

    Returns:
        The drawn items, class by class.

    Raises:
        GoproError: When ``shots`` is below 1 or a class has fewer items.
    """
    _check_shots(shots)
    classes = _by_label(items)
    drawn: list[Item] = []
    for label in sorted(classes.keys() if labels is None else labels):
        pool = classes.get(label, [])
        if len(pool) < shots:
            name = class_names[label] if class_names is not None else f"number {label}"
            raise _too_few(len(pool), shots, name)
        drawn += _ranked(pool, seed)[:shots]
    return tuple(drawn)


def coop_samples(
    train: Iterable[Item], val: Iterable[Item], shots: int, seed: int
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Draw the training and validation images that the CoOp code draws for a seed.

    Python's generator is seeded once. For the training images and then for the validation images,
    class by class in the order in which the classes first appear, ``random.sample`` draws
    ``shots`` (of the validation images at most 4) of the class's images in their given order. A
    class with fewer images gives all of them, without a draw.

    All classes take part in the draw, also in base-to-new, and the order of the images counts: in
    the benchmark's split files it is that of the published runs.

    Source: ``generate_fewshot_dataset`` of Dassl (commit c61a1b5) as CoOp (commit ff61507) calls
    it.

    Args:
        train: All training images of the data set.
        val: All images of its validation split.
        shots: Training images per class, at least 1.
        seed: Any integer.

    Raises:
        GoproError: When ``shots`` is below 1.
    """
    _check_shots(shots)
    generator = random.Random(seed)

    def drawn(items: Iterable[Item], count: int) -> Iterator[Item]:
        for pool in _by_label(items).values():
            yield from generator.sample(pool, count) if len(pool) >= count else pool

    return tuple(drawn(train, shots)), tuple(drawn(val, min(shots, VALIDATION_SHOTS)))


def save_sample(path: str | Path, sample: Sample) -> None:
    """Write a sample as JSON: relative paths, seed, shots and the fingerprint of the split.

    Raises:
        GoproError: When the file can't be written.
    """
    write_json(
        path,
        {
            "schema": 1,
            "dataset": sample.dataset,
            "split_sha256": sample.split,
            "shots": sample.shots,
            "seed": sample.seed,
            "rule": sample.rule,
            "train": [[item.key, item.label] for item in sample.train],
            "val": [[item.key, item.label] for item in sample.val],
        },
    )


def load_sample(path: str | Path, dataset: Dataset) -> Sample:
    """Read a sample and check that it was drawn from this data set's split.

    Raises:
        GoproError: When the file is missing or isn't a sample, was drawn from another data set or
            split, or lists images that aren't in the training or validation split.
    """
    try:
        raw: Any = json.loads(Path(path).read_bytes())
        name, split = str(raw["dataset"]), str(raw["split_sha256"])
        shots, seed, rule = int(raw["shots"]), int(raw["seed"]), raw.get("rule", "hash")
        rows = {part: [(key, label) for key, label in raw[part]] for part in ("train", "val")}
    except OSError as error:
        raise GoproError(f"can't read sample {path} ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise GoproError(f"{path} isn't a few-shot sample; draw it again with the seed") from error
    if split != dataset.fingerprint():
        raise GoproError(
            f"sample {path} was drawn from another split (data set {name}) than the "
            f"one of {dataset.name} here; draw it again with the seed"
        )
    by_row = {(item.key, item.label): item for item in (*dataset.train, *dataset.val)}
    try:
        train, val = (tuple(by_row[row] for row in rows[part]) for part in ("train", "val"))
    except (KeyError, TypeError) as error:
        raise GoproError(
            f"sample {path} names pictures that aren't training data of {dataset.name}; "
            "draw it again with the seed"
        ) from error
    return Sample(name, split, shots, seed, train, val, rule)


def rank(seed: int | str, key: str) -> bytes:
    """Sort key of an image in the draw of a seed: SHA-256 of both; the smallest are drawn first."""
    # a file name that isn't UTF-8 has its bytes as surrogates
    return hashlib.sha256(f"{seed}/{key}".encode(errors="surrogateescape")).digest()


def _check_shots(shots: int) -> None:
    if shots < 1:
        raise GoproError(f"got {shots} shots; wanted at least 1 image per class (--shots 16)")


def _too_few(count: int, shots: int, name: str) -> GoproError:
    remedy = f"use --shots {count} or less, or add pictures" if count else "add pictures"
    return GoproError(
        f"class {name} has {count} training pictures and {shots} shots were wanted; {remedy}"
    )


def _ranked(items: Iterable[Item], seed: int) -> list[Item]:
    return sorted(items, key=lambda item: (rank(seed, item.key), item.key))


def _by_label(items: Iterable[Item]) -> dict[int, list[Item]]:
    classes: dict[int, list[Item]] = {}
    for item in items:
        classes.setdefault(item.label, []).append(item)
    return classes
