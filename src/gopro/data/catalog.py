"""The table of known data sets, one row each, and how a row is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gopro.data.dataset import Dataset
from gopro.data.splits import read_split
from gopro.data.worldset import read_world
from gopro.errors import GoproError

ROOT_VARIABLE = "GOPRO_DATA"
"""Environment variable for the folder of data sets where ``--root`` isn't given."""


@dataclass(frozen=True)
class SplitSet:
    """A set in the CoOp benchmark's layout: ``ROOT/folder/images`` and a split file.

    Attributes:
        folder: The set's folder inside the root.
        images: The folder inside it that the split's paths are relative to.
        split: The split file inside it.
    """

    folder: str
    images: str
    split: str

    def read(self, name: str, root: Path) -> Dataset:
        """Read the set below ``root``.

        Raises:
            GoproError: When folder, split or pictures are missing, or the split is malformed.
        """
        home = root / self.folder
        images, split = home / self.images, home / self.split
        if not home.is_dir():
            raise _absent(f"no folder {home}", images, split)
        if not images.is_dir():
            raise _absent(f"folder {home} has no {self.images}", images, split)
        if not split.is_file():
            raise _absent(f"folder {home} has no {self.split}", images, split)
        read = read_split(split, images)
        return Dataset(name, images, read.class_names, read.train, read.val, read.test)


@dataclass(frozen=True)
class Known:
    """One row: what the set is in one line, and what reads it from the root folder."""

    about: str
    read: Callable[[str, Path], Dataset]


KNOWN: dict[str, Known] = {
    "caltech101": Known(
        "Caltech101: 8,242 photographs of 100 kinds of objects",
        SplitSet("caltech-101", "101_ObjectCategories", "split_zhou_Caltech101.json").read,
    ),
    "world": Known(
        "built in: drawn objects in four styles, made when needed, no download",
        lambda name, root: read_world(),
    ),
}


def default_root() -> Path:
    """``$GOPRO_DATA``, else ``data`` in the current folder."""
    return Path(os.environ.get(ROOT_VARIABLE) or "data")


def _absent(got: str, images: Path, split: Path) -> GoproError:
    return GoproError(f"{got}: wanted {images} and {split}; unpack the set there or pass --root")
