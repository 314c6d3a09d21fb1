"""The folder of ``gopro fit``: opened, told about, and split into parts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gopro.classifier.check.findings import find as find_faults
from gopro.classifier.check.findings import in_short
from gopro.classifier.check.look import Looks, look_at
from gopro.common.errors import GoproError
from gopro.common.text import counted, listed
from gopro.data import Dataset, Item, labelled
from gopro.data.labelled import Labelled
from gopro.data.parts import layout
from gopro.data.pictures import Picture
from gopro.results.pages.commandline import shell_line

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
    _tell(looks, skip=skip)
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
    print(f"left out: {counted(len(errors), 'unreadable image')}")
    return dataclasses.replace(dataset, **parts)


def others(
    found: Sequence[Path],
    dataset: Dataset,
    looks: Looks,
    learned: Iterable[Picture],
    values: Mapping[str, Any],
) -> list[Path]:
    """The readable images of no known class.

    Args:
        found: The images of ``--others``.
        dataset: The folder that is fitted on.
        looks: Its images.
        learned: Those of them to learn from.
        values: Of the command line.

    Raises:
        GoproError: When some can't be read and are not to be skipped, fewer than two are left, or
            some are among those to learn from.
    """
    seen = look_at(Path(), list(map(str, found)), values["workers"])
    if seen.errors:
        _tell(seen, skip=values["skip_bad"])
        print(f"left out: {counted(len(seen.errors), 'unreadable image')} of --others")
    usable = [Path(key) for key in seen.quality]
    if len(usable) < 2:
        raise GoproError(
            f"got {counted(len(usable), 'readable image')} in --others; wanted at least 2"
        )
    assert dataset.root is not None
    paths = set(learned)
    ours = [dataset.root / key in paths for key in looks.quality]
    known = {i for i, j in seen.fingerprints.same_as(looks.fingerprints) if ours[j]}
    if known:
        raise GoproError(
            f"{len(known):,} of {counted(len(usable), 'image')} in --others are also training "
            f"images, such as {usable[min(known)]}; give images of other things"
        )
    return usable


def _tell(looks: Looks, *, skip: bool) -> None:
    """Print the unreadable images.

    Raises:
        GoproError: When they are not to be skipped.
    """
    for error in looks.errors.values():
        print(error)
    if not skip:
        raise GoproError(
            f"{len(looks.errors):,} of {len(looks.keys):,} images can't be read, all listed above; "
            "repair or remove them, or add --skip-bad to leave them out"
        )


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
        lines.append(f"found: {faults}; `{shell_line(words)}` shows them")
    return lines
