"""``Known``: facts about a data set of the catalog; and the default folder of data sets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data.dataset import Dataset

ROOT_VARIABLE = "GOPRO_DATA"
"""Environment variable with the folder of data sets, used without ``--root``."""


Reader = Callable[[str, Path, int], Dataset]
"""Reads a set from its name, its folder and its expected number of classes."""


class Size(NamedTuple):
    """Number of classes; published images in train, val and test, or in total; MB on disk."""

    classes: int
    counts: tuple[int, ...]
    megabytes: int = 0


@dataclass(frozen=True)
class Known:
    """A data set of the catalog.

    Attributes:
        about: One line of description.
        read: Reads the set.
        folders: Possible names of its folder in the root; empty for a built-in set.
        size: Its published size.
        licence: Short form of its licence; ``source`` has the binding text.
        source: Web page of its authors.
        variants: Sets with its classes in other styles, for domain generalization.
        taken_from: Sets that all or some of its pictures are from.
    """

    about: str
    read: Reader
    folders: tuple[str, ...]
    size: Size
    licence: str = ""
    source: str = ""
    variants: tuple[str, ...] = ()
    taken_from: tuple[str, ...] = ()

    def home(self, root: Path) -> Path | None:
        """The set's folder in ``root``; None when there is none."""
        return next((root / name for name in self.folders if (root / name).is_dir()), None)

    def load(self, name: str, root: Path) -> Dataset:
        """Read the set in ``root``; adds a note when its size isn't the published one.

        Raises:
            GoproError: When it is missing, incomplete or malformed.
        """
        home = self.home(root)
        if home is None and self.folders:
            raise GoproError(
                f"no folder {root / self.folders[0]}: wanted {name} there (from {self.source}); "
                "unpack it, or pass --root"
            )
        dataset = self.read(name, home or root, self.size.classes)
        images = len(dataset.train) + len(dataset.val) + len(dataset.test)
        published = sum(self.size.counts)
        if images == published:
            return dataset
        note = f"{images:,} pictures are here, {published:,} were published"
        return replace(dataset, notes=(*dataset.notes, note))


def default_root() -> Path:
    """``$GOPRO_DATA``, else ``data`` in the current folder."""
    return expanded(os.environ.get(ROOT_VARIABLE) or "data")
