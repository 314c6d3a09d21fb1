"""The folder of ``gopro fit``: opened, told about, and split into parts."""

from __future__ import annotations

import dataclasses
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gopro.classifier.check.findings import find as find_faults
from gopro.classifier.check.findings import in_short
from gopro.classifier.check.look import Looks, look_at
from gopro.common.errors import GoproError
from gopro.common.text import listed
from gopro.data import Dataset, Item, labelled
from gopro.data.labelled import Labelled
from gopro.data.parts import layout

_TOLD = ("other files", "unreadable")
"""Findings that have their own lines."""


def look(dataset: Dataset, workers: int | None) -> Looks:
    """Open all images of a folder once."""
    assert dataset.root is not None
    items = (*dataset.train, *dataset.val, *dataset.test)
    return look_at(dataset.root, sorted(item.key for item in items), workers)


def readable(dataset: Dataset, looks: Looks, *, skip: bool) -> Dataset:
    """The folder without unreadable images, which are all printed.

    Raises:
        GoproError: When there are some and they are not to be skipped, or a class has no others.
    """
    errors = looks.errors
    if not errors:
        return dataset
    for error in errors.values():
        print(error)
    if not skip:
        raise GoproError(
            f"{len(errors):,} of {len(looks.keys):,} images can't be read, all listed above; "
            "repair or remove them, or add --skip-bad to leave them out"
        )
    parts: dict[str, Any] = {
        part: tuple(item for item in getattr(dataset, part) if item.key not in errors)
        for part in ("train", "val", "test")
    }
    for part, items in parts.items():
        before = {item.label for item in getattr(dataset, part)}
        empty = sorted(before - {item.label for item in items})
        if empty and part != "val":
            name = dataset.class_names[empty[0]]
            raise GoproError(f"class {name!r} has no readable images to {part}; add some")
    print(f"left out: {len(errors):,} unreadable images")
    return dataclasses.replace(dataset, **parts)


def parts(
    dataset: Dataset, folder: Path, values: Mapping[str, Any]
) -> tuple[Labelled, Labelled, Labelled]:
    """The images to train, validate and test on.

    A validation part that nobody made is used for training, unless it chooses the epoch.

    Raises:
        GoproError: When corrections have left a class images to test on, and none to train on.
    """
    parts: tuple[Sequence[Item], ...] = (dataset.train, dataset.val, dataset.test)
    if values["all"]:
        parts = ((*dataset.train, *dataset.val, *dataset.test), (), ())
    elif "val" not in layout(folder).parts and values["select"] != "best":
        parts = ((*dataset.train, *dataset.val), (), dataset.test)
    untrained = {item.label for item in parts[2]} - {item.label for item in parts[0]}
    if untrained:
        names = sorted(dataset.class_names[label] for label in untrained)
        raise GoproError(
            f"the corrections leave class {listed(names)} no images to train on, and some to "
            "measure on; add images, or use all of them for training with --all"
        )
    train, validation, test = (labelled.of_items(dataset, items) for items in parts)
    return train, validation, test


def summary(
    dataset: Dataset, looks: Looks, folder: Path, seed: int, corrections: Sequence[Path]
) -> list[str]:
    """What the folder holds, and what is wrong with it, in a few lines."""
    items = (*dataset.train, *dataset.val, *dataset.test)
    counts = Counter(item.label for item in items).values()
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    found = find_faults(dataset, looks)
    lines = [f"{folder}: {len(items)} images of {len(counts)} classes, {each} per class"]
    lines += [f"note: {note}" for note in layout(folder).notes]
    others = [finding.detail for finding in found if finding.kind == "other files"]
    if others:
        lines.append(f"ignored, no supported image format: {', '.join(others)}")
    faults = in_short(finding for finding in found if finding.kind not in _TOLD)
    if faults:
        words = ["gopro", "check", str(folder), *(["--seed", str(seed)] if seed != 1 else [])]
        words += ["--corrections", *map(str, corrections)] if corrections else []
        lines.append(f"found: {faults}; `{shlex.join(words)}` shows them")
    return lines
