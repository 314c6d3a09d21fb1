"""Pictures without labels: a folder of them, or a data set's training pictures."""

from __future__ import annotations

import random
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data.dataset import Dataset, Item
from gopro.data.listing import is_picture, tree


def read_unlabelled(folder: str | Path) -> Dataset:
    """A folder of pictures, at any depth, as a data set without classes; all are ``train``.

    Raises:
        GoproError: When the folder can't be read or has fewer than two pictures.
    """
    folder = expanded(folder)
    files = [file for file in tree(folder) if is_picture(file.name)]
    if len(files) < 2:
        raise GoproError(
            f"{folder} has {len(files)} pictures; wanted a folder of at least 2 pictures without "
            "labels"
        )
    items = tuple(Item(file.relative_to(folder).as_posix(), 0) for file in files)
    return Dataset(f"unlabelled:{folder.resolve().name}", folder, (), items, (), ())


def draw_some(items: tuple[Item, ...], most: int | None, seed: int) -> tuple[Item, ...]:
    """At most this many items, drawn with the seed, in their order."""
    if most is None or most >= len(items):
        return items
    chosen = sorted(random.Random(seed).sample(range(len(items)), most))
    return tuple(items[index] for index in chosen)
