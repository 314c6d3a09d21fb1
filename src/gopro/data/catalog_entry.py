"""``Known``: facts about a data set of the catalog; and the default folder of data sets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset

ROOT_VARIABLE = "GOPRO_DATA"
"""Environment variable with the folder of data sets, used without ``--root``."""


@dataclass(frozen=True)
class Known:
    """A data set of the catalog.

    Attributes:
        about: One line of description.
        read: Reads the set from its name, its folder and ``classes``.
        folders: Possible names of its folder in the root; empty for a built-in set.
        classes: Number of classes.
        counts: Published number of images in train, val and test; or in total, if no split is
            published.
        megabytes: Approximate size on disk.
        licence: Short form of its licence; ``source`` has the binding text.
        source: Web page of its authors.
        variants: Sets with its classes in other styles, for domain generalization.
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
        dataset = self.read(name, home or root, self.classes)
        images = len(dataset.train) + len(dataset.val) + len(dataset.test)
        if images == sum(self.counts):
            return dataset
        note = f"{images:,} pictures are here, {sum(self.counts):,} were published"
        return replace(dataset, notes=(*dataset.notes, note))


def default_root() -> Path:
    """``$GOPRO_DATA``, else ``data`` in the current folder."""
    return Path(os.environ.get(ROOT_VARIABLE) or "data")
