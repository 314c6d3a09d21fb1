"""What is known of a data set before it is read, and where data sets lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset

ROOT_VARIABLE = "GOPRO_DATA"
"""Environment variable for the folder of data sets where ``--root`` isn't given."""


@dataclass(frozen=True)
class Known:
    """One row of the table.

    Attributes:
        about: What the set is, in one line.
        read: Name, the set's folder and ``classes`` -> the set.
        folders: Names its folder may have inside the root; none for a set that is drawn.
        classes: Number of classes.
        counts: Published pictures of train, val and test, or of all where no split is published.
        megabytes: About what it takes on disk.
        licence: What its makers ask, in a few words; their page counts.
        source: Their page.
        variants: Sets that differ from it in style alone, for domain generalization.
    """

    about: str
    read: Callable[[str, Path, int], Dataset]
    folders: tuple[str, ...]
    classes: int
    counts: tuple[int, ...]
    megabytes: int = 0
    licence: str = ""
    source: str = ""
    variants: tuple[str, ...] = ()

    def home(self, root: Path) -> Path | None:
        """The set's folder below ``root``, or None where it isn't there."""
        return next((root / name for name in self.folders if (root / name).is_dir()), None)

    def load(self, name: str, root: Path) -> Dataset:
        """Read the set below ``root``; fewer pictures than published are noted.

        Raises:
            GoproError: When it isn't there, or is incomplete or malformed.
        """
        home = self.home(root)
        if home is None and self.folders:
            raise GoproError(
                f"no folder {root / self.folders[0]}: wanted {name} there (from {self.source}); "
                "unpack it, or pass --root"
            )
        read = self.read(name, home or root, self.classes)
        found, published = len(read.train) + len(read.val) + len(read.test), sum(self.counts)
        if found == published:
            return read
        note = f"{found:,} pictures are here, {published:,} were published"
        return replace(read, notes=(*read.notes, note))


def default_root() -> Path:
    """``$GOPRO_DATA``, else ``data`` in the current folder."""
    return Path(os.environ.get(ROOT_VARIABLE) or "data")
